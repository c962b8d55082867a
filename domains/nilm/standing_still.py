"""Submeters that stand still while the mains move: a plug that reports changes, of which one was held too long.

The first step of a use is the mean of a part of it. A plug that then sees no change reports nothing, and a table that
holds its last mean goes on with that: 400 W for a quarter of an hour in which the mains rise by 2.3 kW.
"""

import numpy as np

from ...shared.reading.gaps import runs
from .appliances import Appliance
from .house import Watts

NEAR = 5  # steps on either side, the least of which is what the mains have beside the appliance
MOVES_W = 300.0
LEAST = 0.5  # of the power from which an appliance runs: in standby it is still for hours
USUAL, ROOM = 0.95, 1.15  # share of the steps in use, and times the power they have: full power, within
WORTH_SAYING = 0.05  # of the energy


def stands_still(one: Appliance, power_w: Watts, mains_w: Watts) -> list[str]:
    """A line where much of an appliance's energy was metered by a value that was held while the mains said otherwise.

    power_w, mains_w  (time,) W
    """
    whole = float(np.nansum(power_w, dtype=np.float64))
    share = sum(float(power_w[rows].sum()) for rows in held(one, power_w, mains_w)) / whole if whole else 0.0
    if share <= WORTH_SAYING:
        return []
    return [
        f"the meter of the {one.title} stands still while the mains move with it by {MOVES_W:g} W or more, in "
        f"{share:.0%} of its energy: it reports late or seldom, and answers scored against it look worse than they are"
    ]


def held(one: Appliance, power_w: Watts, mains_w: Watts) -> list[slice]:
    """Where the mains beside an appliance rise as it starts and fall as it ends, all the while that its meter is still.

    power_w, mains_w  (time,) W
    What was held at full power is right: something else runs beside it.
    """
    runs_w = np.nan_to_num(power_w)
    if not (runs_w >= one.on_w).any():
        return []
    full, beside = float(np.quantile(runs_w[runs_w >= one.on_w], USUAL)), mains_w - runs_w
    found = []
    for first, length in runs(np.r_[False, np.diff(power_w) == 0] & (runs_w >= LEAST * one.on_w)):
        rows = slice(int(first), int(first + length))
        near = np.concatenate([beside[max(rows.start - 1 - NEAR, 0) : rows.start - 1], beside[rows.stop :][:NEAR]])
        if power_w[first] >= full / ROOM or not np.isfinite(beside[rows]).all() or not np.isfinite(near).any():
            continue
        if np.quantile(beside[rows] - np.nanmin(near), 0.2) > MOVES_W:
            found.append(rows)
    return found
