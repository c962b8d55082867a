"""A labelled configuration of atoms, the one object that files become and models learn from."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError, require

if TYPE_CHECKING:
    from ase import Atoms

Floats = NDArray[np.float64]
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))  # xx yy zz yz xz xy, the order of all stresses
OF_NINE = [3 * row + column for row, column in VOIGT]  # their places among the nine components in rows


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Atoms at one moment, with what a reference method said of them.

    numbers    (atom,) atomic numbers
    positions  (atom, 3) in Å
    cell       (3, 3) rows a, b, c in Å; all zero where there is none
    pbc        (3,) which directions are periodic
    energy     of the whole frame in eV, or None
    forces     (atom, 3) in eV/Å, or None
    stress     (6,) in eV/Å³, order xx yy zz yz xz xy, positive under tension (ASE's sign), or None
    name       where it came from, for messages
    """

    numbers: NDArray[np.int64]
    positions: Floats
    cell: Floats
    pbc: NDArray[np.bool_]
    energy: float | None = None
    forces: Floats | None = None
    stress: Floats | None = None
    name: str = ""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def periodic(self) -> bool:
        """Whether any direction is periodic."""
        return bool(self.pbc.any())

    @property
    def volume(self) -> float:
        """Of the cell in Å³; zero where there is none."""
        return float(abs(np.linalg.det(self.cell)))

    def labelled(self, energy: float | None, forces: Floats | None, stress: Floats | None = None) -> "Frame":
        """The same atoms with other labels."""
        return replace(self, energy=energy, forces=forces, stress=stress)


def from_atoms(atoms: "Atoms", name: str = "") -> Frame:
    """A frame without labels from ASE's atoms."""
    return Frame(
        np.asarray(atoms.numbers, np.int64),
        np.array(atoms.positions, np.float64),
        np.array(atoms.cell, np.float64),
        np.array(atoms.pbc, bool),
        name=name,
    )


def to_atoms(frame: Frame) -> "Atoms":
    """ASE's atoms, with the labels in a `SinglePointCalculator`. Raises MissingExtra without ase."""
    require("ase", "potentials")
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)
    labels = {"energy": frame.energy, "forces": frame.forces, "stress": frame.stress}
    known = {key: value for key, value in labels.items() if value is not None}
    if known:
        atoms.calc = SinglePointCalculator(atoms, **known)
    return atoms


def molecule(numbers: NDArray[np.int64], positions: Floats, name: str = "") -> Frame:
    """A frame without a cell."""
    return Frame(
        np.asarray(numbers, np.int64), np.asarray(positions, float), np.zeros((3, 3)), np.zeros(3, bool), name=name
    )


def require_labels(frames: "list[Frame] | tuple[Frame, ...]", forces: bool = True) -> None:
    """Raise InputError unless every frame has an energy, and forces where those are asked for."""
    if not frames:
        raise InputError("there are no frames; give at least one with an energy and forces.")
    for place, frame in enumerate(frames):
        if frame.energy is None or (forces and frame.forces is None):
            missing = "energy" if frame.energy is None else "forces"
            raise InputError(f"frame {place} ({frame.name or 'no name'}) has no {missing}; label it, or leave it out.")
