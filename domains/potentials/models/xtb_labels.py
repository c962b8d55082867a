"""Energies, forces and stress by GFN-xTB, kept in memory so that no structure is computed twice.

Bannwarth, Ehlert & Grimme (2019), "GFN2-xTB", Journal of Chemical Theory and Computation 15, 1652-1671, by tblite.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError, require
from ....shared.writing import whole_file
from ..frame import OF_NINE, Floats, Frame

BOHR, HARTREE = 0.529177210903, 27.211386245988  # Å and eV, CODATA 2018
METHODS = ("GFN2-xTB", "GFN1-xTB")
KEPT = 20_000  # structures in memory, the oldest leave first


@dataclass(frozen=True, slots=True)
class XtbConfig:
    """How a structure is computed; charge and spin hold for every structure."""

    method: str = "GFN2-xTB"
    charge: float = 0.0  # in elementary charges
    unpaired: int = 0  # electrons; 0 with an odd number of electrons means 1
    accuracy: float = 0.001  # of tblite: its own default, 1, leaves forces wrong by 3e-4 eV/Å, this by 5e-7
    cycles: int = 250  # of the self-consistent field at most

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method={self.method!r} is not known; choose one of {', '.join(METHODS)}.")
        if self.unpaired < 0 or self.accuracy <= 0 or self.cycles < 1:
            raise InputError(f"{self} needs unpaired >= 0, accuracy > 0 and cycles >= 1.")


class Label(NamedTuple):
    """What xTB says of a structure."""

    energy: float  # eV
    forces: Floats  # (atom, 3) eV/Å
    virial: Floats  # (6,) eV, dE/dstrain in the order xx yy zz yz xz xy


class XtbLabels:
    """Labels by structure; on disk only when `save` is called."""

    def __init__(self, config: XtbConfig = XtbConfig()) -> None:
        self.config = config
        self._known: OrderedDict[str, Label] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, numbers: NDArray[np.int64], positions: Floats, cell: Floats) -> Label:
        """Positions (atom, 3) and cell (3, 3) in Å; rows of the cell that are zero are not periodic.

        Raises InputError where the self-consistent field does not converge or the structure is none for xTB, and
        MissingExtra without tblite.
        """
        key = self._key(numbers, positions, cell)
        if key not in self._known:
            self._known[key] = compute(numbers, positions, cell, self.config)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def label(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames with xTB's labels instead of their own, to learn from xTB itself."""
        made = []
        for frame in frames:
            found = self.of(frame.numbers, frame.positions, frame.cell if frame.periodic else np.zeros((3, 3)))
            stress = found.virial / frame.volume if frame.periodic and frame.volume > 0 else None
            made.append(frame.labelled(found.energy, found.forces, stress))
        return made

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write what is known to an .npz file. Raises InputError where it exists and `overwrite` is false."""
        arrays: dict[str, NDArray[np.generic]] = {"config": np.array(repr(self.config))}
        for key, one in self._known.items():
            arrays[key] = np.concatenate([[one.energy], one.virial, one.forces.ravel()])
        with whole_file(path, overwrite) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def load(self, path: str | Path) -> None:
        """Add what a file of `save` knows. Raises InputError for a file of other settings or another kind."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no file of xTB labels ({error}); label the frames again.") from error
        if str(arrays.pop("config", "")) != repr(self.config):
            raise InputError(f"{path} holds labels of other settings than {self.config}; use those, or label again.")
        for key, one in arrays.items():
            self._known[key] = Label(float(one[0]), one[7:].reshape(-1, 3), one[1:7])

    def _key(self, numbers: NDArray[np.int64], positions: Floats, cell: Floats) -> str:
        parts = (np.asarray(numbers, np.int64), np.asarray(positions, float), np.asarray(cell, float))
        return hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in parts)).hexdigest()


def compute(numbers: NDArray[np.int64], positions: Floats, cell: Floats, config: XtbConfig = XtbConfig()) -> Label:
    """One structure, as `XtbLabels.of`."""
    require("tblite", "potentials")
    from tblite.exceptions import TBLiteRuntimeError, TBLiteTypeError, TBLiteValueError
    from tblite.interface import Calculator

    periodic: NDArray[np.bool_] = np.any(cell != 0, axis=1)
    lattice = _spanning(cell, periodic) / BOHR if periodic.any() else None
    unpaired = config.unpaired or None  # then an odd electron is put alone
    try:
        calculator = Calculator(config.method, numbers, positions / BOHR, config.charge, unpaired, lattice, periodic)
        for name, value in (("verbosity", 0), ("accuracy", config.accuracy), ("max-iter", config.cycles)):
            calculator.set(name, value)
        found = calculator.singlepoint()
        energy = float(found.get("energy")) * HARTREE
        gradient, virial = found.get("gradient") * HARTREE / BOHR, found.get("virial") * HARTREE
    except (TBLiteRuntimeError, TBLiteTypeError, TBLiteValueError) as error:
        what = " ".join(str(error).split())
        raise InputError(
            f"{config.method} failed for a structure of {len(numbers)} atoms ({what}); look for atoms that overlap or "
            f"a wrong unit, set charge and unpaired (now {config.charge:g} and {config.unpaired}), allow more cycles "
            f"(now {config.cycles}), or do without xTB."
        ) from error
    if not (np.isfinite(energy) and np.isfinite(gradient).all()):
        raise InputError(f"{config.method} gave no number for a structure of {len(numbers)} atoms; check its atoms.")
    return Label(energy, -gradient, virial.reshape(9)[OF_NINE])


def _spanning(cell: Floats, periodic: NDArray[np.bool_]) -> Floats:
    """The cell with rows of 1 Å across where it has none."""
    full = cell.copy()
    missing = np.flatnonzero(~periodic)
    across = np.linalg.svd(cell[periodic])[2][periodic.sum() :]
    full[missing] = across[: len(missing)]
    return full
