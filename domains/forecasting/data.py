"""The door of forecasting: a user's table becomes `LoadData`, regular in time, repairs said, zone remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from ...shared.errors import InputError
from ...shared.reading.cells import numbers
from ...shared.reading.files import read_table
from ...shared.reading.gaps import fill, runs
from ...shared.reading.grid import duration, in_order, on_grid, say_duration, say_time
from ...shared.reading.meters import refuse_several_meters
from ...shared.reading.suspicion import oddities, require_one_unit, without_sentinels
from ...shared.reading.table import Table, plural, require_columns
from ...shared.reading.times import find_time, moments, read_times


@dataclass(frozen=True)
class LoadData:
    """Series of load and what goes with them, on one regular grid in time.

    Rows before `known` are history, complete after repair; the rows from there on carry future covariates alone.
    """

    times: pd.DatetimeIndex  # (time,) aware, in UTC, `step` apart
    step: pd.Timedelta
    zone: str | None  # IANA zone of the local clock; None: the stamps had neither offset nor zone and stand as written
    targets: np.ndarray  # (time, target) float64, NaN from `known` on
    target_names: tuple[str, ...]
    units: dict[str, str]  # by column name
    past: np.ndarray  # (time, covariate) float64, known up to the origin only, NaN from `known` on
    past_names: tuple[str, ...]
    future: np.ndarray  # (time, covariate) float64, known ahead, complete to the last row
    future_names: tuple[str, ...]
    filled: np.ndarray  # (time, target) bool, True where a gap was filled: never scored
    known: int  # rows of history
    repairs: tuple[str, ...]  # what was changed, a sentence each

    def local(self) -> pd.DatetimeIndex:
        """Return the times on the local clock, for calendar features; naive when no zone is known; (time,)."""
        return self.times.tz_localize(None) if self.zone is None else self.times.tz_convert(self.zone)

    def until(self, row: int, ahead: int = 0) -> "LoadData":
        """Return what was known once the rows before `row` had been seen, and future covariates of `ahead` rows more.

        Arrays are views; only with `ahead` are targets and past covariates copied, to hide what was not known yet.
        """
        if not 0 < row <= self.known or not 0 <= ahead <= len(self.times) - row:
            raise ValueError(f"row {row} + {ahead} ahead is outside {self.known} known of {len(self.times)} rows.")
        end = row + ahead
        return replace(
            self,
            times=self.times[:end],
            targets=_hidden(self.targets[:end], row),
            past=_hidden(self.past[:end], row),
            future=self.future[:end],
            filled=self.filled[:end] & (np.arange(end) < row)[:, None] if ahead else self.filled[:end],
            known=row,
        )

    def ahead(self, rows: int) -> pd.DatetimeIndex:
        """Return the times of the first `rows` rows after history, in UTC, given in the file or not; (step,)."""
        return pd.date_range(self.times[self.known - 1], periods=rows + 1, freq=self.step)[1:]

    def rows(self, length: str | pd.Timedelta, what: str = "horizon") -> int:
        """Return how many steps a length of time such as `24h` is; raises InputError when it is no whole number."""
        wanted = duration(length, what)
        if wanted % self.step:
            raise InputError(f"{what} {say_duration(wanted)} is not a multiple of the step {say_duration(self.step)}.")
        return int(wanted // self.step)

    def summary(self) -> str:
        """Say in one line what was read."""
        clock = self.local()
        span = f"{say_time(clock[0])} to {say_time(clock[self.known - 1])} ({self.zone or 'clock as written'})"
        ahead = f", {len(self.times) - self.known} rows ahead" if len(self.times) > self.known else ""
        rows = f"{plural(self.known, 'row')} each {say_duration(self.step)}"
        return f"{', '.join(self.target_names)}: {rows}, {span}{ahead}"


def read_load(
    source: str | Path | pd.DataFrame | xr.Dataset,
    *,
    targets: str | Sequence[str],
    time: str | Sequence[str] | None = None,
    past_covariates: str | Sequence[str] = (),
    future_covariates: str | Sequence[str] = (),
    zone: str | None = None,
    step: str | pd.Timedelta | None = None,
    gaps: Literal["repair", "error"] = "repair",
    max_gap: str | pd.Timedelta = "3h",
    units: Mapping[str, str] | None = None,
    first_year: int | None = None,
) -> LoadData:
    """Read load from CSV, Parquet, NetCDF, Excel, a DataFrame or a Dataset.

    targets, past_covariates, future_covariates  columns; TRUE and FALSE count as 1 and 0
    time     the column of times, a pair (date, hour) or (year, month, day[, hour[, minute]]); found by itself when only
             one can be meant
    zone     IANA zone of the local clock, such as Europe/London: naive stamps are read on it, summer time included
    step     length of a step when the one that occurs most often is not the true one
    gaps     "repair" fills gaps up to `max_gap` and says so, "error" refuses any
    units    unit of a column by its name; those of a NetCDF file or a row of units are found by themselves
    first_year  the true year of the smallest one, where a column of years counts 1, 2, ..

    Period starts and ends are taken as given. Last rows that have future covariates and no targets are the rows to
    forecast. Raises InputError, with row, time and remedy, for whatever cannot be read or would be guessed.
    """
    goals, past, future = (_tuple(names) for names in (targets, past_covariates, future_covariates))
    names = goals + past + future
    if not goals:
        raise InputError("no target is named; name the column to forecast, such as targets='Demand' (--target Demand).")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"column {twice[0]!r} is named twice among targets and covariates; give it one role.")
    if gaps not in ("repair", "error"):
        raise InputError(f"gaps={gaps!r} is not known; choose 'repair' or 'error'.")
    limit = duration(max_gap, "max_gap") if gaps == "repair" else pd.Timedelta(0)

    table = read_table(source, names)
    require_columns(table, names)
    clock = find_time(table, time, names)
    stamps = read_times(table, clock, first_year)
    hint_zone = stamps.tz is None and zone is None
    values = np.column_stack([without_sentinels(table, name, numbers(table, name)) for name in names])
    moment, zone, keep, notes = moments(stamps, zone, table, empty=np.isnan(values[:, : len(goals)]).all(axis=1))
    refuse_several_meters(moment, values[keep], keep, table, names + clock)
    times, values, more = in_order(moment, values[keep], names, table.where, hint_zone)
    times, values, width = on_grid(times, values, step, table.where)
    repairs = table.repairs + notes + more

    start, known, end = _history(table, values, goals, past, future)
    for count, at, side in (
        (start, start - 1, "before history, up to"),
        (len(times) - end, end, "after history, from"),
    ):
        if count:
            repairs.append(f"{plural(count, 'row')} without target left out {side} {say_time(times[at])}")
    times, values, known = times[start:end], values[start:end], known - start
    _require_complete(table, values, times, known, names, len(goals), len(future))
    goal, ahead = len(goals), len(names) - len(future)
    for column, name in enumerate(goals):
        require_one_unit(values[:known, column], times, width, name, table, moment, keep)
    absent = "; ".join(line for line in table.repairs if "taken as missing" in line)
    missing, more = fill(values[:known], names, times, width, limit, table.where, hint_zone, absent)
    for column, name in enumerate(goals):
        more += oddities(values[:known, column], missing[:, column], times, width, name)
    values[known:, :ahead] = np.nan
    filled = np.zeros((len(times), goal), bool)
    filled[:known] = missing[:, :goal]
    return LoadData(
        times=times.tz_convert("UTC"),
        step=width,
        zone=zone,
        targets=np.ascontiguousarray(values[:, :goal]),
        target_names=goals,
        units=_units(table, names, units or {}),
        past=np.ascontiguousarray(values[:, goal:ahead]),
        past_names=past,
        future=np.ascontiguousarray(values[:, ahead:]),
        future_names=future,
        filled=filled,
        known=known,
        repairs=tuple(repairs + more),
    )


def require_length(data: LoadData, rows: int, why: str) -> None:
    """Raise InputError unless history has at least `rows` rows; `why` completes "too short for ..."."""
    if data.known < rows:
        raise InputError(
            f"the history of {data.known} rows ({say_duration(data.known * data.step)}) is too short for {why}, which "
            f"needs {rows} rows ({say_duration(rows * data.step)}); give a longer file, or ask for less."
        )


def require_ahead(data: LoadData, rows: int) -> None:
    """Raise InputError unless the future covariates are known for `rows` rows after history."""
    given = len(data.times) - data.known
    if data.future_names and given < rows:
        clock = data.ahead(rows).tz_convert(data.zone or "UTC")
        raise InputError(
            f"the covariates {', '.join(data.future_names)} are missing from {say_time(clock[given])} to "
            f"{say_time(clock[-1])}: a forecast of {plural(rows, 'step')} needs them in rows after the last target, "
            f"the target left empty ({plural(given, 'such row')} in the data). "
            "Add those rows, or name as past covariate what is not known ahead."
        )


def with_rows_ahead(data: LoadData, rows: int) -> LoadData:
    """The same data with at least `rows` rows after history; new rows are empty."""
    lacking = rows - (len(data.times) - data.known)
    if lacking <= 0:
        return data
    ahead = pd.date_range(data.times[-1], periods=lacking + 1, freq=data.step)[1:]

    def longer(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.full((lacking, values.shape[1]), np.nan)])

    return replace(
        data,
        times=data.times.append(ahead),
        targets=longer(data.targets),
        past=longer(data.past),
        future=longer(data.future),
        filled=np.concatenate([data.filled, np.zeros((lacking, data.filled.shape[1]), dtype=bool)]),
    )


def _history(
    table: Table, values: np.ndarray, goals: tuple[str, ...], past: tuple[str, ...], future: tuple[str, ...]
) -> tuple[int, int, int]:
    """First row of history, first row after it, and the end of the rows that future covariates reach."""
    targets, ahead = ~np.isnan(values[:, : len(goals)]), ~np.isnan(values[:, len(goals) + len(past) :])
    for name, present, column in zip(goals, targets.T, values.T, strict=False):
        if not present.any():
            raise InputError(f"{table.where}: the target {name!r} has no values; choose another column.")
        if np.nanmin(column) == np.nanmax(column):
            raise InputError(
                f"{table.where}: the target {name!r} is constant ({column[present][0]:g} in "
                f"{plural(present.sum(), 'row')}); there is nothing to forecast: choose another, or check the export."
            )
    rows = np.flatnonzero(targets.any(axis=1))
    reach = np.flatnonzero(ahead.any(axis=1))
    known = int(rows[-1]) + 1
    return int(rows[0]), known, max(known, int(reach[-1]) + 1 if len(reach) else 0)


def _require_complete(
    table: Table,
    values: np.ndarray,
    times: pd.DatetimeIndex,
    known: int,
    names: tuple[str, ...],
    goal: int,
    future: int,
) -> None:
    """Refuse a past covariate that stops before the targets, and a future one with a gap after them."""
    for column in range(goal, len(names)):
        end = len(times) if column >= len(names) - future else known
        for start, length in runs(np.isnan(values[:end, column])):
            if start + length > known or start + length == end:
                raise InputError(
                    f"{table.where}: the covariate {names[column]!r} is missing from {say_time(times[start])} to "
                    f"{say_time(times[start + length - 1])}; it is needed to {say_time(times[end - 1])}. Complete it, "
                    "leave it out, or cut the file before."
                )


def _hidden(values: np.ndarray, row: int) -> np.ndarray:
    """Hide rows from `row` on; a view when there are none."""
    if row == len(values):
        return values
    values = values.copy()
    values[row:] = np.nan
    return values


def _tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _units(table: Table, names: tuple[str, ...], given: Mapping[str, str]) -> dict[str, str]:
    if stranger := next((name for name in given if name not in names), None):
        raise InputError(f"units has {stranger!r}, which is none of the columns used: {', '.join(names)}.")
    return {name: unit for name, unit in ({**table.units, **given}).items() if name in names}
