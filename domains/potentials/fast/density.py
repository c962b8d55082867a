"""The density of neighbours around each atom, in radial functions and harmonics (Drautz 2019, eq. 8)."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..envelope import envelope
from .config import AcornConfig
from .harmonics import real_harmonics

ENVELOPE = 4  # exponent of the cutoff; its value and first two derivatives vanish there


def waves(vectors: Tensor, config: AcornConfig) -> Tensor:
    """Pair vectors (e, 3) in Å -> (e, radial, (degree + 1)²): radial functions times harmonics, for many-body terms."""
    lengths = _lengths(vectors)
    harmonics = real_harmonics(vectors / lengths[:, None], config.degree)
    return radial(lengths, config.radial, config.reach, config)[:, :, None] * harmonics[:, None, :]


def ripples(vectors: Tensor, config: AcornConfig) -> Tensor:
    """Pair vectors (e, 3) in Å -> (e, radial_two): radial functions of two-body terms."""
    return radial(_lengths(vectors), config.radial_two, config.cutoff, config)


def _lengths(vectors: Tensor) -> Tensor:
    return vectors.square().sum(-1).clamp_min(1e-12).sqrt()


def radial(lengths: Tensor, count: int, end: float, config: AcornConfig) -> Tensor:
    """Lengths (e,) in Å -> (e, count), zero from `end` on.

    Legendre polynomials of u = 1 / (1 + (r / bend)²), which is finest where bonds are, times an envelope that ends
    smoothly; the k-th is scaled by (1 + k)^-decay, so that a ridge prefers smooth functions.
    """

    def bent(length: Any) -> Any:
        return 1 / (1 + (length / config.bend) ** 2)

    far, near = bent(end), bent(config.nearest)
    x = 2 * (bent(lengths) - far) / (near - far) - 1
    powers = [torch.ones_like(x)]
    for _ in range(1, count):
        powers.append(powers[-1] * x)
    matrix = torch.from_numpy(_legendre(count, config.decay)).to(lengths.device, lengths.dtype)
    return (torch.stack(powers, -1) * envelope(lengths / end, ENVELOPE)[:, None]) @ matrix


@cache
def _legendre(count: int, decay: float) -> np.ndarray:
    """Powers of x -> Legendre polynomials of norm 1 on average, each scaled by its prior width: (count, count)."""
    made = np.zeros((count, count))
    for k in range(count):
        made[: k + 1, k] = np.polynomial.legendre.leg2poly(np.eye(count)[k])[: k + 1]
        made[:, k] *= (2 * k + 1) ** 0.5 * (1 + k) ** -decay
    return made


class Slopes(NamedTuple):
    """A function of pair vectors and its derivatives along x, y, z, in a new last axis."""

    value: Tensor
    slope: Tensor


def slopes(function: Callable[[Tensor], Tensor], vectors: Tensor) -> Slopes:
    """A function that works on each pair by itself, (e, 3) -> (e, ...), with its derivatives (e, ..., 3) per Å."""
    made = []
    for axis in range(3):
        tangent = torch.zeros_like(vectors)
        tangent[:, axis] = 1
        made.append(torch.func.jvp(function, (vectors,), (tangent,)))
    return Slopes(made[0][0], torch.stack([one[1] for one in made], -1))


def gathered(value: Tensor, first: Tensor, kind: Tensor, atoms: int, kinds: int) -> Tensor:
    """Waves (e, radial, harmonic) summed over the neighbours of each kind -> (atoms, kinds · radial, harmonic)."""
    made = torch.zeros((atoms * kinds, *value.shape[1:]), dtype=value.dtype, device=value.device)
    return made.index_add(0, first * kinds + kind, value).reshape(atoms, kinds * value.shape[1], value.shape[2])
