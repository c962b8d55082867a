"""The door: a user's files, tables or arrays become runs of one system, and every repair is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.reading.cells import is_text
from ....shared.reading.files import read_table
from ....shared.reading.stamps import read_stamps, reads_as_time
from ....shared.reading.table import Table, plural
from ..trajectory import LEAST, Trajectory, same_system
from .columns import Columns, find_columns
from .datasets import load_dataset, table_of
from .faults import bounded, complete, rising, segments, thinned
from .quantities import quantities

Floats = NDArray[np.float64]
One: TypeAlias = str | Path | pd.DataFrame | xr.Dataset | xr.DataArray | NDArray[Any] | tuple[Any, Any] | Trajectory
MAX_POINTS = 5_000  # of a run; a law shows in far fewer
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "a": 31557600.0}  # seconds; a year is 365.25 days


class Runs(NamedTuple):
    """Runs of one system, and what was put right or guessed on the way, a line each."""

    runs: tuple[Trajectory, ...]
    repairs: tuple[str, ...]
    time_unit: str = ""  # of elapsed time made from dates; empty when times are numbers in the user's unit


def read_runs(
    source: One | Sequence[One],
    *,
    time: str | None = None,
    states: Sequence[str] | None = None,
    run: str | None = None,
    time_unit: str | None = None,
    max_points: int = MAX_POINTS,
) -> Runs:
    """Read runs of one system from CSV, TSV, Parquet, Excel, NetCDF, a DataFrame, a Dataset or arrays.

    source      one of these, or a list of them (files of one system); arrays as (times (time,), states (time, state)),
                or as one array whose first column is time
    time        the column of times; else one called so, one of dates, or the first that rises
    states      the columns of the states; else all others with numbers
    run         the column that tells runs apart; else one called run, trajectory, trial and the like
    time_unit   s, min, h, d or a, for times that are dates: they become elapsed time
    max_points  of a run: longer ones are thinned
    Raises InputError, with place and remedy, for whatever cannot be read or would be guessed.
    """
    if max_points < LEAST:
        raise InputError(f"max_points={max_points} is too few; {LEAST} points are needed at least.")
    if time_unit is not None and time_unit not in UNITS:
        raise InputError(f"time_unit={time_unit!r} is not known; give one of {', '.join(UNITS)}.")
    found: list[Trajectory] = []
    repairs: list[str] = []
    unit = time_unit
    for place, one in enumerate(_listed(source)):
        if isinstance(one, Trajectory):
            found.append(one)
            continue
        table = _table(one, [name for name in (time, run, *(states or ())) if name is not None], place)
        columns = find_columns(table, time, states, run)
        times, unit = _times(table, columns.time, unit)
        values = np.column_stack([quantities(table, name) for name in columns.states])
        found += _runs(table, columns, times, values, max_points)
        repairs += table.repairs
    if not found:
        raise InputError("no run is left to read.")
    same_system(found)
    repairs += _said_constant(found)
    return Runs(tuple(found), tuple(dict.fromkeys(repairs)), unit or "")


def _listed(source: Any) -> list[Any]:
    if isinstance(source, (str, Path, pd.DataFrame, xr.Dataset, xr.DataArray, np.ndarray, Trajectory)):
        return [source]
    if (
        isinstance(source, tuple)
        and len(source) == 2
        and not isinstance(source[0], (str, Path, Trajectory, pd.DataFrame))
    ):
        return [source]
    listed = list(source) if isinstance(source, Sequence) else None
    if not listed:
        raise InputError(
            f"cannot read runs from {'an empty list' if listed == [] else f'a {type(source).__name__}'}; give a file, "
            "a table, (times, states) or a list of them."
        )
    return listed


def _table(one: Any, wanted: Sequence[str], place: int) -> Table:
    match one:
        case xr.DataArray():
            return table_of(one.to_dataset(name=one.name or "x"), "the array")
        case xr.Dataset():
            return table_of(one, "the dataset")
        case str() | Path() if str(one).lower().endswith(".nc"):
            return table_of(load_dataset(Path(one)), str(one))
        case str() | Path():
            return _with_header(read_table(one, wanted))
        case pd.DataFrame(index=index) if index.name is None and _measures(index) and "t" not in one.columns:
            return read_table(one.rename_axis(index="t"), wanted)
        case pd.DataFrame():
            return read_table(one, wanted)
    where = f"run {place}" if place else "the arrays"
    try:
        if isinstance(one, np.ndarray):
            if one.ndim != 2 or one.shape[1] < 2:
                raise InputError(f"{where}: an array of runs is (time, 1 + state), time first; this is {one.shape}.")
            times, values = one[:, 0], one[:, 1:]
        else:
            times, values = (np.asarray(part) for part in one)
            values = values[:, None] if values.ndim == 1 else values
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: give (times, states) as arrays ({error}).") from None
    if times.ndim != 1 or values.ndim != 2 or len(times) != len(values):
        raise InputError(
            f"{where}: times have shape {times.shape}, states {values.shape}; give (time,) and (time, state)."
        )
    frame = pd.DataFrame({"t": times} | {f"x_{place}": column for place, column in enumerate(values.T)})
    return Table(frame, where)


def _measures(index: pd.Index) -> bool:
    """Is an index without a name more than a count of the rows: numbers that rise?"""
    numeric = pd.api.types.is_numeric_dtype(index.dtype) and not isinstance(index, pd.RangeIndex)
    return bool(numeric and index.is_monotonic_increasing and not np.array_equal(index, np.arange(len(index))))


def _with_header(table: Table) -> Table:
    """Take a row of names that are all numbers as data, and name the columns t, x_0, x_1, .."""
    given = list(table.frame.columns)
    try:
        [float(name.replace(",", ".")) for name in given]
    except ValueError:
        return table
    if len(given) < 2:
        raise InputError(f"{table.where}: one column of numbers; give a column of times and one or more of states.")
    names = ["t", *(f"x_{place}" for place in range(len(given) - 1))]
    body = table.frame.set_axis(names, axis=1).astype(object)
    top = pd.DataFrame([given], columns=names, index=[int(table.frame.index[0]) - 1], dtype=object)
    said = f"no row of names at the top: columns taken as {', '.join(names)}"
    return Table(pd.concat([top, body]), table.where, table.header, repairs=[*table.repairs, said])


def _times(table: Table, name: str, unit: str | None) -> tuple[Floats, str | None]:
    """Times of the rows as numbers, and the unit of elapsed time where they were dates."""
    column = table.frame[name]
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        seconds = column.dt.total_seconds().to_numpy(np.float64)
        since = "elapsed time"
    elif pd.api.types.is_datetime64_any_dtype(column.dtype) or (is_text(column) and reads_as_time(column, False)):
        stamps = read_stamps(table, name)
        begin = stamps.min()
        seconds = np.asarray((stamps - begin) / pd.Timedelta("1s"), np.float64)
        since = f"elapsed time since {begin:%Y-%m-%d %H:%M:%S}"
    else:
        return quantities(table, name), unit
    unit = unit or _unit(seconds)
    table.repairs.append(f"{name!r} read as {since}, in {unit}")
    return seconds / UNITS[unit], unit


def _unit(seconds: Floats) -> str:
    """The largest unit that is not longer than the usual step."""
    steps = np.diff(np.unique(seconds[np.isfinite(seconds)]))
    usual = float(np.median(steps)) if len(steps) else 1.0
    return max((name for name in UNITS if UNITS[name] <= 1.01 * max(usual, 1.0)), key=UNITS.__getitem__)


def _runs(table: Table, columns: Columns, times: Floats, values: Floats, max_points: int) -> list[Trajectory]:
    stem = Path(table.where).stem if "." in table.where else table.where
    groups: list[tuple[str, NDArray[np.int64]]] = [(stem, np.arange(len(times)))]
    if columns.run is not None:
        labels = table.frame[columns.run].astype(str).to_numpy()
        groups = [
            (f"{stem}, {columns.run} {label}", np.flatnonzero(labels == label)) for label in dict.fromkeys(labels)
        ]
    found, short = [], []
    for name, rows in groups:
        t, x, notes = complete(times[rows], values[rows], columns.states, name)
        cuts, said = segments(t, name)
        notes += said
        for place, cut in enumerate(cuts):
            one = name if len(cuts) == 1 else f"{name}, part {place + 1}"
            if len(t[cut]) < LEAST:
                short.append(f"{one} ({plural(len(t[cut]), 'point')})")
                continue
            ordered = rising(t[cut], x[cut], columns.states, one)
            kept = bounded(*ordered[:2], columns.states, one)
            thin = thinned(*kept[:2], max_points, one)
            notes += ordered[2] + kept[2] + thin[2]
            found.append(Trajectory(thin[0], thin[1], columns.states, one))
        table.repairs.extend(notes)
    if short and not found:
        raise InputError(f"{table.where}: {short[0]} says too little of a law; give {LEAST} points or more in a run.")
    if short:
        table.repairs.append(f"too short to say anything, left out: {', '.join(short[:5])}")
    return found


def _said_constant(runs: Sequence[Trajectory]) -> list[str]:
    """Name states that never change: kept, since others may depend on them."""
    still = np.all([(one.states == runs[0].states[0]).all(0) for one in runs], axis=0)
    return [
        f"{name!r} is {runs[0].states[0, place]:g} at all times: the data say nothing of its law"
        for place, name in enumerate(runs[0].names)
        if still[place]
    ]
