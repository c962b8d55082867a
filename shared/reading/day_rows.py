"""A row a day and a column for each time of the day, as utilities export half-hours, becomes a row for each time."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError
from .calendar_columns import read_spread, spread_columns
from .cells import numbers
from .stamps import read_stamps, reads_as_time
from .table import Table

FEWEST = 24  # columns of times that a day has at the least
PERIODS = (24, 48, 96, 144, 288)  # of a day, where columns are numbered
MINUTES = 24 * 60
CLOCK = re.compile(r"(?P<begin>\d{1,2}:\d{2})(:00)?(\s*[-–]\s*(?P<end>\d{1,2}:\d{2})(:00)?)?")
NUMBER = re.compile(r"(h|hh|he|hr|hour|sp|period|interval|kwh|kw|mw|mwh|wh)?[\s_.-]*(\d{1,3})", re.IGNORECASE)
DATE = ("year", "month", "day")
TIME, VALUE = "time", "value"  # of columns that no name says


class Day(NamedTuple):
    """How the columns of a day run."""

    columns: list[str]  # in order of time
    minutes: int  # from one to the next
    at_end: bool  # they are called by the end of their interval
    called: str  # what their names say besides the time, such as a unit
    beyond: list[str]  # numbered columns after them, for the hour that a night in autumn has twice


def without_day_rows(table: Table, wanted: Sequence[str] = ()) -> Table:
    """Put the times of each day under each other where columns are called 00:00, 00:30, .. or HH1 to HH48.

    wanted  columns that are asked for: a table that has them all is meant as it is

    Values come into one column, called as the columns are besides their times, or `value`; the time of a row, under
    the name of the date, is the start of its interval; other columns are repeated. A table of another shape comes back
    as it is. Raises InputError when values stand in columns beyond the day.
    """
    asked_as_it_is = wanted and all(name in table.frame.columns for name in wanted)
    day = None if asked_as_it_is else _columns_of_a_day([str(name) for name in table.frame.columns])
    if day is None:
        return table
    others = [name for name in table.frame.columns if name not in {*day.columns, *day.beyond}]
    said: list[str] = []
    dates = _dates(replace(table, frame=table.frame[others], repairs=said))
    if dates is None:
        return table
    stamps, kept = dates
    for name in day.beyond:
        if (some := np.isfinite(numbers(table, name))).any():
            first = int(some.argmax())
            raise InputError(
                f"{table.where}: {table.row(first)} has a value in {name!r}, beyond the {len(day.columns)} of a day; "
                "on the night when clocks go back the columns no longer say the time: give a file with a row for each "
                "time, or without that day."
            )
    count = len(day.columns)
    offsets = pd.to_timedelta(np.arange(count) * day.minutes, unit="min")
    times = (stamps.to_numpy("datetime64[ns]")[:, None] + offsets.to_numpy("timedelta64[ns]")[None, :]).ravel()
    values = pd.concat([table.frame[name] for name in day.columns], ignore_index=True)
    order = np.arange(count * len(table.frame)).reshape(count, -1).T.ravel()  # a day's columns, then the next day's
    rest = table.frame[[name for name in others if name not in kept]]
    down = rest.iloc[np.repeat(np.arange(len(rest)), count)]  # with the number of their row, for messages
    clock, name = (_free(one, rest.columns) for one in (kept[0] if len(kept) == 1 else TIME, day.called or VALUE))
    down = down.assign(**{clock: times, name: values.iloc[order].array})
    what = f"{day.columns[0]!r} to {day.columns[-1]!r}"
    table.repairs.extend(said)
    table.repairs.append(
        f"a row a day: columns {what} read as values {day.minutes} min apart in {name!r}"
        + (", called by the end of their interval" if day.at_end else "")
    )
    units = [table.units.get(one) for one in day.columns]
    shared = {name: units[0]} if units[0] and len({*units}) == 1 else {}
    return replace(table, frame=down, index=None, units={**table.units, **shared})


def _columns_of_a_day(names: list[str]) -> Day | None:
    """The columns that a day runs over; None unless they fill it evenly."""
    if len(names) < FEWEST or len({*names}) < len(names):
        return None
    return _by_clock(names) or _by_number(names)


def _by_clock(names: list[str]) -> Day | None:
    found: dict[str, tuple[int, bool]] = {}
    rest = set()
    for name in names:
        if (match := CLOCK.search(name)) is None:
            continue
        hours, minutes = map(int, match["begin"].split(":"))
        found[name] = hours * 60 + minutes, match["end"] is not None
        rest.add(" ".join((name[: match.start()] + name[match.end() :]).split()).strip("_- "))
    if len(found) < FEWEST or len(rest) > 1 or MINUTES % len(found):
        return None
    step, called = MINUTES // len(found), rest.pop()
    at = np.array([minute for minute, _ in found.values()])
    if (at == np.arange(len(at)) * step).all():
        return Day([*found], step, False, called, [])
    ends = np.where(at == 0, MINUTES, at)
    if (ends == np.arange(1, len(at) + 1) * step).all() and not any(is_range for _, is_range in found.values()):
        return Day([*found], step, True, called, [])
    return None


def _by_number(names: list[str]) -> Day | None:
    runs: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := NUMBER.fullmatch(name.strip()):
            runs.setdefault((match[1] or "").lower(), []).append((int(match[2]), name))
    for called, run in runs.items():
        first = run[0][0]
        if first > 1 or [number for number, _ in run] != list(range(first, first + len(run))):
            continue
        for count in PERIODS:
            if count <= len(run) <= count + count // 24:
                unit = called if called in ("kwh", "kw", "mw", "mwh", "wh") else ""
                columns = [name for _, name in run]
                return Day(columns[:count], MINUTES // count, False, unit, columns[count:])
    return None


def _dates(table: Table) -> tuple[pd.DatetimeIndex, tuple[str, ...]] | None:
    """Midnight of each row and the columns that say it, of several dates the one that changes most; None without."""
    if len(spread := spread_columns(table.frame.columns)) == len(DATE):
        return read_spread(table, spread, None), spread
    found = []
    for name in table.frame.columns:
        if reads_as_time(table.frame[name], "date" in name.casefold() or name.casefold() in ("day", "ds")):
            stamps = read_stamps(table, name)
            if stamps.tz is None and stamps.notna().all() and (stamps == stamps.normalize()).all():
                found.append((stamps, (name,)))
    return max(found, key=lambda one: one[0].nunique(), default=None)


def _free(name: str, taken: pd.Index) -> str:
    return f"{name} of the day" if name in taken else name
