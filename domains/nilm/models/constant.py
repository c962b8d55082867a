"""The predictors that do not look at the mains: nothing, and the mean."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..appliances import Appliance
from ..house import Estimate, House
from ..lessons import lessons

Slots = NDArray[np.intp]


class MeanPower:
    """Every step takes the mean of training; on with the share of time the appliance ran."""

    slots: ClassVar[int] = 1  # of the clock, each with a mean of its own

    def __init__(self) -> None:
        self.tables_: dict[str, NDArray[np.float32]] = {}  # by appliance, (2, slot): W and share of time on

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Means over all houses that have the appliance; a slot without readings takes the mean of all slots.

        Raises InputError when no house has an appliance.
        """
        self.tables_ = {}
        for appliance in appliances:
            sums = np.zeros((3, self.slots))
            for one in lessons(houses, appliance):
                slot = self.slot(one.house)[one.real]
                weights = (np.ones(len(slot)), one.power_w[one.real], one.on[one.real])
                sums += [np.bincount(slot, weight, self.slots) for weight in weights]
            overall = sums[1:].sum(1, keepdims=True) / sums[0].sum()
            table = np.where(sums[0] > 0, sums[1:] / np.maximum(sums[0], 1), overall)
            self.tables_[appliance.name] = table.astype(np.float32)
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """The mean of the slot of each step; NaN where the mains have no reading."""
        slot, hidden = self.slot(house), np.where(np.isfinite(house.mains_w), 0, np.nan).astype(np.float32)
        return {
            name: Estimate(table[0, slot] + hidden, table[1, slot] + hidden) for name, table in self.tables_.items()
        }

    def slot(self, house: House) -> Slots:
        """Slot of the clock of each step; (time,)."""
        return np.zeros(len(house.times), dtype=np.intp)

    def parameters(self) -> int:
        """Fitted numbers."""
        return sum(table.size for table in self.tables_.values())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The tables by appliance."""
        return dict(self.tables_)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        made.tables_ = {name: np.array(table, dtype=np.float32) for name, table in arrays.items()}
        return made


class Zero(MeanPower):
    """Nothing ever runs, although how often it did is known: the line that every error has to be read against."""

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Share of time on; raises InputError when no house has an appliance."""
        super().fit(houses, appliances)
        for table in self.tables_.values():
            table[0] = 0
        return self
