"""The mains of a house, whatever they are kept in: a file, a folder of its files, a channel, a folder of channels."""

from pathlib import Path
from typing import Any

from ...shared.errors import InputError
from .channels import is_channels, read_channel, read_channels
from .data import read_mains
from .house import House
from .readings import Source


def open_mains(source: Source, **reading: Any) -> House:
    """Read the mains of a house alone.

    source   as of `read_mains`, or a folder of its files, a channel as of UK-DALE (`.dat`), or a folder of channels
    reading  options of `read_mains`; of channels, zone, step and max_gap count
    """
    if not isinstance(source, (str, Path)):
        return read_mains(source, **reading)
    if is_channels(source):
        return read_channels(source, with_appliances=False, **reading)
    path = Path(source)
    if path.suffix == ".dat" and path.is_file():
        return read_channel(path, **reading)
    if path.is_dir():
        return read_mains(files_of(path), **{"name": path.name, **reading})
    return read_mains(source, **reading)


def files_of(source: str | Path) -> list[str | Path]:
    """The file itself, or all in a folder but hidden ones; raises InputError for an empty folder."""
    path = Path(source)
    if not path.is_dir():
        return [source]
    found: list[str | Path] = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if not found:
        raise InputError(f"the folder {source} holds no file; give the readings of one house in it.")
    return found
