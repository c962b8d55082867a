"""`acorn`: an Atomic Cluster expansion whose One Regression is solved exactly, and then folded to be fast.

Two-, three- and four-body invariants of the neighbours' density (Drautz 2019, doi:10.1103/PhysRevB.99.014104; Kovács et
al. 2021, doi:10.1021/acs.jctc.1c00647), linear in their weights, fitted to energies, forces and stress at once. With
few frames the regression is solved over equations, so that the number of invariants costs nearly nothing, and the prior
is chosen by leaving every frame out exactly; with many it is solved over columns. Rotations, mirrors, permutations and
translations change nothing by construction, forces are minus the gradient, and energies add over far parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame, require_labels
from ..models.radii import COVALENT
from ..part import Evaluated, Part, of_slopes
from ..parts import Answered, answers
from .choice import ENERGIES, choose, merit, quieted
from .config import REACHES, AcornConfig
from .design import Design, Rows
from .dual import DualEquations
from .folded import Folded
from .normal import NormalEquations
from .solve import Equations, LeftOut, Prior

EQUATIONS = 4500  # up to so many, all frames are solved over equations
CHOSEN_ON = 1800  # equations of the frames on which the prior is chosen otherwise
NOISED_ON = 12_000  # equations, at most, on which the noise is chosen, and whose frames are left out exactly


class Acorn(Part):
    """A body-ordered potential for any elements, periodic or not, with forces and stress by gradient.

    config  sizes of the basis
    doubts  whether `evaluate` also gives each atom's doubt, for which every draw from the posterior is followed
    """

    name: ClassVar[str] = "acorn"
    conservative: ClassVar[bool] = True

    def __init__(self, config: AcornConfig = AcornConfig()) -> None:
        super().__init__()
        self.config, self.cutoff, self.doubts = config, config.cutoff, True
        self.elements: tuple[int, ...] = ()
        self.prior: Prior | None = None
        self._left: tuple[dict[int, Frame], LeftOut] | None = None  # by place, in the order of leaving out
        self._centres: Tensor | None = None
        self._mean: Tensor | None = None  # weights around which the prior lies

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Fit to energies, forces, and stress where frames have it; raises InputError where labels are missing."""
        train = list(train)
        require_labels(train)
        self.elements = tuple(sorted({int(one) for frame in train for one in np.unique(frame.numbers)}))
        self._left = self._centres = self._mean = None
        many = sum(map(_count, train)) > EQUATIONS
        self.config = self.config.sized(len(self.elements), many)
        if many:
            self.config = restrained(self.config, len(self.elements), max(self._room(train), self.config.columns))
        if self.config.reach is None:
            self.config = replace(self.config, reach=self._reach(train, seed))
        self._mean = self._taught(train, seed)  # in the columns that are solved for
        if not many:
            weights = self._solve_few(train, seed)
        else:
            weights = self._solve_many(train, list(validation), seed)
        self._fold(weights)

    def _reach(self, train: list[Frame], seed: int) -> float:
        """Å of many-body terms with which some frames are said best when they are left out."""
        tried = sorted({min(one, self.config.cutoff) for one in REACHES})
        if len(tried) < 2 or not any(one.periodic for one in train):
            return self.config.near
        some, found = _first([train[place] for place in _order(train, seed)], CHOSEN_ON), {}
        for reach in tried:
            other = Acorn(replace(self.config, reach=reach))
            other.elements = self.elements
            equations = other._equations(some)
            found[reach] = merit(equations.left_out(choose(equations)))
        return min(tried, key=found.__getitem__)

    def _taught(self, train: list[Frame], seed: int) -> Tensor | None:
        """Weights (columns,) that are believed before the frames are seen; None: zero."""
        return None

    def _solve_few(self, train: list[Frame], seed: int) -> Tensor:
        equations = self._equations(train)
        self.prior = choose(equations)
        self._left = dict(enumerate(train)), equations.left_out(self.prior)
        return equations.weights(self.prior, self.config.members, seed)

    def _solve_many(
        self, train: list[Frame], validation: list[Frame], seed: int, quieter: float | None = None
    ) -> Tensor:
        """With the prior chosen on some of the frames, over equations where memory allows, else over columns.

        quieter  noise over what was chosen on some frames; None: by validation, or by leaving frames out
        """
        order = _order(train, seed)
        counts = np.cumsum([_count(train[place]) for place in order])
        equations = self._equations(_first([train[place] for place in order], CHOSEN_ON))
        prior, scales = choose(equations), equations.scales
        del equations
        design = self._design(train)
        columns = sum(design.columns)
        over_equations = columns > self.config.columns or counts[-1] < columns <= self._room(train)
        # noise is chosen over equations of some frames where that costs less than over so many columns
        apart = not over_equations and columns > NOISED_ON and quieter is None
        sums: DualEquations | NormalEquations
        if over_equations:
            sums = DualEquations(design.columns, scales, prior)
        else:
            sums = NormalEquations(design.columns, scales, prior, keep=not apart and quieter is None)
        few = DualEquations(design.columns, scales, prior) if apart else sums
        for at, place in enumerate(tqdm(order, desc="acorn: equations", unit="frame", disable=None, leave=False)):
            rows = self._rows(design, train[place])
            sums.add(rows)
            if few is not sums and (not at or counts[at] <= NOISED_ON):
                few.add(rows)
        self.prior = prior if quieter is None else replace(prior, noise=prior.noise * quieter)
        if quieter is None and validation and (over_equations or apart):
            enough = len(validation) >= ENERGIES
            judged = partial(self._on, validation, few)
            # of some fifty frames the energies are too few to outweigh many forces
            self.prior = quieted(judged, prior, enough, share=0.0)
        elif quieter is None:
            self.prior, left = _left_best(few, prior)
            # fits to some of the frames would err more than this one
            if few is sums and (not over_equations or len(left.errors) == len(train)):
                self._left = {int(place): train[place] for place in order[: len(left.errors)]}, left
        few = sums  # makes room
        return sums.weights(self.prior, self.config.members, seed)

    def _on(self, validation: list[Frame], few: DualEquations | NormalEquations, prior: Prior) -> "_Said":
        """How badly frames are said with the noises of a prior."""
        self._fold(few.weights(prior, most=NOISED_ON))
        doubts, self.doubts = self.doubts, False
        said = answers(self, validation, stress=False)
        self.doubts = doubts
        energies = [abs(one.energy - (one.frame.energy or 0.0)) for one in said]
        return _Said(float(np.mean(energies)), float(np.mean(np.concatenate([one.force_error for one in said]))))

    def _room(self, train: list[Frame]) -> int:
        """Columns for which rows in single precision and their products in double fit into memory."""
        count = sum(map(_count, train))
        return int((1e9 * self.config.memory - 8 * count**2) / (4 * count))

    def _equations(self, frames: list[Frame]) -> Equations:
        design = self._design(frames)
        rows = [
            self._rows(design, frame)
            for frame in tqdm(frames, desc="acorn: equations", unit="frame", disable=None, leave=False)
        ]
        blocks = [np.concatenate([one.blocks[place] for one in rows]) for place in range(len(design.columns))]
        ends = np.cumsum([len(one.labels) for one in rows]).tolist()
        return Equations(
            blocks, np.concatenate([one.labels for one in rows]), np.concatenate([one.kinds for one in rows]), ends
        )

    def _design(self, frames: list[Frame]) -> Design:
        """With the coordination of the first frames that were seen as zero."""
        design = Design(self.config, self.elements)
        if self._centres is None:
            design.centre(frames)
            self._centres = design.centres
        design.centres = self._centres
        return design

    def _rows(self, design: Design, frame: Frame) -> Rows:
        rows = design.rows(frame)
        # strain derivatives belong to a whole frame: their noise grows with its size as that of a sum of forces does
        rows.labels[rows.kinds == 2] *= self.config.stress_share / len(frame) ** 0.5
        for block in rows.blocks:
            block[rows.kinds == 2] *= self.config.stress_share / len(frame) ** 0.5
        if self._mean is not None:
            rows.labels[:] -= np.concatenate(rows.blocks, 1) @ self._mean.numpy()
        return rows

    def _fold(self, weights: Tensor) -> None:
        """Keep weights (sets, columns) and make them quick to use."""
        if self._mean is not None:
            weights = weights + self._mean
        kinds = len(self.elements)
        centres = torch.zeros(kinds, kinds, dtype=torch.float64) if self._centres is None else self._centres
        self.register_buffer("weights", weights)
        self.register_buffer("centres", centres)
        radii = torch.from_numpy(COVALENT[list(self.elements)])
        self.folded = Folded(self.config, radii, centres, weights)
        place = torch.full((max(self.elements) + 1,), -1)
        place[list(self.elements)] = torch.arange(kinds)
        self.register_buffer("place", place, persistent=False)

    @torch.no_grad()
    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies, forces, stress; with `doubts`, the root mean square distance of drawn forces from the answer."""
        batch = self._within(batch)
        kind, vectors = self._kinds(batch), batch.vectors(batch.positions, batch.cells)
        atoms, slopes = self.folded.atom_energies(vectors, batch.first, batch.second, kind)
        energies, forces, voigt = of_slopes(batch, atoms, vectors, slopes, stress)
        doubts = self.doubts and self.folded.sets > 1
        return Evaluated(energies, forces, voigt, self._spread(batch, vectors, kind, forces) if doubts else None)

    def _spread(self, batch: Batch, vectors: Tensor, kind: Tensor, forces: Tensor) -> Tensor:
        squares = torch.zeros_like(forces[:, 0])
        for member in range(1, self.folded.sets):
            drawn = self.folded.atom_energies(vectors, batch.first, batch.second, kind, member)
            squares += (of_slopes(batch, drawn[0], vectors, drawn[1])[1] - forces).square().sum(1)
        return (squares / (self.folded.sets - 1)).sqrt()

    def _within(self, batch: Batch) -> Batch:
        """Pairs beyond the cutoff add nothing: lists that are kept while atoms move are a third longer."""
        near = batch.vectors(batch.positions, batch.cells).square().sum(1) < self.cutoff**2
        if bool(near.all()):
            return batch
        kept = near.nonzero()[:, 0]
        return replace(
            batch,
            first=batch.first.index_select(0, kept),
            second=batch.second.index_select(0, kept),
            shifts=batch.shifts.index_select(0, kept),
        )

    def _kinds(self, batch: Batch) -> Tensor:
        known: Tensor = self.place  # type: ignore[assignment]
        numbers = batch.numbers
        inside = numbers < len(known)
        kind = torch.where(inside, known[torch.where(inside, numbers, 0)], -1)
        if bool((kind < 0).any()):
            strange = sorted({int(one) for one in numbers[kind < 0]})
            raise InputError(f"atomic number {strange[0]} was not in training; this acorn knows {self.elements}.")
        return kind

    def left_out(self) -> dict[int, Answered]:
        """What is said of frames of training by a fit without each, exact, by their places; of many frames, of some."""
        if self._left is None:
            return {}
        frames, left = self._left
        doubts, self.doubts = self.doubts, False
        said = answers(self, list(frames.values()), stress=False)
        self.doubts = doubts
        made = {}
        for place, one, errors, spread in zip(frames, said, left.errors, left.spreads, strict=True):
            frame = one.frame
            assert frame.energy is not None and frame.forces is not None
            forces = frame.forces - errors[1 : 1 + 3 * len(frame)].reshape(-1, 3)
            energy = frame.energy - float(errors[0])
            made[place] = one._replace(
                energy=energy, forces=forces, spread=spread if self.folded.sets > 1 else 0 * spread
            )
        return made

    def count(self) -> int:
        """Weights of the answer."""
        weights: Tensor = self.weights  # type: ignore[assignment]
        return weights.shape[1]

    def settings(self) -> Mapping[str, Any]:
        """The basis, the elements, the prior that was chosen, and how many draws there are."""
        return {
            "config": asdict(self.config),
            "elements": list(self.elements),
            "prior": None if self.prior is None else asdict(self.prior),
            "sets": self.folded.sets,
        }

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The potential again."""
        made = cls(AcornConfig(**settings["config"]))
        made.elements = tuple(settings["elements"])
        if settings["prior"] is not None:
            prior = settings["prior"]
            made.prior = Prior(tuple(prior["shares"]), prior["noise"], tuple(prior["quiet"]))
        weights, made._centres = tensors["weights"], tensors["centres"].double()
        if weights.shape != (settings["sets"], sum(Design(made.config, made.elements).columns)):
            raise ValueError(f"weights of shape {tuple(weights.shape)} are of another basis")
        made._fold(weights)
        return made


class _Said(NamedTuple):
    """Mean error of an energy, and mean length of that of a force."""

    energy: float
    force: float


def restrained(config: AcornConfig, kinds: int, columns: int) -> AcornConfig:
    """A basis of at most so many columns: gates go first, then functions and degrees of four bodies."""
    config = config.sized(kinds)
    while sum(Design(config, tuple(range(1, kinds + 1))).columns) > columns:
        if config.gates:
            config = replace(config, gated=3 if config.gates == 4 else 0)
        elif config.four > 2:
            config = replace(config, radial_four=config.four - 1)
        elif config.degree_four > 2:
            config = replace(config, degree_four=config.degree_four - 1)
        elif config.four > 0:
            config = replace(config, radial_four=config.four - 1)
        elif config.radial > 3:
            config = replace(config, radial=config.radial - 1)
        else:
            raise InputError(f"{kinds} elements are too many for this potential with so many frames.")
    return config


def _left_best(few: DualEquations | NormalEquations, start: Prior) -> tuple[Prior, LeftOut]:
    """The noises with which frames left out are said best, and what is said of them."""

    @cache
    def left(prior: Prior) -> LeftOut:
        return few.left_out(prior, NOISED_ON)

    best = quieted(left, start, len(left(start).errors) >= ENERGIES)
    return best, left(best)


def _order(train: list[Frame], seed: int) -> NDArray[np.int64]:
    """Places of the frames, shuffled: any first of them are a fair sample."""
    return np.random.default_rng([seed, 29]).permutation(len(train))


def _first(frames: list[Frame], equations: int) -> list[Frame]:
    """The first frames that give up to so many equations; two at least."""
    return frames[: max(2, int(np.searchsorted(np.cumsum(list(map(_count, frames))), equations)))]


def _count(frame: Frame) -> int:
    return 1 + 3 * len(frame) + 6 * (frame.stress is not None and frame.volume > 0)
