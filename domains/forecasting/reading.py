"""A user's file, DataFrame or Dataset becomes one table, its cells still as written; nothing is ever unpickled."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import xarray as xr

from ...shared.errors import InputError, require

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """Columns by name, and what messages need to point into them."""

    frame: pd.DataFrame  # str names; text stays text
    where: str  # "load.csv", "the table"
    header: int = 0  # rows above the first data row, as a person counts them in the file
    index: str | None = None  # the column that was the time index, when the source had one
    units: dict[str, str] = field(default_factory=dict)

    def row(self, position: int) -> str:
        """Name a row as a person finds it: `row 18` of a file whose header is row 1, `row 16` of a DataFrame from 0."""
        return f"row {position + self.header + (self.header > 0)}"


def read_table(source: str | Path | pd.DataFrame | xr.Dataset) -> Table:
    """Read CSV (comma, semicolon, tab or bar; UTF-8), Parquet, NetCDF or Excel by suffix, or take a table as it is.

    Raises InputError when the file is missing, empty, cut short, wrongly encoded or not what its suffix says.
    """
    if isinstance(source, pd.DataFrame):
        return _checked(_with_index(source), "the table", index=_index_name(source))
    if isinstance(source, xr.Dataset):
        return _from_dataset(source, "the dataset")
    if not isinstance(source, (str, Path)):
        raise InputError(f"cannot read load from a {type(source).__name__}; give a path, a DataFrame or a Dataset.")
    path = Path(source)
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path}: cannot read {path.suffix or 'a file without suffix'}; give {', '.join(READERS)}.")
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}{nearest(path.name, siblings)}.")
    if not path.stat().st_size:
        raise InputError(f"{path} is empty (0 bytes); export or download it again.")
    _refuse_disguise(path)
    return READERS[path.suffix.lower()](path)


def require_columns(table: Table, wanted: Iterable[str]) -> None:
    """Raise InputError unless every wanted column is there; the message lists what is, and the nearest name."""
    found = list(table.frame.columns)
    for name in wanted:
        if found.count(name) != 1:
            fault = "stands more than once" if name in found else f"is missing{nearest(name, found)}"
            raise InputError(f"{table.where}: column {name!r} {fault}; the columns are {', '.join(map(repr, found))}.")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'Demand'?)` or nothing."""
    folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def plural(count: int, noun: str) -> str:
    """Write `1 row`, `1,200 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _read_csv(path: Path) -> Table:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} holds the byte 0x{data[error.start]:02x}, which is not UTF-8; save it as CSV UTF-8, "
            f"or convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name}."
        ) from None
    if "\0" in text[:4096]:
        raise InputError(f"{path} is a binary file, not CSV; give the file the suffix of what it holds.")
    first = next((line for line in text[:1_000_000].splitlines() if line.strip()), "")
    if text.strip() == first.strip():
        raise InputError(f"{path} has no rows of data below its header; export or download it again.")
    separator = max(",;\t|", key=first.count)
    names = next(csv.reader([first], delimiter=separator), [])
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(use_threads=False),  # one thread, so that errors carry the row
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path} is not a whole CSV table: {_first_line(error)}. Each row needs as many cells as the header; "
            "if it is the last row, the file was cut short: export it again."
        ) from error
    if table.num_rows and any("\n" in (column[-1].as_py() or "") for column in table.columns):
        raise InputError(f'{path}: a quotation mark (") is opened and never closed; close it or export the file again.')
    return _checked(table.to_pandas(types_mapper=pd.ArrowDtype), str(path), header=1)


def _read_parquet(path: Path) -> Table:
    frame = _attempt(lambda: pd.read_parquet(path, engine="pyarrow"), path, "Parquet")
    return _checked(_with_index(frame), str(path), index=_index_name(frame))


def _read_netcdf(path: Path) -> Table:
    with path.open("rb") as stream:
        engine = "scipy" if stream.read(3) == b"CDF" else "h5netcdf"  # netCDF 3 and 4

    def load() -> xr.Dataset:
        if engine == "h5netcdf":  # h5py finds a file cut short cleanly, where h5netcdf leaves a half-open one behind
            import_module("h5py").File(path, "r").close()
        with xr.open_dataset(path, engine=engine) as dataset:
            return dataset.load()

    return _from_dataset(_attempt(load, path, "NetCDF"), str(path))


def _read_excel(path: Path) -> Table:
    require("openpyxl", "forecasting")
    return _checked(_attempt(lambda: pd.read_excel(path, engine="openpyxl"), path, "Excel"), str(path), header=1)


READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
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
    b"\x1f\x8b": ("gzip-compressed", None),
    b"\xff\xfe": ("UTF-16 text", None),
    b"\xfe\xff": ("UTF-16 text", None),
} | {bytes([0x80, protocol]): ("a Python pickle", None) for protocol in range(2, 6)}


def _refuse_disguise(path: Path) -> None:
    """Refuse a file whose first bytes contradict its suffix."""
    with path.open("rb") as stream:
        head = stream.read(8)
    for signature, (what, suffix) in SIGNATURES.items():
        if not head.startswith(signature) or suffix == path.suffix.lower():
            continue
        if "pickle" in what:
            advice = "pickles are never opened, since they can run code: save the table as CSV or Parquet"
        else:
            advice = f"rename it to {path.stem}{suffix}" if suffix else "save it as plain CSV in UTF-8"
        raise InputError(f"{path} is {what} inside, not {path.suffix}; {advice}.")


def _attempt(read: Callable[[], T], path: Path, kind: str) -> T:
    try:
        return read()
    except Exception as error:  # on damaged bytes the readers of these formats raise almost anything
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
    return _checked(frame, where, index=along if along in clocks else None, units=units)


def _index_name(frame: pd.DataFrame) -> str | None:
    if not isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return None
    name = str(frame.index.name or "time")
    return f"{name} (index)" if name in map(str, frame.columns) else name


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Make the index a column when it holds times or has a name."""
    if isinstance(frame.index, pd.MultiIndex):
        return frame.reset_index()
    name = _index_name(frame) or (frame.index.name if frame.index.name not in frame.columns else None)
    return frame.rename_axis(index=name).reset_index(drop=name is None)


def _checked(
    frame: pd.DataFrame, where: str, header: int = 0, index: str | None = None, units: dict[str, str] | None = None
) -> Table:
    if frame.empty:
        raise InputError(f"{where} has no rows of data{' below its header' if header else ''}; give a table with rows.")
    return Table(
        frame.set_axis([str(name).strip() for name in frame.columns], axis=1), where, header, index, units or {}
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
