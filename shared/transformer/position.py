"""Where a token stands: along a sequence (sinusoidal, rotary), in the calendar, in space (Fourier features)."""

import math

import torch
from torch import Tensor, nn

from ..errors import InputError

CALENDAR = ("day_sin", "day_cos", "week_sin", "week_cos", "year_sin", "year_cos", "holiday")


def sinusoidal(position: Tensor, width: int, longest: float = 10_000.0) -> Tensor:
    """Sines (even channels) and cosines (odd) of a position at wavelengths from 2 pi to 2 pi * longest.

    (...) -> (..., width); `sinusoidal(torch.arange(token), width)` is the table of Vaswani et al. 2017, section 3.5.
    Raises InputError when `width` is odd.
    """
    angle = _angle(position, width, longest)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


def rotate(x: Tensor, offset: int | Tensor = 0, longest: float = 10_000.0) -> Tensor:
    """Turn channels (2i, 2i+1) by position * longest^(-2i/channel): rotary positions (Su et al. 2021, eq. 34).

    x       (..., token, channel), queries or keys: their products then depend on the distance of two tokens alone
    offset  position of the first token, an int, or a tensor broadcastable to (..., token) for one of each sequence
    ->      same as x; raises InputError when `channel` is odd
    """
    precise = torch.promote_types(x.dtype, torch.float32)  # bfloat16 cannot tell position 257 from 256
    angle = _angle(torch.arange(x.shape[-2], device=x.device, dtype=precise) + offset, x.shape[-1], longest)
    sine, cosine = angle.sin().to(x.dtype), angle.cos().to(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)


def rotate_plainly(x: Tensor, offset: int = 0, longest: float = 10_000.0) -> Tensor:
    """What `rotate` computes, token by token and pair by pair."""
    turned = torch.zeros_like(x)
    for token in range(x.shape[-2]):
        for i in range(0, x.shape[-1], 2):
            turn = (offset + token) * longest ** (-i / x.shape[-1])
            a, b = x[..., token, i], x[..., token, i + 1]
            turned[..., token, i] = a * math.cos(turn) - b * math.sin(turn)
            turned[..., token, i + 1] = a * math.sin(turn) + b * math.cos(turn)
    return turned


def calendar_features(
    minute_of_day: Tensor, weekday: Tensor, day_of_year: Tensor, year_length: Tensor, holiday: Tensor
) -> Tensor:
    """Cyclic features of local time, in the order of `CALENDAR`; tensors of one shape (...) -> (..., 7).

    minute_of_day  0 to 1439 (0 is midnight); weekday 0 to 6 (0 is Monday); day_of_year 1 to 366;
    year_length    365 or 366, so that 31 December meets 1 January; holiday True or 1 on a holiday
    """
    phases = (minute_of_day / 1440, weekday / 7, (day_of_year - 1) / year_length)
    waves = [wave(2 * math.pi * phase) for phase in phases for wave in (torch.sin, torch.cos)]
    return torch.stack([*waves, holiday.to(waves[0].dtype)], -1)


def fourier_features(coordinate: Tensor, frequency: Tensor) -> Tensor:
    """cos and sin of 2 pi B v for coordinates v (Tancik et al. 2020).

    coordinate  (..., axis)
    frequency   (feature, axis), B, in cycles per unit of the coordinate
    ->          (..., 2 feature), all cosines first
    """
    phase = 2 * math.pi * coordinate @ frequency.mT
    return torch.cat([phase.cos(), phase.sin()], -1)


class FourierFeatures(nn.Module):
    """`fourier_features` at fixed normal frequencies of deviation `scale`; (..., axis) -> (..., 2 feature).

    A larger scale (cycles per unit) lets finer detail be learned. The frequencies follow from `seed` and are saved.
    """

    frequency: Tensor

    def __init__(self, axis: int, feature: int, scale: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        make = torch.Generator().manual_seed(seed)
        self.register_buffer("frequency", scale * torch.randn(feature, axis, generator=make))

    def forward(self, coordinate: Tensor) -> Tensor:
        """(..., axis) -> (..., 2 feature)."""
        return fourier_features(coordinate, self.frequency)


def _angle(position: Tensor, width: int, longest: float) -> Tensor:
    """position * longest^(-2i/width); (...) -> (..., width / 2)."""
    if width % 2:
        raise InputError(f"{width} channels do not make pairs of sine and cosine; take {width + 1}.")
    dtype = torch.promote_types(position.dtype, torch.float32)
    exponent = torch.arange(0, width, 2, device=position.device, dtype=dtype) / -width
    return position.to(dtype)[..., None] * longest**exponent
