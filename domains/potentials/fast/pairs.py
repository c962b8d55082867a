"""Vectors between neighbours and functions of their length, with slopes: dynamics asks for both at every step."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .config import AcornConfig

ENVELOPE = 4  # exponent of the cutoff; its value and first two derivatives vanish there


class Pairs(NamedTuple):
    """Vectors of pairs taken apart."""

    lengths: Tensor  # (e,) Å
    directions: Tensor  # (e, 3), of length 1

    @classmethod
    def of(cls, vectors: Tensor) -> "Pairs":
        """Vectors (e, 3) in Å."""
        lengths = vectors.square().sum(1).clamp_min(1e-12).sqrt()
        return cls(lengths, vectors / lengths[:, None])

    def at(self, places: Tensor) -> "Pairs":
        """Some of them."""
        return Pairs(self.lengths.index_select(0, places), self.directions.index_select(0, places))

    def pulled(self, along: Tensor, by_direction: Tensor) -> Tensor:
        """Slopes by length (e, ...) and by direction (e, ..., 3), along any axis -> by the vector (e, ..., 3)."""
        wide = (-1,) + (1,) * (by_direction.ndim - 2)
        directions = self.directions.reshape(*wide, 3)
        across = by_direction / self.lengths.reshape(*wide, 1)
        return across + (along - (across * directions).sum(-1))[..., None] * directions


class Sloped(NamedTuple):
    """A function of the length, (e,) or (e, count), and its slope per Å."""

    value: Tensor
    slope: Tensor


def envelope(lengths: Tensor, end: float) -> Sloped:
    """1 at 0, 0 from `end` on, two derivatives vanish there (Gasteiger et al. 2020, arXiv:2003.03123, eq. 8)."""
    x, p = (lengths / end).clamp_max(1), ENVELOPE
    start = x ** (p - 1)
    value = 1 - start * x * ((p + 1) * (p + 2) / 2 - x * (p * (p + 2) - x * (p * (p + 1) / 2)))
    return Sloped(value, start * (1 - x).square() * (-p * (p + 1) * (p + 2) / 2 / end))


def radial(lengths: Tensor, count: int, end: float, config: AcornConfig) -> Sloped:
    """Lengths (e,) in Å -> (e, count), zero from `end` on.

    Legendre polynomials of u = 1 / (1 + (r / bend)²), which is finest where bonds are, times an envelope that ends
    smoothly; the k-th is scaled by (1 + k)^-decay, so that a ridge prefers smooth functions.
    """

    def bent(length: Any) -> Any:
        return 1 / (1 + (length / config.bend) ** 2)

    far, near = bent(end), bent(config.nearest)
    u = bent(lengths)
    x = (u - far) * (2 / (near - far)) - 1
    steep = u.square() * lengths * (-4 / (near - far) / config.bend**2)  # of x
    powers = torch.cat([torch.ones_like(x)[:, None], x[:, None].expand(-1, count - 1).cumprod(1)], 1)
    both = powers @ _legendre(count, config.decay, lengths.dtype, lengths.device)
    shape, slope = both[:, :count], both[:, count:]
    fade = envelope(lengths, end)
    value = shape * fade.value[:, None]
    return Sloped(value, slope * (steep * fade.value)[:, None] + shape * fade.slope[:, None])


@cache
def _legendre(count: int, decay: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Powers of x -> Legendre polynomials of norm 1 on average, scaled by prior width, and slopes: (count, 2 count)."""
    made = np.zeros((count, 2 * count))
    for k in range(count):
        series = np.polynomial.legendre.leg2poly(np.eye(count)[k]) * (2 * k + 1) ** 0.5 * (1 + k) ** -decay
        made[: k + 1, k] = series[: k + 1]
        made[:k, count + k] = np.polynomial.polynomial.polyder(series[: k + 1]) if k else []
    return torch.from_numpy(made).to(device, dtype)
