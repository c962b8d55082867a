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
    channels: tuple[Tensor, Tensor, Tensor]  # (products,) each, one for each degree


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
        self.bodies = self.pairs.shape[1] * (config.degree + 1), sum(len(one.channels[0]) for one in self.triples)

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
            made.append(Triple((a, b, c), block / block.norm(), (x[different], y[different], z[different])))
        return made

    def values(self, density: Tensor) -> list[Tensor]:
        """Density (n, channels, harmonics) -> invariants of three and four bodies, each (n, count)."""
        three = [
            (density[:, :, _of(l)] @ density[:, :, _of(l)].mT)[:, self.pairs[0], self.pairs[1]]
            * (self.twice / math.sqrt(2 * l + 1))
            for l in range(self.config.degree + 1)  # noqa: E741
        ]
        few = density[:, self.few]
        four = []
        for one in self.triples:
            x, y, z = one.channels
            cube = torch.einsum("nxyc,nzc->nxyz", _joined(few, one), few[:, :, _of(one.degrees[2])])
            four.append(cube[:, x, y, z])
        return [torch.cat(three, 1), torch.cat(four, 1) if four else density[:, :0, 0]]

    def room(self, atoms: int) -> list[Tensor]:
        """Zeros for `slopes` of so many atoms."""
        few = len(self.few), (self.config.degree_four + 1) ** 2
        return [
            torch.zeros(atoms, self.bodies[0], self.channels, (self.config.degree + 1) ** 2, dtype=torch.float64),
            torch.zeros(atoms, self.bodies[1], *few, dtype=torch.float64),
        ]

    def slopes(self, density: Tensor, room: list[Tensor]) -> list[Tensor]:
        """Derivatives of the invariants by the density that they are made of.

        density  (n, channels, harmonics)
        room     of n atoms or more; the same places are written each time, and the others stay zero
        -> three bodies (n, count, channels, harmonics), four bodies (n, count, few channels, fewer harmonics)
        """
        three, four = (one[: len(density)] for one in room)
        count = self.pairs.shape[1]
        for l in range(self.config.degree + 1):  # noqa: E741
            own = three[:, l * count : (l + 1) * count, :, _of(l)]
            factor = (torch.where(self.pairs[0] == self.pairs[1], 2, self.twice) / math.sqrt(2 * l + 1))[:, None]
            for place in range(2):
                _put(own, self.pairs[place], factor * density[:, self.pairs[1 - place], _of(l)])
        few = density[:, self.few]
        start = 0
        for one in self.triples:
            (a, b, c), (x, y, z) = (few[:, :, _of(degree)] for degree in one.degrees), one.channels
            found = [
                torch.einsum("nyj,nzk,ijk->nyzi", b, c, one.block)[:, y, z],
                torch.einsum("nxi,nzk,ijk->nxzj", a, c, one.block)[:, x, z],
                _joined(few, one)[:, x, y],
            ]
            own = four[:, start : start + len(x)]
            start += len(x)
            for place, (degree, channel) in enumerate(zip(one.degrees, one.channels, strict=True)):
                whole = found[place]
                for other in range(3):  # the same density twice or three times in a product
                    if other != place and one.degrees[other] == degree:
                        whole = whole + found[other] * (one.channels[other] == channel)[:, None]
                _put(own[..., _of(degree)], channel, whole)
        return [three, four]


def _put(made: Tensor, channel: Tensor, part: Tensor) -> None:
    """Write (n, count, m) into (n, count, channels, m), each where its channel is."""
    made[:, torch.arange(len(channel)), channel] = part


def _of(degree: int) -> slice:
    return slice(degree**2, (degree + 1) ** 2)


def _joined(few: Tensor, one: Triple) -> Tensor:
    """Two densities coupled to the third degree: (n, channel, channel, 2c + 1)."""
    a, b, _ = one.degrees
    return torch.einsum("nxa,nyb,abc->nxyc", few[:, :, _of(a)], few[:, :, _of(b)], one.block)
