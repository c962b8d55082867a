"""What stands before and after the heating that a minute belongs to: further inputs of the boosted trees.

A heater alone does not say whose it is: in REFIT house 2 the washing machine's and the dishwasher's raise the mains by
the same 2.19 kW. What follows says it, counted from the end of the heating and not from each of its minutes: a drum
that turns for an hour, rinses and spins every ten minutes, or a second heating like the first. As in `features` every
input is a difference of mains readings, or a count made of differences.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .features import Floats, quiet_level, steps_of

LASTS = 6  # minutes: what ends sooner, a kettle on top of a wash, is taken off before heatings are looked for
LONGEST = 90  # minutes on either side, for which a heating is followed
STAYS = 0.6  # of its level, for a heating to go on
LEAST_W = 200.0  # above the quiet level of two hours on either side, to be followed
AFTER = (0, 4, 10, 20, 30, 45, 60, 80, 100, 125, 160)  # minutes after its end, between which the mains are looked at
BEFORE = (0, 5, 15, 40)  # and before its begin
BUMPS_W = ((25, 70), (70, 160), (160, 500))  # changes in a step: drums, rinses, spins
BUMPS_AFTER = (0, 20, 50, 100)
CALM_W = 600.0  # above the quiet level: as much as motors take
NEIGHBOUR_W = 1000.0  # from which another heating is one
NEIGHBOUR_MIN = 240  # minutes away, at most
SIGHT = 400  # minutes on either side that can matter


class Heating(NamedTuple):
    """The stretch around each row in which the mains stay near their level or above it, short uses taken off."""

    first: NDArray[np.int64]  # (row,) step
    last: NDArray[np.int64]
    level_w: Floats  # (row,) W above the quiet level


def pulse_features(mains_w: Floats, rows: NDArray[np.int64], step_minutes: float = 1) -> Floats:
    """Inputs of the given rows; mains (time,) without NaN, rows (row,) -> (row, input)."""
    reach = steps_of(SIGHT, step_minutes, 60)
    x, at = np.pad(mains_w.astype(np.float32), reach, mode="edge"), rows + reach
    quiet = quiet_level(x, steps_of(120, step_minutes))
    lasting = opened(x, steps_of(LASTS, step_minutes))
    heating = heating_of(lasting, quiet, at, steps_of(LONGEST, step_minutes))
    columns = _shape(x, lasting, heating, at)
    columns += _surroundings(x, heating, step_minutes)
    columns += _neighbours(x, lasting, quiet, at, step_minutes)
    return np.stack(columns, axis=1).astype(np.float32, copy=False)


def opened(x: Floats, width: int) -> Floats:
    """The mains without what lasts less than `width` steps (a morphological opening); (time,)."""
    low = minimum_filter1d(x, width, mode="nearest")
    return np.asarray(maximum_filter1d(low, width, mode="nearest", origin=-1 if width % 2 == 0 else 0))


def heating_of(lasting: Floats, quiet: Floats, at: NDArray[np.int64], longest: int) -> Heating:
    """First and last step around each row until which `lasting` keeps `STAYS` of its level above the quiet one.

    lasting, quiet  (time,) W; at (row,), at least `longest` steps from either end
    """
    level = lasting[at] - quiet[at]
    enough = quiet[at] + STAYS * level
    ends = []
    for side in (-1, 1):
        end, live = at.copy(), np.flatnonzero(level > LEAST_W)
        for lag in range(1, longest + 1):
            live = live[lasting[at[live] + side * lag] >= enough[live]]
            if not len(live):
                break
            end[live] += side
        ends.append(end)
    return Heating(ends[0], ends[1], level)


def _shape(x: Floats, lasting: Floats, heating: Heating, at: NDArray[np.int64]) -> list[Floats]:
    """Level, length, the steps that begin and end it, and how even it is."""
    first, last, level = heating
    length = last - first + 1
    before, after = _beside(x, first, -1), _beside(x, last, 1)
    rise = lasting[np.minimum(first + 1, last)] - before
    fall = lasting[np.maximum(last - 1, first)] - after
    sums, squares = _running(lasting), _running(lasting.astype(np.float64) ** 2)
    mean = (sums[last + 1] - sums[first]) / length
    spread = np.sqrt(np.maximum((squares[last + 1] - squares[first]) / length - mean**2, 0))
    return [
        level, x[at] - lasting[at], length, at - first, rise, fall, rise - fall, rise - (lasting[at] - before),
        after - before, spread, mean - x[at],
    ]  # fmt: skip


def _surroundings(x: Floats, heating: Heating, step_minutes: float) -> list[Floats]:
    """What motors do after its end and before its begin."""
    calm = np.minimum(x - quiet_level(x, steps_of(60, step_minutes)), CALM_W)
    change = np.abs(np.diff(x, prepend=x[:1]))
    doing = [_running(one) for one in (calm, np.abs(np.diff(calm, prepend=calm[:1])))]
    bumps = [_running((change >= low) & (change < top)) for low, top in BUMPS_W]

    def steps(minutes: tuple[int, ...]) -> list[tuple[int, int]]:
        edges = sorted({round(one) if step_minutes <= 1 else round(one / step_minutes) for one in minutes})
        return list(zip(edges[:-1], edges[1:], strict=True))

    begin, end = heating.first - 1, heating.last + 2  # the steps beside it are partly heating
    after = _beside(x, heating.last, 1)
    columns = [_mean(one, end + low, end + top) for low, top in steps(AFTER) for one in doing]
    columns += [_mean(one, end + low, end + top) for low, top in steps(BUMPS_AFTER) for one in bumps]
    columns += [_mean(one, begin - top, begin - low) for low, top in steps(BEFORE) for one in doing]
    columns.append(_mean(bumps[1], begin - steps_of(30, step_minutes), begin))
    for lasts, middle in ((10, 7), (30, 27), (60, 72)):
        width = steps_of(lasts, step_minutes, 2)
        place = np.clip(heating.last + steps_of(middle, step_minutes, 2), 0, len(x) - 1)
        columns += [maximum_filter1d(x, width)[place] - after, minimum_filter1d(x, width)[place] - after]
    return columns


def _neighbours(x: Floats, lasting: Floats, quiet: Floats, at: NDArray[np.int64], step_minutes: float) -> list[Floats]:
    """How far away, how high and how long the last two heatings before and the next two after are."""
    farthest = steps_of(NEIGHBOUR_MIN, step_minutes, 2)
    above = lasting - quiet
    edges = np.diff((above >= NEIGHBOUR_W).astype(np.int8), prepend=0, append=0)
    first, behind = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)  # the first step, and that after the last
    height = np.array([np.median(above[a:b]) for a, b in zip(first, behind, strict=True)], np.float32)
    here = np.maximum(x[at] - quiet[at], 50)
    past, coming = np.searchsorted(behind, at, side="right") - 1, np.searchsorted(first, at, side="right")
    columns: list[Floats] = []
    for which, edge in ((past, behind), (past - 1, behind), (coming, first), (coming + 1, first)):
        gap, high, long = (np.full(len(at), one, np.float32) for one in (farthest, 0, 0))
        known = np.flatnonzero((which >= 0) & (which < len(edge)))
        away = np.abs(at[known] - edge[which[known]])
        known, away = known[away <= farthest], away[away <= farthest]
        gap[known], high[known] = away, height[which[known]]
        long[known] = (behind - first)[which[known]]
        columns += [gap, high, long, np.where(high > 0, high / here, np.float32(-1))]
    return columns


def _beside(x: Floats, end: NDArray[np.int64], side: int) -> Floats:
    """The lowest of the three steps beside an end; (row,)."""
    return np.asarray(np.min([x[end + side * lag] for lag in (1, 2, 3)], axis=0))


def _running(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.concatenate([[0], np.cumsum(values, dtype=np.float64)])


def _mean(sums: NDArray[np.float64], low: NDArray[np.int64], top: NDArray[np.int64]) -> Floats:
    """Mean from step `low` to before step `top`, of running sums; (row,)."""
    low, top = (np.clip(end, 0, len(sums) - 1) for end in (low, top))
    return np.asarray((sums[top] - sums[low]) / np.maximum(top - low, 1), np.float32)
