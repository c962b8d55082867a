"""The catalogue of data sets: look them up, find them on this machine, download them, check them."""

import os
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from ... import data as shipped
from ..errors import InputError
from .download import download
from .entry import DataSet
from .verification import refuse_changed


class Found(NamedTuple):
    """Where a file of the catalogue lies, not yet verified."""

    place: str  # embedded, local (under LABFORMER_DATA) or cached
    path: Path


@cache
def rows() -> tuple[DataSet, ...]:
    """All data sets, in the order of the catalogue."""
    entries = tomllib.loads(files(shipped).joinpath("catalogue.toml").read_text("utf-8"))["dataset"]
    return tuple(DataSet(**{**entry, "columns": tuple(entry["columns"])}) for entry in entries)


def row(name: str) -> DataSet:
    """The data set of this name; raises InputError with the nearest names."""
    known = {data_set.name: data_set for data_set in rows()}
    if name not in known:
        near = get_close_matches(name, known, n=3) or sorted(known)
        raise InputError(f"no data set is named {name!r}; did you mean {', '.join(near)}? See `labformer data list`.")
    return known[name]


def find(data_set: DataSet) -> Found | None:
    """Where the file lies: with the suite, else under LABFORMER_DATA, else in the cache; None when nowhere."""
    if data_set.embedded:
        return Found("embedded", Path(str(files(shipped).joinpath(data_set.file))))
    return next((found for found in _places(data_set) if found.path.is_file()), None)


def check(name: str) -> Path | None:
    """Verify the file against its SHA-256; -> its path, or None when it is not on this machine.

    Raises InputError with both hashes when it differs. A changed file of the cache is kept aside as NAME.refused, so
    that `fetch` brings a good one; under LABFORMER_DATA nothing is touched.
    """
    data_set = row(name)
    if (found := find(data_set)) is None:
        return None
    place, path = found
    advice = {
        "embedded": "install the suite again",
        "local": f"replace {path} by the file of {data_set.url}, or unset LABFORMER_DATA",
        "cached": f"`labformer data fetch {name}` downloads it again",
    }[place]
    aside = path.with_name(path.name + ".refused") if place == "cached" else None
    refuse_changed(path, data_set.sha256, advice, aside)
    return path


def locate(name: str) -> Path:
    """The verified file of a data set that is on this machine; nothing is downloaded.

    Raises InputError when it is absent (which file, from where, how to get it) or not what the catalogue says.
    """
    if (path := check(name)) is not None:
        return path
    data_set = row(name)
    raise InputError(
        f"{data_set.file} is not on this machine: `labformer data fetch {name}` brings it ({data_set.size}) from "
        f"{data_set.url}; or set LABFORMER_DATA to a folder that holds it as {data_set.domain}/{data_set.file}."
    )


def fetch(name: str, accept: bool = False, progress: bool = True) -> Path:
    """The verified file of a data set, downloaded to the cache unless it is on this machine already.

    accept    says that you looked at a licence that the catalogue does not know, and may use the data
    progress  shows a bar on standard error

    Raises InputError when the licence is unknown and not accepted, when the file is made by a recipe and cannot be
    downloaded, when there is no network, or when what came is not what the catalogue says.
    """
    if (path := check(name)) is not None:
        return path
    data_set = row(name)
    if data_set.recipe is not None:
        raise InputError(
            f"{data_set.file} cannot be downloaded, it is made: {data_set.recipe} The source is {data_set.url}. Or "
            f"set LABFORMER_DATA to a folder that holds it as {data_set.domain}/{data_set.file}."
        )
    if data_set.asks_consent and not accept:
        raise InputError(
            f"the licence of {name} is unknown: {data_set.licence_note} Look whether you may use it, then fetch it "
            f"with --accept (in Python accept=True)."
        )
    return download(data_set, cache_folder() / data_set.domain, progress)


def local_folder() -> Path | None:
    """The folder that LABFORMER_DATA names, absolute; None when it is not set. Raises InputError if there is none."""
    named = os.environ.get("LABFORMER_DATA")
    if not named:
        return None
    folder = _absolute(named)
    if not folder.is_dir():
        raise InputError(f"LABFORMER_DATA names {folder}, which is not a folder; correct it or unset it.")
    return folder


def cache_folder() -> Path:
    """Where downloads are kept, as the operating system wants it (on Linux under XDG_CACHE_HOME or ~/.cache)."""
    from pooch import os_cache

    return Path(os_cache("labformer"))


def _places(data_set: DataSet) -> Iterator[Found]:
    """Where a file that is not embedded may lie; the cache is asked for only when the first place has none."""
    if (folder := local_folder()) is not None:
        yield Found("local", folder / data_set.domain / data_set.file)
    yield Found("cached", cache_folder() / data_set.domain / data_set.file)


@cache
def _absolute(folder: str) -> Path:
    """The same answer each time, wherever the process has moved since the first."""
    return Path(folder).expanduser().absolute()
