"""Numbers that are wrong as values: stand-ins for missing, a unit that changes midway, a meter that stood still."""

import numpy as np
import pandas as pd

from ..errors import InputError
from .gaps import runs
from .grid import say_duration, say_time
from .table import Table, plural

# What loggers and file formats write where nothing was measured.
SENTINELS = np.array(
    [sign * nines for nines in (999, 9999, 99999, 999999, 9999999, 999.9, 9999.9, 999.99) for sign in (-1, 1)]
    + [-999.25, -7777, -8888, 7777, 8888, -32768, -32767, 32767, 65535, -2147483648, 2147483647, 4294967295]
    + [1e20, -1e20, 1e30, -1e30, 9.969209968386869e36, 3.4028234663852886e38, -3.4028234663852886e38]
)
FACTORS = np.array([10.0, 100.0, 1e3, 1e4, 1e6, 3.6, 3600.0, 3.6e6])  # between units of power or energy
SHAPE = np.array([0.1, 0.25, 0.5, 0.75, 0.9])  # quantiles that must all scale by the factor
DAY = pd.Timedelta("1D")
LEAST = 7  # values on either side by which a level is judged
STILL = pd.Timedelta("12h")  # shorter than this no stretch of equal values is worth a word


def without_sentinels(table: Table, name: str, values: np.ndarray) -> np.ndarray:
    """Take stand-ins for missing, such as -9999, as missing and say so; (row,) -> (row,).

    Only a value of that family counts, which lies far outside all others and stands more than once, or is negative
    where no other value is, or beyond 1e19.
    """
    rest, taken = values, []
    while (found := _extreme_sentinel(rest)) is not None:
        taken.append(found)
        rest = np.where(rest == found, np.nan, rest)
    if not taken or np.isnan(rest).all():
        return values
    low, high = np.nanmin(rest), np.nanmax(rest)
    values = values.copy()
    for found in taken:
        hits = values == found
        far = found < low - (high - low) or found > high + (high - low) or (found < 0 <= low)
        if far and (hits.sum() > 1 or (found < 0 <= low) or abs(found) > 1e19):
            table.repairs.append(
                f"{plural(hits.sum(), 'cell')} of {name!r} with {found:g}, far outside all others, taken as missing, "
                f"first {table.row(int(hits.argmax()))}"
            )
            values[hits] = np.nan
    return values


def _extreme_sentinel(values: np.ndarray) -> float | None:
    if np.isnan(values).all():
        return None
    for extreme in (np.nanmin(values), np.nanmax(values)):
        if np.isclose(SENTINELS, extreme, rtol=1e-6, atol=0).any():
            return float(extreme)
    return None


def require_one_unit(
    values: np.ndarray,
    times: pd.DatetimeIndex,
    step: pd.Timedelta,
    name: str,
    table: Table,
    moments: pd.DatetimeIndex,
    keep: np.ndarray,
) -> None:
    """Raise InputError where the level changes for good by a factor between units, such as MW to kW.

    values, times  one target on its grid, (time,)
    moments, keep  times of the rows of the table that `keep`, (row of the table,) bool, marks: to name the row
    The step there must be far beyond the usual ones, and a day to a week before and after must differ by the factor in
    all quantiles without overlap: so neither a plant that stops nor a gust of wind counts.
    """
    at = np.flatnonzero(values > 0)
    if step > DAY or 2 * len(at) < (values == values).sum():  # a series around zero has no factor
        return
    log, day = np.log(values[at]), max(int(DAY / step), 1)
    jump, units = np.diff(log), np.log(FACTORS)
    least = max(np.log(2.2), 4 * np.quantile(np.abs(jump), 0.95)) if len(jump) else np.inf
    total = np.r_[0.0, np.cumsum(log)]
    for place in np.flatnonzero(np.abs(jump) > least) + 1:
        width = min(int(place), len(log) - int(place), 7 * day) // day * day
        if (
            width < max(day, LEAST)
            or abs(total[place + width] - 2 * total[place] + total[place - width]) < least / 2 * width
        ):
            continue
        before, after = np.quantile(log[place - width : place], SHAPE), np.quantile(log[place : place + width], SHAPE)
        moved = after - before
        size = units[np.abs(np.abs(moved.mean()) - units).argmin()] * np.sign(moved.mean())
        if np.abs(moved - size).max() > np.log(1.25) or min(before[-1], after[-1]) > max(before[0], after[0]):
            continue
        moment, ratio = times[at[place]], float(np.exp(size))
        row = table.row(int(np.flatnonzero(keep)[(moments == moment).argmax()]))
        times_said = f"{_say(ratio)} times" if ratio > 1 else f"1/{_say(1 / ratio)} of"
        raise InputError(
            f"{table.where}: from {row} ({say_time(moment)}) on {name!r} is {times_said} what it was (median "
            f"{_say(np.exp(before[2]))} before, {_say(np.exp(after[2]))} after); the unit seems to change "
            "there: convert one part, or cut the file there."
        )


def oddities(
    values: np.ndarray, filled: np.ndarray, times: pd.DatetimeIndex, step: pd.Timedelta, name: str
) -> list[str]:
    """Say what looks wrong in a target and is kept as it is: a few negative values, stretches without any change.

    values, filled  (time,); what was filled does not count
    """
    notes = []
    negative = (values < 0) & ~filled
    if 0 < negative.sum() < 0.05 * len(values):
        notes.append(
            f"{plural(negative.sum(), 'value')} of {name!r} below zero kept as measured, first "
            f"{say_time(times[negative.argmax()])}"
        )
    same = np.concatenate([[False], (values[1:] == values[:-1]) & ~filled[1:] & ~filled[:-1]])
    stretches = runs(same) + [-1, 1]  # the row before the first repetition belongs to it
    alone = len(values) - stretches[:, 1].sum()
    usual = np.quantile(np.r_[stretches[:, 1], np.ones(alone)], 0.99)  # sun at night stands still as a rule
    long = stretches[stretches[:, 1] >= max(STILL / step, 6, 3 * usual)]
    if len(long):
        start, length = max(long.tolist(), key=lambda stretch: stretch[1])
        more = f", the longest of {len(long)} such stretches" if len(long) > 1 else ""
        notes.append(
            f"{name!r} stands still at {values[start]:g} for {say_duration(length * step)} from "
            f"{say_time(times[start])}{more}; kept as measured: empty those cells if the meter was out"
        )
    return notes


def _say(number: float) -> str:
    return f"{number:,.0f}" if number > 999.5 else f"{number:.4g}"
