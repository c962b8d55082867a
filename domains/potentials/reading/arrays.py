"""Folders of DeePMD-kit and archives in the layout of MD17 become frames; nothing is ever unpickled."""

from pathlib import Path
from typing import Any

import numpy as np

from ....shared.errors import InputError
from .elements import atomic_numbers
from .raw import Floats, RawFrame

MD17 = {
    "numbers": ("nuclear_charges", "z", "Z", "numbers", "atomic_numbers"),
    "positions": ("coords", "R", "positions"),
    "energies": ("energies", "E", "energy"),
    "forces": ("forces", "F"),
}


def deepmd_systems(folder: Path) -> list[Path]:
    """The folder itself, or those below it, that hold a type.raw beside set.* folders."""
    below = sorted(path.parent for path in folder.rglob("type.raw"))
    return [path for path in below if any(path.glob("set.*"))]


def read_deepmd(folder: Path) -> tuple[list[RawFrame], list[str]]:
    """Frames of one system: type.raw, type_map.raw, set.*/{coord,box,energy,force,virial}.npy in Å, eV and eV/Å.

    Raises InputError where a file is missing or its shape is not (frame, 3 atom) or the like.
    """
    kinds, names = (folder / name for name in ("type.raw", "type_map.raw"))
    if not names.is_file():
        raise InputError(
            f"{folder} has no type_map.raw beside its type.raw; write the elements of types 0, 1, .. in it."
        )
    try:
        types = np.array(kinds.read_text().split(), int)
        symbols = [names.read_text().split()[kind] for kind in types]
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{folder}: type.raw and type_map.raw do not fit ({error}); write types from 0 on.") from None
    numbers, found = atomic_numbers(symbols, str(folder)), []
    exact = True
    for part in sorted(folder.glob("set.*")):
        arrays = {name: _loaded(part / f"{name}.npy") for name in ("coord", "box", "energy", "force", "virial")}
        coordinates = arrays["coord"]
        if coordinates is None:
            raise InputError(f"{part} has no coord.npy; the folder is not whole, copy it again.")
        count, atoms = len(coordinates), len(numbers)
        widths = {"coord": 3 * atoms, "box": 9, "energy": 1, "force": 3 * atoms, "virial": 9}
        for name, array in arrays.items():
            if array is not None and array.size != count * widths[name]:
                raise InputError(
                    f"{part / name}.npy has shape {array.shape}; ({count}, {widths[name]}) is due for "
                    f"{count} frames of {atoms} atoms."
                )
            exact &= name != "energy" or array is None or array.dtype != np.float32
        open_space = (folder / "nopbc").is_file() or arrays["box"] is None
        for place in range(count):
            info: dict[str, Any] = {}
            own: dict[str, Any] = {}
            if arrays["energy"] is not None:
                info["energy"] = float(arrays["energy"].reshape(-1)[place])
            if arrays["virial"] is not None:
                info["virial"] = arrays["virial"][place].reshape(9).astype(float)
            if arrays["force"] is not None:
                own["forces"] = arrays["force"][place].reshape(-1, 3).astype(float)
            cell = None if open_space or arrays["box"] is None else arrays["box"][place].reshape(3, 3).astype(float)
            where = f"{part}, frame {place}"
            positions = coordinates[place].reshape(-1, 3).astype(float)
            pbc = np.full(3, not open_space)
            found.append(RawFrame(numbers, positions, cell, pbc, where, info, own, folder.name, fixed=True))
    size = max((abs(one.info.get("energy", 0.0)) for one in found), default=0.0)
    coarse = [] if exact or size < 1e3 else [f"energies are float32: rounded to {np.spacing(np.float32(size)):.1g} eV"]
    return found, coarse


def read_npz(path: Path) -> tuple[list[RawFrame], list[str]]:
    """Frames of an archive in the layout of MD17 or rMD17: numbers (atom,), R (frame, atom, 3), E (frame,), F as R."""
    archive = _loaded(path)
    found = {part: next((archive[key] for key in keys if key in archive), None) for part, keys in MD17.items()}
    numbers, positions = found["numbers"], found["positions"]
    if numbers is None or positions is None:
        raise InputError(
            f"{path} holds {', '.join(sorted(archive))}; atomic numbers (nuclear_charges or z) and "
            "positions (coords or R) are due."
        )
    count, atoms = len(positions), len(numbers)
    for part, width in (("positions", 3 * atoms), ("energies", 1), ("forces", 3 * atoms)):
        array = found[part]
        if array is not None and (array.dtype.kind not in "fiu" or array.size != count * width):
            raise InputError(f"{path}: {part} have shape {array.shape}; {count} frames of {atoms} atoms are due.")
    symbols = [str(int(one)) for one in numbers]
    checked = atomic_numbers(symbols, str(path))
    frames = []
    for place in range(count):
        info = {} if found["energies"] is None else {"energy": float(found["energies"].reshape(-1)[place])}
        own = {} if found["forces"] is None else {"forces": found["forces"][place].reshape(-1, 3).astype(float)}
        place_of: Floats = positions[place].reshape(-1, 3).astype(float)
        frames.append(RawFrame(checked, place_of, None, None, f"{path}, frame {place}", info, own))
    return frames, []


def _loaded(path: Path) -> Any:
    """An array of numbers or an archive of them; None where there is no file."""
    if not path.is_file():
        return None
    try:
        loaded = np.load(path, allow_pickle=False)
        return {key: loaded[key] for key in loaded.files} if hasattr(loaded, "files") else loaded
    except Exception as error:  # on damaged bytes numpy and zipfile raise almost anything
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(f"{path} cannot be read as arrays ({first}); it may be cut short, or hold pickles.") from None
