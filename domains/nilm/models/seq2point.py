"""Sequence to point (Zhang et al. 2018, "Sequence-to-Point Learning with Neural Networks for NILM"): a window's middle.

Five convolutions and two dense layers. Over a long series the windows of neighbouring samples share their convolutions,
and the first dense layer is one long convolution over time, which is done by Fourier transform.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .nilmformer import Answer

FILTERS = ((30, 10), (30, 8), (40, 6), (50, 5), (50, 5))  # channels and kernel of each convolution
BLOCK, UNITS = 1024, 128  # samples of a transform, and dense channels at a time: what is in memory at once


@dataclass(frozen=True, slots=True)
class Seq2PointConfig:
    """Size of the network; at one minute a window of 299 stands for the published 599 of 8 s."""

    outputs: int = 1  # appliances
    states: bool = False  # beside each power, the logit of running
    window: int = 299  # samples
    dense: int = 1024

    def __post_init__(self) -> None:
        if self.window % 2 == 0 or self.window < 31 or min(self.outputs, self.dense) < 1:
            raise ValueError(f"window={self.window} must be odd and at least 31; outputs and dense at least 1.")


class Seq2Point(nn.Module):
    """Power at every sample that has half a window on either side; see `forward`."""

    Config = Seq2PointConfig
    at_once = 2**15  # samples to answer in a pass: fewer would transform the dense layer too often

    def __init__(self, config: Seq2PointConfig = Seq2PointConfig()) -> None:
        super().__init__()
        self.config, self.margin = config, config.window // 2
        widths = (1, *(channels for channels, _ in FILTERS))
        self.filters = nn.ModuleList(
            nn.Conv1d(inside, out, kernel) for inside, (out, kernel) in zip(widths, FILTERS, strict=False)
        )
        self.span = config.window - sum(kernel - 1 for _, kernel in FILTERS)  # samples the dense layer sees
        self.dense = nn.Linear(widths[-1] * self.span, config.dense)
        self.head = nn.Linear(config.dense, config.outputs * (1 + config.states))

    def forward(self, mains: Tensor, calendar: Tensor) -> Answer:
        """mains (batch, 1, time), time at least the window; -> power (batch, output, time - window + 1).

        The calendar is not looked at. Training sees one window a row; longer rows are meant for answering.
        """
        x = mains
        for layer in self.filters:
            x = F.relu(layer(x))
        short = x.shape[-1] == self.span
        hidden = self.dense(x.flatten(1)).unsqueeze(-1) if short else self._slide(x)
        out = self.head(F.relu(hidden).transpose(1, 2)).transpose(1, 2)
        return Answer.parted(out, self.config.outputs)

    def _slide(self, x: Tensor) -> Tensor:
        """The dense layer at every position; (batch, channel, time) -> (batch, dense, time - span + 1).

        Overlap-save: blocks are transformed, multiplied channel by channel at each frequency, and transformed back;
        what wrapped around a block's end is thrown away.
        """
        positions, size = x.shape[-1] - self.span + 1, max(BLOCK, 2 ** (2 * self.span - 1).bit_length())
        fresh = size - self.span + 1
        blocks = -(-positions // fresh)
        cut = F.pad(x, (0, blocks * fresh + self.span - 1 - x.shape[-1])).unfold(-1, size, fresh)
        seen = torch.fft.rfft(cut).permute(3, 0, 2, 1).flatten(1, 2)  # (frequency, batch * block, channel)
        kernels = self.dense.weight.view(-1, x.shape[1], self.span)
        parts = []
        for kernel in torch.split(kernels, UNITS):
            turned = torch.fft.rfft(kernel, size).conj().permute(2, 1, 0)  # (frequency, channel, dense)
            back = torch.fft.irfft((seen @ turned).permute(1, 2, 0), size)[..., :fresh]
            parts.append(back.unflatten(0, (len(x), blocks)).transpose(1, 2).flatten(2)[..., :positions])
        return torch.cat(parts, 1) + self.dense.bias[:, None]
