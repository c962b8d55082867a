"""A term of one whole molecule: what sums over surroundings of atoms cannot say of how its far parts move together.

A kernel on the inverse distances of all atoms (`models.inverse_distances`), symmetric in atoms that can change places,
stands in the regression as functions centred on some frames: those of the kernel itself and of its slopes, made
orthogonal under its own prior. With all frames as centres that is the Gaussian process whose covariance is the sum of
both kernels; with fewer a subset of regressors (Quiñonero-Candela & Rasmussen 2005).
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame
from ..models.automorphisms import automorphisms, bonds_of, matched
from ..models.double_precision import Exact
from ..models.inverse_distances import Described, Learned, covariances, described, pushed
from ..models.radii import bond_lengths

Floats = NDArray[np.float64]
ATOMS = 3, 60  # of a molecule, at least and at most
LENGTHS = (5.0, 10.0, 20.0)  # 1/Å, of the kernel; tried in turn
RELABELLINGS = 48  # at most
TORN = 1.5, 1.2  # times the covalent radii, and the longest in training, beyond which a bond is none
JITTERS = (1e-8, 1e-7, 1e-6)  # of the mean of the diagonal; with less, weights cancel to more digits than there are
GEOMETRY = "numbers", "bonds", "relabelled", "centres", "longest"  # what the functions follow from, beside the length
STRETCHES = 1.25, 1.4, 1.15  # of the covalent radii, within which atoms are bonded; tried in turn
LARGER = 1.1  # than in training a molecule may be before the images of a cell are in doubt


class Copies(NamedTuple):
    """Where the molecule stands in a batch."""

    atoms: Tensor  # (copy, atom) their places in the batch, in the order of the molecule
    structure: Tensor  # (copy,)
    whole: Tensor  # (b,) bool, the structures that are nothing but such molecules


class Whole(Exact):
    """Functions of one molecule, and after `settle` the energies that they add up to.

    length      1/Å
    numbers     (atom,) int64
    bonds       (atom, atom) of the frames
    relabelled  (relabelling, atom) a group, the identity first
    centres     (centre, atom, 3) Å
    longest     (atom, atom) Å that a bond may have
    """

    name: ClassVar[str] = "acorn's term of a whole molecule"

    def __init__(
        self, length: float, numbers: Tensor, bonds: Tensor, relabelled: Tensor, centres: Tensor, longest: Tensor
    ) -> None:
        super().__init__()
        self.length = length
        self.keep(numbers=numbers, bonds=bonds, relabelled=relabelled, centres=centres, longest=longest)
        first, second = torch.triu_indices(len(numbers), len(numbers), 1)
        self.register_buffer("pair", torch.stack([first, second]), persistent=False)
        self.register_buffer("bonded", bonds[first, second].nonzero()[:, 0], persistent=False)
        gaps = centres[:, first] - centres[:, second]
        self.size = float(gaps.norm(dim=-1).max())
        self._factor: Tensor | None = None
        self._learned: list[Learned] = []
        self._orders: dict[tuple[int, ...], Tensor] = {}  # of structures that were recognised by their bonds

    @classmethod
    def of(cls, frames: Sequence[Frame], centres: Sequence[Frame], length: float) -> "Whole":
        """For frames of one molecule, with functions at some of them."""
        numbers = frames[0].numbers
        every, places = (np.stack([one.positions for one in some]) for some in (frames, centres))
        bonds = bonds_of(numbers, every)
        relabelled = automorphisms(numbers, bonds, RELABELLINGS)
        seen = np.max([np.linalg.norm(one[:, None] - one, axis=-1) for one in every], axis=0)
        longest = np.maximum(TORN[0] * bond_lengths(numbers), TORN[1] * seen)
        return cls(length, *map(torch.from_numpy, (numbers.copy(), bonds, relabelled, places, longest)))

    @property
    def columns(self) -> int:
        """How many functions there are."""
        return int(self.kept("centres").shape[0]) * (1 + 3 * len(self.kept("numbers")))

    def rows(self, positions: Floats) -> Floats:
        """(1 + 3 atoms, columns) values of the functions and what they add to forces, at one geometry, (atom, 3) Å."""
        if self._factor is None:
            self._factor = self._factored()
        beside = self._beside(torch.from_numpy(positions))
        found: Floats = torch.linalg.solve_triangular(self._factor, beside, upper=False).T.numpy()
        return found

    def stacked(self, frames: Sequence[Frame]) -> Floats:
        """Rows of many frames."""
        return np.concatenate([self.rows(one.positions) for one in frames])

    def _beside(self, positions: Tensor) -> Tensor:
        """(columns, 1 + 3 atoms) covariances of all centres with one geometry."""
        known = self._described()
        total = positions.new_zeros(len(known.inverse), 1 + 3 * len(positions), 1 + 3 * len(positions))
        axes = torch.arange(3)
        for order in self.kept("relabelled"):
            own = torch.cat([order.new_zeros(1), (1 + 3 * order[:, None] + axes).flatten()])
            total[:, :, own] += covariances(known, described(positions[None, order]), [self.length])[0]
        return total.flatten(0, 1)

    def _described(self) -> Described:
        return described(self.kept("centres"))

    def _factored(self) -> Tensor:
        """Lower Cholesky factor of the covariances of all functions; moves and turns of a whole molecule have none."""
        gram = torch.cat([self._beside(one) for one in self.kept("centres")], 1)
        gram = (gram + gram.T) / 2
        scale = gram.diagonal().mean()
        for jitter in JITTERS:
            gram.diagonal().add_(jitter * scale)
            found: tuple[Tensor, Tensor] = torch.linalg.cholesky_ex(gram)
            if not int(found[1]):
                return found[0]
        raise InputError(
            "frames of one molecule are all alike: take out those that stand twice, or fit with whole=false."
        )

    def settle(self, weights: Tensor) -> None:
        """Take weights of the functions, (sets, columns), for the answer."""
        if self._factor is None:
            self._factor = self._factored()
        pulls = torch.linalg.solve_triangular(self._factor.T, weights.T.double(), upper=True).T
        self.keep(pulls=pulls.reshape(len(weights), -1, 1 + 3 * len(self.kept("numbers"))))
        self._learned = []

    def finish(self) -> None:
        """Let go of what only a fit needs."""
        self._factor = None

    def _sums(self, member: int) -> Learned:
        """Of one set, all relabellings beside each other."""
        device = self.kept("pulls").device
        if not self._learned or self._learned[0].inverse.device != device:
            self._learned = [self._sum(one) for one in self.kept("pulls")]
        return self._learned[member]

    def _sum(self, pulls: Tensor) -> Learned:
        first, second = self.kept("pair")
        inverse, energies, along = [], [], []
        for order in self.kept("relabelled"):
            seen, pull = described(self.kept("centres")[:, order]), pulls[:, 1:].reshape(len(pulls), -1, 3)[:, order]
            slope = torch.einsum("mabx,mabx->mab", seen.slopes, pull[:, :, None] - pull[:, None])
            inverse.append(seen.inverse[:, first, second])
            energies.append(pulls[:, 0])
            along.append(slope[:, first, second])
        return Learned(torch.cat(inverse), torch.cat(energies), torch.cat(along))

    def answered(self, batch: Batch, copies: Copies, member: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """What the copies add: energies (b,) eV, forces (n, 3) eV/Å, and derivatives by strain (b, 3, 3) eV."""
        first, second = self.kept("pair")
        gaps = self._gaps(batch, copies)
        inverse = gaps.square().sum(-1).clamp_min(1e-12).rsqrt()
        values, slopes = self._sums(member).answered(inverse, self.length)
        push = pushed(gaps, inverse, slopes)
        own = torch.zeros(*copies.atoms.shape, 3, dtype=torch.float64, device=gaps.device)
        own.index_add_(1, first, push, alpha=-1).index_add_(1, second, push)
        forces = torch.zeros(len(batch.positions), 3, dtype=torch.float64, device=gaps.device)
        forces.index_add_(0, copies.atoms.flatten(), own.flatten(0, 1))
        energies = forces.new_zeros(len(batch.sizes)).index_add_(0, copies.structure, values)
        each = torch.einsum("cpi,cpj->cij", gaps, push)
        strained = forces.new_zeros(len(batch.sizes), 3, 3).index_add_(0, copies.structure, each)
        return energies, forces, (strained + strained.transpose(1, 2)) / 2

    def _gaps(self, batch: Batch, copies: Copies) -> Tensor:
        """(copy, pair, 3) Å between the atoms of each molecule, by the nearest image in a cell."""
        first, second = self.kept("pair")
        places = batch.positions.detach().double()[copies.atoms]
        gaps = places[:, first] - places[:, second]
        if not bool(batch.cells.any()):
            return gaps
        cells = batch.cells.double()[copies.structure]
        there = torch.linalg.det(cells).abs() > 0
        inside = torch.where(there[:, None, None], cells, torch.eye(3, dtype=cells.dtype, device=cells.device))
        back = torch.linalg.inv(inside)
        heights = 1 / back.norm(dim=1)  # between opposite faces
        if bool((heights.amin(1)[there] < 2 * LARGER * self.size).any()):
            raise InputError(
                f"a cell is less than {2 * LARGER * self.size:.1f} Å high, twice the molecule that this acorn knows as "
                "a whole, so that it would meet its own image; use a larger cell, or fit with whole=false."
            )
        wrapped = gaps - torch.round(gaps @ back) @ inside
        return torch.where(there[:, None, None], wrapped, gaps)

    def copies(self, batch: Batch) -> Copies:
        """Structures that are copies of the molecule, one after another, or bonded as it is.

        Atoms in its order count as the molecule, however far they are apart, unless they are bonded in another order.
        """
        size, numbers = len(self.kept("numbers")), self.kept("numbers")
        structures = len(batch.sizes)
        lined = [one % size == 0 for one in batch.sizes]
        if all(lined) and bool((batch.numbers.reshape(-1, size) == numbers).all()):
            atoms = torch.arange(len(batch.numbers), device=numbers.device).reshape(-1, size)
            every = Copies(atoms, batch.structure[atoms[:, 0]], numbers.new_ones(structures, dtype=torch.bool))
            if not self._torn(batch, every) > 1:
                return every
        ends = np.cumsum(batch.sizes).tolist()
        found = [self._one(batch, place, ends[place] - count, ends[place]) for place, count in enumerate(batch.sizes)]
        atoms = torch.cat([numbers.new_zeros(0, size), *(one for one in found if one is not None)])
        whole = torch.tensor([one is not None for one in found], device=numbers.device)
        return Copies(atoms, batch.structure[atoms[:, 0]], whole)

    def _torn(self, batch: Batch, copies: Copies) -> float:
        """The longest of the bonds, over how long it may be."""
        lengths = self._gaps(batch, copies)[:, self.kept("bonded")].norm(dim=-1)
        longest = self.kept("longest")[tuple(self.kept("pair")[:, self.kept("bonded")])]
        return float((lengths / longest).max()) if len(longest) else 0.0

    def _one(self, batch: Batch, place: int, start: int, end: int) -> Tensor | None:
        """(copy, atom) the molecules of one structure; None where it has anything else."""
        size, own = len(self.kept("numbers")), batch.numbers[start:end]
        name = tuple(own.tolist())
        known = []
        if len(name) % size == 0 and name == tuple(self.kept("numbers").tolist()) * (len(name) // size):
            known.append(torch.arange(len(name), device=own.device).reshape(-1, size))
        if name in self._orders:  # atoms that move stay what they were recognised as
            known.append(self._orders[name].to(own.device))
        torn = []
        for order in known:
            structure = torch.full((len(order),), place, device=own.device)
            torn.append(self._torn(batch, Copies(start + order, structure, structure > 0)))
        if min(torn, default=2.0) <= 1:
            return start + known[int(np.argmin(torn))]
        found = None if bool(batch.cells[place].any()) else self._recognised(batch, start, end)
        if found is not None:
            self._orders[name] = found
            return start + found
        return start + known[int(np.argmin(torn))] if known else None

    def _recognised(self, batch: Batch, start: int, end: int) -> Tensor | None:
        """(copy, atom) places in the structure by its bonds, in whatever order the atoms are."""
        numbers, bonds = self.kept("numbers").cpu().numpy(), self.kept("bonds").cpu().numpy()
        own = batch.numbers[start:end].cpu().numpy()
        places = batch.positions[start:end].detach().double().cpu().numpy()
        for stretch in STRETCHES:
            near = bonds_of(own, places[None], stretch)
            count, part = connected_components(near, directed=False)
            if count * len(numbers) != len(own):
                count, part = 1, np.zeros(len(own), int)
            parts = [np.flatnonzero(part == number) for number in range(count)]
            orders = [matched(numbers, bonds, own[atoms], near[np.ix_(atoms, atoms)]) for atoms in parts]
            found = [atoms[order] for atoms, order in zip(parts, orders, strict=True) if order is not None]
            if len(found) == count:
                return torch.from_numpy(np.stack(found)).to(batch.numbers.device)
        return None


def one_molecule(frames: Sequence[Frame]) -> bool:
    """Whether all frames are one molecule, with its atoms in one order, no larger than the term is made for."""
    numbers = frames[0].numbers
    return ATOMS[0] <= len(numbers) <= ATOMS[1] and all(
        not one.periodic and np.array_equal(one.numbers, numbers) for one in frames
    )
