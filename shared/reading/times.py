"""Time stamps of a table: which column holds them, what they say, and how a local clock becomes UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd

from ..errors import InputError
from .calendar_columns import PARTS, hours_of_day, read_spread, spread_columns
from .stamps import read_stamps, reads_as_time
from .table import Table, nearest, plural, require_columns

FAMILIAR = ("time", "timestamp", "datetime", "date_time", "date", "ds", "utc", "index", "epoch", "unix", "unix_ts")
HOUR = timedelta(hours=1)
# Sundays on which clocks change: (month, first day, last day) in Europe, North America, Australia, New Zealand.
FORWARD = ((3, 25, 31), (3, 8, 14), (10, 1, 7), (9, 24, 30))
BACK = ((10, 25, 31), (11, 1, 7), (4, 1, 7))


def find_time(table: Table, time: str | Sequence[str] | None, used: Sequence[str]) -> tuple[str, ...]:
    """Name the column of the time stamps, the pair (date, hour), or (year, month, day, hour), as `time` says or not.

    An index of times comes first, then the one column that reads as times, familiar names before others; without any,
    columns named year, month, day and maybe hour and minute.
    Raises InputError that lists the columns when none or several could be meant.
    """
    if time is not None:
        columns: tuple[str, ...] = (time,) if isinstance(time, str) else tuple(time)
        if not 1 <= len(columns) <= len(PARTS):
            raise InputError(
                f"time={columns} is not one column, a pair such as ('Date', 'Hour') or (year, month, day, hour)."
            )
        require_columns(table, columns)
        return columns
    if table.index:
        return (table.index,)
    found = table.frame.columns
    readable = [
        name
        for place, name in enumerate(found)
        if name not in used and reads_as_time(table.frame.iloc[:, place], name.casefold() in FAMILIAR)
    ]
    ranked = sorted(readable, key=_familiarity)
    if not ranked:
        if spread := spread_columns(found):
            return spread
        raise InputError(
            f"{table.where}: no column reads as times (columns: {table.columns()}); write them as 2014-03-30 01:30, or "
            "name a pair with time=('Date', 'Hour')."
        )
    if len(ranked) > 1 and _familiarity(ranked[0]) == _familiarity(ranked[1]):
        choices = ", ".join(map(repr, readable))
        raise InputError(f"{table.where}: several columns read as times ({choices}); name one with time={ranked[0]!r}.")
    return (ranked[0],)


def read_times(table: Table, columns: tuple[str, ...], first_year: int | None = None) -> pd.DatetimeIndex:
    """Read the stamps of every row: with offsets they come back in UTC, else naive as written; (row,).

    A pair is a date and an hour: a number from 0 to 24, 24 being midnight at the end of that day, or a clock `4:30`.
    Three and more are year, month, day, hour, minute. Hours 1 to 24 without a 0 begin at 0:00 to 23:00.
    Raises InputError at the first stamp that is missing or unreadable.
    """
    if first_year is not None and len(columns) < 3:
        raise InputError(f"first_year={first_year} is for files with a column of years; leave it out.")
    stamps = read_spread(table, columns, first_year) if len(columns) > 2 else read_stamps(table, columns[0])
    if len(columns) == 2:
        stamps = stamps + hours_of_day(table, columns[1])
    if (missing := stamps.isna()).any():
        first = int(missing.argmax())
        cells = " ".join(str(table.frame[name].iloc[first])[:80] for name in columns)
        raise InputError(
            f"{table.where}: {table.row(first)} has no readable time ({cells!r} in {' and '.join(map(repr, columns))}; "
            f"{plural(missing.sum(), 'such row')}); write times as 2014-03-30 01:30 or 2014-03-30T01:30Z."
        )
    return stamps.as_unit("ns")


def moments(
    stamps: pd.DatetimeIndex, zone: str | None, table: Table, empty: np.ndarray
) -> tuple[pd.DatetimeIndex, str | None, np.ndarray, list[str]]:
    """Make stamps into moments: -> (times, zone of the local clock, rows kept, what was done).

    times come back aware, on the clock of the file: UTC for stamps with offsets and for naive ones without a zone.

    Where the clock goes back, a stamp means summer time when met first and standard time when met again, in the order
    of the file. A stamp the clock skipped in spring is dropped when its targets are empty (`empty`, (row,) bool), else
    refused. Without a zone naive stamps are taken as they stand.
    """
    keep = np.ones(len(stamps), bool)
    if zone is not None:
        zone = _known_zone(zone)
    if stamps.tz is not None:
        return stamps.tz_convert("UTC"), zone or _name_of(stamps.tz), keep, []
    if zone is None:
        return stamps.tz_localize("UTC"), None, keep, []
    notes: list[str] = []
    plain = stamps.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    doubtful = np.flatnonzero(plain.isna())  # few: folds and holes
    if not len(doubtful):
        return plain, zone, keep, notes
    is_first = np.ones(len(stamps), bool)
    forward = stamps[0] <= stamps[-1]
    seen = pd.Series(stamps[doubtful] if forward else stamps[doubtful][::-1])
    nth = seen.groupby(seen).cumcount().to_numpy()
    is_first[doubtful] = (nth if forward else nth[::-1]) == 0
    times = stamps.tz_localize(zone, ambiguous=is_first, nonexistent="NaT")
    hole = times.isna()
    if (hole & ~empty).any():
        first = int((hole & ~empty).argmax())
        raise InputError(
            f"{table.where}: {table.row(first)} says {stamps[first]:%Y-%m-%d %H:%M}, a time that never was in {zone}: "
            f"clocks went forward past it. If the file keeps standard time all year, pass "
            f"zone={_standard(zone)!r}, or no zone at all."
        )
    if hole.any():
        keep = ~hole
        notes.append(
            f"{plural(hole.sum(), 'empty row')} dropped, on the hour when clocks in {zone} went forward: "
            f"first {stamps[hole.argmax()]:%Y-%m-%d %H:%M}"
        )
    folded = stamps[doubtful][~hole[doubtful]]
    once = folded[~folded.duplicated(keep=False)]
    if len(once):
        notes.append(
            f"{plural(len(once), 'time')} found once although clocks in {zone} went back over it, read as summer "
            f"time, first {once.min():%Y-%m-%d %H:%M}"
        )
    return times[keep], zone, keep, notes


def clock_change(stamp: pd.Timestamp, nights: tuple[tuple[int, int, int], ...]) -> str:
    """Advise to pass a zone when a fault of a naive file falls where clocks change; empty when it does not."""
    near = stamp.dayofweek == 6 and stamp.hour <= 4
    if near and any(stamp.month == month and first <= stamp.day <= last for month, first, last in nights):
        return " (clocks change on that night in many countries: pass zone='Europe/London' or the zone of the file)"
    return ""


def _familiarity(name: str) -> int:
    folded = name.casefold()
    if folded in FAMILIAR:
        return FAMILIAR.index(folded)
    return len(FAMILIAR) + ("time" not in folded and "date" not in folded)


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(zone, available_timezones()) or ", such as 'Europe/London' or 'Australia/Melbourne'"
        raise InputError(f"no time zone {zone!r}{hint}; give an IANA name.") from None
    return zone


def _standard(zone: str) -> str:
    """Name the zone that keeps the standard time of `zone` all year; its sign runs against the usual one."""
    clock = ZoneInfo(zone)
    winter = min(clock.utcoffset(datetime(2020, month, 1)) or timedelta(0) for month in (1, 7))
    return f"Etc/GMT{-int(winter / HOUR):+d}" if not winter % HOUR else "UTC"


def _name_of(tz: object) -> str:
    """Name the zone of aware stamps; a bare offset counts as UTC."""
    return str(getattr(tz, "key", None) or getattr(tz, "zone", None) or "UTC")
