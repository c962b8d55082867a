"""An acorn that knows GFN2-xTB before it sees a frame: what little data there is then corrects a physical model.

Frames are drawn by molecular dynamics with xTB from the frames of training, labelled by xTB alone, and fitted first;
the weights that come out are where the prior of the second fit lies. Both fits are linear in the same invariants, so
their sum is one set of weights: nothing but the potential runs afterwards, at the speed of any other acorn. It is
Δ-learning (Ramakrishnan et al. 2015, doi:10.1021/acs.jctc.5b00099) with a learned baseline; it uses extra physics, and
is to be compared as such.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ....shared.errors import InputError
from ..dynamics.md import run_md
from ..frame import Frame
from ..models.mean_energy import ElementEnergies
from ..models.xtb import Xtb
from ..models.xtb_labels import XtbLabels
from ..parts import left_over
from .acorn import CENTRES, Acorn
from .config import AcornConfig
from .design import Design, restrained

STEPS = 24  # of 0.5 fs between two frames of a teacher's run
EACH = 5  # frames from each start
LESSONS, FOR_EACH = 250, 30  # frames from xTB, at least, and for each atom
QUIET = 0.1  # noise of a teacher's labels over what was chosen on few of them


class TaughtAcorn(Acorn):
    """An acorn with GFN2-xTB as its prior.

    config       sizes of the basis
    lessons      frames that xTB labels; None: thirty for each atom of a frame, 250 at least
    temperature  K of the dynamics that draws them; near that of the frames of training
    """

    name: ClassVar[str] = "acorn-taught"

    def __init__(
        self, config: AcornConfig = AcornConfig(), lessons: int | None = None, temperature: float = 500.0
    ) -> None:
        super().__init__(config)
        if (lessons is not None and lessons < 1) or temperature <= 0:
            raise InputError("a taught acorn needs 1 lesson or more, and a temperature above 0 K.")
        self.lessons, self.temperature = lessons, temperature

    def _taught(self, train: list[Frame], seed: int) -> Tensor:
        count = lessons_for(train) if self.lessons is None else self.lessons
        labelled = left_over_energies(drawn(train, count, self.temperature, seed))
        if self.whole is not None:
            centres = [*train, *labelled][:CENTRES]
            self.whole = self.whole.moved(centres, self.whole.length).centred(self.config.centres)
        pupil = Acorn(replace(restrained(self.config, len(self.elements), self.config.columns), members=0))
        pupil.elements, pupil._centres, pupil.whole = self.elements, self._centres, self.whole
        weights, plain = pupil.learned(labelled, seed, QUIET)
        narrow, wide = (Design(one, self.elements, self.whole) for one in (pupil.config, self.config))
        if plain is not None:
            self._plain = widened(plain[0], Design(pupil.config, self.elements), Design(self.config, self.elements))
        return widened(weights[0], narrow, wide)

    def _sized(self, train: list[Frame], many: bool) -> AcornConfig:
        config = super()._sized(train, many)
        # gates are what the pupil can do without; all else must be the same columns
        return replace(restrained(config, len(self.elements), config.columns), gated=config.gated)


def lessons_for(train: Sequence[Frame]) -> int:
    """How many frames to learn from xTB: coordinates, and so what there is to learn, grow with the atoms."""
    return max(LESSONS, round(FOR_EACH * float(np.mean([len(one) for one in train]))))


def drawn(train: Sequence[Frame], count: int, temperature: float, seed: int) -> list[Frame]:
    """Frames labelled by xTB, from short runs at `temperature` K that start at frames of training, in turn."""
    xtb = Xtb()
    xtb.fit_frames(train, [], seed)
    order = np.random.default_rng([seed, 31]).permutation(len(train))
    runs = -(-count // EACH)
    found: list[Frame] = []
    for number in tqdm(range(runs), desc="acorn: lessons by xTB", unit="run", disable=None, leave=False):
        start = train[order[number % len(train)]]
        trajectory = run_md(
            xtb, start, "langevin", temperature, 0.5, STEPS * EACH, STEPS, seed + number, friction_per_ps=10.0,
            dtype="float64", progress=False,
        )  # fmt: skip
        found += list(trajectory.frames())[1:]
    return XtbLabels().label(found[:count])


def left_over_energies(frames: Sequence[Frame]) -> list[Frame]:
    """The frames less energies of their elements: absolute energies of another method mean nothing here."""
    elements = ElementEnergies()
    elements.fit_frames(frames, [])
    return left_over(elements, frames)


def widened(weights: Tensor, narrow: Design, wide: Design) -> Tensor:
    """Weights of a basis in the columns of one that has the same blocks or more: zero where it has more."""
    made = []
    start = 0
    for own, all_of_it in zip(narrow.columns, wide.columns, strict=True):
        if own not in (0, all_of_it):
            raise InputError("the two bases differ in more than gates.")
        part = weights[start : start + own]
        made.append(part if own else torch.zeros(all_of_it, dtype=weights.dtype))
        start += own
    return torch.cat(made)
