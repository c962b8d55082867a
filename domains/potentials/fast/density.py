"""The density of neighbours around each atom, in radial functions and harmonics (Drautz 2019, eq. 8)."""

from typing import NamedTuple

import torch
from torch import Tensor

from .config import AcornConfig
from .harmonics import harmonics_and_slopes
from .pairs import Pairs, Sloped, radial


class Waves(NamedTuple):
    """What each neighbour adds to a density: radial functions times harmonics, kept apart."""

    radial: Sloped  # (e, radial)
    harmonics: Tensor  # (e, (degree + 1)²)
    turning: Tensor  # (e, 3, (degree + 1)²) slopes of the harmonics by the direction

    @classmethod
    def of(cls, pairs: Pairs, config: AcornConfig) -> "Waves":
        """Those of many-body terms."""
        found = radial(pairs.lengths, config.radial, config.near, config)
        return cls(found, *harmonics_and_slopes(pairs.directions, config.degree))

    @property
    def value(self) -> Tensor:
        """(e, radial, harmonic)."""
        return self.radial.value[:, :, None] * self.harmonics[:, None, :]

    def slope(self, pairs: Pairs) -> Tensor:
        """By the vector of the pair, per Å: (e, radial, harmonic, 3)."""
        along = self.radial.slope[:, :, None] * self.harmonics[:, None, :]
        turning = self.radial.value[:, :, None, None] * self.turning.transpose(1, 2)[:, None]
        return pairs.pulled(along, turning)

    def pulled(self, pairs: Pairs, by_value: Tensor) -> Tensor:
        """Slopes of anything by `value` -> by the vectors of the pairs, (e, 3)."""
        along = (by_value @ self.harmonics[:, :, None])[:, :, 0]  # (e, radial)
        across = (self.radial.value[:, None, :] @ by_value)[:, 0, :]  # (e, harmonic)
        return pairs.pulled((along * self.radial.slope).sum(1), (self.turning * across[:, None, :]).sum(2))


def gathered(value: Tensor, first: Tensor, kind: Tensor, atoms: int, kinds: int) -> Tensor:
    """Waves (e, radial, harmonic) summed over the neighbours of each kind -> (atoms, kinds · radial, harmonic)."""
    made = torch.zeros((atoms * kinds, *value.shape[1:]), dtype=value.dtype, device=value.device)
    return made.index_add(0, first * kinds + kind, value).reshape(atoms, kinds * value.shape[1], value.shape[2])
