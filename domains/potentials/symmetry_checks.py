"""How far a potential is from the symmetries of space and of matter, on one frame."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...shared.errors import InputError
from .dynamics.evaluator import Answer, Evaluator
from .frame import VOIGT, Frame

Floats = NDArray[np.float64]
FAR = {torch.float64: 500.0, torch.float32: 50.0}  # Å between two copies: dipoles of a self-consistent part reach far


class Off(NamedTuple):
    """By how much a law is broken on one frame; zero where it says nothing."""

    energy: float = 0.0  # eV/atom
    force: float = 0.0  # eV/Å
    stress: float = 0.0  # eV/Å³


def accompanied(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Among other frames of a batch, larger and smaller ones."""
    part = replace(frame, numbers=frame.numbers[:-1], positions=frame.positions[:-1])
    others = [replace(frame, positions=frame.positions + 0.05 * draw.standard_normal(frame.positions.shape)), frame]
    try:
        after = evaluator.many([*([part] if len(part) else []), *others])[-1]
    except InputError:  # a potential of one composition takes no parts
        after = evaluator.many(others)[-1]
    return _between(evaluator.many([frame])[0], after, len(frame))


def translated(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Moved as a whole by some Å."""
    moved = replace(frame, positions=frame.positions + draw.uniform(-5, 5, 3))
    return _apart(evaluator, frame, moved)


def rotated(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Turned as a whole with its cell; forces and stress turn with it."""
    turn = np.linalg.qr(draw.standard_normal((3, 3)))[0]
    return _turned(evaluator, frame, np.asarray(turn * np.sign(np.linalg.det(turn))))


def reflected(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Seen in a mirror."""
    normal = draw.standard_normal(3)
    normal /= np.linalg.norm(normal)
    return _turned(evaluator, frame, np.eye(3) - 2 * np.outer(normal, normal))


def permuted(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """With its atoms in another order."""
    order = draw.permutation(len(frame))
    changed = replace(frame, numbers=frame.numbers[order], positions=frame.positions[order])
    return _apart(evaluator, frame, changed, atoms=order)


def doubled(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """Beside a copy of itself, far away."""
    if frame.periodic:
        return None
    extent = float(np.ptp(frame.positions, axis=0).max(initial=0.0))
    away = np.array([extent + 2 * evaluator.cutoff + FAR[evaluator.dtype], 0, 0])
    both = np.concatenate([frame.positions, frame.positions + away])
    changed = replace(frame, numbers=np.tile(frame.numbers, 2), positions=both)
    return _apart(evaluator, frame, changed, copies=2)


def supercell(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """With its cell twice as long along the shortest vector that repeats."""
    if not frame.periodic:
        return None
    lengths = np.where(frame.pbc, np.linalg.norm(frame.cell, axis=1), np.inf)
    axis = int(lengths.argmin())
    cell = frame.cell.copy()
    cell[axis] *= 2
    both = np.concatenate([frame.positions, frame.positions + frame.cell[axis]])
    return _apart(
        evaluator, frame, replace(frame, numbers=np.tile(frame.numbers, 2), positions=both, cell=cell), copies=2
    )


def shifted_origin(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """Moved by a part of the cell and folded back into it, so that other atoms lie at its edge."""
    if not frame.periodic or not frame.volume > 0:
        return None
    parts = np.linalg.solve(frame.cell.T, frame.positions.T).T + draw.uniform(0, 1, 3)
    folded = np.where(frame.pbc, parts % 1.0, parts) @ frame.cell
    return _apart(evaluator, frame, replace(frame, positions=folded))


def other_basis(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """With one vector of the cell replaced by its sum with another: the lattice is the same."""
    repeats = np.nonzero(frame.pbc)[0]
    if len(repeats) < 2:
        return None
    one, other = draw.permutation(repeats)[:2]
    cell = frame.cell.copy()
    cell[one] += frame.cell[other]
    return _apart(evaluator, frame, replace(frame, cell=cell))


def _turned(evaluator: Evaluator, frame: Frame, turn: Floats) -> Off:
    changed = replace(frame, positions=frame.positions @ turn.T, cell=frame.cell @ turn.T)
    return _apart(evaluator, frame, changed, turn=turn)


def _apart(
    evaluator: Evaluator, frame: Frame, changed: Frame, turn: Floats | None = None,
    atoms: NDArray[np.int64] | None = None, copies: int = 1,
) -> Off:  # fmt: skip
    """The answer for `changed` against what follows from the answer for `frame`."""
    stress = frame.periodic and frame.volume > 0
    before, after = (evaluator.many([one], stress)[0] for one in (frame, changed))
    forces = before.forces if turn is None else before.forces @ turn.T
    forces = np.tile(forces if atoms is None else forces[atoms], (copies, 1))
    tension = None if before.stress is None else before.stress if turn is None else _bent(before.stress, turn)
    return _between(Answer(copies * before.energy, forces, tension), after, copies * len(frame))


def _between(expected: Answer, found: Answer, atoms: int) -> Off:
    stress = 0.0
    if expected.stress is not None and found.stress is not None:
        stress = float(np.abs(found.stress - expected.stress).max())
    return Off(abs(found.energy - expected.energy) / atoms, float(np.abs(found.forces - expected.forces).max()), stress)


def _bent(stress: Floats, turn: Floats) -> Floats:
    full = np.zeros((3, 3))
    for value, (row, column) in zip(stress, VOIGT, strict=True):
        full[row, column] = full[column, row] = value
    bent = turn @ full @ turn.T
    return np.array([bent[place] for place in VOIGT])
