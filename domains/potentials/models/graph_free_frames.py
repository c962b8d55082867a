"""Orientations in which a molecule is read: at random, in its axes of inertia, or in all those of a cube."""

from itertools import permutations

import torch
from torch import Tensor


def random_rotations(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Proper rotations (count, 3, 3), uniform, from torch's global stream on the CPU."""
    w, x, y, z = torch.nn.functional.normalize(torch.randn(count, 4, dtype=torch.float64), dim=1).unbind(1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        *(2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        *(2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    ]
    return torch.unflatten(torch.stack(rows, 1), 1, (3, 3)).to(dtype)


def cube_rotations(dtype: torch.dtype = torch.float32) -> Tensor:
    """The 24 proper rotations of a cube (24, 3, 3)."""
    signed = [torch.diag(signs) for signs in torch.cartesian_prod(*[torch.tensor([1.0, -1.0])] * 3)]
    every = torch.stack([one[list(order)] for one in signed for order in permutations(range(3))])
    return every[torch.linalg.det(every) > 0].to(dtype)


def inertia_frames(centred: Tensor, structure: Tensor, count: int) -> Tensor:
    """The four right-handed frames of the principal axes of each molecule (Puny et al. 2022, frame averaging).

    centred    (n, 3) less the centroid of the molecule
    structure  (n,) to which of the `count` molecules an atom belongs
    ->         (4, count, 3, 3); `centred @ frame` does not depend on how the molecule lies, but for the choice of the
               four. Where two moments are equal (linear molecules, symmetric tops) the axes are not defined by the
               molecule, and that promise fails.
    """
    outer = torch.einsum("ni,nj->nij", centred, centred)
    spread = centred.new_zeros(count, 3, 3).index_add(0, structure, outer)
    axes = torch.linalg.eigh(spread.double()).eigenvectors.to(centred.dtype)
    axes = axes * torch.linalg.det(axes).sign()[:, None, None]
    signs = centred.new_tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    frames: Tensor = axes[None] * signs[:, None, None, :]
    return frames


def turned(vectors: Tensor, rotations: Tensor, structure: Tensor) -> Tensor:
    """Row vectors (n, 3) times the matrix (count, 3, 3) of their molecule."""
    return torch.einsum("ni,nij->nj", vectors, rotations.index_select(0, structure))
