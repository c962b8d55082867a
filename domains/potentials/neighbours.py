"""Pairs of atoms within a cutoff, periodic or not, by vesin (or ASE where vesin is missing)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import MissingExtra
from .frame import Frame


class Pairs(NamedTuple):
    """Directed pairs: the vector of pair e runs from atom `first[e]` to the image `shifts[e]` of atom `second[e]`."""

    first: NDArray[np.int64]  # (pair,)
    second: NDArray[np.int64]  # (pair,)
    shifts: NDArray[np.int64]  # (pair, 3) in cells


def neighbours(frame: Frame, cutoff: float) -> Pairs:
    """All pairs with 0 < distance <= `cutoff` in Å, each in both directions, self-images included.

    A direction that is not periodic has no images, whatever the cell says. Raises MissingExtra without vesin and ase.
    """
    if not frame.periodic:
        return _all_pairs(frame, cutoff)
    cell, periodic = _padded(frame, cutoff)
    try:
        from vesin import NeighborList
    except ImportError:
        return _by_ase(frame, cutoff)
    i, j, shifts = NeighborList(cutoff=cutoff, full_list=True).compute(
        points=frame.positions, box=cell, periodic=periodic, quantities="ijS"
    )
    return Pairs(i.astype(np.int64), j.astype(np.int64), shifts.astype(np.int64))


def _all_pairs(frame: Frame, cutoff: float) -> Pairs:
    """Molecules are small: all distances at once; large clusters go in pieces of rows."""
    positions, rows = frame.positions, max(1, 4_000_000 // max(1, len(frame)))
    first, second = [], []
    for start in range(0, len(frame), rows):
        gaps = positions[start : start + rows, None] - positions[None]
        near = np.einsum("ijx,ijx->ij", gaps, gaps) <= cutoff**2
        near[np.arange(len(near)), start + np.arange(len(near))] = False
        i, j = np.nonzero(near)
        first.append(i + start)
        second.append(j)
    i, j = np.concatenate(first), np.concatenate(second)
    return Pairs(i, j, np.zeros((len(i), 3), np.int64))


def _padded(frame: Frame, cutoff: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A cell that spans space: directions that are not periodic may be zero in the file."""
    from ase.cell import Cell  # vesin needs a full box; ASE is in the same extra

    return np.asarray(Cell(frame.cell).complete(), float), frame.pbc


def _by_ase(frame: Frame, cutoff: float) -> Pairs:
    try:
        from ase.neighborlist import primitive_neighbor_list
    except ImportError as error:
        raise MissingExtra('periodic frames need vesin or ase: pip install "labformer[potentials]"') from error
    i, j, shifts = primitive_neighbor_list("ijS", frame.pbc, frame.cell, frame.positions, cutoff)
    return Pairs(i.astype(np.int64), j.astype(np.int64), shifts.astype(np.int64))
