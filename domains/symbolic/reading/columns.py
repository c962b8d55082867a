"""Which column of a table is the time, which names the run, and which are states."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ....shared.errors import InputError
from ....shared.reading.cells import is_text, text_of
from ....shared.reading.stamps import reads_as_time
from ....shared.reading.table import Table, plural, require_columns
from .quantities import is_quantity

# What columns of time and of runs are called, the surest first; without unit, case, blanks and marks.
TIMES = ("t", "time", "times", "timestamp", "datetime", "date", "elapsed", "elapsedtime", "zeit", "temps", "tiempo",
         "seconds", "second", "sec", "minutes", "minute", "hours", "hour", "days", "day", "years", "year")  # fmt: skip
RUNS = ("run", "runid", "runs", "trajectory", "trajectoryid", "traj", "trial", "experiment", "replicate", "episode",
        "series", "seriesid")  # fmt: skip
COUNTERS = ("", "index", "id", "row", "unnamed", "unnamed0")  # of rows: no state
MOST = 12  # states
HALF = 0.5  # of the cells; with more of them numbers, a column is one of numbers


class Columns(NamedTuple):
    """Names of columns by what they hold."""

    time: str
    states: tuple[str, ...]
    run: str | None


def find_columns(table: Table, time: str | None, states: Sequence[str] | None, run: str | None) -> Columns:
    """Take the columns that are named; find the others by their names and cells, and say so in `repairs`.

    The time is a column called so, else one of dates, else the first that rises. States are all other columns of
    numbers. Raises InputError when a named column is missing or a choice cannot be made.
    """
    wanted = [name for name in (time, run, *(states or ())) if name is not None]
    require_columns(table, wanted)
    if len({*wanted}) < len(wanted):
        again = next(name for name in wanted if wanted.count(name) > 1)
        raise InputError(f"{table.where}: column {again!r} is named twice; a column is time, run or one state.")
    names = [str(name) for name in table.frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{table.where}: column {twice[0]!r} stands more than once; give each state its own name.")
    if run is None:
        run = _called(names, RUNS, wanted)
        if run is not None:
            table.repairs.append(f"runs told apart by {run!r}")
    if time is None:
        time = _time(table, [name for name in names if name != run and name not in wanted])
    if states is None:
        states = _states(table, [name for name in names if name not in (time, run)])
    if len(states) > MOST:
        raise InputError(f"{table.where}: {len(states)} columns of numbers; name up to {MOST} of them with states=.")
    return Columns(time, tuple(states), run)


def folded(name: str) -> str:
    """A name without its unit, case, blanks and marks: `Time (s)` is `time`."""
    bare = re.sub(r"[(\[][^)\]]*[)\]]|/.*$", "", name)
    return re.sub(r"[^a-z0-9]", "", re.sub(r"_(s|ms|us|ns|min|h|d|sec)$", "", bare.strip().casefold()))


def _called(names: Sequence[str], known: tuple[str, ...], taken: Sequence[str] = ()) -> str | None:
    """The column with the surest of these names, the first of equal ones."""
    fitting = [name for name in names if folded(name) in known and name not in taken]
    return min(fitting, key=lambda name: known.index(folded(name)), default=None)


def _time(table: Table, names: Sequence[str]) -> str:
    if table.index is not None:
        return table.index
    if (called := _called(names, TIMES)) is not None:
        return called
    frame = table.frame
    for name in names:
        if (is_text(frame[name]) or pd.api.types.is_datetime64_any_dtype(frame[name])) and reads_as_time(
            frame[name], False
        ):
            table.repairs.append(f"no column is called time: {name!r}, which holds dates, is taken")
            return name
    for name in names:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
        if len(values) > 1 and np.isfinite(values).all() and (np.diff(values) > 0).all():
            table.repairs.append(f"no column is called time: {name!r}, the first that rises, is taken")
            return name
    raise InputError(
        f"{table.where}: no column of times (columns: {table.columns()}); name one with time=, or give the times too."
    )


def _states(table: Table, names: Sequence[str]) -> list[str]:
    found = []
    for name in names:
        column = table.frame[name]
        if folded(name) in TIMES:
            table.repairs.append(f"{name!r} left out: a second column of times")
        elif column.isna().all() or (is_text(column) and text_of(column).null_count == len(column)):
            table.repairs.append(f"{name!r} left out: it is empty")
        elif folded(name) in COUNTERS and _counts(column):
            table.repairs.append(f"{name!r} left out: it counts the rows")
        elif _holds_numbers(column):
            found.append(name)
        else:
            table.repairs.append(f"{name!r} left out: it holds {_what(column)}")
    if not found:
        raise InputError(f"{table.where}: no column of numbers beside the time; the columns are {table.columns()}.")
    return found


def _counts(column: pd.Series) -> bool:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    return bool(len(values) < 2 or (np.diff(values) == 1).all())


def _holds_numbers(column: pd.Series) -> bool:
    if not is_text(column):
        return bool(pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype))
    cells = text_of(column).drop_null().to_pylist()[:2000]
    return sum(map(is_quantity, cells)) > HALF * len(cells)


def _what(column: pd.Series) -> str:
    if not is_text(column):
        return str(column.dtype)
    cells = text_of(column).drop_null().to_pylist()
    return f"text such as {cells[0][:40]!r} ({plural(len({*cells}), 'value')})"
