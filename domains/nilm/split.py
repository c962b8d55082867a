"""Splits in time, by house; never one house's windows at random."""

from collections.abc import Sequence

import numpy as np

from ...shared.errors import InputError
from .house import House


def first_and_last(houses: Sequence[House], share: float = 0.75) -> tuple[list[House], list[House]]:
    """The first `share` of each house's readings, and the rest, cut between days.

    Raises InputError for a house of fewer than eight days, whose parts would hold too little.
    """
    first, last = [], []
    for house in houses:
        real = np.cumsum(np.isfinite(house.mains_w))
        day = house.per_day()
        count = int(real[-1]) if len(real) else 0
        if count < 8 * day:
            raise InputError(f"{house.name} has {count / day:.1f} days of readings; 8 are needed to split them.")
        at = round(int(np.searchsorted(real, share * count)) / day) * day
        first.append(house.rows(slice(0, at)))
        last.append(house.rows(slice(at, None)))
    return first, last
