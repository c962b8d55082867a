"""A Matern kernel on the inverse distances of a molecule's atoms, with its slopes: covariances of forces, and sums.

Chmiela, Sauceda, Mueller & Tkatchenko (2018), "Towards exact molecular dynamics simulations with machine-learned force
fields", Nature Communications 9, 3887 (sGDML): nu = 5/2, and the mixed second derivative as the covariance of forces.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Described(NamedTuple):
    """Molecules by the inverse distances of their atoms; zero on the diagonal."""

    inverse: Tensor  # (frame, atom, atom) 1/Å
    slopes: Tensor  # (frame, atom, atom, 3) derivative by the first atom, 1/Å²; minus that is the one by the second


def described(positions: Tensor) -> Described:
    """Positions (frame, atom, 3) in Å."""
    gaps = positions[:, :, None] - positions[:, None]
    itself = torch.eye(positions.shape[1], dtype=positions.dtype, device=positions.device)
    inverse = (gaps.square().sum(-1) + itself).rsqrt() * (1 - itself)
    return Described(inverse, -gaps * inverse[..., None] ** 3)


def covariances(many: Described, one: Described, lengths: Sequence[float]) -> list[Tensor]:
    """Of forces of many geometries with those of one, for each length of the kernel, in 1/Å.

    -> (geometry, atom · 3, atom · 3) each
    """
    geometries, atoms = many.inverse.shape[:2]
    gap = many.inverse - one.inverse
    distance = (gap.square().sum((1, 2)) / 2).sqrt()[:, None, None]
    outer = many.slopes[..., :, None] * one.slopes[..., None, :]
    product = -outer  # of Jacobians; each pair has its two atoms only
    atom = torch.arange(atoms, device=gap.device)
    product[:, atom, atom] = outer.sum(2)
    product = product.transpose(2, 3).reshape(geometries, 3 * atoms, 3 * atoms)
    left = torch.einsum("mab,mabx->max", gap, many.slopes).flatten(1)
    right = torch.einsum("mab,mabx->max", gap, one.slopes.expand_as(many.slopes)).flatten(1)
    along = left[:, :, None] * right[:, None]
    found = []
    for length in lengths:
        q = 5**0.5 / length
        block = (1 + q * distance) * product - q**2 * along
        found.append(q**2 / 3 * torch.exp(-q * distance) * block)
    return found


class Learned(NamedTuple):
    """What a fit leaves to be summed: geometries that are known, and how each of them pulls."""

    middle: Tensor  # (pair,) 1/Å, from which inverse distances are counted: short gaps keep their digits
    inverse: Tensor  # (geometry, pair) 1/Å
    squares: Tensor  # (geometry,) of their lengths
    energies: Tensor  # (geometry,) eV, weights of the kernel itself
    along: Tensor  # (geometry, pair) Å eV, weights of its slopes
    ahead: Tensor  # (geometry,) eV, these times the inverse distances

    @classmethod
    def of(cls, inverse: Tensor, energies: Tensor, along: Tensor) -> "Learned":
        """Inverse distances (geometry, pair), weights of the kernel (geometry,) and of its slopes (geometry, pair)."""
        middle = inverse.mean(0)
        inverse = inverse - middle
        return cls(middle, inverse, inverse.square().sum(1), energies, along, (inverse * along).sum(1))

    def answered(self, inverse: Tensor, length: float | Tensor) -> tuple[Tensor, Tensor]:
        """Inverse distances (frame, pair) -> energies (frame,) in eV, and their slopes by these, (frame, pair)."""
        q, inverse = 5**0.5 / length, inverse - self.middle
        squares = inverse.square().sum(1, keepdim=True) + self.squares - 2 * (inverse @ self.inverse.T)
        near = q * squares.clamp_min(0).sqrt()
        decay = torch.exp(-near)
        fall = q**2 / 3 * (1 + near) * decay
        shift = inverse @ self.along.T - self.ahead
        values = (1 + near + near**2 / 3) * decay @ self.energies - (fall * shift).sum(1)
        pull = q**4 / 3 * decay * shift - fall * self.energies
        slopes = pull.sum(1, keepdim=True) * inverse - pull @ self.inverse - fall @ self.along
        return values, slopes


def pushed(gaps: Tensor, inverse: Tensor, slopes: Tensor) -> Tensor:
    """Slopes by inverse distances (frame, pair) -> by the gaps between the atoms, (frame, pair, 3)."""
    return -(slopes * inverse**3)[..., None] * gaps
