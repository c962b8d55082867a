"""Ridge regression of energies, forces and stress on two- and three-body invariants, solved exactly.

A baseline for any composition, with or without a cell: the energy is linear in the invariants of `many_body`, so that
energies, forces and stress of all frames are one linear problem. The penalty, and how much more it weighs on invariants
that wiggle, are chosen on held-out frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch, collate
from ..frame import Frame, require_labels
from ..part import AtomEnergies, Evaluated, gradient_of
from .double_precision import DoublePart, known_elements
from .many_body import ManyBody, ManyBodyConfig

PENALTIES = tuple(10.0**power for power in range(-10, -2))  # of the trace of the problem
STEEPNESS = (1.0, 2.0)  # columns are scaled by rank to minus this power
PAIR_WEIGHT = 3.0  # two-body columns over three-body ones
FOLDS = 5


class Equations(NamedTuple):
    """Normal equations of forces and stress, and rows of energies, of some frames."""

    gram: Tensor  # (invariant, invariant)
    right: Tensor  # (invariant,)
    square: float  # eV²/Å², sum of squared force components and weighted virials
    invariants: Tensor  # (frame, invariant)
    energies: Tensor  # (frame,) eV
    counts: Tensor  # (frame, species) atoms of each element

    def with_energies(self) -> tuple[Tensor, Tensor]:
        """Energies join in, less what counts of elements explain; each weighs as much as the atoms it has."""
        weight = self.counts.sum(1).sqrt()[:, None]
        basis = _independent(self.counts * weight)
        rows, wanted = self.invariants * weight, self.energies[:, None] * weight
        rows, wanted = rows - basis @ (basis.T @ rows), wanted - basis @ (basis.T @ wanted)
        return self.gram + rows.T @ rows, self.right + (rows.T @ wanted)[:, 0]

    def error(self, weights: Tensor) -> float:
        """Sum of squared errors of forces and virials."""
        return float(weights @ self.gram @ weights - 2 * weights @ self.right) + self.square


class DescriptorRidge(DoublePart, AtomEnergies):
    """Linear in two- and three-body invariants."""

    name: ClassVar[str] = "descriptor-ridge"

    def __init__(self, config: ManyBodyConfig = ManyBodyConfig()) -> None:
        super().__init__()
        self.config = config
        self.penalty = self.steepness = 0.0  # as chosen
        self._invariants: ManyBody | None = None

    @property
    def cutoff(self) -> float:  # type: ignore[override]
        """Å; the longer one of two- and three-body terms."""
        return max(self.config.cutoff, self.config.pair_cutoff)

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame] = (), seed: int = 0) -> None:
        """Solve for `train`. `validation` chooses the penalty; without it, folds of `train` do.

        Stress is fitted where every frame with a cell has one. Raises InputError where labels are missing.
        """
        require_labels(list(train))
        elements = torch.from_numpy(np.unique(np.concatenate([frame.numbers for frame in train])))
        invariants = ManyBody(elements, self.config)
        whole, splits = self._split(train, validation, invariants)
        size = whole.gram.diagonal()
        blocks = torch.ones(invariants.size).double()
        for place, weight in ((slice(0, invariants.pair_size), PAIR_WEIGHT), (slice(invariants.pair_size, None), 1.0)):
            blocks[place] = weight / size[place].mean().clamp_min(1e-30).sqrt()
        self.penalty, self.steepness = _choose(splits, blocks, invariants.ranks())
        gram, right = whole.with_energies()
        weights = _solve(gram, right, blocks * invariants.ranks() ** -self.steepness, [self.penalty])[0]
        rest = whole.energies - whole.invariants @ weights
        atoms = np.linalg.lstsq(whole.counts.numpy(), rest.numpy(), rcond=1e-8)[0]
        self.keep(elements=elements, weights=weights, atoms=torch.from_numpy(atoms))
        self._invariants = None

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        """(n,) eV."""
        elements, weights = self.kept("elements"), self.kept("weights")
        if self._invariants is None or self._invariants.elements.device != elements.device:
            self._invariants = ManyBody(elements, self.config)
        invariants = self._invariants
        rows = known_elements(batch.numbers, elements, "the descriptor ridge")
        atoms = self.kept("atoms")[rows]

        distance = vectors.detach().norm(dim=1)
        pair = (distance < self.config.pair_cutoff).nonzero()[:, 0]
        table = weights.new_zeros((invariants.species, invariants.species, self.config.pairs))
        two = weights[: invariants.pair_size].reshape(-1, self.config.pairs)
        table[invariants.first_pair, invariants.second_pair] = two
        table[invariants.second_pair, invariants.first_pair] = two
        of_pair = table[rows[batch.first[pair]], rows[batch.second[pair]]]
        atoms = atoms.index_add(0, batch.first[pair], (invariants.pair_functions(vectors[pair]) * of_pair).sum(1) / 2)

        near = (distance < self.config.cutoff).nonzero()[:, 0]
        close = invariants.within(batch, near)
        density = invariants.densities(invariants.moments(vectors[near]), close, rows)
        forms = invariants.quadratic(weights[invariants.pair_size :])
        for species in range(invariants.species):
            mine = (rows == species).nonzero()[:, 0]
            density_here = density[mine]
            energy = density_here.new_zeros(len(mine))
            for power in range(invariants.degree + 1):
                part = density_here[..., invariants.orders == power]
                energy = energy + ((forms[species, power] @ part) * part).sum((1, 2))
            atoms = atoms.index_add(0, mine, energy)
        return atoms

    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """Forces and stress by gradient."""
        return Evaluated(*gradient_of(self, batch, stress))

    def settings(self) -> Mapping[str, Any]:
        """The invariants, and what was chosen."""
        return {"config": asdict(self.config), "penalty": self.penalty, "steepness": self.steepness}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "DescriptorRidge":
        """As every part."""
        part = cls(ManyBodyConfig(**settings["config"]))
        part.penalty, part.steepness = settings["penalty"], settings["steepness"]
        part.keep(**tensors)
        return part

    def _split(
        self, train: Sequence[Frame], validation: Sequence[Frame], invariants: ManyBody
    ) -> tuple[Equations, list[tuple[Equations, Equations]]]:
        """Equations of `train`, and pairs of equations to fit and to choose on."""
        if validation:
            require_labels(list(validation))
            whole = self._equations(train, invariants)
            return whole, [(whole, self._equations(validation, invariants))]
        folds = np.array_split(np.arange(len(train)), min(FOLDS, len(train)))
        parts = [self._equations([train[place] for place in fold], invariants) for fold in folds]
        if len(parts) == 1:
            return parts[0], []
        return _joined(parts), [(_joined(parts[:out] + parts[out + 1 :]), held) for out, held in enumerate(parts)]

    def _equations(self, frames: Sequence[Frame], invariants: ManyBody) -> Equations:
        gram = torch.zeros(invariants.size, invariants.size).double()
        right, square = torch.zeros(invariants.size).double(), 0.0
        stressed = all(frame.stress is not None for frame in frames if frame.periodic)
        values, counts = [], []
        for frame in frames:
            batch = collate([frame], self.cutoff)
            rows = known_elements(batch.numbers, invariants.elements, "the descriptor ridge")
            value, slopes, strain = invariants.jacobian(batch, rows)
            left, wanted = [-slopes.flatten(0, 1)], [torch.from_numpy(np.asarray(frame.forces, float)).flatten()]
            if frame.periodic and stressed and frame.stress is not None:
                left.append(strain)
                wanted.append(torch.from_numpy(np.asarray(frame.stress, float)) * frame.volume)
            matrix, labels = torch.cat(left), torch.cat(wanted)
            gram.addmm_(matrix.T, matrix)
            right += matrix.T @ labels
            square += float(labels @ labels)
            values.append(value)
            counts.append(torch.bincount(rows, minlength=invariants.species))
        energies = torch.tensor([float(frame.energy or 0.0) for frame in frames]).double()
        return Equations(gram, right, square, torch.stack(values), energies, torch.stack(counts).double())


def _joined(parts: Sequence[Equations]) -> Equations:
    gram, right, square, *rows = zip(*parts, strict=True)
    return Equations(sum(gram[1:], gram[0]), sum(right[1:], right[0]), sum(square), *(torch.cat(one) for one in rows))


def _independent(columns: Tensor) -> Tensor:
    """An orthonormal basis of the space of the columns."""
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    kept: Tensor = left[:, sizes > 1e-10 * sizes.max()]
    return kept


def _choose(splits: Sequence[tuple[Equations, Equations]], blocks: Tensor, ranks: Tensor) -> tuple[float, float]:
    """Penalty and steepness with the least error of forces on the held-out parts."""
    if not splits:
        return 1e-6, 2.0  # a single frame leaves nothing to choose on
    errors = np.zeros((len(STEEPNESS), len(PENALTIES)))
    for fitted, held in splits:
        gram, right = fitted.with_energies()
        for row, steepness in enumerate(STEEPNESS):
            found = _solve(gram, right, blocks * ranks**-steepness, PENALTIES)
            errors[row] += [held.error(weights) for weights in found]
    best = np.unravel_index(int(errors.argmin()), errors.shape)
    return PENALTIES[best[1]], STEEPNESS[best[0]]


def _solve(gram: Tensor, right: Tensor, scale: Tensor, penalties: Sequence[float]) -> list[Tensor]:
    """Weights for each penalty, which is relative to the trace."""
    scaled = gram * scale * scale[:, None]
    trace, wanted, found = float(scaled.trace()), (right * scale)[:, None], []
    for penalty in penalties:
        lifted = scaled.clone()
        lifted.diagonal().add_(penalty * trace)
        factor, failed = torch.linalg.cholesky_ex(lifted)
        if int(failed):
            raise InputError("the frames give no solvable ridge problem; look for frames that are no numbers.")
        found.append(torch.cholesky_solve(wanted, factor)[:, 0] * scale)
    return found
