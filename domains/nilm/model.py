"""What every way of splitting the mains promises, so that all of them stand in one table."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from numpy.typing import NDArray

from .appliances import Appliance
from .house import Estimate, House


class MainsModel(Protocol):
    """Learns from submetered houses, answers for a house of which only the mains are known.

    Houses stand on the same step (one minute unless said). A house that lacks an appliance teaches nothing of it.
    Rows whose mains or appliance are NaN are neither learnt from nor answered (NaN).
    """

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Learn; raises InputError when no house has an appliance."""

    def predict(self, house: House) -> dict[str, Estimate]:
        """Estimates by name of the appliance, from `house.mains_w` and its clock alone."""

    def parameters(self) -> int:
        """Fitted numbers."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learnt, for a safetensors file."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
