"""Heads: what is read off the tokens at the end (a point, quantiles, classes, an energy)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError


class PointHead(nn.Linear):
    """`outputs` numbers for each token; (..., width) -> (..., outputs)."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__(width, outputs)


class QuantileHead(nn.Module):
    """Quantiles of `outputs` numbers for each token, which cannot cross.

    Levels rise strictly inside (0, 1), else InputError; the one nearest to a half is predicted freely, the others stand
    off from it (`ordered`).
    """

    def __init__(self, width: int, outputs: int, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> None:
        super().__init__()
        if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise InputError(f"levels={tuple(levels)} must rise strictly between 0 and 1, as (0.05, 0.5, 0.95) do.")
        self.levels = tuple(levels)
        self.middle = min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))
        self.to_free = nn.Linear(width, outputs * len(levels))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., outputs, level)."""
        return ordered(self.to_free(x).view(*x.shape[:-1], -1, len(self.levels)), self.middle)


def ordered(free: Tensor, middle: int) -> Tensor:
    """Turn free numbers into rising ones: the middle stays, the rest are distances (softplus) summed up from it.

    (..., level) -> (..., level)
    """
    below, centre, above = free[..., :middle], free[..., middle : middle + 1], free[..., middle + 1 :]
    down = F.softplus(below).flip(-1).cumsum(-1).flip(-1)
    return torch.cat([centre - down, centre, centre + F.softplus(above).cumsum(-1)], -1)


class ClassHead(nn.Module):
    """Scores of classes for each sequence, from the mean of its real tokens."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.to_score = nn.Linear(width, classes)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """x (batch, token, width), real (batch, token), True where a token is real -> logits (batch, classes)."""
        if real is None:
            mean = x.mean(1)
        else:
            mean = x.masked_fill(~real[..., None], 0.0).sum(1) / real.sum(1, keepdim=True).clamp(min=1)
        score: Tensor = self.to_score(mean)
        return score


class EnergyHead(nn.Module):
    """One energy for each sequence: the sum of what its real tokens contribute, so that two far copies cost twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_share = nn.Linear(width, 1)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """x (batch, token, width), real (batch, token), True where a token is real -> (batch,)."""
        share: Tensor = self.to_share(x).squeeze(-1)
        return (share if real is None else share.masked_fill(~real, 0.0)).sum(1)
