"""Products of densities that rotations and mirrors leave alone: three- and four-body terms around an atom."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .config import AcornConfig
from .harmonics import couplings, gaunt


class Triple(NamedTuple):
    """Three degrees that couple, and which channels of theirs make different products."""

    degrees: tuple[int, int, int]
    block: Tensor  # (2a + 1, 2b + 1, 2c + 1), of norm 1
    places: Tensor  # (products,) into the flattened cube of channels


class Invariants:
    """The list of invariants for `kinds` elements around an atom (Drautz 2019, section II).

    bodies  how many invariants of three and four bodies there are
    """

    def __init__(self, config: AcornConfig, kinds: int) -> None:
        config = config.sized(kinds)
        self.config, self.kinds = config, kinds
        self.channels = kinds * config.radial
        self.pairs = torch.triu_indices(self.channels, self.channels)
        # a product of different channels stands for two terms of the square
        self.twice = torch.where(self.pairs[0] == self.pairs[1], 1.0, math.sqrt(2)).double()
        own = torch.arange(self.channels).reshape(kinds, config.radial)
        self.few = own[:, : config.four].reshape(-1)  # channels of four-body terms
        self.triples = self._triples() if config.four else []
        self.bodies = self.pairs.shape[1] * (config.degree + 1), sum(len(one.places) for one in self.triples)

    def _triples(self) -> list[Triple]:
        degree, count = self.config.degree_four, len(self.few)
        blocks = torch.from_numpy(gaunt(degree))
        x, y, z = torch.cartesian_prod(*[torch.arange(count)] * 3).unbind(1)
        made = []
        for a, b, c in couplings(degree):
            block = blocks[_of(a), :, :][:, _of(b), :][:, :, _of(c)]
            different = torch.ones(len(x), dtype=torch.bool)
            if a == b:
                different &= x <= y
            if b == c:
                different &= y <= z
            made.append(Triple((a, b, c), block / block.norm(), different.nonzero()[:, 0]))
        return made

    def values(self, density: Tensor) -> list[Tensor]:
        """Density (n, channels, harmonics) -> invariants of three and four bodies, each (n, count)."""
        three = [
            (density[:, :, _of(l)] @ density[:, :, _of(l)].mT)[:, self.pairs[0], self.pairs[1]]
            * (self.twice / math.sqrt(2 * l + 1))
            for l in range(self.config.degree + 1)  # noqa: E741
        ]
        few = density[:, self.few]
        four = [
            torch.einsum("nxyc,nzc->nxyz", _joined(few, one), few[:, :, _of(one.degrees[2])]).flatten(1)[:, one.places]
            for one in self.triples
        ]
        return [torch.cat(three, 1), torch.cat(four, 1) if four else density[:, :0, 0]]

    def slopes(self, density: Tensor, moved: Tensor) -> list[Tensor]:
        """Derivatives of the invariants of an atom when one neighbour moves.

        density  (e, channels, harmonics) of the atom
        moved    (e, channels, harmonics, 3) derivative of it along x, y, z
        -> three and four bodies, each (e, count, 3)
        """
        three = []
        for l in range(self.config.degree + 1):  # noqa: E741
            half = torch.einsum("ecm,edma->ecda", density[:, :, _of(l)], moved[:, :, _of(l)])
            whole = (half + half.transpose(1, 2))[:, self.pairs[0], self.pairs[1]]
            three.append(whole * (self.twice / math.sqrt(2 * l + 1))[:, None])
        few, step = density[:, self.few], moved[:, self.few]
        four = []
        for one in self.triples:
            a, b, c = (_of(degree) for degree in one.degrees)
            x, y, z = few[:, :, a], few[:, :, b], few[:, :, c]
            along_z = torch.einsum("exyo,ezoa->exyza", _joined(few, one), step[:, :, c])
            yz = torch.einsum("eyn,ezo,mno->eyzm", y, z, one.block)
            along_x = torch.einsum("eyzm,exma->exyza", yz, step[:, :, a])
            xz = torch.einsum("exm,ezo,mno->exzn", x, z, one.block)
            along_y = torch.einsum("exzn,eyna->exyza", xz, step[:, :, b])
            four.append((along_x + along_y + along_z).flatten(1, 3)[:, one.places])
        return [torch.cat(three, 1), torch.cat(four, 1) if four else moved[:, :0, 0]]


def _of(degree: int) -> slice:
    return slice(degree**2, (degree + 1) ** 2)


def _joined(few: Tensor, one: Triple) -> Tensor:
    """Two densities coupled to the third degree: (n, channel, channel, 2c + 1)."""
    a, b, _ = one.degrees
    return torch.einsum("nxa,nyb,abc->nxyc", few[:, :, _of(a)], few[:, :, _of(b)], one.block)
