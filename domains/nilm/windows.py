"""Windows of houses for training a network, gathered from one flat tensor, and windows that cover a house to answer."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .house import House, Watts
from .models.nilmformer import calendar_codes, calendar_waves


class Batch(NamedTuple):
    """Windows of mains, their clock and the truth."""

    mains: Tensor  # (batch, 1, time), over the scale
    calendar: Tensor  # (batch, 8, time)
    power: Tensor  # (batch, output, time without the margins), over the scale; NaN where it was not metered


class HouseWindows:
    """Windows whose mains have no gap and of which some appliance was metered.

    Random offsets take any window that fits, fixed ones those that do not overlap, counted from the first sample of
    each stretch. `rows` is the length of an epoch, by default the number of windows that do not overlap. If there are
    more windows than rows, they are cut into as many equal ranges, and each time a row is asked for, one window of its
    range is drawn from torch's global stream.
    """

    def __init__(
        self,
        houses: Sequence[House],
        names: Sequence[str],
        window: int,
        scale: float,
        margin: int = 0,
        offsets: Literal["random", "fixed"] = "random",
        absent: Literal["mask", "zero"] = "mask",
        rows: int | None = None,
    ) -> None:
        self.window, self.margin = window, margin
        self.mains = torch.cat([torch.empty(0), *(torch.from_numpy(house.mains_w).float() / scale for house in houses)])
        truth = [np.stack([_truth(house, name, absent) for name in names]) for house in houses]
        self.power = torch.from_numpy(np.concatenate([*truth, np.empty((len(names), 0), np.float32)], 1)) / scale
        codes = [calendar_codes(house.local()) for house in houses]
        self.codes = torch.cat([*codes, torch.empty(4, 0, dtype=torch.uint8)], 1)
        answered = window - 2 * margin
        fixed, every, first = [torch.empty(0, dtype=torch.int64)], [torch.empty(0, dtype=torch.int64)], 0
        for house in houses:
            for stretch in house.stretches():
                last = first + stretch.stop - window
                every.append(torch.arange(first + stretch.start, max(first + stretch.start, last + 1)))
                fixed.append(every[-1][::answered])
            first += len(house.mains_w)
        metered = torch.cat([torch.zeros(1, dtype=torch.int64), self.power.isfinite().any(0).cumsum(0)])
        taught = [
            starts[metered[starts + window - margin] > metered[starts + margin]]
            for starts in (torch.cat(fixed), torch.cat(every))
        ]
        self.starts = taught[offsets == "random"]
        self.rows = min(len(taught[0]) if rows is None else rows, len(self.starts))

    def __len__(self) -> int:
        return self.rows

    def batch(self, indices: Tensor) -> Batch:
        """Rows by number (row,)."""
        if self.rows < len(self.starts):
            drawn = (indices + torch.rand(len(indices), dtype=torch.float64)) * (len(self.starts) / self.rows)
            indices = drawn.long().clamp(max=len(self.starts) - 1)
        at = self.starts[indices, None] + torch.arange(self.window)
        inner = at[:, self.margin : self.window - self.margin]
        calendar = calendar_waves(self.codes[:, at].transpose(0, 1))
        return Batch(self.mains[at].unsqueeze(1), calendar, self.power[:, inner].transpose(0, 1))

    def fingerprint(self) -> str:
        """A short name of this data, so that a checkpoint is never taken for one of other data."""
        return fingerprint(self.mains, self.power)


def fingerprint(*tensors: Tensor) -> str:
    """A short name of the values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:12]


class Cover(NamedTuple):
    """Windows that answer every row of a house with mains; a window that hangs over an end repeats the last row."""

    rows: Tensor  # (window, time), rows of the house
    answered: list[slice]  # by window, rows of the house it answers


def cover(house: House, window: int, stride: int, margin: int = 0) -> Cover:
    """Windows `stride` apart in each stretch, the last one aligned to its end; a short stretch has one."""
    rows, answered, answers = [], [], window - 2 * margin
    for stretch in house.stretches():
        last = max(stretch.stop - answers, stretch.start)
        for start in [*range(stretch.start, last, stride), last]:
            rows.append(torch.arange(start - margin, start - margin + window).clamp(stretch.start, stretch.stop - 1))
            answered.append(slice(start, min(start + answers, stretch.stop)))
    return Cover(torch.stack(rows) if rows else torch.empty(0, window, dtype=torch.int64), answered)


def blend(windows: Cover, say: Callable[[Tensor], Tensor], taper: Tensor, time: int, size: int) -> Tensor:
    """Average what overlapping windows say, `size` of them at once; NaN where none answers.

    say    rows (batch, time) of the house -> (batch, channel, answer)
    taper  (answer,), the weight of each place in a window
    ->     (channel, time)
    """
    total, weight, answered = torch.zeros(0, time), torch.zeros(time), iter(windows.answered)
    for rows in torch.split(windows.rows, size):
        for one in (say(rows) * taper).unbind():
            part = next(answered)
            long = part.stop - part.start
            total = total if len(total) else torch.zeros(len(one), time)
            total[:, part] += one[:, :long]
            weight[part] += taper[:long]
    return total / weight


def peaked(answers: int) -> Tensor:
    """A taper that weighs the middle of a window most, where a network has seen both sides; (answer,)."""
    place = torch.arange(answers)
    return torch.minimum(place + 1, answers - place).float()


def _truth(house: House, name: str, absent: Literal["mask", "zero"]) -> Watts:
    """(time,) W; where a house lacks the appliance, NaN or 0."""
    if name in house.appliances_w:
        return house.appliances_w[name]
    return np.full(len(house.mains_w), np.nan if absent == "mask" else 0.0, np.float32)
