"""A path becomes frames as written: by suffix, from folders, from gzip."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ....shared.errors import InputError, require
from ....shared.reading.table import nearest
from .arrays import deepmd_systems, read_deepmd, read_npz
from .extxyz import read_extxyz
from .layouts import read_layout
from .raw import RawFrame

Found = tuple[list[RawFrame], list[str]]
TEXT: dict[str, Callable[[str, str], Found]] = {
    ".xyz": read_extxyz,
    ".extxyz": read_extxyz,
    ".exyz": read_extxyz,
    ".json": read_layout,
}
BY_ASE = (".traj", ".db")
KNOWN = (*TEXT, ".npz", *BY_ASE)


def read_raw(path: Path) -> Found:
    """All frames of a file or folder and what was guessed; raises InputError where it cannot be read."""
    if path.is_dir():
        systems = deepmd_systems(path)
        if not systems:
            raise InputError(f"{path} is a folder and no system of DeePMD (type.raw, set.*); give a file of frames.")
        parts = [read_deepmd(one) for one in systems]
        return [frame for frames, _ in parts for frame in frames], [note for _, notes in parts for note in notes]
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"no file {path}{nearest(path.name, siblings)}.")
    suffixes = [one.lower() for one in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    if suffix[0] not in KNOWN or (packed and suffix[0] not in TEXT):
        raise InputError(
            f"{path}: cannot read {path.suffix or 'a file without suffix'}; give {', '.join(KNOWN)}, or a folder of "
            "DeePMD: `ase convert` makes extxyz of most others."
        )
    if not path.stat().st_size:
        raise InputError(f"{path} is empty (0 bytes); write or download it again.")
    if suffix[0] in BY_ASE:
        return _by_ase(path)
    if suffix[0] == ".npz":
        return read_npz(path)
    frames, notes = TEXT[suffix[0]](_text(path, packed), str(path))
    if not frames:
        raise InputError(f"{path} holds no frames, only blanks; write or download it again.")
    return frames, notes


def _text(path: Path, packed: bool) -> str:
    content = path.read_bytes()
    if packed:
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                f"{path} cannot be unpacked as gzip ({error}); it may be cut short: download it again."
            ) from None
        if not content:
            raise InputError(f"{path} is empty inside; write or download it again.")
    elif content.startswith(b"\x1f\x8b"):
        raise InputError(f"{path} is gzip-compressed inside; rename it to {path.name}.gz.")
    if b"\0" in content:
        raise InputError(f"{path} is binary, not text; is it another format, or damaged? Write it as extxyz.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path} is not UTF-8 text (line {line}); save it as UTF-8.") from None


def _by_ase(path: Path) -> Found:
    """Trajectories and databases of ASE, whose units are fixed."""
    require("ase", "potentials")
    from ase.io import iread

    frames = []
    try:
        for place, atoms in enumerate(iread(path, ":", format=path.suffix[1:].lower())):
            results = dict(atoms.calc.results) if atoms.calc is not None else {}
            info = {
                **atoms.info,
                **{key: results[key] for key in ("energy", "free_energy", "stress") if key in results},
            }
            own = {"forces": np.array(results["forces"], float)} if "forces" in results else {}
            cell = np.array(atoms.cell, float) if atoms.cell.any() else None
            numbers, where = np.asarray(atoms.numbers, np.int64), f"{path}, frame {place}"
            positions, pbc = np.array(atoms.positions, float), np.array(atoms.pbc, bool)
            frames.append(RawFrame(numbers, positions, cell, pbc, where, info, own, fixed=True))
    except Exception as error:  # on damaged bytes the readers raise almost anything
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(f"{path} cannot be read by ASE ({first}); it may be cut short: write it again.") from None
    return frames, []
