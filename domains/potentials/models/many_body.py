"""Two- and three-body invariants of an atom's surroundings, smooth at their cutoffs, and their derivatives.

The density of neighbours is projected on radial functions times products of the direction's components; scalar products
of such moments are sums over pairs of neighbours of functions of two distances and one angle (Bartok, Kondor & Csanyi
2013, Phys. Rev. B 87, 184115, section IV: the power spectrum), here in Cartesian form, with Legendre polynomials of
the angle.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import factorial, pi, sqrt

import numpy as np
import torch
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..envelope import envelope


@dataclass(frozen=True, slots=True)
class ManyBodyConfig:
    """Which invariants there are."""

    cutoff: float = 4.5  # Å, of three-body terms
    pair_cutoff: float = 6.0  # Å, of two-body terms
    pairs: int = 10  # radial functions of a pair of elements
    radial: int = 6  # radial functions of three-body terms at most
    degree: int = 4  # of the Legendre polynomials
    budget: int = 2000  # three-body invariants at most: `radial`, then `degree`, shrink with many elements
    power: int = 6  # of the envelopes

    def __post_init__(self) -> None:
        if min(self.cutoff, self.pair_cutoff) <= 0 or min(self.pairs, self.radial, self.degree + 1) < 1:
            raise InputError(f"{self} has a size that is too small.")

    def fitted(self, elements: int) -> tuple[int, int]:
        """Radial functions and degree that keep to the budget with so many elements."""

        def count(radial: int, degree: int) -> int:
            channels = elements * radial
            return elements * channels * (channels + 1) // 2 * (degree + 1)

        sizes = [(radial, self.degree) for radial in range(self.radial, 1, -1)]
        sizes += [(min(2, self.radial), degree) for degree in range(self.degree - 1, -1, -1)]
        sizes += [(1, degree) for degree in range(self.degree, -1, -1)]
        return next((size for size in sizes if count(*size) <= self.budget), sizes[-1])


class ManyBody:
    """The invariants for a set of elements.

    elements  (species,) atomic numbers, rising
    """

    def __init__(self, elements: Tensor, config: ManyBodyConfig) -> None:
        self.elements, self.config, self.species = elements, config, len(elements)
        self.radial, self.degree = config.fitted(self.species)
        self.channels = self.species * self.radial
        powers = [
            (x, y, total - x - y)
            for total in range(self.degree + 1)
            for x in range(total, -1, -1)
            for y in range(total - x, -1, -1)
        ]
        self.powers = torch.tensor(powers)
        self.orders = self.powers.sum(1)
        ways = [factorial(sum(one)) / np.prod([factorial(part) for part in one]) for one in powers]
        self.ways = torch.tensor(ways, dtype=torch.float64).sqrt()  # so that products give powers of the cosine
        legendre = np.zeros((self.degree + 1, self.degree + 1))
        for order in range(self.degree + 1):
            legendre[order, : order + 1] = np.polynomial.legendre.leg2poly(np.eye(self.degree + 1)[order])[: order + 1]
        self.legendre = torch.from_numpy(legendre)
        self.one, self.other = torch.triu_indices(self.channels, self.channels)
        self.twice = torch.where(self.one == self.other, 1.0, 2**0.5).double()
        self.first_pair, self.second_pair = torch.triu_indices(self.species, self.species)

    @property
    def pair_size(self) -> int:
        """Two-body invariants."""
        return len(self.first_pair) * self.config.pairs

    @property
    def size(self) -> int:
        """All invariants: two-body ones, then for each central element (channel pair, degree)."""
        return self.pair_size + self.species * len(self.one) * (self.degree + 1)

    def ranks(self) -> Tensor:
        """(size,) how far each invariant is from the smoothest one, from 1."""
        radial = torch.arange(1, self.radial + 1).repeat(self.species)
        three = (radial[self.one] + radial[self.other] - 1)[:, None] + torch.arange(self.degree + 1)
        two = torch.arange(1, self.config.pairs + 1).repeat(len(self.first_pair))
        return torch.cat([two, three.flatten().repeat(self.species)]).double()

    def pair_functions(self, vectors: Tensor) -> Tensor:
        """(..., 3) -> (..., pairs)."""
        return waves(lengths(vectors), self.config.pair_cutoff, self.config.pairs, self.config.power)

    def moments(self, vectors: Tensor) -> Tensor:
        """Radial functions times products of the direction's components; (..., 3) -> (..., radial, product)."""
        distance = lengths(vectors)
        unit = vectors / distance[..., None]
        tower = [torch.ones_like(unit)]
        for _ in range(self.degree):
            tower.append(tower[-1] * unit)
        stacked = torch.stack(tower, -1)  # (..., 3, power)
        x, y, z = (stacked[..., axis, :].index_select(-1, self.powers[:, axis]) for axis in range(3))
        radial = waves(distance, self.config.cutoff, self.radial, self.config.power)
        return radial[..., :, None] * (x * y * z * self.ways)[..., None, :]

    def densities(self, values: Tensor, batch: Batch, rows: Tensor) -> Tensor:
        """Sums over neighbours: (pair, radial, product) -> (n, channel, product); `rows` are elements of atoms."""
        total = values.new_zeros((len(batch.numbers) * self.species, *values.shape[1:]))
        total = total.index_add(0, batch.first * self.species + rows[batch.second], values)
        return total.reshape(len(batch.numbers), self.channels, -1)

    def cosines(self, one: Tensor, other: Tensor) -> Tensor:
        """Products of moments by power of the cosine: (..., k, product), (..., j, product) -> (..., k, j, power)."""
        parts = [
            one[..., self.orders == order] @ other[..., self.orders == order].transpose(-1, -2)
            for order in range(self.degree + 1)
        ]
        return torch.stack(parts, -1)

    def jacobian(self, batch: Batch, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Invariants of one structure with n atoms: values, and derivatives by positions and by strain.

        -> (size,), (n, 3, size), (6, size) in the order xx yy zz yz xz xy
        """
        vectors = batch.vectors(batch.positions, batch.cells)
        values, slopes = torch.zeros(self.size).double(), torch.zeros(len(rows), 3, self.size).double()
        strain = torch.zeros(3, 3, self.size).double()

        def add(place: slice, pair: Tensor, slope: Tensor) -> None:  # slope (pair, 3, invariant)
            slopes[:, :, place].index_add_(0, batch.second[pair], slope)
            slopes[:, :, place].index_add_(0, batch.first[pair], slope, alpha=-1)
            strain[:, :, place] += torch.einsum("ex,eyf->xyf", vectors[pair], slope)

        distance = vectors.norm(dim=1)
        width = self.config.pairs
        one, other = rows[batch.first], rows[batch.second]
        for kind in range(len(self.first_pair)):
            low, high = self.first_pair[kind], self.second_pair[kind]
            inside = (one == low) & (other == high) | (one == high) & (other == low)
            pair = (inside & (distance < self.config.pair_cutoff)).nonzero()[:, 0]
            if len(pair):
                place = slice(kind * width, (kind + 1) * width)
                values[place] = self.pair_functions(vectors[pair]).sum(0) / 2
                add(place, pair, _slopes(self.pair_functions, vectors[pair]).transpose(1, 2) / 2)

        near = (distance < self.config.cutoff).nonzero()[:, 0]
        made = self.moments(vectors[near])
        inner = self.within(batch, near)
        density = self.densities(made, inner, rows)
        width = len(self.one) * (self.degree + 1)
        cosines = self.cosines(density, density)
        for species in range(self.species):
            start = self.pair_size + species * width
            place = slice(start, start + width)
            values[place] = self._gathered(cosines[rows == species]).sum(0)
            mine = near[rows[batch.first[near]] == species]
            for pair in mine.split(1000):
                bent = _slopes(self.moments, vectors[pair]).permute(0, 3, 1, 2)  # (pair, 3, radial, product)
                part = self.cosines(bent, density[batch.first[pair]][:, None])  # (pair, 3, radial, channel, power)
                whole = part.new_zeros((len(pair), 3, self.species, *part.shape[2:]))
                whole[torch.arange(len(pair)), :, rows[batch.second[pair]]] = part
                whole = whole.flatten(2, 3)
                add(place, pair, self._gathered(whole + whole.transpose(2, 3)))
        voigt = (strain + strain.transpose(0, 1)).reshape(9, -1)[[0, 4, 8, 5, 2, 1]] / 2
        return values, slopes, voigt

    def quadratic(self, weights: Tensor) -> Tensor:
        """Three-body weights as forms on moments: (invariant,) -> (species, power, channel, channel)."""
        parts = weights.reshape(self.species, len(self.one), self.degree + 1) @ self.legendre
        forms = parts.new_zeros((self.species, self.degree + 1, self.channels, self.channels))
        share = (parts * (self.twice / 2)[:, None]).transpose(1, 2)
        forms[:, :, self.one, self.other] += share
        forms[:, :, self.other, self.one] += share
        return forms

    def _gathered(self, cosines: Tensor) -> Tensor:
        """(..., channel, channel, power) -> (..., invariant)."""
        pairs = cosines[..., self.one, self.other, :] * self.twice[:, None]
        return (pairs @ self.legendre.T).flatten(-2)

    @staticmethod
    def within(batch: Batch, near: Tensor) -> Batch:
        """The batch with some of its pairs."""
        return replace(batch, first=batch.first[near], second=batch.second[near], shifts=batch.shifts[near])


def lengths(vectors: Tensor) -> Tensor:
    """(..., 3) -> (...), with a slope at zero too."""
    return vectors.square().sum(-1).clamp_min(1e-12).sqrt()


def waves(distance: Tensor, cutoff: float, count: int, power: int) -> Tensor:
    """Radial functions sin(n pi r / cutoff) / r with an envelope; (...) -> (..., count).

    Gasteiger et al. (2020), arXiv:2003.03123, equations 7 and 8.
    """
    orders = torch.arange(1, count + 1, dtype=distance.dtype, device=distance.device)
    scaled = (distance / cutoff).clamp_max(1)[..., None]
    height = sqrt(2 / cutoff)
    return height * torch.sin(orders * pi * scaled) / distance[..., None] * envelope(scaled, power)


def _slopes(function: Callable[[Tensor], Tensor], vectors: Tensor) -> Tensor:
    """Derivatives of a function of one vector at many; (pair, 3) -> (pair, ..., 3).

    A gradient is linear in what it is weighted with, and its derivative by the weights is a column of the Jacobian.
    """
    places = vectors.detach().requires_grad_()
    with torch.enable_grad():
        values = function(places)
        weights = torch.zeros_like(values, requires_grad=True)
        (pulled,) = torch.autograd.grad(values, places, weights, create_graph=True)
        columns = [torch.autograd.grad(pulled[:, axis].sum(), weights, retain_graph=True)[0] for axis in range(3)]
    return torch.stack(columns, -1)
