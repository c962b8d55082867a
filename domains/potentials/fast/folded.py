"""The energy of a fitted acorn and its slopes, with weights folded into the products of densities."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import AcornConfig
from .coordination import bonded
from .density import Waves, gathered
from .folding import blocks, cubes, joined, matrices, with_gates
from .invariants import Invariants
from .pairs import Pairs, radial

ATOMS = 512  # that are worked on at once


class Many(NamedTuple):
    """Many-body energies of the atoms and their slopes."""

    energies: Tensor  # (n,) eV
    by_density: Tensor  # (harmonics, n, channels)
    by_gates: Tensor  # (n, kinds)


class Folded(nn.Module):
    """Weights of every element as matrices for three-body terms and as cubes for four-body terms.

    weights  (sets, columns) in the order of `Design.columns`; each set is a potential of its own, the first the answer
    radii    (kinds,) covalent radii in Å
    centres  (kinds, kinds) coordination that counts as zero

    Terms are homogeneous in the density: four-body energy is a third of the density times its own gradient, three-body
    energy a half. So only gradients are worked out, and the energy comes with them. Slopes are written out down to the
    vectors of the pairs: for small molecules, recording and replaying the many small steps would cost as much again.
    """

    def __init__(self, config: AcornConfig, radii: Tensor, centres: Tensor, weights: Tensor) -> None:
        super().__init__()
        config = config.sized(len(radii))
        self.config, self.kinds, self.sets = config, len(radii), len(weights)
        made = Invariants(config, self.kinds)
        self.gates = [1 + self.kinds * (config.gates >= 3), 1 + self.kinds * (config.gates >= 4)]
        alone, two, three, four, gated_three, gated_four = blocks(config, made, self.kinds, weights)
        self._hold("radii", radii.to(weights.dtype))
        self._hold("centres", centres.to(weights.dtype))
        self._hold("alone", alone[:, :, 0].clone())
        self._hold("two", two.reshape(self.sets, self.kinds**2, -1).clone())
        self._hold("three", matrices(made, with_gates(three, gated_three, self.kinds)))
        self.joined = joined(made.triples)
        for number, one in enumerate(self.joined):
            self._hold(f"coupling_{number}", one.coupling.to(weights.dtype))
        if self.joined:
            for third, cube in enumerate(cubes(made, self.joined, with_gates(four, gated_four, self.kinds))):
                self._hold(f"four_{third}", cube)

    def atom_energies(
        self, vectors: Tensor, first: Tensor, second: Tensor, kind: Tensor, member: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Pair vectors (e, 3) in Å, pairs, places of the elements (n,) -> energies (n,) eV, and their slopes (e, 3).

        A slope, in eV/Å, is that of the first atom's own energy by the vector that starts from it.
        """
        pairs = Pairs.of(vectors)
        between = kind.index_select(0, first) * self.kinds + kind.index_select(0, second)
        weights = self._buffer("two")[member].index_select(0, between)
        found = radial(pairs.lengths, self.config.radial_two, self.config.cutoff, self.config)
        energies = self._buffer("alone")[member].index_select(0, kind)
        energies = energies.index_add(0, first, (found.value * weights).sum(1))
        slopes = (found.slope * weights).sum(1)[:, None] * pairs.directions

        near = (pairs.lengths < self.config.near).nonzero()[:, 0]
        order = torch.argsort(kind, stable=True)  # atoms of an element stand together in what follows
        rank = torch.empty_like(order).index_copy_(0, order, torch.arange(len(order), device=order.device))
        first, other = rank.index_select(0, first.index_select(0, near)), second.index_select(0, near)
        pairs, other = pairs.at(near), kind.index_select(0, other)
        kind = kind.index_select(0, order)
        places = first * self.kinds + other
        waves = Waves.of(pairs, self.config)
        density = gathered(waves.value, first, other, len(kind), self.kinds)
        gates = density.new_zeros(len(kind), self.kinds)
        if max(self.gates) > 1:
            own = self._buffer("radii")
            radii = own.index_select(0, kind.index_select(0, first)) + own.index_select(0, other)
            share = bonded(pairs.lengths, radii, self.config.near)
            gates = gates.flatten().index_add(0, places, share.value).reshape(gates.shape)
            gates = gates - self._buffer("centres").index_select(0, kind)
        many = self.many(density, gates, kind, member)
        shape = len(kind) * self.kinds, self.config.radial, -1
        by_density = many.by_density.permute(1, 2, 0).reshape(shape).index_select(0, places)
        added = waves.pulled(pairs, by_density)
        if max(self.gates) > 1:
            faded = share.slope * many.by_gates.flatten().index_select(0, places)
            added = added + faded[:, None] * pairs.directions
        return energies + many.energies.index_select(0, rank), slopes.index_add(0, near, added)

    def many(self, density: Tensor, gates: Tensor, kind: Tensor, member: int = 0) -> Many:
        """Three- and four-body terms of atoms that are sorted by `kind`: density (n, channels, harmonics)."""
        parts = []
        for start in range(0, len(kind), ATOMS):
            some = slice(start, start + ATOMS)
            parts.append(self._some(density[some], gates[some], kind[some], member))
        if len(parts) == 1:
            return parts[0]
        energies, by_density, by_gates = zip(*parts, strict=True)
        return Many(torch.cat(energies), torch.cat(by_density, 1), torch.cat(by_gates))

    def _some(self, density: Tensor, gates: Tensor, kind: Tensor, member: int) -> Many:
        ends = torch.bincount(kind, minlength=self.kinds).cumsum(0).tolist()
        kinds = [(own, slice(start, end)) for own, (start, end) in enumerate(zip([0, *ends], ends, strict=False))]
        kinds = [(own, atoms) for own, atoms in kinds if atoms.start < atoms.stop]
        factors = torch.cat([torch.ones_like(gates[:, :1]), gates], 1)  # (n, gates)
        turned = density.permute(2, 0, 1).contiguous()  # (harmonics, n, channels)
        pulls = [turned[:, atoms] @ self._buffer("three")[member, own] for own, atoms in kinds]
        pull = torch.cat(pulls, 1).reshape(*turned.shape[:2], self.gates[0], -1)  # (harmonics, n, gates, channels)
        energies, whole = _summed(pull, turned, factors[:, : self.gates[0]])
        by_gate = torch.nn.functional.pad(energies / 2, (0, factors.shape[1] - self.gates[0]))
        if self.joined:
            few = self._few(turned).contiguous()
            pull = self._four(few.flatten(2), kinds, member)
            energies, added = _summed(pull, few.flatten(2), factors[:, : self.gates[1]])
            by_gate[:, : self.gates[1]] += energies / 3
            self._few(whole).add_(added.reshape(few.shape))
        return Many((by_gate * factors).sum(1), whole, by_gate[:, 1:])

    def _few(self, density: Tensor) -> Tensor:
        """The part of a density that four-body terms see, as a view: (harmonics, n, kinds, radial_four)."""
        by_kind = density.view(*density.shape[:2], self.kinds, self.config.radial)
        return by_kind[: (self.config.degree_four + 1) ** 2, :, :, : self.config.four]

    def _four(self, few: Tensor, kinds: list[tuple[int, slice]], member: int) -> Tensor:
        """Slope of the four-body energies, for each gate, by the density of their channels: as `few`, with gates."""
        _, atoms, count = few.shape
        products: list[list[Tensor]] = [[] for _ in range(self.config.degree_four + 1)]
        for number, one in enumerate(self.joined):
            start, end = one.degree**2, (one.degree + 1) ** 2
            turned = self._buffer(f"coupling_{number}") @ few[:end].flatten(1)
            turned = turned.reshape(end - start, -1, atoms, count).permute(2, 0, 1, 3).flatten(2)
            # (n, channels, 2q + 1) @ (n, 2q + 1, rows · channels): the other way round is several times slower
            both = (few[start:end].permute(1, 2, 0) @ turned).reshape(atoms, count, -1, count)
            for third, rows in one.thirds.items():
                some = both[:, :, rows].reshape(atoms, count, -1, 2 * third + 1, count)
                products[third].append(some.permute(0, 3, 2, 1, 4))  # (n, orders, pairs, channels, channels)
        pulls = []
        for third, parts in enumerate(products):
            # (n, orders, pairs · channels²): all orders of a degree share one matrix
            every, cube = torch.cat(parts, 2).flatten(2), self._buffer(f"four_{third}")[member]
            made = [every[some].flatten(0, 1) @ cube[own] for own, some in kinds]
            pulls.append(torch.cat(made).reshape(atoms, 2 * third + 1, self.gates[1], count))
        return torch.cat(pulls, 1).transpose(0, 1)

    def _hold(self, name: str, tensor: Tensor) -> None:
        """Moves and casts with the module and is not saved: it follows from the weights."""
        self.register_buffer(name, tensor, persistent=False)

    def _buffer(self, name: str) -> Tensor:
        found: Tensor = getattr(self, name)
        return found


def _summed(pull: Tensor, density: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes (harmonics, n, gates, channels) -> times the density for each gate (n, gates), and with gates applied."""
    return (pull * density[:, :, None]).sum((0, 3)), (pull * factors[:, :, None]).sum(2)
