"""Results are written whole or not at all: beside the target as NAME.partial, then renamed over it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FORMATS = (".nc", ".csv", ".parquet")


@contextmanager
def whole_file(target: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a path to write to; on success it becomes `target`, on any error nothing is left.

    Raises InputError when `target` exists and `overwrite` is false, or its folder does not exist.
    """
    target = Path(target)
    require_writable(target, overwrite)
    partial = target.with_name(target.name + ".partial")
    _remove(partial)
    try:
        yield partial
        partial.replace(target)
    finally:
        _remove(partial)


@contextmanager
def whole_folder(target: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; on success it becomes `target`, on any error nothing is left.

    An existing target is moved aside first and comes back if the last rename fails.
    """
    target = Path(target)
    require_writable(target, overwrite, "folder")
    partial, aside = (target.with_name(target.name + end) for end in (".partial", ".replaced"))
    _remove(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists():
            _remove(aside)
            target.rename(aside)
        try:
            partial.rename(target)
        except OSError:
            if aside.exists():
                aside.rename(target)
            raise
        _remove(aside)
    finally:
        _remove(partial)


def require_writable(target: str | Path, overwrite: bool, kind: str = "file") -> None:
    """Raise InputError when a "file" or "folder" cannot be written there: to be asked before long work."""
    target = Path(target)
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists; choose another name, or pass --overwrite to replace it.")
    if target.exists() and target.is_dir() != (kind == "folder"):
        raise InputError(f"{target} exists and is not a {kind}; choose another name.")
    if kind == "file" and not target.parent.is_dir():
        raise InputError(f"cannot write {target}: the folder {target.parent} does not exist; make it first.")


def require_format(path: str | Path) -> None:
    """Raise InputError unless `write_labelled` knows the suffix; to be asked before hours of work."""
    if Path(path).suffix.lower() not in FORMATS:
        raise InputError(f"cannot write {path}: end the name in {', '.join(FORMATS)}.")


def write_labelled(
    dataset: "xr.Dataset",
    table: "Callable[[xr.Dataset], pd.DataFrame]",
    path: str | Path,
    overwrite: bool = False,
) -> None:
    """Write by suffix, whole or not at all: NetCDF 4 of the dataset, or CSV and Parquet of what `table` makes of it.

    Raises InputError when the suffix is unknown, or the file exists and `overwrite` is false.
    """
    require_format(path)
    with whole_file(path, overwrite) as partial:
        match Path(path).suffix.lower():
            case ".nc":
                dataset.to_netcdf(partial, engine="h5netcdf")
            case ".csv":
                table(dataset).to_csv(partial, index=False)
            case _:
                table(dataset).to_parquet(partial, engine="pyarrow", index=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()
