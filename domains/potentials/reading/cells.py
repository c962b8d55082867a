"""Cells and periodic directions: what the file leaves open is settled and said, what contradicts itself is refused."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from .elements import radii
from .raw import Floats, RawFrame

EMPTY = 12.0  # Å of empty space on each side make a molecule of what stands in a box
FLAT = 1e-3  # of the product of the edges; a cell of less volume is flat


class Placed(NamedTuple):
    """Positions (atom, 3), cell (3, 3), pbc (3,), and what was put right or an empty word."""

    positions: Floats
    cell: Floats
    pbc: NDArray[np.bool_]
    note: str


def place(frame: RawFrame, wanted: str, stressed: bool) -> Placed:
    """Settle the cell of a frame in Å; `wanted` is T or F where the user says so, `stressed` whether it has a stress.

    Raises InputError for periodic directions without a cell, flat cells, and for cells that are full to the brim
    though nothing is periodic.
    """
    positions = frame.positions
    cell = np.zeros((3, 3)) if frame.cell is None else frame.cell
    given = frame.pbc if frame.pbc is not None else np.full(3, bool(cell.any()))
    pbc = given if not wanted else np.full(3, wanted == "T")
    if not np.isfinite(cell).all():
        raise InputError(f"{frame.where}: the cell has numbers that are not finite; correct it.")
    if pbc.any() and not cell.any():
        raise InputError(f'{frame.where} is periodic and has no cell; add Lattice="...", or give --pbc F.')
    if not pbc.any():
        if cell.any() and not wanted and frame.pbc is not None and _brimful(positions, cell, frame.numbers):
            raise InputError(
                f"{frame.where} has a cell, atoms that bond to their images in it, and pbc F F F; give --pbc T if it "
                "is periodic, --pbc F if not."
            )
        return Placed(positions, np.zeros((3, 3)), pbc, "")
    lengths = np.linalg.norm(cell, axis=1)
    if (lengths[pbc] < 0.5).any() or (pbc.all() and abs(np.linalg.det(cell)) < FLAT * lengths.prod()):
        raise InputError(
            f"{frame.where}: the cell is flat (volume {abs(np.linalg.det(cell)):.3g} Å³); correct Lattice."
        )
    note = ""
    if np.linalg.det(cell) < 0:
        cell, note = -cell, "left-handed cells written with their three edges turned round"
    if pbc.all() and not stressed and wanted != "T":
        lone = _lone(positions, cell)
        if lone is not None:
            return Placed(lone, np.zeros((3, 3)), np.zeros(3, bool), "molecules in empty boxes read without the box")
    return Placed(positions, cell, pbc, note)


def _lone(positions: Floats, cell: Floats) -> Floats | None:
    """The positions as one piece where at least EMPTY Å part it from its images in each direction, else None."""
    inverse = np.linalg.inv(cell)
    parts, heights = positions @ inverse, 1.0 / np.linalg.norm(inverse, axis=0)
    wrapped = np.sort(parts % 1.0, axis=0)
    gaps = np.diff(np.vstack([wrapped, wrapped[:1] + 1.0]), axis=0)
    if (gaps.max(0) * heights < EMPTY).any():
        return None
    if (np.ptp(parts, axis=0) <= 1.0 - gaps.max(0) + 1e-9).all():
        return positions  # in one piece as it stands
    start = wrapped[(gaps.argmax(0) + 1) % len(wrapped), np.arange(3)]
    joined: Floats = ((parts - start + 1e-9) % 1.0 + start) @ cell
    return joined


def _brimful(positions: Floats, cell: Floats, numbers: NDArray[np.int64]) -> bool:
    """Whether atoms come as near to images in the next cells as bonds are long, and not much nearer."""
    if abs(np.linalg.det(cell)) < FLAT * np.linalg.norm(cell, axis=1).prod() or len(numbers) > 2000:
        return False
    sums = radii(numbers)[:, None] + radii(numbers)[None]
    for edge in cell:
        ratio = np.linalg.norm(positions[:, None] + edge - positions[None], axis=2) / sums
        if not 0.6 < ratio.min() < 1.3:
            return False
    return True
