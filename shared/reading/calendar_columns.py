"""Times spread over columns: a date and an hour, or year, month, day, hour and minute."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..errors import InputError
from .cells import is_text, numbers, text_of
from .table import Table, plural

PARTS = ("year", "month", "day", "hour", "minute")
FIRST_TRUE_YEAR = 1000  # years below it are anonymous: 1, 2, 3


def spread_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Find columns named year, month, day and maybe hour and minute, in any case; empty unless a date is whole."""
    folded = {name.casefold(): name for name in names}
    count = next((index for index, part in enumerate(PARTS) if part not in folded), len(PARTS))
    return tuple(folded[part] for part in PARTS[:count]) if count >= 3 else ()


def read_spread(table: Table, columns: tuple[str, ...], first_year: int | None) -> pd.DatetimeIndex:
    """Read (year, month, day[, hour[, minute]]) as stamps, NaT where a part is missing; (row,).

    first_year  the true year of the smallest one in the file, for files that count years from 1
    Raises InputError at anonymous years without it, and at days that are in no calendar.
    """
    year, month, day = (_whole(table, name) for name in columns[:3])
    year = _true_years(table, columns[0], year, first_year)
    given = ~np.isnan(year + month + day)
    dates = pd.to_datetime({"year": year, "month": month, "day": day}, errors="coerce")
    if (never := given & dates.isna().to_numpy()).any():
        first = int(never.argmax())
        other = "; choose another first_year if 29 February is in the file" if first_year is not None else ""
        raise InputError(
            f"{table.where}: {table.row(first)} says year {year[first]:g}, month {month[first]:g}, day {day[first]:g}, "
            f"which is no day of the calendar ({plural(never.sum(), 'such row')}); correct it{other}."
        )
    stamps = pd.DatetimeIndex(dates)
    if len(columns) > 3:
        stamps = stamps + hours_of_day(table, columns[3])
    if len(columns) > 4:
        stamps = stamps + pd.to_timedelta(_whole(table, columns[4], 0, 59), unit="min")
    return stamps


def hours_of_day(table: Table, name: str) -> pd.TimedeltaIndex:
    """Read the column behind a date: a clock `4:30`, or hours 0 to 24; (row,).

    Whole hours that run from 1 to 24 number the hours of the day: hour 1 begins at midnight. That is said.
    """
    if is_text(table.frame[name]):
        text = pd.Series(text_of(table.frame[name]).to_pandas(), dtype=object)
        if text.str.contains(":", na=False).any():
            return pd.to_timedelta(pd.Index(text.str.replace(r"^(\d+:\d+)$", r"\1:00", regex=True)), errors="coerce")
    hours = numbers(table, name)
    if (outside := (hours < 0) | (hours > 24)).any():
        first = int(outside.argmax())
        raise InputError(f"{table.where}: {table.row(first)} of {name!r} is {hours[first]:g}; hours run from 0 to 24.")
    numbered = np.nanmin(hours, initial=24) == 1 and np.nanmax(hours, initial=0) == 24 and not (hours % 1 > 0).any()
    if numbered:
        table.repairs.append(f"hours 1 to 24 in {name!r} read as the hours that begin at 0:00 to 23:00")
        hours = hours - 1
    return pd.to_timedelta(hours, unit="h").round("s")


def _true_years(table: Table, name: str, year: np.ndarray, first_year: int | None) -> np.ndarray:
    low, high = int(np.nanmin(year, initial=9999)), int(np.nanmax(year, initial=0))
    if first_year is None:
        if low < FIRST_TRUE_YEAR:
            raise InputError(
                f"{table.where}: column {name!r} counts years {low} to {high}, which are in no calendar; say which "
                "year the first of them is with first_year=2020 (--first-year 2020): weekdays and holidays rest on it."
            )
        return year
    if not FIRST_TRUE_YEAR <= first_year <= 2200:
        raise InputError(f"first_year={first_year} is no calendar year; give one such as 2020.")
    table.repairs.append(
        f"years {low} to {high} taken for {first_year} to {first_year + high - low}: weekdays and holidays rest on "
        "that choice"
    )
    return year + (first_year - low)


def _whole(table: Table, name: str, least: int = 0, most: int = 9999) -> np.ndarray:
    values = numbers(table, name)
    if (wrong := (values % 1 > 0) | (values < least) | (values > most)).any():
        first = int(wrong.argmax())
        raise InputError(
            f"{table.where}: {table.row(first)} of {name!r} is {values[first]:g}, no whole number from {least} to "
            f"{most}; correct it, or name the columns of time with time=."
        )
    return values
