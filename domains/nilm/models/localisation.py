"""When an appliance runs, learnt from windows of which it is known only whether it ran in them at all.

An ensemble of residual classifiers with different kernels; the class activation map of "yes" tells where (Petralia et
al. 2025, "CamAL", arXiv:2506.05895; the maps of Zhou et al. 2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class LocaliserConfig:
    """Size of one member."""

    kernel: int = 7  # of the first convolution in each block
    filters: tuple[int, int, int] = (64, 128, 128)

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.kernel % 2 == 0 or min(self.filters) < 1:
            raise ValueError(f"kernel={self.kernel} must be odd and filters={self.filters} at least 1.")


class ResidualBlock(nn.Module):
    """Three convolutions, each with batch norm and ReLU; the input is added where the width changes, as published."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        pairs = zip((channels, out, out), (kernel, 7, 3), strict=True)
        self.steps = nn.Sequential(*(layer for inside, k in pairs for layer in _normed(inside, out, k)))
        self.short = None if channels == out else nn.Sequential(nn.Conv1d(channels, out, 1), nn.BatchNorm1d(out))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, time) -> (batch, out, time)."""
        out: Tensor = self.steps(x)
        return out if self.short is None else out + self.short(x)


class WindowClassifier(nn.Module):
    """Did it run in this window?"""

    Config = LocaliserConfig

    def __init__(self, config: LocaliserConfig = LocaliserConfig()) -> None:
        super().__init__()
        self.config = config
        widths = (1, *config.filters)
        pairs = zip(widths, config.filters, strict=False)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b, config.kernel) for a, b in pairs))
        self.head = nn.Linear(config.filters[-1], 2)

    def forward(self, mains_kw: Tensor) -> Tensor:
        """(batch, 1, time) kW -> logits of no and yes (batch, 2)."""
        said: Tensor = self.head(self.blocks(mains_kw).mean(-1))
        return said

    def explain(self, mains_kw: Tensor) -> tuple[Tensor, Tensor]:
        """Probability of yes (batch,), and its activation map (batch, time), negative parts cut, at most 1."""
        features = self.blocks(mains_kw)
        yes = self.head(features.mean(-1)).softmax(-1)[:, 1]
        found = torch.einsum("bct,c->bt", features, self.head.weight[1]).clamp(min=0)
        return yes, found / found.amax(-1, keepdim=True).clamp(min=1e-9)


class Located(NamedTuple):
    """What an ensemble says of windows."""

    probability: Tensor  # (batch,), that it ran in the window
    strength: Tensor  # (batch, time), in [0, 1): 2 sigmoid(z) - 1; on above one half


def locate(members: Sequence[WindowClassifier], mains_kw: Tensor) -> Located:
    """The mean of the maps of members that say yes, smoothed over 5 samples and weighed by the mains; section 5.

    mains_kw (batch, 1, time). A window whose mean probability is at most one half has strength 0 throughout.
    """
    told = [member.explain(mains_kw) for member in members]
    probability = torch.stack([yes for yes, _ in told]).mean(0)
    maps = torch.stack([found * (yes > 0.5).unsqueeze(-1) for yes, found in told]).mean(0)
    maps = maps * (probability > 0.5).unsqueeze(-1)
    smooth = F.avg_pool1d(maps, 5, 1, padding=2)  # beyond the ends there is nothing
    return Located(probability, 2 * torch.sigmoid(smooth * mains_kw.squeeze(1)) - 1)


def _normed(channels: int, out: int, kernel: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(channels, out, kernel, padding="same", padding_mode="replicate"), nn.BatchNorm1d(out), nn.ReLU()
