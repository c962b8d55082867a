"""Rows of a table onto a regular grid in time: order, duplicates, step."""

import re

import numpy as np
import pandas as pd

from ..errors import InputError
from .table import plural
from .times import BACK, clock_change

DAY = pd.Timedelta("1D")
LASTING = 24  # steps of another length one after the other that are no gaps any more


def in_order(
    times: pd.DatetimeIndex, values: np.ndarray, names: tuple[str, ...], where: str, hint_zone: bool
) -> tuple[pd.DatetimeIndex, np.ndarray, list[str]]:
    """Sort rows by time and drop rows that repeat another: -> (times, values, what was done).

    times   (row,) on the clock that messages shall use
    values  (row, column), named by `names`
    Raises InputError when two rows of one time differ.
    """
    notes = []
    if not times.is_monotonic_increasing:
        late = times[1:] < times[:-1]
        notes.append(
            f"rows sorted by time: {plural(late.sum(), 'row')} out of order, first {say_time(times[1:][late][0])}"
        )
        order = np.argsort(times.asi8, kind="stable")
        times, values = times[order], values[order]
    if times.is_unique:
        return times, values, notes
    again = np.flatnonzero(times[1:] == times[:-1]) + 1
    differs = ~((values[again] == values[again - 1]) | (np.isnan(values[again]) & np.isnan(values[again - 1])))
    if differs.any():
        at, column = np.argwhere(differs)[0]
        row, stamp = again[at], times[again[at]]
        raise InputError(
            f"{where}: {say_time(stamp)} stands twice with different {names[column]!r}: {values[row - 1, column]:g} "
            f"and {values[row, column]:g} ({plural(differs.any(1).sum(), 'such time')}); keep one of them"
            f"{clock_change(stamp, BACK) if hint_zone else ''}."
        )
    notes.append(f"{plural(len(again), 'duplicate row')} dropped, first {say_time(times[again[0]])}")
    return times.delete(again), np.delete(values, again, axis=0), notes


def on_grid(
    times: pd.DatetimeIndex, values: np.ndarray, step: str | pd.Timedelta | None, where: str
) -> tuple[pd.DatetimeIndex, np.ndarray, pd.Timedelta]:
    """Put rows onto steps of equal length, NaN where a row is missing: -> (times, values, step).

    The step is the difference between neighbours that occurs most often, unless given.
    Raises InputError when a row falls between two steps, or the step itself changes for a day or more.
    """
    since = times.asi8 - times.asi8[0]
    if step is None:
        width = _step(since, where)
        _refuse_change_of_step(times, width, where)
    else:
        width = duration(step, "step")
    phase = since % width.value
    usual = _most_common(phase)
    if (off := phase != usual).any():
        first = times[off.argmax()]
        raise InputError(
            f"{where}: {off.sum():,} of {plural(len(times), 'row')} do not fall on steps of "
            f"{say_duration(width)}, first {say_time(first)}; "
            "make the steps equal, for instance table.resample('1h').mean(), or give the true step=. Days and months "
            "of a clock with summer time are not equal: leave the zone out for daily data."
        )
    place = since // width.value
    length = int(place[-1]) + 1
    if length == len(times):
        return times, values, width
    if length > 10 * len(times) + 1000:
        jump = int(np.diff(since).argmax())
        raise InputError(
            f"{where}: {len(times):,} rows at steps of {say_duration(width)} spread over {length:,} steps; nothing "
            f"stands between {say_time(times[jump])} and {say_time(times[jump + 1])}; correct a mistyped date, or "
            "give the true step=."
        )
    grid = np.full((length, values.shape[1]), np.nan)
    grid[place] = values
    start = times[0].tz_convert("UTC")
    return pd.date_range(start, periods=length, freq=width, unit="ns").tz_convert(times.tz), grid, width


def _refuse_change_of_step(times: pd.DatetimeIndex, width: pd.Timedelta, where: str) -> None:
    steps = np.diff(times.asi8)
    if (steps == width.value).all():
        return
    other = np.flatnonzero(steps != width.value)
    bounds = np.flatnonzero(np.diff(steps[other]) | (np.diff(other) > 1)) + 1
    for run in np.split(other, bounds):
        if len(run) >= LASTING and (every := pd.Timedelta(int(steps[run[0]]), unit="ns")) < DAY:
            raise InputError(
                f"{where}: the rows are {say_duration(every)} apart from {say_time(times[run[0]])} to "
                f"{say_time(times[run[-1] + 1])} and {say_duration(width)} elsewhere; bring them to one step, for "
                "instance table.resample('1h').mean(), or cut the file there."
            )


def duration(text: str | pd.Timedelta, what: str) -> pd.Timedelta:
    """Read a length of time such as `30min`, `24h`, `2d`; raises InputError when it is not a positive one."""
    spelled = str(text) if str(text).startswith("P") else str(text).replace("H", "h")  # PT3H, 3H
    try:
        length = pd.Timedelta(spelled) if re.search("[A-Za-z:]", spelled) else pd.NaT  # bare numbers mean nanoseconds
    except ValueError:
        length = pd.NaT
    if pd.isna(length) or length <= pd.Timedelta(0):
        raise InputError(f"{what}={text!r} is not a positive length of time; write it as 30min, 3h or 2d.")
    return length


def say_duration(length: pd.Timedelta) -> str:
    """Write a length of time as a person would: `30 min`, `5 h`, `2 d 4 h`."""
    parts = length.components
    words = [
        (parts.days, "d"),
        (parts.hours, "h"),
        (parts.minutes, "min"),
        (parts.seconds, "s"),
        (parts.milliseconds, "ms"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in words if count) or "0 s"


def _step(since: np.ndarray, where: str) -> pd.Timedelta:
    if len(since) < 2:
        raise InputError(f"{where} has one row; a step between rows needs two.")
    return pd.Timedelta(_most_common(np.diff(since)), unit="ns")


def _most_common(integers: np.ndarray) -> int:
    found, count = np.unique(integers, return_counts=True)
    return int(found[count.argmax()])


def say_time(stamp: pd.Timestamp) -> str:
    """Write a time to the minute, on the clock it carries."""
    return f"{stamp:%Y-%m-%d %H:%M}"
