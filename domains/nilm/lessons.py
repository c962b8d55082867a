"""What submetered houses teach of one appliance: its power and states where they are known."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError
from .appliances import Appliance
from .house import House, Watts
from .states import on_rule


class Lesson(NamedTuple):
    """One house that has the appliance."""

    house: House
    power_w: Watts  # (time,)
    on: NDArray[np.bool_]  # (time,) by the simple rule
    real: NDArray[np.bool_]  # (time,) mains and appliance are both known


def lessons(houses: Sequence[House], appliance: Appliance) -> list[Lesson]:
    """The houses that have the appliance; raises InputError when none has a reading of it beside its mains."""
    found = []
    for house in houses:
        if appliance.name in house.appliances_w:
            power = house.appliances_w[appliance.name]
            real = np.isfinite(power) & np.isfinite(house.mains_w)
            found.append(Lesson(house, power, on_rule(power, appliance), real))
    if not any(one.real.any() for one in found):
        raise InputError(f"no house of training has readings of the {appliance.title}; give one, or leave it out.")
    return found


def power_levels(power_w: NDArray[np.floating[Any]], count: int) -> Watts:
    """Powers something runs at: 0 for off and at most `count` centres of its power while on.

    power_w  (step,) W while it runs -> (level,) W, rising
    k-means (MacQueen 1967) on one axis, begun at equally spaced quantiles, so the same data give the same levels.
    Fewer when fewer differ; what never ran has the one level 0.
    """
    power = np.sort(power_w).astype(np.float64)
    if not len(power):
        return np.zeros(1, dtype=np.float32)
    centres = np.unique(np.quantile(power, (np.arange(count) + 0.5) / count))
    total = np.r_[0, np.cumsum(power)]
    for _ in range(100):
        cuts = np.unique(np.r_[0, np.searchsorted(power, (centres[1:] + centres[:-1]) / 2), len(power)])
        moved = np.diff(total[cuts]) / np.diff(cuts)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return np.asarray(np.r_[0, centres], dtype=np.float32)


def on_power(found: Sequence[Lesson]) -> Watts:
    """Power of all steps in which the appliance runs; (step,) W."""
    return np.concatenate([one.power_w[one.on & one.real] for one in found])


def nearest_level(power_w: Watts, on: NDArray[np.bool_], levels: Watts) -> NDArray[np.intp]:
    """Level of each step: 0 while off, else the nearest of the others; (time,)."""
    if len(levels) == 1:
        return np.zeros(len(power_w), dtype=np.intp)
    return np.where(on, 1 + np.searchsorted((levels[2:] + levels[1:-1]) / 2, power_w), 0)


def combinations(levels: Sequence[Watts]) -> NDArray[np.intp]:
    """Every joint state, those with few appliances on first; (joint, appliance) numbers of levels."""
    grid = np.indices([len(one) for one in levels]).reshape(len(levels), -1).T
    return np.asarray(grid[np.argsort((grid > 0).sum(1), kind="stable")])


def joint_powers(levels: Sequence[Watts], joint: NDArray[np.intp]) -> Watts:
    """Power of every appliance in every joint state; (joint, appliance) W."""
    return np.stack([one[column] for one, column in zip(levels, joint.T, strict=True)], axis=1)
