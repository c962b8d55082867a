"""The pairs of a moving frame, searched anew only when an atom has moved far enough to meet a new neighbour."""

from dataclasses import replace

import numpy as np
import torch

from ....shared.errors import InputError
from ..batch import Batch, collate
from ..frame import Frame


class KeptPairs:
    """Batches of one frame as it moves, with exactly the pairs within `cutoff`.

    Pairs are searched to `cutoff + skin` and kept until an atom has moved more than half the skin, or the cell, the
    periodic directions or the elements have changed (Verlet 1967); those beyond the cutoff are left out at each step,
    so that a kept list and a new one give the same numbers.

    cutoff  Å; 0: the potential needs no pairs
    skin    Å; 0 searches at each step
    builds  how often pairs were searched
    """

    def __init__(self, cutoff: float, skin: float, dtype: torch.dtype, device: str | torch.device = "cpu") -> None:
        if not skin >= 0:
            raise InputError(f"the skin of a pair list cannot be {skin} Å; give 0 or more (0.5 is usual).")
        self.cutoff, self.skin, self.dtype, self.device = cutoff, skin, dtype, device
        self.builds = 0
        self._frame: Frame | None = None
        self._batch: Batch | None = None

    def batch(self, frame: Frame) -> Batch:
        """The frame as a batch of one. Raises InputError for positions that are not finite."""
        if not np.isfinite(frame.positions).all():
            atom = int(np.argmax(~np.isfinite(frame.positions).all(1)))
            raise InputError(f"the position of atom {atom} is not finite: the run has blown up, or the file is wrong.")
        if self._batch is None or self._stale(frame):
            reach = self.cutoff + self.skin if self.cutoff > 0 else 0.0
            self._frame, self._batch = frame, collate([frame], reach, self.dtype, self.device)
            self.builds += 1
        # float32 keeps more digits near the origin; only differences of positions matter
        centre = frame.positions.mean(0) if self.dtype == torch.float32 else 0.0
        moved = self._batch.at(torch.from_numpy(frame.positions - centre).to(self.device, self.dtype))
        return _within(moved, self.cutoff) if self.cutoff > 0 and self.skin > 0 else moved

    def _stale(self, frame: Frame) -> bool:
        held = self._frame
        assert held is not None
        same = (
            np.array_equal(frame.numbers, held.numbers)
            and np.array_equal(frame.pbc, held.pbc)
            and np.array_equal(frame.cell, held.cell)
        )
        if not same:
            return True
        gaps = frame.positions - held.positions
        return self.cutoff > 0 and bool(np.einsum("ax,ax->a", gaps, gaps).max(initial=0.0) > (self.skin / 2) ** 2)


def _within(batch: Batch, cutoff: float) -> Batch:
    gaps = batch.vectors(batch.positions, batch.cells)
    near = torch.nonzero((gaps * gaps).sum(1) <= cutoff**2)[:, 0]
    return replace(batch, first=batch.first[near], second=batch.second[near], shifts=batch.shifts.index_select(0, near))
