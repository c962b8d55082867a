"""Numbers as discrete tokens: quantile bins a component, and one id for the three bins of a vector."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from ....shared.errors import InputError


class Bins(NamedTuple):
    """Bins of one quantity, about equally full in the data they were made from."""

    edges: Tensor  # (bin - 1,) rising, between neighbours
    centres: Tensor  # (bin,) median of what fell into each

    @classmethod
    def of(cls, values: Tensor, count: int) -> Self:
        """Quantile bins of all components of `values`; raises InputError where they take too few values."""
        flat = values.flatten().double().sort().values
        if count < 2 or len(flat) < count:
            raise InputError(
                f"{len(flat)} numbers cannot fill {count} bins; give more data or fewer bins (2 at least)."
            )
        levels = torch.arange(1, 2 * count, dtype=torch.float64) / (2 * count)
        cuts = flat[(levels * (len(flat) - 1)).round().long()]  # as torch.quantile, which refuses large inputs
        edges, centres = cuts[1::2].contiguous(), cuts[0::2].contiguous()
        if bool((edges.diff() <= 0).any()):
            raise InputError(f"the numbers repeat so often that {count} bins would be empty; take fewer bins.")
        return cls(edges, centres)

    def bin(self, values: Tensor) -> Tensor:
        """Number of the bin of each component, int64; those beyond the data fall into the outermost."""
        return torch.bucketize(values.double().contiguous(), self.edges)

    def joint(self, vectors: Tensor) -> Tensor:
        """One id of a vector, (b_x n + b_y) n + b_z; (..., 3) -> (...), below n cubed."""
        x, y, z = self.bin(vectors).unbind(-1)
        count = len(self.centres)
        return (x * count + y) * count + z

    def vectors(self, ids: Tensor) -> Tensor:
        """Centres of the bins of joint ids; (...) -> (..., 3)."""
        count = len(self.centres)
        return self.centres[torch.stack([ids // count**2, ids // count % count, ids % count], -1)]


def smoothed(labels: Tensor, count: int, deviation: float) -> Tensor:
    """Targets spread over neighbouring bins of the same type by a Gaussian of `deviation` bins.

    labels (row,) int64 below `count` -> (row, count), rows sum to one. Weights below a thousandth of the peak become
    zero; deviation 0 leaves the label alone.
    """
    if deviation == 0:
        return torch.nn.functional.one_hot(labels, count).to(torch.get_default_dtype())
    away = torch.arange(count, device=labels.device) - labels[:, None]
    weights = torch.exp(-0.5 * (away / deviation) ** 2)
    weights = torch.where(weights < 1e-3, 0.0, weights)
    return weights / weights.sum(1, keepdim=True)
