"""A kernel for one molecule, learned in the domain of its gradients, symmetric in atoms that can change places.

Chmiela, Sauceda, Mueller & Tkatchenko (2018), "Towards exact molecular dynamics simulations with machine-learned force
fields", Nature Communications 9, 3887 (sGDML): inverse distances of all pairs of atoms, a Matern kernel with nu = 5/2
between them, its mixed second derivative as the covariance of forces. The relabellings come from the graph of bonds
instead of from matching frames.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame, require_labels
from ..part import Evaluated, stress_of
from .automorphisms import automorphisms, bonds_of
from .double_precision import DoublePart
from .inverse_distances import Learned, covariances, described, pushed

LENGTHS = (2.0, 5.0, 10.0, 20.0, 40.0)  # of the kernel, in 1/Å
PENALTIES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4)  # of the mean diagonal
FOLDS = 5
ROWS = 10_000  # force components that are fitted at most
ROWS_TO_CHOOSE = 3_500  # force components on which length and penalty are chosen


class MolecularKernel(DoublePart):
    """Gradient-domain kernel ridge for one molecule, in one order of its atoms.

    length, penalty   of the kernel; chosen on held-out frames where None
    rows              at most so many force components are fitted; frames are taken evenly when there are more
    symmetries        at most so many relabellings
    """

    name: ClassVar[str] = "molecular-kernel"

    def __init__(
        self, length: float | None = None, penalty: float | None = None, rows: int = ROWS, symmetries: int = 200
    ) -> None:
        super().__init__()
        if (length is not None and length <= 0) or (penalty is not None and penalty <= 0) or min(rows, symmetries) < 1:
            raise InputError("the molecular kernel needs length, penalty, rows and symmetries above zero.")
        self.length, self.penalty, self.rows, self.symmetries = length, penalty, rows, symmetries

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame] = (), seed: int = 0) -> None:
        """Solve for forces of `train`, then set the constant by its energies.

        `validation` chooses length and penalty; without it, folds of `train` do. Raises InputError unless all frames
        are one molecule, in one order of atoms, and whole.
        """
        require_labels(list(train))
        numbers = _one_molecule([*train, *validation])
        train = _evenly(train, self.rows // (3 * len(numbers)))
        places, forces = _stacked(train)
        relabelled = automorphisms(numbers, bonds_of(numbers, places.numpy()), self.symmetries)
        self.keep(numbers=torch.from_numpy(numbers), relabelled=torch.from_numpy(relabelled))
        length, penalty = self._choose(train, validation)
        solved = _solve(self._gram(places, places, [length])[0], forces.flatten(), penalty)
        if solved is None:
            raise InputError("the frames give no solvable kernel problem; take out frames that stand twice.")
        inverse, directions = [], []
        first, second = self._pairs()
        for order in self.kept("relabelled"):
            seen, weights = described(places[:, order]), solved.reshape(forces.shape)[:, order]
            along = torch.einsum("mabx,mabx->mab", seen.slopes, weights[:, :, None] - weights[:, None])
            inverse.append(seen.inverse[:, first, second])
            directions.append(along[:, first, second])
        self.keep(
            inverse=torch.cat(inverse), directions=torch.cat(directions),
            chosen=torch.tensor([length, penalty], dtype=torch.float64),
            constant=torch.zeros(1),
        )  # fmt: skip
        energies = torch.tensor([float(frame.energy or 0.0) for frame in train]).double()
        self.keep(constant=(energies - self._predict(places)[0]).mean()[None])

    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """Raises InputError for another molecule, another order of atoms, or one that its cell cuts in two."""
        numbers = self.kept("numbers")
        size = len(numbers)
        if set(batch.sizes) != {size} or not bool((batch.numbers.reshape(-1, size) == numbers).all()):
            raise InputError(
                f"the molecular kernel knows one molecule of {size} atoms in the order {numbers.tolist()} (atomic "
                "numbers) and is asked about another one; keep that order, or use a potential for any composition."
            )
        positions = batch.positions.reshape(-1, size, 3)
        if bool(batch.cells.any()):
            _require_whole(positions, batch.cells)
        energies, forces = self._predict(positions)
        voigt = None
        if stress:
            virial = -torch.einsum("bni,bnj->bij", positions, forces)
            voigt = stress_of(batch, (virial + virial.transpose(1, 2)) / 2)
        return Evaluated(energies, forces.reshape(-1, 3), voigt)

    def settings(self) -> Mapping[str, Any]:
        """Arguments of the constructor."""
        return {name: getattr(self, name) for name in ("length", "penalty", "rows", "symmetries")}

    def _pairs(self) -> Tensor:
        """(2, pair) the pairs of atoms."""
        numbers = self.kept("numbers")
        return torch.triu_indices(len(numbers), len(numbers), 1, device=numbers.device)

    def _gram(self, rows: Tensor, columns: Tensor, lengths: Sequence[float]) -> list[Tensor]:
        """Covariances of forces at positions (frame, atom, 3), for each length: (row · atom · 3, column · atom · 3).

        Summed over relabellings of the columns: relabelling both sides together would change nothing.
        """
        size = rows.shape[1]
        totals = [rows.new_zeros((len(rows), size * 3, len(columns), size, 3)) for _ in lengths]
        seen = described(rows)
        for order in self.kept("relabelled"):
            for column in range(len(columns)):
                found = covariances(seen, described(columns[column : column + 1, order]), lengths)
                for total, block in zip(totals, found, strict=True):
                    total[:, :, column, order] += block.reshape(*block.shape[:2], size, 3)
        return [total.reshape(rows.numel(), columns.numel()) for total in totals]

    def _choose(self, train: Sequence[Frame], validation: Sequence[Frame]) -> tuple[float, float]:
        """Length and penalty with the least mean absolute error of held-out force components."""
        lengths = LENGTHS if self.length is None else (self.length,)
        penalties = PENALTIES if self.penalty is None else (self.penalty,)
        count = ROWS_TO_CHOOSE // (3 * len(self.kept("numbers")))
        fitted = _evenly(train, count)
        if len(lengths) * len(penalties) == 1 or (len(fitted) == 1 and not validation):
            return lengths[len(lengths) // 2], penalties[len(penalties) // 2]
        places, forces = _stacked([*fitted, *(held := _evenly(validation, count))])
        frames, width = len(places), forces[0].numel()
        if held:
            parts = [np.arange(len(fitted), frames)]
        else:
            parts = np.array_split(np.arange(frames), min(FOLDS, frames))
        grams = self._gram(places, places, lengths)

        def error(gram: Tensor, penalty: float) -> float:
            blocks, total = gram.reshape(frames, width, frames, width), 0.0
            for out in parts:
                kept = np.setdiff1d(np.arange(len(fitted)), out)
                inner = blocks[kept][:, :, kept].reshape(len(kept) * width, -1)
                outer = blocks[out][:, :, kept].reshape(len(out) * width, -1)
                solved = _solve(inner, forces[kept].flatten(), penalty)
                total += np.inf if solved is None else float((outer @ solved - forces[out].flatten()).abs().sum())
            return total

        middle = penalties[len(penalties) // 2]
        best = min(range(len(lengths)), key=lambda place: error(grams[place], middle))
        return lengths[best], min(penalties, key=lambda penalty: error(grams[best], penalty))

    def _predict(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (frame,) and forces (frame, atom, 3) of positions (frame, atom, 3)."""
        first, second = self._pairs()
        gaps = positions[:, first] - positions[:, second]
        inverse = gaps.square().sum(-1).clamp_min(1e-12).rsqrt()
        known = self.kept("inverse")
        learned = Learned.of(known, known.new_zeros(len(known)), self.kept("directions"))
        energies, slopes = learned.answered(inverse, self.kept("chosen")[0])
        push = pushed(gaps, inverse, slopes)
        forces = torch.zeros_like(positions).index_add(1, first, push, alpha=-1).index_add(1, second, push)
        return self.kept("constant") + energies, forces


def _solve(gram: Tensor, wanted: Tensor, penalty: float) -> Tensor | None:
    """(row,) weights, or None where rounding leaves no positive matrix; the penalty is relative to the diagonal."""
    lifted = gram.clone()
    lifted.diagonal().add_(penalty * float(gram.diagonal().mean()))
    factor, failed = torch.linalg.cholesky_ex(lifted)
    return None if int(failed) else torch.cholesky_solve(wanted[:, None], factor)[:, 0]


def _stacked(frames: Sequence[Frame]) -> tuple[Tensor, Tensor]:
    """Positions and forces, (frame, atom, 3)."""
    forces = [np.zeros_like(frame.positions) if frame.forces is None else frame.forces for frame in frames]
    return torch.from_numpy(np.stack([frame.positions for frame in frames])), torch.from_numpy(np.stack(forces))


def _evenly(frames: Sequence[Frame], count: int) -> list[Frame]:
    """At most `count` of them, and at least one."""
    places = np.linspace(0, len(frames) - 1, min(len(frames), max(1, count))).round().astype(int)
    return [frames[place] for place in places]


def _one_molecule(frames: Sequence[Frame]) -> NDArray[np.int64]:
    """The atomic numbers that all frames share, in order."""
    numbers = frames[0].numbers
    for place, frame in enumerate(frames):
        if not np.array_equal(frame.numbers, numbers):
            raise InputError(
                f"the molecular kernel learns one molecule in one order of its atoms, but frame {place} "
                f"({frame.name or 'no name'}) has the atomic numbers {frame.numbers.tolist()} and frame 0 has "
                f"{numbers.tolist()}; sort the atoms, split the frames, or use a potential for any composition."
            )
        if frame.periodic:
            _require_whole(torch.from_numpy(frame.positions)[None], torch.from_numpy(frame.cell)[None])
    return numbers.copy()


def _require_whole(positions: Tensor, cells: Tensor) -> None:
    """Raise InputError where a molecule in a cell reaches over half of it, so that images could be meant."""
    volumes = torch.linalg.det(cells).abs()
    faces = torch.stack([torch.linalg.cross(cells[:, i], cells[:, j]).norm(dim=1) for i, j in ((1, 2), (2, 0), (0, 1))])
    heights = torch.where(volumes > 0, volumes / faces.clamp_min(1e-12), torch.inf).amin(0)
    if bool((torch.cdist(positions, positions).amax((1, 2)) > heights / 2).any()):
        raise InputError(
            "the molecular kernel takes one whole molecule without images, and one here reaches over half of its cell; "
            "unwrap it, or use a potential for periodic systems."
        )
