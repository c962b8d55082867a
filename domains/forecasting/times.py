"""Time stamps of a table: which column holds them, what they say, and how a local clock becomes UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...shared.errors import InputError
from .cells import is_text, numbers, text_of
from .reading import Table, nearest, plural, require_columns

FAMILIAR = ("time", "timestamp", "datetime", "date_time", "date", "ds", "utc", "index")
HOUR = timedelta(hours=1)
OFFSET = r":\d{2}([.,]\d+)?\s*(Z|z|[+-]\d{2}(:?\d{2})?)$"
FORMATS = [
    f"{date}{clock}"
    for date, clock in product(
        ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y"),
        ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"),
    )
]
# Sundays on which clocks change: (month, first day, last day) in Europe, North America, Australia, New Zealand.
FORWARD = ((3, 25, 31), (3, 8, 14), (10, 1, 7), (9, 24, 30))
BACK = ((10, 25, 31), (11, 1, 7), (4, 1, 7))


def find_time(table: Table, time: str | Sequence[str] | None, used: Sequence[str]) -> tuple[str, ...]:
    """Name the column of the time stamps, or the pair (date, hour), when `time` does not say it.

    An index of times comes first, then the one column that reads as times, familiar names before others.
    Raises InputError that lists the columns when none or several could be meant.
    """
    if time is not None:
        columns: tuple[str, ...] = (time,) if isinstance(time, str) else tuple(time)
        if not 1 <= len(columns) <= 2:
            raise InputError(f"time={columns} is not one column or a pair such as ('Date', 'Hour'); name one or two.")
        require_columns(table, columns)
        return columns
    if table.index:
        return (table.index,)
    readable = [str(name) for name in table.frame.columns if name not in used and _reads_as_time(table.frame[name])]
    ranked = sorted(readable, key=_familiarity)
    if not ranked:
        listed = ", ".join(map(repr, table.frame.columns))
        raise InputError(
            f"{table.where}: no column reads as times (columns: {listed}); write them as 2014-03-30 01:30, or "
            "name a pair with time=('Date', 'Hour')."
        )
    if len(ranked) > 1 and _familiarity(ranked[0]) == _familiarity(ranked[1]):
        choices = ", ".join(map(repr, readable))
        raise InputError(f"{table.where}: several columns read as times ({choices}); name one with time={ranked[0]!r}.")
    return (ranked[0],)


def read_times(table: Table, columns: tuple[str, ...]) -> pd.DatetimeIndex:
    """Read the stamps of every row: with offsets they come back in UTC, else naive as written; (row,).

    A pair is a date and an hour: a number from 0 to 24, 24 being midnight at the end of that day, or a clock `4:30`.
    Raises InputError at the first stamp that is missing or unreadable.
    """
    stamps = _stamps(table, columns[0])
    if len(columns) == 2:
        stamps = stamps + _since_midnight(table, columns[1])
    if (missing := stamps.isna()).any():
        first = int(missing.argmax())
        cells = " ".join(str(table.frame[name].iloc[first]) for name in columns)
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


def _reads_as_time(column: pd.Series) -> bool:
    """Do nine in ten of the first cells read as times (a bad one is named later)? Numbers do not, however written."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    if not is_text(column):
        return False
    text = text_of(column.head(200)).drop_null()
    if not len(text) or pd.to_numeric(pd.Series(text.to_pandas()), errors="coerce").notna().any():
        return False
    try:
        return bool(_parse(text).notna().mean() > 0.9)
    except _Ambiguous:
        return True


def _familiarity(name: str) -> int:
    folded = name.casefold()
    if folded in FAMILIAR:
        return FAMILIAR.index(folded)
    return len(FAMILIAR) + ("time" not in folded and "date" not in folded)


def _stamps(table: Table, name: str) -> pd.DatetimeIndex:
    column = table.frame[name]
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.DatetimeIndex(column.dt.to_timestamp())
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.DatetimeIndex(column)
    if not is_text(column):
        raise InputError(f"{table.where}: column {name!r} holds {column.dtype}, not times; name another with time=.")
    text = text_of(column)
    offset = pc.fill_null(pc.match_substring_regex(text, OFFSET), False).to_numpy(zero_copy_only=False)
    given = np.flatnonzero(text.is_valid())
    if offset.any() and not offset[given].all():
        zero, first = given[0], given[(offset[given] != offset[given[0]]).argmax()]
        raise InputError(
            f"{table.where}: {table.row(first)} has the time {text[first].as_py()!r} and {table.row(zero)} "
            f"{text[zero].as_py()!r}: some carry an offset from UTC and some do not; write all of them alike."
        )
    try:
        return _parse(text, utc=bool(offset.any()))
    except _Ambiguous as error:
        raise InputError(f"{table.where}: column {name!r} {error}; write dates as 2014-03-30.") from None


class _Ambiguous(ValueError):
    """Dates that read both as day/month and as month/day."""


def _parse(text: pa.Array, utc: bool = False) -> pd.DatetimeIndex:
    """Read ISO 8601, else the format that fits most cells; NaT where it does not fit."""
    cells = pd.Series(text.to_pandas(), dtype=object)
    present = cells.dropna()
    sample = present.iloc[np.linspace(0, len(present) - 1, min(len(present), 500)).astype(int)]
    fits = {"ISO8601": _in_format(sample, "ISO8601", utc).count()}
    if fits["ISO8601"] < len(sample) and not utc:
        fits |= {form: _in_format(sample, form).count() for form in FORMATS}
    best = [form for form, count in fits.items() if count == max(fits.values())]
    if "ISO8601" in best:
        return pd.DatetimeIndex(_in_format(cells, "ISO8601", utc))
    parsed = sorted((_in_format(cells, form) for form in best), key=lambda column: -column.count())
    if len(parsed) > 1 and parsed[0].count() == parsed[1].count() and not parsed[0].equals(parsed[1]):
        raise _Ambiguous(f"reads both as day/month and as month/day ({sample.iloc[0]!r})")
    return pd.DatetimeIndex(parsed[0])


def _in_format(cells: pd.Series, form: str, utc: bool = False) -> pd.Series:
    return pd.to_datetime(cells, format=form, errors="coerce", utc=utc)


def _since_midnight(table: Table, name: str) -> pd.TimedeltaIndex:
    """Read the second column of a pair: hours 0 to 24, or a clock `4:30`; (row,)."""
    if is_text(table.frame[name]):
        text = pd.Series(text_of(table.frame[name]).to_pandas(), dtype=object)
        if text.str.contains(":", na=False).any():
            return pd.to_timedelta(pd.Index(text.str.replace(r"^(\d+:\d+)$", r"\1:00", regex=True)), errors="coerce")
    hours = numbers(table, name)
    if (outside := (hours < 0) | (hours > 24)).any():
        first = int(outside.argmax())
        raise InputError(f"{table.where}: {table.row(first)} of {name!r} is {hours[first]:g}; hours run from 0 to 24.")
    return pd.to_timedelta(hours, unit="h").round("s")


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
