"""A user's file, DataFrame or Dataset becomes one table, its cells still as written; nothing is ever unpickled."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from traceback import walk_tb
from typing import TypeVar

import pandas as pd
import pyarrow.parquet as pq
import xarray as xr

from ..errors import InputError, MissingExtra
from .day_rows import without_day_rows
from .delimited import WIDEST, read_delimited
from .extra_rows import without_extra_rows
from .table import Table, nearest
from .workbook import read_workbook

T = TypeVar("T")
GZIP = b"\x1f\x8b"
MOST = 2 * 2**30  # bytes that a packed file may unpack to


def read_table(source: str | Path | pd.DataFrame | xr.Dataset, wanted: Sequence[str] = ()) -> Table:
    """Read CSV (comma, semicolon, tab or bar; UTF-8; also gzipped), Parquet, NetCDF or Excel by suffix, or a table.

    A row a day with a column for each time of it comes back as a row for each time (`without_day_rows`).

    wanted  columns that will be read: the sheet of a workbook that has them is taken
    Raises InputError when the file is missing, empty, cut short, wrongly encoded or not what its suffix says.
    """
    if isinstance(source, pd.DataFrame):
        return without_day_rows(_checked(_from_frame(source, "the table")), wanted)
    if isinstance(source, xr.Dataset):
        return _checked(_from_dataset(source, "the dataset"))
    if not isinstance(source, (str, Path)):
        raise InputError(f"cannot read a table from a {type(source).__name__}; give a path, a DataFrame or a Dataset.")
    path = Path(source)
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path}: cannot read {path.suffix or 'a file without suffix'}; give {', '.join(READERS)}.")
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}{nearest(path.name, siblings)}.")
    if not path.stat().st_size:
        raise InputError(f"{path} is empty (0 bytes); export or download it again.")
    _refuse_disguise(path)
    return without_day_rows(_checked(READERS[path.suffix.lower()](path, wanted)), wanted)


def _read_csv(path: Path, wanted: Sequence[str]) -> Table:
    return without_extra_rows(_named(read_delimited(path)))


def _read_gzip(path: Path, wanted: Sequence[str]) -> Table:
    data = _unpacked(path)
    if not data:
        raise InputError(f"{path} is empty inside; export or download it again.")
    _refuse_signature(path, data[:8], ".csv")
    return without_extra_rows(_named(read_delimited(path, data)))


def _unpacked(path: Path, most: int | None = None) -> bytes:
    """What a gzip file holds; raises InputError when it is cut short or damaged, or unpacks to more than `most`."""
    most = MOST if most is None else most
    try:
        with gzip.open(path) as stream:
            data = stream.read(most + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be unpacked as gzip ({_first_line(error)}); it may be cut short: download it again."
        ) from error
    if len(data) > most:
        raise InputError(f"{path} unpacks to more than {most / 2**30:.3g} GiB; unpack it and cut it into parts.")
    return data


def _read_excel(path: Path, wanted: Sequence[str]) -> Table:
    return without_extra_rows(_named(_attempt(lambda: read_workbook(path, wanted), path, "Excel")))


def _read_parquet(path: Path, wanted: Sequence[str]) -> Table:
    width = _attempt(lambda: pq.read_metadata(path).num_columns, path, "Parquet")
    if width > WIDEST:
        raise InputError(f"{path} has {width:,} columns; up to {WIDEST:,} are read: does time run across, not down?")
    frame = _attempt(lambda: pd.read_parquet(path, engine="pyarrow"), path, "Parquet")
    return _from_frame(frame, str(path))


def _read_netcdf(path: Path, wanted: Sequence[str]) -> Table:
    content = path.read_bytes()

    def load() -> xr.Dataset:
        if content.startswith(b"CDF"):  # netCDF 3; from memory, since scipy cannot close a damaged file that it maps
            return xr.load_dataset(BytesIO(content), engine="scipy")
        import_module("h5py").File(path, "r").close()  # finds a file cut short cleanly, where h5netcdf leaves it open
        return xr.load_dataset(path, engine="h5netcdf")

    return _from_dataset(_attempt(load, path, "NetCDF"), str(path))


READERS: dict[str, Callable[[Path, Sequence[str]], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".gz": _read_gzip,
    ".gzip": _read_gzip,
    ".parquet": _read_parquet,
    ".nc": _read_netcdf,
    ".xlsx": _read_excel,
}

# First bytes of a format -> what it is, and the suffix under which it would be read.
SIGNATURES = {
    b"PAR1": ("Parquet", ".parquet"),
    b"\x89HDF": ("NetCDF/HDF5", ".nc"),
    b"CDF": ("NetCDF", ".nc"),
    b"PK\x03\x04": ("a zip archive or Excel workbook", ".xlsx"),
    GZIP: ("gzip-compressed", ".csv.gz"),
    b"\xff\xfe": ("UTF-16 text", None),
    b"\xfe\xff": ("UTF-16 text", None),
} | {bytes([0x80, protocol]): ("a Python pickle", None) for protocol in range(2, 6)}


def _refuse_disguise(path: Path) -> None:
    """Refuse a file whose first bytes contradict its suffix."""
    suffix = path.suffix.lower()
    with path.open("rb") as stream:
        head = stream.read(8)
    if READERS[suffix] is not _read_gzip:
        _refuse_signature(path, head, suffix)
    elif not head.startswith(GZIP):
        raise InputError(f"{path} is not gzip-compressed inside; give it the suffix of what it holds, such as .csv.")


def _refuse_signature(path: Path, head: bytes, given: str) -> None:
    for signature, (what, suffix) in SIGNATURES.items():
        if not head.startswith(signature) or suffix == given:
            continue
        if "pickle" in what:
            advice = "pickles are never opened, since they can run code: save the table as CSV or Parquet"
        else:
            advice = f"rename it to {path.stem}{suffix}" if suffix else "save it as plain CSV in UTF-8"
        raise InputError(f"{path} is {what} inside, not {given}; {advice}.")


def _attempt(read: Callable[[], T], path: Path, kind: str) -> T:
    try:
        return read()
    except (InputError, MissingExtra):
        raise
    except Exception as error:  # on damaged bytes the readers of these formats raise almost anything
        _finish_closing(error)
        raise InputError(
            f"{path} cannot be read as {kind} ({_first_line(error)}); it may be cut short: write or download it again."
        ) from error


def _from_dataset(dataset: xr.Dataset, where: str) -> Table:
    """Take the variables that run along time alone; a gridded one is named in the error when nothing else is left."""
    clocks = [str(n) for n, v in dataset.variables.items() if v.ndim == 1 and v.dtype.kind == "M"]
    along = next((str(dataset[name].dims[0]) for name in clocks), None)
    if along is None:
        raise InputError(f"{where} has no time coordinate; its variables are {', '.join(map(str, dataset.variables))}.")
    flat = {str(n): v for n, v in dataset.variables.items() if v.dims == (along,)}
    if len(flat) == len(clocks):
        shapes = ", ".join(f"{n} {tuple(map(str, v.dims))}" for n, v in dataset.data_vars.items())
        raise InputError(
            f"{where} has no variable along {along!r} alone ({shapes}); choose a point first: dataset.sel(...)."
        )
    units = {name: str(variable.attrs["units"]) for name, variable in flat.items() if "units" in variable.attrs}
    frame = pd.DataFrame({name: variable.values for name, variable in flat.items()})
    return Table(frame, where, index=along if along in clocks else None, units=units)


def _index_name(frame: pd.DataFrame) -> str | None:
    if not isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return None
    name = str(frame.index.name or "time")
    return f"{name} (index)" if name in map(str, frame.columns) else name


def _from_frame(frame: pd.DataFrame, where: str) -> Table:
    """Make the index a column when it holds times or has a name; names of several levels become one."""
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis([" ".join(map(str, levels)).strip() for levels in frame.columns], axis=1)
    if isinstance(frame.index, pd.MultiIndex):
        return Table(frame.reset_index(), where)
    clock = _index_name(frame)
    name = clock or (frame.index.name if frame.index.name not in frame.columns else None)
    return Table(frame.rename_axis(index=name).reset_index(drop=name is None), where, index=clock)


def _named(table: Table) -> Table:
    """Make the names text, with single blanks where they had line breaks."""
    names = [" ".join(str(name).split()) for name in table.frame.columns]
    return replace(table, frame=table.frame.set_axis(names, axis=1))


def _checked(table: Table) -> Table:
    if table.frame.empty:
        below = " below its header" if table.header else ""
        raise InputError(f"{table.where} has no rows of data{below}; export or download it again.")
    return _named(table)


def _finish_closing(error: Exception) -> None:
    """Let a NetCDF file that h5netcdf only half opened close in silence: it would print a traceback when collected."""
    for frame, _ in walk_tb(error.__traceback__):
        half_open = frame.f_locals.get("self")
        if type(half_open).__module__ == "h5netcdf.core" and not hasattr(half_open, "_writable"):
            vars(half_open)["_writable"] = False


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
