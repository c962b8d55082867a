"""What moves atoms: forces at positions, from a potential asked directly or from any ASE calculator."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..frame import Frame, to_atoms
from .evaluator import Evaluator

Floats = NDArray[np.float64]


class Push:
    """Forces of a moving frame; `energy` in eV and `novelty` (of the strangest atom) came with the last ones."""

    conservative = True

    def __init__(self) -> None:
        self.energy, self.novelty = float("nan"), float("nan")

    def __call__(self, positions: Floats) -> Floats:
        """(atom, 3) in eV/Å at positions (atom, 3) in Å."""
        raise NotImplementedError

    def look(self, positions: Floats) -> float:
        """Novelty of the strangest atom by a measure that is too slow for every step; NaN without one."""
        return self.novelty


class _Direct(Push):
    """A potential, without ASE between."""

    def __init__(self, evaluator: Evaluator, frame: Frame) -> None:
        super().__init__()
        self.evaluator, self.conservative = evaluator, evaluator.conservative
        self.frame = replace(frame, energy=None, forces=None, stress=None)

    def __call__(self, positions: Floats) -> Floats:
        found = self.evaluator.one(replace(self.frame, positions=positions))
        self.energy = found.energy
        self.novelty = float("nan") if found.novelty is None else float(np.max(found.novelty))
        return found.forces

    def look(self, positions: Floats) -> float:
        if not np.isnan(self.novelty) or not np.isfinite(positions).all():
            return self.novelty
        found = self.evaluator.novelty(replace(self.frame, positions=positions))
        return float("nan") if found is None else float(np.max(found))


class _ByCalculator(Push):
    """A calculator of ASE."""

    def __init__(self, calculator: Any, frame: Frame) -> None:
        super().__init__()
        self.atoms: Any = to_atoms(frame)
        self.atoms.calc = calculator

    def __call__(self, positions: Floats) -> Floats:
        self.atoms.positions[:] = positions
        forces = np.array(self.atoms.get_forces(), np.float64)
        self.energy = float(self.atoms.get_potential_energy())
        return forces


def push_of(source: Any, frame: Frame, dtype: str = "float32", device: str = "cpu", skin: float = 0.5) -> Push:
    """`source` is a potential, a `LabformerCalculator`, or any calculator of ASE; InputError for anything else."""
    if isinstance(evaluator := getattr(source, "evaluator", None), Evaluator):
        return _Direct(evaluator, frame)
    if hasattr(source, "evaluate") and hasattr(source, "cutoff"):
        return _Direct(Evaluator(source, dtype, device, skin, doubts=False), frame)
    if hasattr(source, "get_property"):
        return _ByCalculator(source, frame)
    raise InputError(f"{type(source).__name__} is neither a potential nor an ASE calculator; give one of these.")
