"""Tables of many series as lazy arrays (series, time): only the series that are asked for are ever in memory."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from ..errors import InputError
from .steps import regular_steps

LONG = ("series", "time", "value")
TIME_NAMES = ("time", "timestamp", "datetime", "date")
BATCH_ROWS = 1 << 17

Floats = NDArray[np.float64]


class TableArray(BackendArray, ABC):
    """What all tables share: names, steps, and reading a run of series; missing cells are NaN."""

    dtype = np.dtype(np.float64)

    def __init__(self, path: str, names: NDArray[np.object_], times: pd.DatetimeIndex) -> None:
        self.path, self.names, self.times = path, names, times
        self.shape = (len(names), len(times))

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Answer xarray's indexing, of which slices of series are the quick kind."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._basic)

    def _basic(self, key: tuple[Any, ...]) -> Any:
        series = key[0]
        if not isinstance(series, slice):
            return self.read(int(series), int(series) + 1)[0, key[1]]
        start, stop, stride = series.indices(len(self.names))
        return self.read(start, stop)[::stride, key[1]]

    @abstractmethod
    def read(self, start: int, stop: int) -> Floats:
        """Values of the series [start, stop); (series, time)."""

    def _place(self, stamps: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray((stamps - self.times.asi8[0]) // (self.times.asi8[1] - self.times.asi8[0]))


class WideTable(TableArray):
    """A column of times and a column for each series, in Parquet or CSV."""

    def __init__(self, path: str) -> None:
        self.batches: Callable[[str, list[str]], Iterator[Any]] = (
            _parquet_columns if path.lower().endswith(".parquet") else _csv_columns
        )
        schema = _schema(path)
        self.time = _time_column(schema, path)
        names = [name for name in schema.names if name != self.time]
        if len(set(schema.names)) < len(schema.names):
            twice = next(name for name in names if schema.names.count(name) > 1)
            raise InputError(f"{path}: the column {twice!r} stands more than once; each series needs its own name.")
        for name in names:
            if not _is_number(schema.field(name).type):
                raise InputError(
                    f"{path}: column {name!r} holds {schema.field(name).type}, not numbers; beside {self.time!r} every "
                    "column is a series: drop it, or give the columns series, time, value."
                )
        self.stamps = np.concatenate([_nanoseconds(b.column(0), path) for b in self.batches(path, [self.time])])
        unique, again = np.unique(self.stamps, return_counts=True)
        if (again > 1).any():
            stamp = pd.Timestamp(unique[again.argmax()])
            raise InputError(f"{path}: {stamp} stands {again.max()} times; keep one row for each time.")
        super().__init__(path, np.array(names, dtype=object), regular_steps(unique, path))

    def read(self, start: int, stop: int) -> Floats:
        """Read these columns alone."""
        names = list(self.names[start:stop])
        values = np.full((len(names), len(self.times)), np.nan)
        row = 0
        for batch in self.batches(self.path, names):
            place = self._place(self.stamps[row : row + batch.num_rows])
            row += batch.num_rows
            for i, name in enumerate(names):
                values[i, place] = _floats(batch.column(name))
        return values


class LongTable(TableArray):
    """Columns series, time, value in Parquet, in any order; quickest when the rows of a series stand together.

    One pass over the first two columns finds the series (in order of first appearance), the steps, and which row
    groups hold which series; a chunk then reads only its own row groups.
    """

    def __init__(self, path: str) -> None:
        file, self.columns = pq.ParquetFile(path), _long_columns(pq.read_schema(path))
        known: dict[Any, int] = {}
        stamps: set[int] = set()
        self.groups: list[tuple[int, int]] = []  # first and last series that stand in a row group
        for group in range(file.num_row_groups):
            ids: set[int] = set()
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(self.columns[:2])):
                for name in pc.unique(batch.column(self.columns[0])).to_pylist():
                    ids.add(known.setdefault(name, len(known)))
                stamps.update(np.unique(_nanoseconds(batch.column(self.columns[1]), path)).tolist())
            self.groups.append((min(ids, default=0), max(ids, default=-1)))
        if None in known:
            raise InputError(f"{path}: there are rows without a name in the column {self.columns[0]!r}; drop them.")
        self.keys = pa.array(list(known))
        names = np.array([str(name) for name in known], dtype=object)
        super().__init__(path, names, regular_steps(np.array(sorted(stamps), dtype=np.int64), path))

    def read(self, start: int, stop: int) -> Floats:
        """Read the row groups that hold these series; raises InputError where a time has two different values."""
        values = np.full((stop - start, len(self.times)), np.nan)
        wanted, names, file = self.keys.slice(start, stop - start), self.names[start:stop], pq.ParquetFile(self.path)
        groups = [i for i, (first, last) in enumerate(self.groups) if first < stop and last >= start]
        for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=list(self.columns)):
            name, time, value = (batch.column(column) for column in self.columns)
            row, given = pc.index_in(name.cast(wanted.type), value_set=wanted), _floats(value)
            kept = row.is_valid().to_numpy(zero_copy_only=False) & ~np.isnan(given)
            at = row.fill_null(0).to_numpy()[kept], self._place(_nanoseconds(time, self.path)[kept])
            before = values[at]
            values[at] = given[kept]
            clash = (~np.isnan(before) & (before != given[kept])) | (values[at] != given[kept])
            if clash.any():
                series, step = (axis[clash.argmax()] for axis in at)
                raise InputError(f"two different values at {self.times[step]} in {names[series]}; keep one of them.")
        return values


def open_table(path: str) -> TableArray:
    """The lazy array of a Parquet or CSV file, long when it has the columns series, time and value."""
    is_long = set(LONG) <= {name.casefold() for name in _schema(path).names}
    if is_long and not path.lower().endswith(".parquet"):
        raise InputError(f"{path}: long tables (series, time, value) are read from Parquet; save it as .parquet.")
    return LongTable(path) if is_long else WideTable(path)


def _schema(path: str) -> pa.Schema:
    try:
        if path.lower().endswith(".parquet"):
            return pq.read_schema(path)
        with pyarrow.csv.open_csv(path) as reader:
            return reader.schema
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}") from error


def _parquet_columns(path: str, names: list[str]) -> Iterator[Any]:
    return pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=names)  # type: ignore[no-any-return]


def _csv_columns(path: str, names: list[str]) -> Iterator[Any]:
    options = pyarrow.csv.ConvertOptions(include_columns=names)
    with pyarrow.csv.open_csv(path, convert_options=options) as reader:
        yield from reader


def _long_columns(schema: pa.Schema) -> tuple[str, ...]:
    by_name = {name.casefold(): name for name in schema.names}
    return tuple(by_name[name] for name in LONG)


def _time_column(schema: pa.Schema, path: str) -> str:
    named = [name for name in schema.names if name.casefold() in TIME_NAMES]
    typed = [field.name for field in schema if pa.types.is_temporal(field.type)]
    if not (named or typed):
        shown = ", ".join(map(repr, schema.names[:6])) + (", ..." if len(schema.names) > 6 else "")
        raise InputError(f"{path} has no column of times among {shown}; name it time.")
    return str((named or typed)[0])


def _is_number(kind: pa.DataType) -> bool:
    return any(
        test(kind) for test in (pa.types.is_floating, pa.types.is_integer, pa.types.is_null, pa.types.is_decimal)
    )


def _nanoseconds(column: pa.Array, path: str) -> NDArray[np.int64]:
    """Times with an offset count in UTC, those without as they stand."""
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not (is_text or pa.types.is_temporal(column.type)):
        raise InputError(f"{path}: the column of times holds {column.type}; write times as 2014-03-30 01:30.")
    try:
        if is_text:
            stamps = pd.to_datetime(pd.Series(column.to_pandas()), format="ISO8601", utc=True)
            return np.asarray(pd.DatetimeIndex(stamps).as_unit("ns").asi8)
        stamps = column.cast(pa.timestamp("ns", getattr(column.type, "tz", None)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise InputError(f"{path}: the times cannot be read ({error}); write them as 2014-03-30 01:30.") from error
    if stamps.null_count:
        raise InputError(f"{path}: {stamps.null_count:,} row(s) have no time; drop them.")
    return np.asarray(stamps.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
