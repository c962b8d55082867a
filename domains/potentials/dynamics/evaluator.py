"""A potential that is asked many times: in one precision on one device, for a frame that moves or for many frames."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..batch import Batch, collate
from ..frame import Frame
from ..part import Evaluated
from ..reading.elements import SYMBOLS
from .kept_pairs import KeptPairs

Floats = NDArray[np.float64]
DTYPES = {"float32": torch.float32, "float64": torch.float64}
ATOMS_AT_ONCE = 2000  # of many frames, in a batch


class Potential(Protocol):
    """What dynamics needs of a potential; the sum that was fitted and any single part of it have it."""

    @property
    def cutoff(self) -> float:
        """Å; pairs within it are needed."""

    @property
    def conservative(self) -> bool:
        """Whether forces are minus the gradient of the energy."""

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies (b,), forces (n, 3), stress (b, 6) and signs of doubt of a batch."""


class Answer(NamedTuple):
    """Of one frame of n atoms, in float64."""

    energy: float  # eV
    forces: Floats  # (n, 3) eV/Å
    stress: Floats | None = None  # (6,) eV/Å³, xx yy zz yz xz xy, ASE's sign
    force_radius: Floats | None = None  # (n,) eV/Å: the error of an atom's force lies below it, by the coverage stated
    novelty: Floats | None = None  # (n,) 1 where an atom's surroundings lie at the edge of those seen in training


class Evaluator:
    """A potential in one precision on one device.

    potential  has `cutoff`, `conservative` and `evaluate`; with `elements_` others are refused, with
               `force_radius(batch, evaluated)` its calibrated radii are handed on, `novelty_(frame)` stands in for
               a model that has no novelty of its own
    dtype      "float32" or "float64"; energies are summed in float64 either way
    doubts     whether each atom's doubt and novelty are asked for too, where a part can leave that out to be fast (it
               has a switch `doubts`)
    skin       Å by which pairs are searched beyond the cutoff, so that a list serves several steps
    """

    def __init__(
        self, potential: Any, dtype: str = "float32", device: str = "cpu", skin: float = 0.5, doubts: bool = True
    ) -> None:  # fmt: skip
        if dtype not in DTYPES:
            raise InputError(f"dtype {dtype!r} is not known; choose from {', '.join(DTYPES)}.")
        self.dtype, self.device = DTYPES[dtype], torch.device(device)
        self.potential: Any = _moved(potential, self.dtype, self.device)
        self.cutoff, self.conservative = float(potential.cutoff), bool(potential.conservative)
        self.pairs = KeptPairs(self.cutoff, skin, self.dtype, self.device)
        self.doubts, self._switches = doubts, _switches(self.potential)
        self._numbers: NDArray[np.int64] | None = None  # of the frame that was last found right

    def one(self, frame: Frame, stress: bool = False) -> Answer:
        """Of a frame that moves between calls; its pairs are kept while they serve."""
        if self._numbers is None or not np.array_equal(self._numbers, frame.numbers):
            self._require_known(frame)
            self._numbers = frame.numbers.copy()
        _require_cell(frame)
        batch = self.pairs.batch(frame)
        return self._answers(batch, [frame], stress, self.doubts)[0]

    def many(self, frames: Sequence[Frame], stress: bool = False, doubts: bool | None = None) -> list[Answer]:
        """Of frames that have nothing to do with each other, in batches."""
        for frame in frames:
            self._require_known(frame)
            _require_cell(frame)
        wanted = self.doubts if doubts is None else doubts
        answers: list[Answer] = []
        for part in _batches(frames):
            answers += self._answers(collate(part, self.cutoff, self.dtype, self.device), part, stress, wanted)
        return answers

    def novelty(self, frame: Frame) -> Floats | None:
        """(atom,) by the measure that a fitted potential has beside its model; None without one. As dear as forces.

        Where the model has a measure of its own, or doubts are asked for, every `Answer` brings it.
        """
        measure = getattr(self.potential, "novelty_", None)
        return None if measure is None else np.asarray(measure(frame))

    def _answers(self, batch: Batch, frames: Sequence[Frame], stress: bool, doubts: bool) -> list[Answer]:
        for switch in self._switches:
            switch.doubts = doubts
        found = self.potential.evaluate(batch, stress=stress)
        # a radius without the model's own doubt would promise too much
        calibrated = getattr(self.potential, "force_radius", None) if doubts or not self._switches else None
        radius = None if calibrated is None else calibrated(batch, found)
        ends = np.cumsum([0, *batch.sizes])
        energies, forces = _numpy(found.energies), _numpy(found.forces)
        strains = None if found.stress is None else _numpy(found.stress)
        others = [None if one is None else _numpy(one) for one in (radius, found.novelty)]
        if doubts and others[1] is None:
            measured = [self.novelty(frame) for frame in frames]
            others[1] = None if measured[0] is None else np.concatenate([one for one in measured if one is not None])
        return [
            Answer(
                float(energies[place]),
                forces[ends[place] : ends[place + 1]],
                strains[place] if strains is not None and frame.periodic else None,
                *(None if one is None else one[ends[place] : ends[place + 1]] for one in others),
            )
            for place, frame in enumerate(frames)
        ]

    def _require_known(self, frame: Frame) -> None:
        """Raise InputError for a frame without atoms, or with an element that training never saw."""
        if not len(frame):
            raise InputError(f"{frame.name or 'the frame'} has no atoms; leave it out.")
        known = {int(one) for one in getattr(self.potential, "elements_", ())}
        unknown = sorted({int(one) for one in frame.numbers} - known) if known else []
        if unknown:
            names, others = (", ".join(SYMBOLS[one - 1] for one in group) for group in (unknown, sorted(known)))
            raise InputError(
                f"the potential has not learned {names}; it knows {others}. Fit it on frames that have {names}."
            )


def _moved(potential: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """A copy in this precision on this device: the potential that was given stays as it is."""
    if not hasattr(potential, "to"):
        return potential
    own = copy.copy(potential) if hasattr(potential, "parts_") else copy.deepcopy(potential)
    if hasattr(own, "parts_"):  # a fitted sum: only its parts hold tensors
        own.parts_ = copy.deepcopy(own.parts_)
    own.to(dtype=dtype) if device.type == "cpu" else own.to(dtype=dtype, device=device)
    return own


def _switches(potential: Any) -> list[Any]:
    """The parts of a potential that give doubts only when asked to."""
    parts = getattr(getattr(potential, "parts_", None), "parts", (potential,))
    inside = [one for part in parts for one in (part.modules() if isinstance(part, torch.nn.Module) else (part,))]
    return [one for one in inside if isinstance(getattr(one, "doubts", None), bool)]


def _require_cell(frame: Frame) -> None:
    for axis, letter in enumerate("abc"):
        if frame.pbc[axis] and not frame.cell[axis].any():
            raise InputError(
                f"{frame.name or 'the frame'} is periodic along {letter}, but its cell has no vector {letter}; "
                f"give the cell, or switch periodicity off along {letter}."
            )


def _batches(frames: Sequence[Frame]) -> list[list[Frame]]:
    parts: list[list[Frame]] = []
    room = 0  # atoms that the last part still takes
    for frame in frames:
        if not parts or len(frame) > room:
            parts.append([])
            room = ATOMS_AT_ONCE
        parts[-1].append(frame)
        room -= len(frame)
    return parts


def _numpy(tensor: torch.Tensor) -> Floats:
    return tensor.detach().double().cpu().numpy()
