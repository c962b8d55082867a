"""A term of one whole molecule: what sums over surroundings of atoms cannot say of how its far parts move together.

A kernel on the inverse distances of all atoms (`models.inverse_distances`), symmetric in atoms that can change places,
stands in the regression as functions centred on some frames: those of the kernel itself and of its slopes, made
orthogonal under its own prior. With all frames as centres that is the Gaussian process whose covariance is the sum of
both kernels; with fewer a subset of regressors (Quiñonero-Candela & Rasmussen 2005).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame
from ..models.automorphisms import automorphisms
from ..models.double_precision import Exact
from ..models.inverse_distances import Described, Learned, described, pushed
from .copies import Copies, Pattern

Floats = NDArray[np.float64]
ATOMS = 3, 60  # of a molecule, at least and at most
LENGTHS = (5.0, 10.0, 20.0)  # 1/Å, of the kernel; tried in turn
RELABELLINGS = 48  # at most
JITTERS = (1e-6, 1e-5)  # of the mean of the diagonal; with less, weights cancel to more digits than there are


class _Functions(NamedTuple):
    """Functions at some geometries, in directions of their energies and forces."""

    inverse: Tensor  # (geometry, pair) 1/Å
    energies: Tensor  # (geometry, function)
    along: Tensor  # (geometry, function, pair) of the forces, by inverse distances

    def at(self, inverse: Tensor, bends: Tensor, length: float) -> tuple[Tensor, Tensor]:
        """Inverse distances (pair,), slopes (pair, coordinate) -> values (columns,), forces (coordinate, columns)."""
        q = 5**0.5 / length
        gap = inverse - self.inverse
        near = q * gap.norm(dim=1)[:, None]
        decay = torch.exp(-near)
        fall = q**2 / 3 * (1 + near) * decay
        shift = torch.einsum("mrp,mp->mr", self.along, gap)
        values = (1 + near + near**2 / 3) * decay * self.energies - fall * shift
        pull = q**4 / 3 * decay * shift - fall * self.energies
        across = (gap @ bends).T[:, :, None] * pull  # (coordinate, geometry, function)
        along = (self.along.flatten(0, 1) @ bends).T.reshape(across.shape) * fall
        return values.flatten(), (along - across).flatten(1)


class Whole(Exact):
    """Functions of one molecule (`centred`), and after `settle` the energies that they add up to.

    length      1/Å
    pattern     the molecule
    relabelled  (relabelling, atom) a group, the identity first
    centres     (centre, atom, 3) Å
    """

    name: ClassVar[str] = "acorn's term of a whole molecule"

    def __init__(self, length: float, pattern: Pattern, relabelled: Tensor, centres: Tensor) -> None:
        super().__init__()
        self.length, self.pattern = length, pattern
        self.keep(relabelled=relabelled, centres=centres)
        self._factor: Tensor | None = None
        self._drawn: Tensor | None = None  # (centre, 1 + 3 atoms, function)
        self._functions: _Functions | None = None
        self._learned: list[Learned] = []

    @classmethod
    def of(cls, frames: Sequence[Frame], centres: Sequence[Frame], length: float) -> "Whole":
        """For frames of one molecule, with functions at some of them."""
        pattern, places = Pattern.of(frames), np.stack([one.positions for one in centres])
        relabelled = automorphisms(frames[0].numbers, pattern.kept("bonds").numpy(), RELABELLINGS)
        return cls(length, pattern, torch.from_numpy(relabelled), torch.from_numpy(places))

    def moved(self, centres: Sequence[Frame], length: float) -> "Whole":
        """The same molecule with functions at other frames, of another length."""
        places = torch.from_numpy(np.stack([one.positions for one in centres]))
        return Whole(length, self.pattern, self.kept("relabelled"), places)

    @classmethod
    def restore(cls, length: float, size: float, tensors: Mapping[str, Tensor]) -> "Whole":
        """From the length, the size of the molecule, and the tensors of `state_dict`."""
        pattern = Pattern(size, *(tensors[f"pattern.{name}"] for name in ("numbers", "bonds", "longest")))
        made = cls(length, pattern, tensors["relabelled"], tensors["centres"])
        made.keep(pulls=tensors["pulls"])
        return made

    def centred(self, functions: int) -> "Whole":
        """With at most so many functions, in directions drawn at random that are the same in every run.

        Directions of all centres say more than all directions of some: with 240 frames of aspirin a quarter of the
        directions have 9.3 meV on frames not seen, a quarter of the frames 10.6, half of them 9.3, all 8.3.
        """
        count, each = len(self.kept("centres")), self._each
        kept = min(each, max(1, functions // count))
        drawn = torch.eye(each, dtype=torch.float64).expand(count, each, each)
        if kept < each:
            maker = torch.Generator().manual_seed(count)
            drawn = torch.linalg.qr(torch.randn(count, each, kept, generator=maker, dtype=torch.float64))[0]
        self._drawn = drawn
        first, second = self.pattern.kept("pair")
        seen, pull = self._described(), drawn[:, 1:].reshape(count, -1, 3, kept)
        slopes = seen.slopes[:, first, second]
        along = torch.einsum("mpx,mpxr->mrp", slopes, pull[:, first] - pull[:, second])
        self._functions = _Functions(seen.inverse[:, first, second], drawn[:, 0], along)
        return self

    @property
    def _each(self) -> int:
        """Energies and forces of a geometry."""
        return 1 + 3 * self.kept("centres").shape[1]

    @property
    def columns(self) -> int:
        """How many functions there are."""
        assert self._drawn is not None
        return self._drawn.shape[0] * self._drawn.shape[2]

    def rows(self, positions: Floats) -> Floats:
        """(1 + 3 atoms, columns) values of the functions and what they add to forces, at one geometry, (atom, 3) Å."""
        if self._factor is None:
            self._factor = self._factored()
        beside = self._beside(torch.from_numpy(positions))
        found: Floats = torch.linalg.solve_triangular(self._factor, beside.T, upper=False).T.numpy()
        return found

    def stacked(self, frames: Sequence[Frame]) -> Floats:
        """Rows of many frames."""
        return np.concatenate([self.rows(one.positions) for one in frames])

    def _beside(self, positions: Tensor) -> Tensor:
        """(1 + 3 atoms, columns) energies and forces of the functions as they are drawn, at one geometry."""
        assert self._functions is not None
        first, second = self.pattern.kept("pair")
        pairs, total = torch.arange(len(first)), positions.new_zeros(self._each, self.columns)
        for order in self.kept("relabelled"):
            seen = described(positions[None, order])
            inverse, slope = seen.inverse[0, first, second], seen.slopes[0, first, second]
            bends = positions.new_zeros(len(first), len(order), 3)  # of inverse distances, by the atoms
            bends[pairs, order[first]], bends[pairs, order[second]] = slope, -slope
            values, forces = self._functions.at(inverse, bends.flatten(1), self.length)
            total[0] += values
            total[1:] += forces
        return total

    def _described(self) -> Described:
        return described(self.kept("centres"))

    def _factored(self) -> Tensor:
        """Lower Cholesky factor of the covariances of all functions; moves and turns of a whole molecule have none."""
        assert self._drawn is not None
        parts = [own.T @ self._beside(one) for own, one in zip(self._drawn, self.kept("centres"), strict=True)]
        gram = torch.cat(parts)
        gram = (gram + gram.T) / 2
        scale = gram.diagonal().mean()
        for jitter in JITTERS:
            gram.diagonal().add_(jitter * scale)
            found: tuple[Tensor, Tensor] = torch.linalg.cholesky_ex(gram)
            if not int(found[1]):
                return found[0]
        raise InputError(
            "frames of one molecule are all alike: take out those that stand twice, or fit with "
            """--settings '{"config": {"whole": false}}'."""
        )

    def settle(self, weights: Tensor) -> None:
        """Take weights of the functions, (sets, columns), for the answer."""
        assert self._drawn is not None
        if self._factor is None:
            self._factor = self._factored()
        found = torch.linalg.solve_triangular(self._factor.T, weights.T.double(), upper=True).T
        shape = len(weights), len(self._drawn), self._drawn.shape[2]
        self.keep(pulls=torch.einsum("smr,mer->sme", found.reshape(shape), self._drawn))
        self._learned = []

    def finish(self) -> None:
        """Let go of what only a fit needs."""
        self._factor = self._functions = self._drawn = None

    def _sums(self, member: int) -> Learned:
        """Of one set."""
        device = self.kept("pulls").device
        if not self._learned or self._learned[0].inverse.device != device:
            self._learned = [self._sum(one) for one in self.kept("pulls")]
        return self._learned[member]

    def _sum(self, pulls: Tensor) -> Learned:
        first, second = self.pattern.kept("pair")
        seen, pull = self._described(), pulls[:, 1:].reshape(len(pulls), -1, 3)
        along = torch.einsum("mpx,mpx->mp", seen.slopes[:, first, second], pull[:, first] - pull[:, second])
        return Learned.of(seen.inverse[:, first, second], pulls[:, 0], along)

    def answered(self, batch: Batch, copies: Copies, member: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """What the copies add: energies (b,) eV, forces (n, 3) eV/Å, and derivatives by strain (b, 3, 3) eV."""
        # relabelled molecules beside each other, so that what is known is read once for all of them
        relabelled = self.kept("relabelled")
        own_structure = copies.structure.repeat_interleave(len(relabelled))
        copies = Copies(copies.atoms[:, relabelled].flatten(0, 1), own_structure, copies.whole)
        first, second = self.pattern.kept("pair")
        gaps = self.pattern.gaps(batch, copies)
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


def one_molecule(frames: Sequence[Frame]) -> bool:
    """Whether all frames are one molecule, with its atoms in one order, no larger than the term is made for."""
    numbers = frames[0].numbers
    return ATOMS[0] <= len(numbers) <= ATOMS[1] and all(
        not one.periodic and np.array_equal(one.numbers, numbers) for one in frames
    )
