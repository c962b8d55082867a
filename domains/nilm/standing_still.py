"""Submeters that stand still while the mains move: a plug that reports changes, of which one was held too long.

The first step of a use is the mean of a part of it. A plug that then sees no change reports nothing, and a table that
holds its last mean goes on with that: 400 W for a quarter of an hour in which the mains rise by 2.3 kW.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...shared.reading.gaps import runs
from .appliances import APPLIANCES, Appliance
from .house import House, Watts

NEAR = 5  # steps on either side, the least of which is what the mains have beside the appliance
MOVES_W = 300.0
LEAST = 0.5  # of the power from which an appliance runs: in standby it is still for hours
USUAL, ROOM = 0.95, 1.15  # share of the steps in use, and times the power they have: full power, within
LONGEST = pd.Timedelta("30min")  # a plug that was held for longer may have been dead
WORTH_SAYING = 0.05  # of the energy


class Held(NamedTuple):
    """Steps in which a meter kept the reading of the step before them, though the mains say otherwise."""

    rows: slice
    kept_w: float
    power_w: float  # what the mains say that it takes, NaN where that is not known


def stands_still(one: Appliance, power_w: Watts, mains_w: Watts, step: pd.Timedelta) -> list[str]:
    """A line where much of an appliance's energy was metered by a value that was held while the mains said otherwise.

    power_w, mains_w  (time,) W
    """
    share = _share(held(one, power_w, mains_w, step), power_w)
    if share <= WORTH_SAYING:
        return []
    return [
        f"the meter of the {one.title} stands still while the mains move with it by {MOVES_W:g} W or more, in "
        f"{share:.0%} of its energy: it reports late or seldom, and answers scored against it look worse than they are"
    ]


def with_meters_moved(house: House) -> House:
    """The house with the power that its mains show wherever a meter stands still in much of its energy.

    NaN stands where that is not known. For judging sums of energy: what such a meter missed would be taken for what an
    answer has too much. Houses without such a meter come back as they are.
    """
    powers = dict(house.appliances_w)
    for name, power_w in house.appliances_w.items():
        found = held(APPLIANCES[name].at(house.step), power_w, house.mains_w, house.step)
        if _share(found, power_w) > WORTH_SAYING:
            powers[name] = power_w.copy()
            for one in found:
                powers[name][one.rows] = np.minimum(one.power_w, house.mains_w[one.rows])
    moved = any(powers[name] is not power_w for name, power_w in house.appliances_w.items())
    return replace(house, appliances_w=powers) if moved else house


def held(one: Appliance, power_w: Watts, mains_w: Watts, step: pd.Timedelta) -> list[Held]:
    """Where the mains beside an appliance rise as it starts and fall as it ends, all the while that its meter is still.

    power_w, mains_w  (time,) W
    What the mains rose by is added to what was held, where that makes full power or less; where it makes more, or was
    held for very long, nothing is known. What was held at full power is right: something else runs beside it.
    """
    runs_w = np.nan_to_num(power_w)
    if not (runs_w >= one.on_w).any():
        return []
    full, beside = float(np.quantile(runs_w[runs_w >= one.on_w], USUAL)), mains_w - runs_w
    found = []
    for first, length in runs(np.r_[False, np.diff(power_w) == 0] & (runs_w >= LEAST * one.on_w)):
        rows, kept_w = slice(int(first), int(first + length)), float(power_w[first])
        near = np.concatenate([beside[max(rows.start - 1 - NEAR, 0) : rows.start - 1], beside[rows.stop :][:NEAR]])
        if kept_w >= full / ROOM or not np.isfinite(beside[rows]).all() or not np.isfinite(near).any():
            continue
        above = beside[rows] - np.nanmin(near)
        if np.quantile(above, 0.2) > MOVES_W:
            whole_w = kept_w + float(np.median(above))
            is_known = whole_w <= full * ROOM and length * step <= LONGEST
            found.append(Held(rows, kept_w, whole_w if is_known else np.nan))
    return found


def _share(found: list[Held], power_w: Watts) -> float:
    """Of the energy of an appliance as it was metered, what was metered so."""
    whole = float(np.nansum(power_w, dtype=np.float64))
    return sum(one.kept_w * (one.rows.stop - one.rows.start) for one in found) / whole if whole else 0.0
