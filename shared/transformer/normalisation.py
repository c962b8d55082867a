"""Norms over channels (layer, root mean square, adaptive), and the norm of a window over time that is undone later."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import LayerNorm, RMSNorm  # equal to Ba et al. 2016 and Zhang and Sennrich 2019 as they stand

from ..errors import InputError

__all__ = ["AdaptiveNorm", "LayerNorm", "RMSNorm", "ReversibleInstanceNorm", "Standardised", "restore", "standardise"]


class Standardised(NamedTuple):
    """A window of mean 0 and deviation 1 over time, and what undoes it."""

    scaled: Tensor  # (..., time)
    mean: Tensor  # (..., 1), in the units of the window
    scale: Tensor  # (..., 1), in the units of the window, never 0


def standardise(window: Tensor, real: Tensor | None = None, eps: float = 1e-5) -> Standardised:
    """Take mean and deviation over time out of each series: scaled = (window - mean) / sqrt(variance + eps).

    window  (..., time)
    real    broadcastable to it, True where a value is real; others are not looked at (NaN may stand there) and become 0
    The variance is the biased one; mean and scale carry no gradient (Kim et al. 2022, RevIN).
    """
    if real is None:
        mean = window.detach().mean(-1, keepdim=True)
        centred = window - mean
        variance = centred.detach().square().mean(-1, keepdim=True)
    else:
        window, count = window.masked_fill(~real, 0.0), real.expand_as(window).sum(-1, keepdim=True).clamp(min=1)
        mean = window.detach().sum(-1, keepdim=True) / count
        centred = (window - mean).masked_fill(~real, 0.0)
        variance = centred.detach().square().sum(-1, keepdim=True) / count
    scale = (variance + eps).sqrt()
    return Standardised(centred / scale, mean, scale)


def restore(scaled: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Undo `standardise`, for the window or for a forecast of it; (..., horizon) with (..., 1) -> (..., horizon)."""
    return scaled * scale + mean


class ReversibleInstanceNorm(nn.Module):
    """`standardise` with a learned gain and shift for each of `series`, and its way back (Kim et al. 2022, RevIN).

    (batch, series, time) -> Standardised; then `restore(forecast, mean, scale)`, (batch, series, horizon) -> same.
    With affine=False nothing is learned and any number of series will do.
    """

    def __init__(self, series: int, affine: bool = True, eps: float = 1e-5) -> None:
        super().__init__()
        self.series, self.affine, self.eps = series, affine, eps
        if affine:
            self.gain, self.shift = nn.Parameter(torch.ones(series, 1)), nn.Parameter(torch.zeros(series, 1))

    def forward(self, window: Tensor, real: Tensor | None = None) -> Standardised:
        """Scale a window, its missing steps at the mean; raises InputError for another number of series."""
        if self.affine and window.shape[-2] != self.series:
            raise InputError(
                f"the window has {window.shape[-2]} series, this norm learned {self.series}; give as many."
            )
        scaled, mean, scale = standardise(window, real, self.eps)
        return Standardised(scaled * self.gain + self.shift if self.affine else scaled, mean, scale)

    def restore(self, scaled: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Undo `forward` for a forecast; a gain that training drove to 0 is kept 1e-10 away from it."""
        if self.affine:
            scaled = (scaled - self.shift) / torch.copysign(self.gain.abs().clamp(min=1e-10), self.gain)
        return restore(scaled, mean, scale)


class AdaptiveNorm(nn.Module):
    """A layer norm scaled and shifted by a condition, and a gate for the branch behind it that starts closed.

    x + gate * branch(normed) is then the identity before training (Peebles and Xie 2023, DiT, adaLN-Zero).
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm = LayerNorm(width, elementwise_affine=False)
        self.to_modulation = nn.Linear(condition, 3 * width)
        nn.init.zeros_(self.to_modulation.weight)
        nn.init.zeros_(self.to_modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Norm tokens under a condition of each sequence or of each token.

        x          (batch, token, width)
        condition  (batch, condition) or (batch, token, condition)
        ->         normed (batch, token, width), gate (batch, 1 or token, width)
        """
        condition = condition.unsqueeze(1) if condition.dim() < x.dim() else condition
        shift, scale, gate = self.to_modulation(nn.functional.silu(condition)).chunk(3, -1)
        return torch.addcmul(shift, self.norm(x), 1 + scale), gate
