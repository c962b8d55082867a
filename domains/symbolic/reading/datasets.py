"""NetCDF and xarray: variables over time, maybe over runs and states too, become one table."""

from importlib import import_module
from io import BytesIO
from pathlib import Path

import pandas as pd
import xarray as xr

from ....shared.errors import InputError
from ....shared.reading.table import Table, nearest
from .columns import RUNS, TIMES, folded


def load_dataset(path: Path) -> xr.Dataset:
    """Read a NetCDF file, version 3 or 4; raises InputError when it is missing or damaged."""
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}{nearest(path.name, siblings)}.")
    content = path.read_bytes()
    try:
        if content.startswith(b"CDF"):
            return xr.load_dataset(BytesIO(content), engine="scipy")
        import_module("h5py").File(path, "r").close()  # finds a file cut short before h5netcdf leaves it half open
        return xr.load_dataset(path, engine="h5netcdf")
    except Exception as error:  # on damaged bytes the readers raise almost anything
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(f"{path} cannot be read as NetCDF ({first}); it may be cut short: write it again.") from error


def table_of(dataset: xr.Dataset, where: str) -> Table:
    """One row a time (and run), one column a variable; a variable over (time, state) gives one column a state.

    Raises InputError when no dimension is called as a time, or a variable has dimensions that are none of these.
    """
    dims = [str(name) for name in dataset.dims]
    clock = min((name for name in dims if folded(name) in TIMES), key=lambda n: TIMES.index(folded(n)), default=None)
    if clock is None:
        raise InputError(f"{where} has no dimension called time; its dimensions are {', '.join(dims) or 'none'}.")
    if clock not in dataset.coords:
        raise InputError(f"{where} has no values along its dimension {clock!r}; add them as a coordinate.")
    along = [name for name in dims if name == clock or folded(name) in RUNS]
    columns: dict[str, xr.DataArray] = {}
    for name, variable in dataset.data_vars.items():
        more = [str(dim) for dim in variable.dims if dim not in along]
        if clock not in variable.dims:
            continue
        if len(more) > 1:
            raise InputError(f"{where}: {name!r} runs over {', '.join(map(str, variable.dims))}; choose a point first.")
        if not more:
            columns[str(name)] = variable
            continue
        labels = variable.coords[more[0]].values if more[0] in variable.coords else range(variable.sizes[more[0]])
        for place, label in enumerate(labels):
            text = str(label) if not str(label).lstrip("-").isdigit() else f"{name}_{label}"
            columns[text] = variable.isel({more[0]: place}, drop=True)
    if not columns:
        raise InputError(f"{where} has no variable along {clock!r}.")
    frame = xr.Dataset({name: one.reset_coords(drop=True) for name, one in columns.items()}).to_dataframe()
    order = [name for name in along if name != clock and name in frame.index.names] + [clock]
    frame = frame.reorder_levels(order).sort_index(level=order[:-1], sort_remaining=False) if len(order) > 1 else frame
    return Table(pd.DataFrame(frame.reset_index()), where)
