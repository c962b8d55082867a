"""Splits in time, by house; never one house's windows at random."""

from collections.abc import Sequence

import numpy as np

from ...shared.errors import InputError
from .house import House


def first_and_last(houses: Sequence[House], share: float = 0.75) -> tuple[list[House], list[House]]:
    """The first `share` of each house's readings, and the rest, cut between days.

    Raises InputError for a house of fewer than eight days, whose parts would hold too little.
    """
    for house in houses:
        count, day = int(np.isfinite(house.mains_w).sum()), house.per_day()
        if count < 8 * day:
            raise InputError(f"{house.name} has {count / day:.1f} days of readings; 8 are needed to split them.")
    return cut(houses, share)


def cut(houses: Sequence[House], share: float) -> tuple[list[House], list[House]]:
    """Each house in two where this share of its readings is behind, between days; a part may be empty."""
    first, last = [], []
    for house in houses:
        real, day = np.cumsum(np.isfinite(house.mains_w)), house.per_day()
        at = round(int(np.searchsorted(real, share * real[-1:].sum())) / day) * day
        first.append(house.rows(slice(0, at)))
        last.append(house.rows(slice(at, None)))
    return first, last
