"""The energy of a fitted acorn, with weights folded into the products so that no invariant is ever listed."""

import math
from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .config import AcornConfig
from .coordination import bonded, counted
from .density import gathered, ripples, waves
from .invariants import Invariants, Triple

ATOMS = 512  # of an element that are worked on at once


class Group(NamedTuple):
    """Products of the densities of two degrees, and the orders of third degrees that they couple to."""

    first: slice
    second: slice
    coupling: Tensor  # ((2p + 1)(2q + 1), orders)
    orders: Tensor  # (orders,) harmonics of the third degrees


class Folded(nn.Module):
    """Weights of every element as matrices for three-body terms and as cubes for four-body terms.

    weights  (sets, columns) in the order of `Design.columns`; each set is a potential of its own, the first the answer
    radii    (kinds,) covalent radii in Å
    centres  (kinds, kinds) coordination that counts as zero

    Terms are homogeneous in the density: four-body energy is a third of the density times its own gradient, three-body
    energy a half. So only gradients are worked out, and the energy comes with them.
    """

    def __init__(self, config: AcornConfig, radii: Tensor, centres: Tensor, weights: Tensor) -> None:
        super().__init__()
        config = config.sized(len(radii))
        self.config, self.kinds, self.sets = config, len(radii), len(weights)
        made = Invariants(config, self.kinds)
        self.gates = [1 + self.kinds * (config.gated >= 3), 1 + self.kinds * (config.gated >= 4)]
        alone, two, three, four, gated_three, gated_four = _blocks(config, made, self.kinds, weights)
        self._hold("radii", radii.to(weights.dtype))
        self._hold("centres", centres.to(weights.dtype))
        self._hold("alone", alone[:, :, 0].clone())
        self._hold("two", two.reshape(self.sets, self.kinds**2, -1).clone())
        self._hold("three", _matrices(made, _with_gates(three, gated_three, self.kinds)))
        self.groups = _groups(made.triples)
        if self.groups:
            orders = torch.cat([one.orders for one in self.groups])
            belongs = torch.nn.functional.one_hot(orders, (config.degree_four + 1) ** 2).T
            self._hold("belongs", belongs.to(weights.dtype))
        cubes = _cubes(made, self.groups, _with_gates(four, gated_four, self.kinds))
        for number, (group, cube) in enumerate(zip(self.groups, cubes, strict=True)):
            self._hold(f"coupling_{number}", group.coupling.to(weights.dtype))
            self._hold(f"four_{number}", cube)

    def atom_energies(self, vectors: Tensor, first: Tensor, second: Tensor, kind: Tensor, member: int = 0) -> Tensor:
        """Pair vectors (e, 3) in Å, pairs, and places of the elements (n,) -> (n,) eV, differentiable once."""
        between = kind.index_select(0, first) * self.kinds + kind.index_select(0, second)
        weights = self._buffer("two")[member].index_select(0, between)
        pairs = (ripples(vectors, self.config) * weights).sum(1)
        energies = self._buffer("alone")[member].index_select(0, kind).index_add(0, first, pairs)
        density, gates = self.surroundings(vectors, first, second, kind)
        return energies + self.many(density, gates, kind, member)

    def surroundings(self, vectors: Tensor, first: Tensor, second: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
        """Density (n, channels, harmonics) and coordination (n, kinds) less its centre, within the reach."""
        near = (vectors.detach().square().sum(1) < self.config.reach**2).nonzero()[:, 0]
        first, second, vectors = (
            first.index_select(0, near),
            second.index_select(0, near),
            vectors.index_select(0, near),
        )
        other = kind.index_select(0, second)
        density = gathered(waves(vectors, self.config), first, other, len(kind), self.kinds)
        if max(self.gates) == 1:
            return density, density.new_zeros(len(kind), self.kinds)
        own = self._buffer("radii")
        radii = own.index_select(0, kind.index_select(0, first)) + own.index_select(0, other)
        share = bonded(vectors, radii, self.config.reach)
        return density, counted(share, first, other, len(kind), self.kinds) - self._buffer("centres").index_select(
            0, kind
        )

    def many(self, density: Tensor, gates: Tensor, kind: Tensor, member: int = 0) -> Tensor:
        """Three- and four-body energies of the atoms, (n,) eV."""
        energies: Tensor = _ManyBody.apply(density, gates, kind, self, member)  # type: ignore[no-untyped-call]
        return energies

    def pulled(self, density: Tensor, gates: Tensor, kind: Tensor, member: int) -> tuple[Tensor, Tensor, Tensor]:
        """Many-body energies (n,) eV, and their derivatives by the density and by the coordination."""
        order = torch.argsort(kind, stable=True)
        counts = torch.bincount(kind, minlength=self.kinds).tolist()
        found = torch.empty_like(density[:, 0, 0]), torch.empty_like(density), torch.zeros_like(gates)
        start = 0
        for own, count in enumerate(counts):
            for begin in range(start, start + count, ATOMS):
                some = order[begin : min(begin + ATOMS, start + count)]
                parts = self._of_kind(density.index_select(0, some), gates.index_select(0, some), own, member)
                for whole, part in zip(found, parts, strict=True):
                    whole.index_copy_(0, some, part)
            start += count
        return found

    def _of_kind(self, density: Tensor, gates: Tensor, own: int, member: int) -> tuple[Tensor, Tensor, Tensor]:
        atoms = len(density)
        factors = torch.cat([torch.ones_like(gates[:, :1]), gates], 1)  # (n, gates)
        # one matrix for each gate and harmonic: (gates, harmonics, channels, channels) @ (harmonics, channels, n)
        turned = density.permute(2, 1, 0).contiguous()
        slope = self._buffer("three")[member, own] @ turned
        three = torch.einsum("glcn,lcn->ng", slope, turned) / 2
        energy = (three * factors[:, : three.shape[1]]).sum(1)
        whole = torch.einsum("glcn,ng->ncl", slope, factors[:, : three.shape[1]]).contiguous()
        by_gate = torch.zeros_like(factors)
        by_gate[:, : three.shape[1]] += three
        if self.groups:
            few = self._few(density).flatten(1, 2).permute(2, 0, 1).contiguous()  # (harmonics, n, channels)
            pull = self._four(few, own, member)  # (harmonics, n, gates, channels)
            four = torch.einsum("lngc,lnc->ng", pull, few) / 3
            energy = energy + (four * factors[:, : four.shape[1]]).sum(1)
            by_gate[:, : four.shape[1]] += four
            added = torch.einsum("lngc,ng->ncl", pull, factors[:, : four.shape[1]])
            self._few(whole).add_(added.reshape(atoms, self.kinds, self.config.four, -1))
        return energy, whole, by_gate[:, 1:]

    def _few(self, density: Tensor) -> Tensor:
        """The part of a density that four-body terms see, as a view: (n, kinds, radial_four, harmonics)."""
        atoms, _, harmonics = density.shape
        by_kind = density.view(atoms, self.kinds, self.config.radial, harmonics)
        return by_kind[:, :, : self.config.four, : (self.config.degree_four + 1) ** 2]

    def _four(self, few: Tensor, own: int, member: int) -> Tensor:
        """Derivative of the four-body energies, for each gate, by the density of their channels."""
        harmonics, atoms, count = few.shape
        parts = []
        for number, group in enumerate(self.groups):
            x, y = few[group.first], few[group.second]
            both = (x[:, None, :, :, None] * y[None, :, :, None, :]).reshape(-1, atoms * count**2)
            coupled = (self._buffer(f"coupling_{number}").T @ both).reshape(-1, atoms, count**2)
            parts.append(coupled @ self._buffer(f"four_{number}")[member, own])  # (orders, n, gates · channels)
        # a product with zeros and ones adds what belongs to one harmonic, far quicker than indices do
        summed = self._buffer("belongs") @ torch.cat(parts).reshape(-1, atoms * self.gates[1] * count)
        return summed.reshape(harmonics, atoms, self.gates[1], count)

    def _hold(self, name: str, tensor: Tensor) -> None:
        """Moves and casts with the module and is not saved: it follows from the weights."""
        self.register_buffer(name, tensor, persistent=False)

    def _buffer(self, name: str) -> Tensor:
        found: Tensor = getattr(self, name)
        return found


class _ManyBody(torch.autograd.Function):
    """Energies whose derivatives were worked out with them."""

    @staticmethod
    def forward(ctx: Any, density: Tensor, gates: Tensor, kind: Tensor, folded: Folded, member: int) -> Tensor:
        energies, by_density, by_gates = folded.pulled(density, gates, kind, member)
        ctx.save_for_backward(by_density, by_gates)
        return energies

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        by_density, by_gates = ctx.saved_tensors
        return grad[:, None, None] * by_density, grad[:, None] * by_gates, None, None, None


def _blocks(config: AcornConfig, made: Invariants, kinds: int, weights: Tensor) -> list[Tensor]:
    """Weights of each block of columns, (sets, kinds, count)."""
    three, four = made.bodies
    gated = kinds * three * (config.gated >= 3), kinds * four * (config.gated >= 4)
    counts = 1, kinds * config.radial_two, three, four, *gated
    ends = torch.tensor([0, *(kinds * count for count in counts)]).cumsum(0).tolist()
    return [
        weights[:, start:end].reshape(len(weights), kinds, -1) for start, end in zip(ends[:-1], ends[1:], strict=True)
    ]


def _with_gates(plain: Tensor, gated: Tensor, kinds: int) -> Tensor:
    """(sets, kinds, count) and (sets, kinds, kinds · count or 0) -> (sets, kinds, gates, count)."""
    if not gated.shape[2]:
        return plain[:, :, None]
    return torch.cat([plain[:, :, None], gated.reshape(*plain.shape[:2], kinds, -1)], 2)


def _matrices(made: Invariants, weights: Tensor) -> Tensor:
    """Three-body weights (sets, kinds, gates, count) -> (sets, kinds, gates, harmonics, channels, channels).

    It is twice the symmetric form of the energy, so that its product with a density is the gradient.
    """
    degree = made.config.degree
    each = weights.reshape(*weights.shape[:3], degree + 1, -1) * made.twice.to(weights.dtype)
    matrix = torch.zeros(*each.shape[:4], made.channels, made.channels, dtype=weights.dtype)
    x, y = made.pairs
    matrix[..., x, y] += each
    matrix[..., y, x] += each
    orders = [
        matrix[:, :, :, own, None].expand(-1, -1, -1, 2 * own + 1, -1, -1) / math.sqrt(2 * own + 1)
        for own in range(degree + 1)
    ]
    return torch.cat(orders, 3)


def _groups(triples: list[Triple]) -> list[Group]:
    """For each pair of degrees, all third ones: every slot of a triple is the third one once."""
    found: dict[tuple[int, int], dict[int, Tensor]] = defaultdict(dict)
    for one in triples:
        a, b, c = one.degrees
        found[a, b][c] = one.block
        found[a, c][b] = one.block.permute(0, 2, 1)
        found[b, c][a] = one.block.permute(1, 2, 0)
    return [
        Group(
            slice(p * p, (p + 1) ** 2),
            slice(q * q, (q + 1) ** 2),
            torch.cat([block.reshape(-1, 2 * r + 1) for r, block in thirds.items()], 1),
            torch.cat([torch.arange(r * r, (r + 1) ** 2) for r in thirds]),
        )
        for (p, q), thirds in sorted(found.items())
    ]


def _cubes(made: Invariants, groups: list[Group], weights: Tensor) -> list[Tensor]:
    """Four-body weights (sets, kinds, gates, count) -> (sets, kinds, orders, channels², gates · channels)."""
    sets, kinds, gates, _ = weights.shape
    count = len(made.few)
    folded: dict[tuple[int, int, int], Tensor] = {}

    def add(key: tuple[int, int, int], cube: Tensor) -> None:
        folded[key] = folded[key] + cube if key in folded else cube

    start = 0
    for one in made.triples:
        a, b, c = one.degrees
        cube = torch.zeros(sets, kinds, gates, count**3, dtype=weights.dtype)
        cube[..., one.places] = weights[..., start : start + len(one.places)]
        start += len(one.places)
        cube = cube.reshape(sets, kinds, gates, count, count, count)
        add((a, b, c), cube)
        add((a, c, b), cube.transpose(-1, -2))
        add((b, c, a), cube.permute(0, 1, 2, 4, 5, 3))
    cubes = []
    for group in groups:
        p, q = (math.isqrt(one.start) for one in (group.first, group.second))
        thirds = [folded[p, q, math.isqrt(int(order))] for order in group.orders]
        each = torch.stack([one.reshape(sets, kinds, gates, count**2, count) for one in thirds], 2)
        cubes.append(each.permute(0, 1, 2, 4, 3, 5).flatten(4).contiguous())
    return cubes
