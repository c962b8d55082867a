"""Open many series as one lazy array (series, time), whatever the file; and tell one state of a file from another."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from xarray.core import indexing

from ..errors import InputError, require
from .steps import regular_steps
from .table_array import open_table

SUFFIXES = (".parquet", ".csv", ".nc", ".zarr")
AXES = ("series", "time")


def open_series(source: str | Path | xr.DataArray | xr.Dataset | pd.DataFrame) -> xr.DataArray:
    """Many series on one grid of equal steps, read when they are needed; -> (series, time), times in UTC or as written.

    source  a wide table (time and a column for each series; .parquet, .csv), a long one (series, time, value;
            .parquet), NetCDF or Zarr with one variable of (series, time) in either order, or an object already in
            memory: an array, a dataset, a DataFrame with times as its index
    Raises InputError for what is missing, unreadable or not on one grid, and says what to do.
    """
    if isinstance(source, pd.DataFrame):
        source = xr.DataArray(source.rename_axis(index="time", columns="series").T)
    if isinstance(source, xr.Dataset | xr.DataArray):
        return _labelled(source, "the array")
    path = Path(source)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: cannot read {path.suffix or 'a file without suffix'}; give {', '.join(SUFFIXES)}.")
    if not path.exists():
        raise InputError(f"no file {path}; is the name mistyped?")
    if path.suffix.lower() in (".parquet", ".csv"):
        table = open_table(str(path))
        lazy = xr.Variable(AXES, indexing.LazilyIndexedArray(table))
        return xr.DataArray(lazy, coords={"series": table.names, "time": table.times}, name="value")
    return _labelled(_open_gridded(path), str(path))


def fingerprint(source: str | Path | xr.DataArray) -> str:
    """Tell whether data are still those of an earlier run: size, time of change and both ends of a file.

    A Zarr folder counts by the names, sizes and times of its files, an array by its names and first series.
    """
    digest = hashlib.sha256()
    if isinstance(source, xr.DataArray):
        digest.update(repr((list(source["series"].values), source["time"].values.tolist())).encode())
        digest.update(np.ascontiguousarray(source.isel(series=slice(0, 64)).values).tobytes())
        return digest.hexdigest()
    path = Path(source)
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        about = one.stat()
        digest.update(f"{one.relative_to(path)} {about.st_size} {about.st_mtime_ns}\n".encode())
    if path.is_file():
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, path.stat().st_size - (1 << 20)))
            digest.update(file.read(1 << 20))
    return digest.hexdigest()


def _open_gridded(path: Path) -> xr.Dataset:
    zarr = path.suffix.lower() == ".zarr"
    if zarr:
        require("zarr", "scale")
    options: dict[str, Any] = {"engine": "zarr"} if zarr else {"engine": "h5netcdf"}
    try:
        return xr.open_dataset(path, chunks=None, cache=False, **options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be opened ({str(error).splitlines()[0]}); is it whole?") from error


def _labelled(data: xr.Dataset | xr.DataArray, where: str) -> xr.DataArray:
    """The one variable of (series, time), in that order, with a name for each series and regular times."""
    if isinstance(data, xr.Dataset):
        fitting = [name for name, one in data.data_vars.items() if set(one.dims) == set(AXES)]
        if len(fitting) != 1:
            have = ", ".join(f"{name} {tuple(one.dims)}" for name, one in data.data_vars.items()) or "none"
            raise InputError(
                f"{where} needs one variable of the dimensions series and time and has {len(fitting)} "
                f"(variables: {have}); drop or rename, such as dataset.rename(meter='series')."
            )
        data = data[fitting[0]]
    if set(data.dims) != set(AXES):
        raise InputError(f"{where} has the dimensions {tuple(data.dims)}; rename them to series and time.")
    if "time" not in data.coords:
        raise InputError(f"{where} has no times along its dimension time; add them as a coordinate.")
    if data["time"].dtype.kind != "M":
        raise InputError(f"{where}: the coordinate time holds {data['time'].dtype}, not times of the usual calendar.")
    times = pd.DatetimeIndex(data["time"].values).as_unit("ns")
    if not times.equals(regular_steps(np.unique(times.asi8), where)):
        apart = np.flatnonzero(np.diff(times.asi8) != np.median(np.diff(times.asi8)))
        raise InputError(
            f"{where}: the times do not go on by equal steps after {times[apart[0]]}; sort them, and fill in what is "
            "missing, such as by array.sortby('time').resample(time='1h').asfreq()."
        )
    names = data["series"].values if "series" in data.coords else np.arange(data.sizes["series"])
    names = np.array([name.decode() if isinstance(name, bytes) else str(name) for name in names], dtype=object)
    if len(set(names)) < len(names):
        raise InputError(f"{where}: a name of a series stands more than once; give each its own.")
    plain = data.reset_coords(drop=True).transpose(*AXES)
    return plain.assign_coords(series=names, time=pd.DatetimeIndex(times, name="time"))
