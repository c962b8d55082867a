"""Frames of one part that stand, moved or turned, in another: what a split must not have."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from ..frame import Frame
from ..neighbours import neighbours

CUTOFF = 4.5  # Å, of the distances by which periodic frames are told apart
EACH = 16  # distances an atom that are compared in them


class Leak(NamedTuple):
    """Frame `first` of one part and `second` of the other have equal distances between atoms."""

    first: int
    second: int
    moved: bool  # by shifting, turning, mirroring or renumbering; False where positions are equal as they stand


def leaks(one: Sequence[Frame], other: Sequence[Frame], tolerance: float = 1e-3) -> list[Leak]:
    """Pairs of frames of equal geometry, whatever their place, orientation, hand and order of atoms.

    tolerance  Å, by which sorted distances may differ: to all atoms in molecules, to the nearest in crystals
    """
    found: list[Leak] = []
    there = _by_atoms(other)
    for atoms, places in _by_atoms(one).items():
        others = there.get(atoms, [])
        if not others:
            continue
        left = np.stack([signature(one[place]) for place in places])
        right = np.stack([signature(other[place]) for place in others])
        for i, j in zip(*np.nonzero(cdist(left, right, "chebyshev") < tolerance), strict=True):
            found.append(Leak(places[i], others[j], not _same_places(one[places[i]], other[others[j]], tolerance)))
    return found


def signature(frame: Frame) -> NDArray[np.float64]:
    """Sorted distances in Å: a molecule's by pair of elements, a crystal's nearest; equal for equal geometries."""
    if not frame.periodic:
        order = np.argsort(frame.numbers, kind="stable")
        numbers = frame.numbers[order]
        i, j = np.triu_indices(len(frame), 1)
        distances = pdist(frame.positions[order])
        sorted_: NDArray[np.float64] = distances[np.lexsort((distances, numbers[j], numbers[i]))]
        return sorted_ if len(sorted_) else np.zeros(1)
    pairs = neighbours(frame, CUTOFF)
    gaps = frame.positions[pairs.second] + pairs.shifts @ frame.cell - frame.positions[pairs.first]
    distances = np.sort(np.linalg.norm(gaps, axis=1))[: EACH * len(frame)]
    return np.concatenate([distances, np.full(EACH * len(frame) - len(distances), CUTOFF)])


def _by_atoms(frames: Sequence[Frame]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for place, one in enumerate(frames):
        found.setdefault(np.sort(one.numbers).tobytes() + one.pbc.tobytes(), []).append(place)
    return found


def _same_places(one: Frame, other: Frame, tolerance: float) -> bool:
    if not np.array_equal(one.numbers, other.numbers) or np.abs(one.cell - other.cell).max() > tolerance:
        return False
    gaps = one.positions - other.positions
    if one.pbc.all():
        parts = gaps @ np.linalg.inv(one.cell)
        gaps = (parts - np.round(parts)) @ one.cell
    return bool(np.abs(gaps).max() < tolerance)
