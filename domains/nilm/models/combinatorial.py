"""Combinatorial optimisation (Hart 1992, "Nonintrusive appliance load monitoring", Proc. IEEE 80)."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..appliances import Appliance
from ..house import Estimate, House, Watts
from ..lessons import combinations, joint_powers, lessons, on_power, power_levels

NIGHT = 5  # hours after midnight


class Combinatorial:
    """In each step the combination of appliance levels whose sum is nearest to the mains above the base load.

    Each step stands alone, so whatever else runs in the house is taken for an appliance: the classical reference,
    cheap and poor. The base load is the house's own: the median over days of the lowest mains of the night.
    """

    def __init__(self, levels: int = 2) -> None:
        self.levels = levels  # at most so many powers an appliance runs at, besides off
        self.levels_: dict[str, Watts] = {}

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Cluster the on-power of each appliance; raises InputError when no house has one."""
        self.levels_ = {one.name: power_levels(on_power(lessons(houses, one)), self.levels) for one in appliances}
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """Powers of the nearest combination; of equal sums the one with fewest appliances on."""
        names, real = sorted(self.levels_), np.isfinite(house.mains_w)
        levels = [self.levels_[name] for name in names]
        powers = joint_powers(levels, combinations(levels))
        totals, first = np.unique(powers.sum(1), return_index=True)
        above = house.mains_w[real] - base_load(house)
        chosen = powers[first[np.searchsorted((totals[1:] + totals[:-1]) / 2, above)]]
        return {name: estimate(chosen[:, i], real) for i, name in enumerate(names)}

    def parameters(self) -> int:
        """Fitted powers."""
        return sum(len(one) - 1 for one in self.levels_.values())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Levels by appliance."""
        return dict(self.levels_)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        made.levels_ = {name: np.array(level, dtype=np.float32) for name, level in arrays.items()}
        return made


def base_load(house: House) -> float:
    """Median over days of the lowest mains of the night, by day where no night is known; W, 0 without readings."""
    local, real = house.local(), np.isfinite(house.mains_w)
    chosen = real & (local.hour < NIGHT)
    chosen = chosen if chosen.any() else real
    if not chosen.any():
        return 0.0
    days = np.unique(local[chosen].normalize(), return_index=True)[1]
    return float(np.median(np.minimum.reduceat(house.mains_w[chosen], np.sort(days))))


def estimate(power_w: Watts, real: NDArray[np.bool_]) -> Estimate:
    """Powers of the real steps put in their places, on wherever there is any."""
    placed = np.full((2, len(real)), np.nan, dtype=np.float32)
    placed[:, real] = power_w, power_w > 0
    return Estimate(placed[0], placed[1])
