"""From many series to their results, in memory or in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

from ..errors import InputError
from .chunks import ChunkFunction, Layout, spans, work_through
from .store import STATUS, ResultStore, Rows

SERIES_PER_CHUNK = 1000


def map_in_memory(
    function: ChunkFunction,
    series: xr.DataArray,
    layout: Layout,
    *,
    series_per_chunk: int = SERIES_PER_CHUNK,
    client: Any = None,
) -> xr.Dataset:
    """Results of all series as one dataset; arguments as in `map_to_file`."""
    wanted = spans(series.sizes["series"], _at_least_one(series_per_chunk))
    arrays = {name: layout.empty(name, series.sizes["series"]) for name in layout.fields}
    status = np.full(series.sizes["series"], "", dtype=object)
    for span, result in work_through(function, layout, series, wanted, client):
        for name in arrays:
            arrays[name][slice(*span)] = result.arrays[name]
        status[slice(*span)] = result.status
    filled = {name: (("series", *field.dims), arrays[name], dict(field.attrs)) for name, field in layout.fields.items()}
    named = layout.labels.assign_coords(series=series["series"].values)
    return named.assign({**filled, "status": ("series", status, STATUS)})


def map_to_file(
    function: ChunkFunction,
    series: xr.DataArray,
    layout: Layout,
    out: str | Path,
    *,
    identity: Mapping[str, Any],
    rows: Rows,
    series_per_chunk: int = SERIES_PER_CHUNK,
    client: Any = None,
    overwrite: bool = False,
    progress: bool = False,
) -> xr.Dataset:
    """Write results of all series to `out`, whole or not at all; stopped, the same call goes on.

    -> what there is of each series as a whole: the fields without further dimensions, and status

    function  makes a Result of each chunk (series, time); it is sent to workers, so it holds plain values
    series    (series, time), lazy or not, as `open_series` gives it
    identity  what the results depend on beside the function: see `ResultStore`
    client    a `distributed.Client`; None takes the one in use, if any, else a plain loop

    Memory holds one chunk, or two for each thread of a cluster. Results do not depend on who computes them.
    Raises InputError as `ResultStore` does.
    """
    identity = {**identity, "series_per_chunk": _at_least_one(series_per_chunk)}
    names = [str(name) for name in series["series"].values]
    store = ResultStore(out, layout, names, identity, rows, overwrite)
    wanted = spans(len(names), series_per_chunk)
    pending = store.pending(wanted)
    with tqdm(total=len(wanted), initial=len(wanted) - len(pending), unit="chunk", disable=not progress) as bar:
        for span, result in work_through(function, layout, series, pending, client):
            store.write(span, result)
            bar.update()
    summary = store.summary()
    store.publish(summary)
    return summary


def _at_least_one(series_per_chunk: int) -> int:
    if series_per_chunk < 1:
        raise InputError(f"series_per_chunk={series_per_chunk} must be at least 1.")
    return series_per_chunk
