"""A small network for load: every time of day in one model, point and quantiles from one trunk, an ensemble at once.

Two hidden layers over calendar, weather and recent load, as load forecasters have long used (Hippert et al. 2001,
"Neural Networks for Short-Term Load Forecasting"). The members of the ensemble are trained side by side in batched
products, differ by their first weights and dropout, and are averaged. Quantiles are trained by the pinball loss
(Koenker and Bassett 1978) and cannot cross.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shared.transformer.head import ordered

LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


@dataclass(frozen=True, slots=True)
class LoadNetworkConfig:
    """Size of the network."""

    inputs: int
    width: int = 128
    dropout: float = 0.1
    members: int = 3
    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        if min(self.inputs, self.width, self.members) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"{self} needs at least one input, channel and member, and a dropout in [0, 1).")
        if list(self.levels) != sorted(self.levels) or 0.5 not in self.levels:
            raise ValueError(f"levels={self.levels} must rise and hold 0.5.")


class Rows(NamedTuple):
    """A batch of table rows."""

    inputs: Tensor  # (row, input), standardised
    truth: Tensor  # (row,)


class TableRows:
    """All training rows, in memory."""

    def __init__(self, inputs: Tensor, truth: Tensor) -> None:
        self.inputs, self.truth = inputs, truth

    def __len__(self) -> int:
        return len(self.truth)

    def batch(self, indices: Tensor) -> Rows:
        """Rows by number (row,)."""
        return Rows(self.inputs[indices], self.truth[indices])

    def fingerprint(self) -> str:
        """A short name of this data, so that a checkpoint is never taken for one of other data."""
        digest = hashlib.sha256(self.inputs.numpy().tobytes())
        digest.update(self.truth.numpy().tobytes())
        return digest.hexdigest()[:12]


class Answer(NamedTuple):
    """What each member says."""

    point: Tensor  # (member, row)
    quantiles: Tensor  # (member, row, level), rising


class LoadNetwork(nn.Module):
    """(row, input) -> point and quantiles of every member."""

    Config = LoadNetworkConfig

    def __init__(self, config: LoadNetworkConfig) -> None:
        super().__init__()
        self.config = config
        widths = (config.inputs, config.width, config.width, 1 + len(config.levels))
        self.weight = nn.ParameterList(
            nn.Parameter(_uniform(config.members, a, b, a)) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.bias = nn.ParameterList(
            nn.Parameter(_uniform(config.members, 1, b, a)) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.middle = config.levels.index(0.5)

    def forward(self, inputs: Tensor) -> Answer:
        """All members on the same rows."""
        hidden = inputs.expand(self.config.members, *inputs.shape)
        for weight, bias in zip(self.weight[:-1], self.bias[:-1], strict=True):
            hidden = F.dropout(F.gelu(torch.baddbmm(bias, hidden, weight)), self.config.dropout, self.training)
        out = torch.baddbmm(self.bias[-1], hidden, self.weight[-1])
        return Answer(out[..., 0], ordered(out[..., 1:], self.middle))


def network_loss(model: LoadNetwork, batch: Rows) -> Tensor:
    """Smooth absolute error of the point (beta 0.3 of the load's deviation) plus the pinball loss of the quantiles."""
    answer = model(batch.inputs)
    truth = batch.truth.expand_as(answer.point)
    levels = batch.truth.new_tensor(model.config.levels)
    over = truth[..., None] - answer.quantiles
    pinball = torch.maximum(levels * over, (levels - 1) * over).mean()
    return F.smooth_l1_loss(answer.point, truth, beta=0.3) + pinball


def _uniform(members: int, rows: int, columns: int, fan_in: int) -> Tensor:
    """The framework's own start of a linear layer, uniform in +-1/sqrt(fan_in)."""
    return (torch.rand(members, rows, columns) * 2 - 1) / math.sqrt(fan_in)
