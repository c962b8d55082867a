"""`acorn`: an Atomic Cluster expansion whose One Regression is solved exactly, and then folded to be fast.

Two-, three- and four-body invariants of the neighbours' density (Drautz 2019, doi:10.1103/PhysRevB.99.014104; Kovács et
al. 2021, doi:10.1021/acs.jctc.1c00647), linear in their weights, fitted to energies, forces and stress at once. With
few frames the regression is solved over equations, so that the number of invariants costs nearly nothing, and the prior
is chosen by leaving every frame out exactly; with many it is solved over columns. Frames of one molecule get a
term of it as a whole as well (`whole`). Rotations, mirrors, permutations and
translations change nothing by construction, forces are minus the gradient, and energies add over far parts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from tqdm import tqdm

from ....shared.errors import InputError
from ..batch import Batch
from ..frame import Frame, require_labels
from ..models.radii import COVALENT
from ..part import Evaluated, Part, of_slopes, stress_of
from ..parts import Answered, answers
from .choice import ENERGIES, choose, left_best, merit, quieted
from .config import REACHES, AcornConfig
from .copies import Copies
from .design import Design, Rows, restrained
from .dual import DualEquations
from .folded import Folded
from .normal import NormalEquations
from .sample import drawn_rows, equations_of, first_of, mean_atoms, ordered, spread_over
from .solve import Equations, LeftOut, Prior
from .whole import LENGTHS, Whole, one_molecule

EQUATIONS = 4500  # up to so many, all frames are solved over equations
CHOSEN_ON = 1800  # equations of the frames on which the prior is chosen otherwise
SHARES = 0.01, 0.1, 1.0  # of a whole molecule's term, that are tried with each length
CENTRES = 1000  # geometries, at most, at which a whole molecule's term has functions
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
        self._plain: Tensor | None = None  # the same without a term of a whole molecule
        self.whole: Whole | None = None

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Fit to energies, forces, and stress where frames have it; raises InputError where labels are missing."""
        train = list(train)
        require_labels(train)
        self.elements = tuple(sorted({int(one) for frame in train for one in np.unique(frame.numbers)}))
        self._left = self._centres = self._mean = self._plain = self.whole = None
        many = sum(map(equations_of, train)) > EQUATIONS
        self.config = self._sized(train, many)
        if self.config.reach is None:
            self.config = replace(self.config, reach=self._reach(train, seed))
        order = ordered(train, seed)
        if many:
            first, equations = self._sampled(train, seed)
        else:
            first = [train[place] for place in order]
            equations = self._equations(first)
        self.whole = self._molecule(train, first, equations, seed)
        self._mean = self._taught(train, seed)  # in the columns that are solved for
        equations = self._completed(equations, first)
        self.prior = choose(equations, atoms=mean_atoms(first))
        if not many:
            self._left = (
                {int(place): train[place] for place in order},
                equations.left_out(self.prior, self.config.members),
            )
            self._fold(*self._solved_few(equations, seed))
        else:
            scales = equations.scales
            del equations
            self._fold(*self._solved_many(train, list(validation), scales, seed))
        if self.whole is not None:
            self.whole.finish()

    def _sized(self, train: list[Frame], many: bool) -> AcornConfig:
        """The basis that so many frames allow."""
        config, kinds = self.config.sized(len(self.elements), many), len(self.elements)
        return restrained(config, kinds, max(self._room(train), config.columns)) if many else config

    def _reach(self, train: list[Frame], seed: int) -> float:
        """Å of many-body terms with which some frames are said best when they are left out."""
        tried = sorted({min(one, self.config.cutoff) for one in REACHES})
        if len(tried) < 2 or not any(one.periodic for one in train):
            return self.config.near
        found = {}
        for reach in tried:
            other = Acorn(replace(self.config, reach=reach))
            other.elements = self.elements
            some, equations = other._sampled(train, seed)
            found[reach] = merit(equations.left_out(choose(equations, atoms=mean_atoms(some))))
        return min(tried, key=found.__getitem__)

    def _molecule(self, train: list[Frame], first: list[Frame], equations: Equations, seed: int) -> Whole | None:
        """A term of the whole molecule, if frames are of one, and some that are left out are said better with it."""
        wanted = self.config.whole
        if wanted is False or not one_molecule(train):
            if wanted:
                raise InputError(
                    "whole=true is for frames of one molecule of 3 to 60 atoms, in one order of its atoms and without "
                    "a cell; these are others. Leave whole open, sort the atoms, or split the frames."
                )
            return None
        some = first_of(first, CHOSEN_ON)
        equations = equations.first(len(some))
        prior = choose(equations)
        best, length = math.inf if wanted else merit(equations.left_out(prior)), 0.0
        molecule = Whole.of(train, some, LENGTHS[0])
        for one in LENGTHS:
            term = molecule.moved(some, one).centred(self.config.centres)
            extended = equations.extended(term.stacked(some))
            for share in SHARES:
                tried = replace(prior, shares=(*prior.shares[:-1], share))
                found = merit(extended.left_out(tried))
                if found < best:
                    best, length = found, one
        if not length:
            return None
        centres = [train[place] for place in ordered(train, seed)[:CENTRES]]
        return molecule.moved(centres, length).centred(self.config.centres)

    def _taught(self, train: list[Frame], seed: int) -> Tensor | None:
        """Weights (columns,) that are believed before the frames are seen; None: zero."""
        return None

    def learned(self, train: list[Frame], seed: int, quieter: float) -> tuple[Tensor, Tensor | None]:
        """As `_solved_many`, for a basis that stands."""
        first, equations = self._sampled(train, seed)
        equations = self._completed(equations, first)
        self.prior, scales = choose(equations, atoms=mean_atoms(first)), equations.scales
        del equations
        return self._solved_many(train, [], scales, seed, quieter)

    def _completed(self, equations: Equations, frames: list[Frame]) -> Equations:
        """Equations of frames with the term of a whole molecule, less what is believed before frames are seen."""
        if self.whole is not None:
            equations = equations.extended(self.whole.stacked(frames))
        if self._mean is not None:
            equations = equations.relabelled(equations.labels - equations.said(self._mean))
        return equations

    def _solved_few(self, equations: Equations, seed: int) -> tuple[Tensor, Tensor | None]:
        """As `_solved_many`, at once."""
        assert self.prior is not None
        weights = equations.weights(self.prior, self.config.members, seed)
        if self.whole is None:
            return weights, None
        if self._mean is not None and self._plain is not None:
            away = self._mean - pad(self._plain, (0, len(self._mean) - len(self._plain)))
            equations = equations.relabelled(equations.labels + equations.said(away))
        alone = replace(self.prior, shares=(*self.prior.shares[:-1], 0.0))
        return weights, equations.weights(alone, self.config.members, seed)[:, : -self.whole.columns]

    def _solved_many(
        self,
        train: list[Frame],
        validation: list[Frame],
        scales: Sequence[float],
        seed: int,
        quieter: float | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Weights of all columns, and those without the term of a whole molecule if there is one.

        With the prior that was chosen on some of the frames, over equations where memory allows, else over columns.

        scales   of the blocks
        quieter  noise over what was chosen on some frames; None: by validation, or by leaving frames out
        """
        assert self.prior is not None
        prior, order = self.prior, ordered(train, seed)
        counts = np.cumsum([equations_of(train[place]) for place in order])
        design = self._design(train, self.whole)
        columns = sum(design.columns)
        over_equations = design.local > self.config.columns or counts[-1] < columns <= self._room(train)
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
        if quieter is not None:
            self.prior = replace(prior, noise=prior.noise * quieter)
        elif validation and (over_equations or apart):
            enough = len(validation) >= ENERGIES
            judged = partial(self._on, validation, few)
            # of some fifty frames the energies are too few to outweigh many forces
            self.prior = quieted(judged, prior, enough, share=0.0)
        else:
            self.prior, left = left_best(partial(few.left_out, most=NOISED_ON, draws=self.config.members), prior)
            # fits to some of the frames would err more than this one
            if few is sums and (not over_equations or len(left.errors) == len(train)):
                self._left = {int(place): train[place] for place in order[: len(left.errors)]}, left
        few = sums  # makes room
        weights, plain = sums.weights(self.prior, self.config.members, seed), None
        if self.whole is not None and self._mean is None:
            sums.forget_last()
            plain = sums.weights(self.prior, self.config.members, seed)
        return weights, plain

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
        count = sum(map(equations_of, train))
        return int((1e9 * self.config.memory - 8 * count**2) / (4 * count))

    def _sampled(self, train: list[Frame], seed: int) -> tuple[list[Frame], Equations]:
        """Frames on which the prior is chosen, and their equations, of large frames for some of the atoms."""
        first, atoms = spread_over([train[place] for place in ordered(train, seed)], CHOSEN_ON)
        return first, self._equations(first, atoms, seed)

    def _equations(self, frames: list[Frame], atoms: int = 0, seed: int = 0) -> Equations:
        """With all but the term of a whole molecule, and labels as they are.

        atoms  of each frame whose forces are asked for, drawn by the seed; 0: of all
        """
        design, rng, rows = self._design(frames), np.random.default_rng([seed, 37]), []
        for frame in tqdm(frames, desc="acorn: equations", unit="frame", disable=None, leave=False):
            whole = self._weighed(design.rows(frame), frame)
            rows.append(whole.only(drawn_rows(whole.kinds, atoms, rng)) if atoms else whole)
        blocks = [np.concatenate([one.blocks[place] for one in rows]) for place in range(len(design.columns))]
        ends = np.cumsum([len(one.labels) for one in rows]).tolist()
        return Equations(
            blocks, np.concatenate([one.labels for one in rows]), np.concatenate([one.kinds for one in rows]), ends
        )

    def _design(self, frames: list[Frame], whole: Whole | None = None) -> Design:
        """With the coordination of the first frames that were seen as zero."""
        design = Design(self.config, self.elements, whole)
        if self._centres is None:
            design.centre(frames)
            self._centres = design.centres
        design.centres = self._centres
        return design

    def _rows(self, design: Design, frame: Frame) -> Rows:
        rows = self._weighed(design.rows(frame), frame)
        if self._mean is not None:
            rows.labels[:] -= np.concatenate(rows.blocks, 1) @ self._mean.numpy()
        return rows

    def _weighed(self, rows: Rows, frame: Frame) -> Rows:
        # strain derivatives belong to a whole frame: their noise grows with its size as that of a sum of forces does
        rows.labels[rows.kinds == 2] *= self.config.stress_share / len(frame) ** 0.5
        for block in rows.blocks:
            block[rows.kinds == 2] *= self.config.stress_share / len(frame) ** 0.5
        return rows

    def _fold(self, weights: Tensor, plain: Tensor | None = None) -> None:
        """Keep weights (sets, columns) and make them quick to use.

        plain  (sets, columns) of a fit without the term of a whole molecule, for what is another one
        """
        if self._mean is not None:
            weights = weights + self._mean
        if plain is not None and self._plain is not None:
            plain = plain + self._plain
        if self.whole is not None:
            weights, own = weights[:, : -self.whole.columns], weights[:, -self.whole.columns :]
            self.whole.settle(own)
        self._keep(weights.contiguous(), plain)

    def _keep(self, weights: Tensor, plain: Tensor | None) -> None:
        """Weights of all but the term of a whole molecule, with it and without."""
        kinds = len(self.elements)
        centres = torch.zeros(kinds, kinds, dtype=torch.float64) if self._centres is None else self._centres
        self.register_buffer("weights", weights)
        self.register_buffer("plain", plain)
        self.register_buffer("centres", centres)
        radii = torch.from_numpy(COVALENT[list(self.elements)])
        self.folded = Folded(self.config, radii, centres, weights)
        self.folded_plain = None if plain is None else Folded(self.config, radii, centres, plain)
        place = torch.full((max(self.elements) + 1,), -1)
        place[list(self.elements)] = torch.arange(kinds)
        self.register_buffer("place", place, persistent=False)

    @torch.no_grad()
    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies, forces, stress; with `doubts`, the root mean square distance of drawn forces from the answer."""
        batch = self._within(batch)
        near = _Pairs(self._kinds(batch), batch.vectors(batch.positions, batch.cells))
        copies = None if self.whole is None else self.whole.pattern.copies(batch)
        energies, forces, voigt = self._answered(batch, near, copies, stress)
        doubts = self.doubts and self.folded.sets > 1
        return Evaluated(energies, forces, voigt, self._spread(batch, near, copies, forces) if doubts else None)

    def _answered(
        self, batch: Batch, near: "_Pairs", copies: Copies | None, stress: bool = False, member: int = 0
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Energies, forces and stress of one set of weights."""
        atoms, slopes = self._around(batch, near, copies, member)
        energies, forces, voigt = of_slopes(batch, atoms, near.vectors, slopes, stress)
        if copies is not None and len(copies.atoms):
            assert self.whole is not None
            more, push, strained = self.whole.answered(batch, copies, member)
            energies, forces = energies + more, forces + push.to(forces.dtype)
            voigt = None if voigt is None else voigt + stress_of(batch, strained).to(voigt.dtype)
        return energies, forces, voigt

    def _around(self, batch: Batch, near: "_Pairs", copies: Copies | None, member: int) -> tuple[Tensor, Tensor]:
        """Energies of atoms and slopes of pairs; of another fit in structures that are another molecule."""
        pairs = near.vectors, batch.first, batch.second, near.kind
        if copies is None or bool(copies.whole.all()):
            return self.folded.atom_energies(*pairs, member)
        if self.folded_plain is None:
            raise InputError(
                f"this {self.name} knows one molecule as a whole and is asked about another one; for any composition "
                """fit with --settings '{"config": {"whole": false}}'."""
            )
        atoms, slopes = self.folded_plain.atom_energies(*pairs, member)
        if bool(copies.whole.any()):
            own = copies.whole[batch.structure]
            known, inclined = self.folded.atom_energies(*pairs, member)
            atoms, slopes = torch.where(own, known, atoms), torch.where(own[batch.first, None], inclined, slopes)
        return atoms, slopes

    def _spread(self, batch: Batch, near: "_Pairs", copies: Copies | None, forces: Tensor) -> Tensor:
        squares = torch.zeros_like(forces[:, 0])
        for member in range(1, self.folded.sets):
            squares += (self._answered(batch, near, copies, False, member)[1] - forces).square().sum(1)
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
        return weights.shape[1] + (0 if self.whole is None else self.whole.kept("pulls")[0].numel())

    def settings(self) -> Mapping[str, Any]:
        """The basis, the elements, the prior that was chosen, and how many draws there are."""
        return {
            "config": asdict(self.config),
            "elements": list(self.elements),
            "prior": None if self.prior is None else asdict(self.prior),
            "sets": self.folded.sets,
            "length": None if self.whole is None else self.whole.length,
            "size": None if self.whole is None else self.whole.pattern.size,
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
        if weights.shape != (settings["sets"], Design(made.config, made.elements).local):
            raise ValueError(f"weights of shape {tuple(weights.shape)} are of another basis")
        if (length := settings.get("length")) is not None:
            own = {name.removeprefix("whole."): one for name, one in tensors.items() if name.startswith("whole.")}
            made.whole = Whole.restore(length, settings["size"], own)
        made._keep(weights, tensors.get("plain"))
        return made


class _Pairs(NamedTuple):
    """Places of the elements (n,), and the vectors of the pairs (e, 3) Å."""

    kind: Tensor
    vectors: Tensor


class _Said(NamedTuple):
    """Mean error of an energy, and mean length of that of a force."""

    energy: float
    force: float
