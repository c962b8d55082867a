"""Missing values: found as gaps, filled within a limit the user sets, and said."""

from collections import defaultdict

import numpy as np
import pandas as pd

from ..errors import InputError
from .grid import say_duration, say_time
from .table import plural
from .times import FORWARD, clock_change

INTERPOLATED = pd.Timedelta("3h")  # longer gaps take the values of the same time one week away
WEEK = pd.Timedelta("7d")


def runs(missing: np.ndarray) -> np.ndarray:
    """First row and length of each unbroken run of True; (time,) -> (gap, 2)."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    return np.stack([edges[::2], edges[1::2] - edges[::2]], axis=1)


def fill(
    values: np.ndarray,
    names: tuple[str, ...],
    times: pd.DatetimeIndex,
    step: pd.Timedelta,
    limit: pd.Timedelta,
    where: str,
    hint_zone: bool = False,
    absent: str = "",
) -> tuple[np.ndarray, list[str]]:
    """Fill the gaps of each column where they stand: -> (filled (time, column) bool, what was done).

    values  (time, column), NaN where missing; changed in place
    Up to 3 h a gap is bridged by a straight line (the nearest value at an end; 0/1 columns stay 0/1); a longer one
    takes the same time one week before, else after. Both may look past the gap, so nothing may be scored there.
    absent  why values of the file count as missing, for the message
    Raises InputError when a gap is longer than `limit` or nothing is left to fill it from.
    """
    missing = np.isnan(values)
    gaps = {int(column): runs(missing[:, column]) for column in np.flatnonzero(missing.any(axis=0))}
    _refuse_long(gaps, names, times, step, limit, where, hint_zone, absent)
    done: dict[tuple[str, int, int, int], list[str]] = defaultdict(list)
    for column, found in gaps.items():
        # Without a whole number of steps in a week there is no same time to copy from.
        bridged = found[:, 1] * step <= (limit if WEEK % step else INTERPOLATED)
        _bridge(values[:, column], found[bridged])
        _copy_weeks(values[:, column], found[~bridged], WEEK // step, f"{where}: {names[column]!r}", times)
        for part, how in (
            (found[bridged], "bridged by a straight line"),
            (found[~bridged], "filled with the same time one week before, else after"),
        ):
            if len(part):
                done[how, len(part), int(part[:, 1].sum()), int(part[0, 0])].append(names[column])
    return missing, [
        f"{plural(count, 'gap')} ({plural(rows, 'row')}) in {', '.join(columns)} {how}, first {say_time(times[first])}"
        f"{clock_change(times[first], FORWARD) if hint_zone else ''}"
        for (how, count, rows, first), columns in done.items()
    ]


def _refuse_long(
    gaps: dict[int, np.ndarray],
    names: tuple[str, ...],
    times: pd.DatetimeIndex,
    step: pd.Timedelta,
    limit: pd.Timedelta,
    where: str,
    hint_zone: bool,
    absent: str,
) -> None:
    long = sorted((s, n, column) for column, found in gaps.items() for s, n in found if n * step > limit)
    if not long:
        return
    start, length, column = long[0]
    longest = max(length for _, length, _ in long) * step
    units = [(pd.Timedelta(1, letter), letter) for letter in ("d", "h", "min", "s", "ms")]
    unit, letter = next((pair for pair in units if longest > pair[0]), units[-1])
    enough = f"{-(-longest // unit)}{letter}"
    count = plural(len({(start, length) for start, length, _ in long}), "such gap")
    raise InputError(
        f"{where}: {names[column]!r} has no values from {say_time(times[start])} to "
        f"{say_time(times[start + length - 1])} ({say_duration(length * step)}; up to {say_duration(limit)} is "
        f"filled), the first of {count}, the longest {say_duration(longest)}. Fill them with max_gap={enough!r} "
        f"(--max-gap {enough}), or cut the file to a part without them"
        f"{clock_change(times[start], FORWARD) if hint_zone else ''}{absent and f'; {absent}'}."
    )


def _bridge(series: np.ndarray, found: np.ndarray) -> None:
    if not len(found):
        return
    known = np.flatnonzero(~np.isnan(series))
    at = np.concatenate([np.arange(start, start + length) for start, length in found])
    line = np.interp(at, known, series[known])
    series[at] = np.round(line) if np.isin(series[known], (0.0, 1.0)).all() else line


def _copy_weeks(series: np.ndarray, found: np.ndarray, week: int, what: str, times: pd.DatetimeIndex) -> None:
    for start, length in found:
        for row in range(start, start + length):  # in order, so that a gap of many weeks repeats the week before it
            if row >= week:
                series[row] = series[row - week]
                continue
            later = series[row + week :: week]
            usable = later[~np.isnan(later)]
            if not len(usable):
                raise InputError(f"{what} is missing at {say_time(times[row])} and in every other week; cut the file.")
            series[row] = usable[0]
