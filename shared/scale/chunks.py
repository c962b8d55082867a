"""A function over many series, chunk by chunk: here, or on the workers of a dask cluster, with the same results."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import require

Array = NDArray[Any]
AHEAD = 2  # chunks under way for each thread of a cluster: busy workers, and a bound on memory


class Span(NamedTuple):
    """A chunk: the series [start, stop)."""

    start: int
    stop: int


class Result(NamedTuple):
    """What a function makes of a chunk."""

    arrays: Mapping[str, Array]  # each (series, ...)
    status: list[str]  # (series,), empty where all is well, else why there is no result


ChunkFunction = Callable[[xr.DataArray], Result]


@dataclass(frozen=True)
class Field:
    """A variable of the results: one block of `dims` for each series."""

    dims: tuple[str, ...]  # after series
    dtype: str
    attrs: Mapping[str, Any]

    @property
    def fill(self) -> float | int:
        """What stands where a series has failed."""
        return np.nan if np.dtype(self.dtype).kind == "f" else -1


@dataclass(frozen=True)
class Layout:
    """All that results hold beside their numbers."""

    labels: xr.Dataset  # coordinates of every dimension but series, and the attributes of the whole
    fields: Mapping[str, Field]

    def shape(self, name: str) -> tuple[int, ...]:
        """Lengths of a field's dimensions after series."""
        return tuple(self.labels.sizes[dim] for dim in self.fields[name].dims)

    def empty(self, name: str, series: int) -> Array:
        """A field of `series` failures."""
        field = self.fields[name]
        return np.full((series, *self.shape(name)), field.fill, field.dtype)


def spans(series: int, series_per_chunk: int) -> list[Span]:
    """Cut series into chunks."""
    return [Span(start, min(start + series_per_chunk, series)) for start in range(0, series, series_per_chunk)]


def attempt(function: ChunkFunction, layout: Layout, series: xr.DataArray, span: Span) -> Result:
    """Work on a chunk; when that fails, on its halves, until the series at fault stands alone with its reason.

    Only errors of the data are caught (ValueError, to which InputError belongs, and ArithmeticError).
    """
    try:
        return function(series.isel(series=slice(*span)))
    except (ValueError, ArithmeticError) as error:
        if span.stop - span.start == 1:
            return Result({name: layout.empty(name, 1) for name in layout.fields}, [str(error) or repr(error)])
    middle = (span.start + span.stop) // 2
    halves = [attempt(function, layout, series, half) for half in (Span(span.start, middle), Span(middle, span.stop))]
    arrays = {name: np.concatenate([half.arrays[name] for half in halves]) for name in layout.fields}
    return Result(arrays, halves[0].status + halves[1].status)


def work_through(
    function: ChunkFunction, layout: Layout, series: xr.DataArray, wanted: Iterable[Span], client: Any = None
) -> Iterator[tuple[Span, Result]]:
    """The result of every chunk, as it is done: in order here, in any order on a cluster.

    client  a `distributed.Client`; None takes the one in use, if any, else a plain loop. The function and the lazy
            series go to each worker once, and the worker reads the file
    """
    client = client_in_use() if client is None else client
    if client is None:
        yield from ((span, attempt(function, layout, series, span)) for span in wanted)
        return
    as_completed = require("distributed", "scale").as_completed
    shared = client.scatter(_Work(function, layout, series), hash=False, broadcast=True)
    todo, ahead = iter(wanted), AHEAD * max(1, sum(client.nthreads().values()))

    def submitted(count: int) -> list[Any]:
        return [client.submit(_on_worker, shared, span, pure=False) for span in islice(todo, count)]

    running = as_completed(submitted(ahead), with_results=True)
    for _, done in running:
        yield done
        running.update(submitted(1))


def client_in_use() -> Any:
    """The dask client that was made or connected before, if any; dask is not imported to find out."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


@dataclass(frozen=True)
class _Work:
    """All that a worker needs, closed to dask, which would load a lazy array only to learn its size."""

    function: ChunkFunction
    layout: Layout
    series: xr.DataArray


def _on_worker(work: _Work, span: Span) -> tuple[Span, Result]:
    return Span(*span), attempt(work.function, work.layout, work.series, Span(*span))
