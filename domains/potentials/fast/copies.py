"""Where a known molecule stands among atoms: in its own order, or in any that its bonds tell."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame
from ..models.automorphisms import bonds_of, matched
from ..models.double_precision import Exact
from ..models.radii import bond_lengths

TORN = 1.5, 1.2  # times the covalent radii, and the longest in training, beyond which a bond is none
STRETCHES = 1.25, 1.4, 1.15  # of the covalent radii, within which atoms are bonded; tried in turn
ENOUGH = 1000  # frames that say which atoms are bonded
LARGER = 1.1  # than in training a molecule may be before the images of a cell are in doubt


class Copies(NamedTuple):
    """Where the molecule stands in a batch."""

    atoms: Tensor  # (copy, atom) their places in the batch, in the order of the molecule
    structure: Tensor  # (copy,)
    whole: Tensor  # (b,) bool, the structures that are nothing but such molecules


class Pattern(Exact):
    """A molecule to be found again.

    size     Å, the longest distance of its atoms in training
    numbers  (atom,) int64
    bonds    (atom, atom) bool
    longest  (atom, atom) Å that a bond may have
    """

    name: ClassVar[str] = "the pattern of a molecule"

    def __init__(self, size: float, numbers: Tensor, bonds: Tensor, longest: Tensor) -> None:
        super().__init__()
        self.size = size
        self.keep(numbers=numbers, bonds=bonds, longest=longest)
        pair = torch.triu_indices(len(numbers), len(numbers), 1)
        self.register_buffer("pair", pair, persistent=False)
        self.register_buffer("bonded", bonds[pair[0], pair[1]].nonzero()[:, 0], persistent=False)
        self._orders: dict[tuple[int, ...], Tensor] = {}  # of structures that were recognised by their bonds

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> "Pattern":
        """Of frames of one molecule, in one order of its atoms."""
        numbers, every = frames[0].numbers, np.stack([one.positions for one in frames])
        seen = np.max([np.linalg.norm(one[:, None] - one, axis=-1) for one in every], axis=0)
        longest = np.maximum(TORN[0] * bond_lengths(numbers), TORN[1] * seen)
        found = numbers.copy(), bonds_of(numbers, every[:: -(-len(every) // ENOUGH)]), longest
        return cls(float(seen.max()), *map(torch.from_numpy, found))

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

    def gaps(self, batch: Batch, copies: Copies) -> Tensor:
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
                "a whole, so that it would meet its own image; use a larger cell, or fit with "
                """--settings '{"config": {"whole": false}}'."""
            )
        wrapped = gaps - torch.round(gaps @ back) @ inside
        return torch.where(there[:, None, None], wrapped, gaps)

    def _torn(self, batch: Batch, copies: Copies) -> float:
        """The longest of the bonds, over how long it may be."""
        lengths = self.gaps(batch, copies)[:, self.kept("bonded")].norm(dim=-1)
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
