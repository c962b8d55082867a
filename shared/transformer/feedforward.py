"""Feed-forward parts: what a block does to each token by itself; (..., width) -> same."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


class FeedForward(nn.Module):
    """Linear, activation, dropout, linear (Vaswani et al. 2017, eq. 2; exact GELU by Hendrycks and Gimpel 2016).

    Dropout of the result belongs to the block.
    """

    def __init__(self, width: int, hidden: int, activation: Activation = F.gelu, dropout: float = 0.0) -> None:
        super().__init__()
        self.rise, self.fall = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.activation, self.dropout = activation, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> same."""
        out: Tensor = self.fall(self.dropout(self.activation(self.rise(x))))
        return out


class GatedFeedForward(nn.Module):
    """(gate(x G) * x U) W, without biases: SwiGLU with gate=F.silu, GEGLU with gate=F.gelu (Shazeer 2020, eq. 6).

    Three matrices instead of two: hidden at two thirds of a plain feed-forward's makes it as large.
    """

    def __init__(self, width: int, hidden: int, gate: Activation = F.silu, dropout: float = 0.0) -> None:
        super().__init__()
        self.rise = nn.Linear(width, 2 * hidden, bias=False)  # G and U side by side: one multiplication
        self.fall = nn.Linear(hidden, width, bias=False)
        self.gate, self.dropout = gate, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> same."""
        gate, up = self.rise(x).chunk(2, -1)
        out: Tensor = self.fall(self.dropout(self.gate(gate) * up))
        return out


class Wavelet(nn.Module):
    """The activation w1 sin(x) + w2 cos(x) with both weights learned, from 1 (Zhao et al. 2024, PINNsFormer)."""

    def __init__(self) -> None:
        super().__init__()
        self.sine, self.cosine = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> same."""
        return self.sine * torch.sin(x) + self.cosine * torch.cos(x)
