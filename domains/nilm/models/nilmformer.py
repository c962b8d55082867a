"""NILMFormer (Petralia et al. 2025, "NILMFormer: Non-Intrusive Load Monitoring that Accounts for Non-Stationarity").

Mean and deviation of a window are taken out, seen by attention as one token more, and put back by a map of that token.
Positions are known from the clock alone. Any length of window will do.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shared.transformer.block import Block
from ....shared.transformer.feedforward import FeedForward
from ....shared.transformer.multihead import MultiHead
from ....shared.transformer.normalisation import restore, standardise
from .dropping import CachedDropoutAttention, Dropout

PERIODS = (60, 24, 7, 12)  # of the minute, hour, day of the week (Monday 0) and month (1 to 12)


@dataclass(frozen=True, slots=True)
class NILMFormerConfig:
    """Size of a NILMFormer; the defaults are those of the paper."""

    outputs: int = 1  # appliances
    states: bool = False  # beside each power, the logit of running
    width: int = 96
    depth: int = 3
    heads: int = 8
    hidden: int = 4  # channels of the feed-forward part, in widths
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    dropout: float = 0.2
    weight_dropout: float = 0.2  # on the weights of attention; without it a step is faster

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4 or self.heads < 1 or self.width % self.heads:
            raise ValueError(f"width={self.width} must divide by 4 and by heads={self.heads}.")
        if (
            min(self.outputs, self.depth, self.hidden, *self.dilations) < 1
            or not 0 <= max(self.dropout, self.weight_dropout) < 1
        ):
            raise ValueError(f"{self} needs at least one output, layer and channel, and a dropout in [0, 1).")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} must be odd, so that a window keeps its length.")


PUBLISHED = NILMFormerConfig()
SMALL = NILMFormerConfig(width=48, depth=2, heads=4)


class Answer(NamedTuple):
    """What a network says of a window."""

    power: Tensor  # (batch, output, time), in units of the mains it was given
    logits: Tensor | None = None  # (batch, output, time), of running

    @classmethod
    def parted(cls, out: Tensor, outputs: int) -> Self:
        """Powers come first in the channels of a head, then, if there are more, logits."""
        return cls(out[:, :outputs], out[:, outputs:] if out.shape[1] > outputs else None)


def calendar_codes(local: pd.DatetimeIndex) -> Tensor:
    """Minute, hour, day of the week and month of times on the local clock, as uint8 (4, time)."""
    parts = (local.minute, local.hour, local.dayofweek, local.month)
    return torch.stack([torch.tensor(part.to_numpy(), dtype=torch.uint8) for part in parts])


def calendar_waves(codes: Tensor) -> Tensor:
    """Sine and cosine of each code over its period, (..., 4, time) -> (..., 8, time)."""
    angle = codes * (2 * torch.pi / torch.tensor(PERIODS, device=codes.device).unsqueeze(-1))
    return torch.stack([angle.sin(), angle.cos()], -2).flatten(-3, -2)


def calendar_channels(local: pd.DatetimeIndex) -> Tensor:
    """The calendar channels of times on the local clock; (8, time)."""
    return calendar_waves(calendar_codes(local))


class ShapeUnit(nn.Module):
    """x + norm(gelu(conv(x))); (batch, in, time) -> (batch, out, time)."""

    def __init__(self, channels: int, out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, out, kernel, padding="same", dilation=dilation)
        self.norm = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        """One input channel is added to every output channel."""
        out: Tensor = x + self.norm(F.gelu(self.conv(x)))
        return out


class NormedStreamBlock(Block):
    """x = norm(x), x + mix(x), then x = norm(x), x + feed(x): the residual carries the normed stream."""

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(batch, token, width) -> same."""
        x = self.norm_mix(x)
        x = x + self.drop(self.mix(x, bias))
        x = self.norm_feed(x)
        out: Tensor = x + self.drop(self.feed(x))
        return out


def itself_hidden(tokens: int, device: torch.device | None = None) -> Tensor:
    """The bias that keeps every token from attending to itself; (token, token)."""
    return torch.zeros(tokens, tokens, device=device).fill_diagonal_(-torch.inf)


class NILMFormer(nn.Module):
    """Power of the appliances from a window of mains and its clock; see `forward`."""

    Config = NILMFormerConfig
    margin = 0  # samples at either end of a window that are not answered
    at_once = 2**11  # samples to answer in a pass: more would leave the cache

    def __init__(self, config: NILMFormerConfig = PUBLISHED) -> None:
        super().__init__()
        self.config, width = config, config.width
        shape = width * 3 // 4
        self.shape = nn.Sequential(
            *(ShapeUnit(shape if at else 1, shape, config.kernel, far) for at, far in enumerate(config.dilations))
        )
        self.clock = nn.Conv1d(2 * len(PERIODS), width - shape, 1)
        self.to_token = nn.Linear(2, width)
        self.blocks = nn.ModuleList(self._block() for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Conv1d(width, config.outputs * (1 + config.states), 3, padding=1, padding_mode="replicate")
        self.to_statistics = nn.Linear(width, 2)
        self._start()

    def forward(self, mains: Tensor, calendar: Tensor) -> Answer:
        """Split the mains of a window.

        mains     (batch, 1, time), over the largest mains of training
        calendar  (batch, 8, time), `calendar_channels`
        ->        power (batch, output, time) in the units of mains, not clipped; logits the same with `states`
        """
        scaled, mean, deviation = standardise(mains, eps=1e-6)
        token = self.to_token(torch.cat([mean, deviation], -1))  # (batch, 1, width)
        x = torch.cat([self.shape(scaled), self.clock(calendar)], 1).transpose(1, 2)
        x = torch.cat([x, token], 1)
        bias = itself_hidden(x.shape[1], x.device)
        for block in self.blocks:
            x = block(x, bias)
        out = self.head(self.norm(x[:, :-1]).transpose(1, 2))
        centre, scale = self.to_statistics(token).split(1, -1)
        said = Answer.parted(out, self.config.outputs)
        return said._replace(power=restore(said.power, centre, scale))

    def _block(self) -> NormedStreamBlock:
        width, dropout = self.config.width, self.config.dropout
        mix = MultiHead(width, self.config.heads, CachedDropoutAttention(self.config.weight_dropout), bias=False)
        feed = FeedForward(width, self.config.hidden * width)
        block = NormedStreamBlock(mix, feed, nn.LayerNorm(width), nn.LayerNorm(width))
        block.drop = feed.dropout = Dropout(dropout)  # type: ignore[assignment]
        return block

    def _start(self) -> None:
        """Glorot-uniform linear maps (queries, keys and values each for themselves) with biases 0."""
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Linear):
                for matrix in layer.weight.chunk(3 if name.endswith("to_qkv") else 1):
                    nn.init.xavier_uniform_(matrix)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
