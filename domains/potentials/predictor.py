"""`InteratomicPotential`: labelled frames in; energies, forces and stress out, and where not to trust them."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...shared.errors import InputError
from ...shared.reading.table import plural
from .batch import Batch
from .committee import Committee
from .frame import Frame, require_labels
from .judging.scores import Scores, score
from .models.mean_energy import ElementEnergies
from .models.repulsion import Repulsion
from .novelty import Novelty
from .part import Evaluated
from .parts import Answered, PartSum, answers, left_over, reference_left_over
from .reading.elements import SYMBOLS
from .registry import DEFAULT, NONE, entry
from .saving import read_model, write_model
from .uncertainty import Trust, calibrate, frames_needed

Floats = NDArray[np.float64]
MANY = 200  # frames from which a tenth is held out for good; with fewer, folds are held out and all are fitted again
HELD = (20, 100)  # frames held out, at least and at most
FIFTH = 5  # folds; only as many are fitted as calibration needs frames
DELTAS = ("", "xtb")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a potential says of a frame."""

    frame: Frame
    energy: float  # eV
    forces: Floats  # (atom, 3) eV/Å
    stress: Floats | None  # (6,) eV/Å³, Voigt in ASE's order and sign; None without a cell
    energy_interval: tuple[float, float]  # eV; NaN where nothing was calibrated
    force_radius: Floats  # (atom,) eV/Å; the error of an atom's force is below it with the coverage; NaN likewise
    novelty: Floats  # (atom,) 1: edge of training; beyond it the radius promises nothing

    @property
    def outside(self) -> NDArray[np.int64]:
        """Places of the atoms whose surroundings lie beyond the edge of training."""
        return np.flatnonzero(self.novelty > 1)


class InteratomicPotential:
    """A sum of [GFN2-xTB] + energies of elements + repulsion of close contacts + a model of what these leave over.

    method    of `registry.MODELS`
    delta     "xtb": the model learns what GFN2-xTB leaves over, which then runs beside it always
    seed      of everything random
    coverage  of radii of forces and intervals of energies
    members   more than one: a committee of so many fits, whose mean is the answer
    settings  arguments of the model's class
    promise   whether errors are calibrated, which may cost further fits

    After `fit`: `elements_` (atomic numbers), `cutoff` (Å), `conservative`, `trust_` (the calibration), `seconds_fit_`
    and `seconds_calibrate_`, `frames_fit_`, `held_` (in words), `notes_` (what to know before use).
    """

    def __init__(
        self,
        method: str = DEFAULT,
        delta: str = "",
        seed: int = 0,
        coverage: float = 0.9,
        members: int = 1,
        settings: Mapping[str, Any] = NONE,
        promise: bool = True,
        device: str = "cpu",
    ) -> None:
        self.method = method
        self.delta = delta
        self.seed = seed
        self.coverage = coverage
        self.members = members
        self.settings = dict(settings)
        self.promise = promise
        self.device = device
        self.data_note_ = ""  # licence and source of the frames, for the card
        self.card_ = ""  # as it was written, of a model that was read
        self.repairs_: list[str] = []  # what reading changed
        self.scores_: Scores | None = None  # on frames that nothing was chosen on
        self.tested_ = ""  # which these were

    def fit(
        self,
        frames: Sequence[Frame],
        validation: Sequence[Frame] | None = None,
        reference: Mapping[int, float] | None = None,
    ) -> Self:
        """Learn from frames with an energy (eV) and forces (eV/Å); stress (eV/Å³) is used where it is given.

        validation  to choose settings, to stop, and to calibrate on, beside frames that the model left out. None:
                    with 200 frames or more a tenth of them, drawn by the seed; with fewer the model is fitted on all of
                    them, and calibrated by fits that left a fifth out
        reference   energies of isolated atoms in eV by atomic number; others come by least squares
        Raises InputError for frames without labels, and what the model does not take.
        """
        frames = list(frames)
        self._check(frames, validation)
        self.elements_ = tuple(sorted(_elements(frames)))
        self._dtype, self.scores_, self.tested_, self.card_ = torch.float64, None, "", ""
        known = PartSum([entry("xtb").make()] if self.delta == "xtb" else [])
        known.fit(frames, ())
        given = reference_left_over(known, reference or {}) if known.parts else dict(reference or {})
        left = left_over(known, frames) if known.parts else frames
        held = [] if validation is None else list(validation)
        held_left = left_over(known, held) if known.parts and held else held
        if validation is None and len(frames) >= MANY:
            picked = np.zeros(len(frames), bool)
            count = int(np.clip(len(frames) // 10, *HELD))
            picked[np.random.default_rng([self.seed, 17]).permutation(len(frames))[:count]] = True
            held_left = [one for one, out in zip(left, picked, strict=True) if out]
            left = [one for one, out in zip(left, picked, strict=True) if not out]
        started = time.perf_counter()
        learnt = self._new(given)
        learnt.fit(left, held_left, self.seed)
        self.seconds_fit_ = time.perf_counter() - started
        self.frames_fit_ = len(left)
        self.novelty_ = Novelty(self.elements_).fit(left, self.seed)
        self.parts_ = PartSum([*known.parts, *learnt.parts])
        self.held_ = f"{len(held_left)} frames" if held_left else "none"
        self.trust_: Trust | None = None
        started = time.perf_counter()
        if self.promise:
            said = answers(learnt, held_left, stress=False) if held_left else []
            if not held_left or self.members == 1:  # members of a committee see most of what another left out
                said += self._left_out(learnt, given, left, bool(held_left))
            self.trust_ = calibrate([self._with_novelty(one) for one in said], self.coverage) if said else None
        self.seconds_calibrate_ = time.perf_counter() - started
        self.notes_ = self._notes(frames, learnt, given)
        return self

    @property
    def cutoff(self) -> float:
        """Å; pairs within it must be in a batch."""
        return self._sum().cutoff

    @property
    def conservative(self) -> bool:
        """Whether forces are minus the gradient of the energy."""
        return self._sum().conservative

    @property
    def promises(self) -> bool:
        """Whether errors were calibrated, on frames enough for the coverage."""
        return self.trust_ is not None and bool(np.isfinite(self.trust_.force_factor))

    @property
    def unpromised(self) -> frozenset[str]:
        """Laws of `checks.LAWS` that a part does not hold by construction."""
        return frozenset(law for one in self._sum().parts for law in getattr(one, "unpromised", ()))

    @property
    def energy_noise(self) -> float:
        """eV by which energies of a self-consistent part may waver."""
        return max((float(getattr(one, "energy_noise", 0.0)) for one in self._sum().parts), default=0.0)

    @property
    def dtype(self) -> torch.dtype:
        """In which frames are evaluated by `predict`."""
        self._sum()
        return self._dtype

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies, forces and stress of a batch whose pairs reach to `cutoff`."""
        return self._sum().evaluate(batch, stress)

    def predict(self, frames: Frame | Sequence[Frame]) -> list[Prediction]:
        """What is said of each frame, with its doubts; raises InputError for elements that were not in training."""
        asked = [frames] if isinstance(frames, Frame) else list(frames)
        parts = self._sum()
        for place, frame in enumerate(asked):
            if strange := sorted(_elements([frame]) - set(self.elements_)):
                raise InputError(
                    f"frame {place} ({frame.name or 'no name'}) has {named(strange)}; this potential "
                    f"knows {named(self.elements_)}. Train it on frames with the others too."
                )
        return [self._prediction(self._with_novelty(one)) for one in answers(parts, asked, self._dtype, self.device)]

    def force_radius(self, batch: Batch, evaluated: Evaluated) -> Tensor | None:
        """(n,) eV/Å below which the error of each atom's force lies with the coverage; None where that is not known.

        For dynamics: novelty counts only where the model has a measure of its own.
        """
        if self.trust_ is None or not self.promises:
            return None
        nothing = torch.zeros(len(batch.numbers))
        spread, novelty = (
            (nothing if one is None else one).detach().cpu().double().numpy()
            for one in (evaluated.spread, evaluated.novelty)
        )
        scales = self.trust_.scales(batch.numbers.cpu().numpy(), spread, novelty)
        return torch.from_numpy(self.trust_.radii(scales)).to(batch.positions.device)

    def score(self, frames: Sequence[Frame]) -> Scores:
        """Errors on labelled frames; see `judging.scores`."""
        return score(self.predict(frames))

    def to(self, dtype: torch.dtype = torch.float64, device: str | None = None) -> Self:
        """Evaluate in float32 or float64 from now on; energies of elements and totals stay in float64."""
        if dtype not in (torch.float32, torch.float64):
            raise InputError(f"a potential is evaluated in float32 or float64, not {dtype}.")
        self._dtype, self.device = dtype, self.device if device is None else device
        self._sum().to(dtype, self.device)
        return self

    def without_doubts(self) -> Self:
        """A copy that answers faster and says nothing of how far to trust it, for long dynamics."""
        made = copy.deepcopy(self)
        for one in made._sum().parts:
            if hasattr(one, "doubts"):
                setattr(one, "doubts", False)  # noqa: B010
        made.trust_ = None
        return made

    def count(self) -> int:
        """Numbers that were learned."""
        return self._sum().count()

    def save_pretrained(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write config.json, model.safetensors and card.md, whole or not at all."""
        self._sum()
        write_model(self, folder, overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "InteratomicPotential":
        """The potential of a folder, or of a shipped name; raises InputError when there is none, or it is damaged."""
        return read_model(cls, folder)

    def _new(self, reference: Mapping[int, float]) -> PartSum:
        """What is to be learnt: energies of elements, repulsion, the model."""
        about = entry(self.method)
        make = partial(about.make, self.settings, self.device)
        repulsion = [Repulsion()] if about.repels else []
        elements = ElementEnergies(reference)
        if self.method == ElementEnergies.name:
            return PartSum([elements])
        model = make() if self.members == 1 else Committee(make, self.members)
        return PartSum([model] if self.method == "xtb" else [elements, *repulsion, model])

    def _left_out(
        self, learnt: PartSum, reference: Mapping[int, float], frames: list[Frame], held: bool
    ) -> list[Answered]:
        """Answers on frames by fits that have not seen them: the model's own, or of folds where none were held out."""
        own: dict[int, Answered] = getattr(learnt.parts[-1], "left_out", dict)()
        if own and (held or len(own) >= min(len(frames), HELD[0])):
            some = [frames[place] for place in own]
            base = answers(PartSum(learnt.parts[:-1]), some, stress=False)
            return [
                said._replace(frame=frame, energy=said.energy + rest.energy, forces=said.forces + rest.forces)
                for frame, said, rest in zip(some, own.values(), base, strict=True)
            ]
        if held or len(frames) < FIFTH or not entry(self.method).refits:
            return []
        order = np.random.default_rng([self.seed, 17]).permutation(len(frames))
        found: list[Answered] = []
        for fold in range(FIFTH):
            out = set(order[fold::FIFTH].tolist())
            rest, kept = self._new(reference), [one for place, one in enumerate(frames) if place not in out]
            rest.fit(kept, (), self.seed)
            known = _elements(kept)  # an element of one frame alone is unknown to the fit that leaves it out
            asked = [frames[place] for place in sorted(out) if _elements([frames[place]]) <= known]
            found += answers(rest, asked, stress=False) if asked else []
            if len(found) >= HELD[0]:
                break
        return found

    def _with_novelty(self, one: Answered) -> Answered:
        """Novelty by the common measure where the model has none of its own."""
        return one._replace(novelty=self.novelty_(one.frame)) if np.isnan(one.novelty).all() else one

    def _prediction(self, one: Answered) -> Prediction:
        interval, radius = (np.nan, np.nan), np.full(len(one.frame), np.nan)
        if self.trust_ is not None:
            scales = self.trust_.scales(one.frame.numbers, one.spread, one.novelty)
            interval, radius = self.trust_.interval(one.energy, scales), self.trust_.radii(scales)
        return Prediction(one.frame, one.energy, one.forces, one.stress, interval, radius, one.novelty)

    def _notes(self, frames: Sequence[Frame], learnt: PartSum, reference: Mapping[int, float]) -> list[str]:
        notes = []
        if not learnt.conservative:
            notes.append("forces are not the gradient of the energy: energy drifts in dynamics")
        if len({tuple(sorted(one.numbers.tolist())) for one in frames}) == 1 and not reference:
            notes.append("all frames have one composition: energies of other compositions are unknown up to a constant")
        notes += [
            f"{SYMBOLS[number - 1]} occurs in one frame alone ({owners[0].name or 'no name'}), on which rests what is "
            "said of it"
            for number in self.elements_
            if len(frames) > 1 and len(owners := [one for one in frames if number in one.numbers]) == 1
        ]
        if self.promise and not self.promises:
            seen = 0 if self.trust_ is None else self.trust_.frames
            notes.append(
                f"errors were seen on {plural(seen, 'frame')} that a fit had left out, too few to promise them at "
                f"{self.coverage:.0%}: there are no radii; {frames_needed(self.coverage)} are needed"
            )
        if self.delta:
            notes.append("GFN2-xTB runs beside the model at every step")
        return notes

    def _check(self, frames: Sequence[Frame], validation: Sequence[Frame] | None) -> None:
        entry(self.method)
        if self.delta not in DELTAS:
            raise InputError(f"delta={self.delta!r} is not known; give 'xtb', or leave it out.")
        if self.delta and self.method in ("xtb", "mean"):
            raise InputError(f"{self.method} learns nothing that could be added to GFN2-xTB; leave delta out.")
        if not 0 < self.coverage < 1:
            raise InputError(f"coverage={self.coverage} must lie between 0 and 1, such as 0.9.")
        if self.members < 1:
            raise InputError(f"members={self.members} must be 1 or more.")
        require_labels(list(frames))
        if validation:
            require_labels(list(validation))
            if strange := _elements(validation) - _elements(frames):
                raise InputError(f"validation has {named(sorted(strange))}, which no training frame has.")

    def _sum(self) -> PartSum:
        if not hasattr(self, "parts_"):
            raise InputError("this potential is not fitted; call fit(frames), or from_pretrained(folder).")
        return self.parts_


def warnings_of(predictions: Sequence[Prediction], most: int = 5) -> list[str]:
    """Lines that name the frames and atoms outside training, the farthest first; nothing where all are inside."""
    far = sorted((one for one in enumerate(predictions) if len(one[1].outside)), key=lambda one: -one[1].novelty.max())
    lines = []
    for place, one in far[:most]:
        atoms = one.outside[np.argsort(-one.novelty[one.outside])]
        shown = ", ".join(f"{SYMBOLS[one.frame.numbers[at] - 1]}{at} ({one.novelty[at]:.1f})" for at in atoms[:6])
        more = f" and {len(atoms) - 6} more" if len(atoms) > 6 else ""
        lines.append(
            f"frame {place}{f' ({one.frame.name})' if one.frame.name else ''}: {shown}{more} lie outside training"
        )
    if len(far) > most:
        lines.append(f"{len(far) - most} more frames have atoms outside training")
    return lines


def _elements(frames: Sequence[Frame]) -> set[int]:
    return {int(one) for frame in frames for one in np.unique(frame.numbers)}


def named(numbers: Sequence[int]) -> str:
    """Symbols of elements by their atomic numbers."""
    return ", ".join(SYMBOLS[one - 1] for one in numbers)
