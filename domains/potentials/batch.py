"""Frames of different sizes as one set of tensors, without padding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .frame import Frame
from .neighbours import Pairs, neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """b structures with n atoms and e directed pairs in all.

    numbers    (n,) int64
    positions  (n, 3) in Å
    cells      (b, 3, 3) rows a, b, c in Å, zero where there is none
    structure  (n,) int64, to which of the b structures an atom belongs, rising
    first      (e,) int64, the atom a pair starts from
    second     (e,) int64, the atom whose image it ends at
    shifts     (e, 3) that image, in cells
    sizes      atoms of each structure
    """

    numbers: Tensor
    positions: Tensor
    cells: Tensor
    structure: Tensor
    first: Tensor
    second: Tensor
    shifts: Tensor
    sizes: tuple[int, ...]

    def vectors(self, positions: Tensor, cells: Tensor) -> Tensor:
        """(e, 3) from the first atom of each pair to the image of the second, for these positions and cells."""
        gaps = positions.index_select(0, self.second) - positions.index_select(0, self.first)
        if not bool(self.cells.any()):
            return gaps
        own = cells.index_select(0, self.structure.index_select(0, self.first))
        return gaps + torch.einsum("ei,eij->ej", self.shifts.to(positions.dtype), own)

    def at(self, positions: Tensor) -> "Batch":
        """The same pairs with atoms moved: for pair lists that are kept while nothing moved far."""
        return replace(self, positions=positions)


def collate(
    frames: Sequence[Frame],
    cutoff: float,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
    pairs: Sequence[Pairs] | None = None,
) -> Batch:
    """Frames with their pairs within `cutoff` Å (0: no pairs), or with the `pairs` given."""
    if pairs is None:
        none = np.zeros((0,), np.int64)
        pairs = [neighbours(one, cutoff) if cutoff > 0 else Pairs(none, none, none.reshape(0, 3)) for one in frames]
    sizes = tuple(len(one) for one in frames)
    starts = np.cumsum([0, *sizes[:-1]])
    periodic = [one.cell if one.periodic else np.zeros((3, 3)) for one in frames]

    def whole(parts: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(device)

    return Batch(
        numbers=whole([one.numbers for one in frames]),
        positions=whole([one.positions for one in frames]).to(dtype),
        cells=torch.from_numpy(np.stack(periodic)).to(device, dtype),
        structure=torch.repeat_interleave(torch.arange(len(frames)), torch.tensor(sizes)).to(device),
        first=whole([one.first + start for one, start in zip(pairs, starts, strict=True)]),
        second=whole([one.second + start for one, start in zip(pairs, starts, strict=True)]),
        shifts=whole([one.shifts for one in pairs]),
        sizes=sizes,
    )
