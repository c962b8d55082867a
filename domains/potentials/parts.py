"""A potential is a sum: what is known beforehand, energies of the elements, and a model of what these leave over."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .batch import Batch, collate
from .frame import Frame
from .part import Evaluated, Part

Floats = NDArray[np.float64]
ATOMS = 1500  # of a batch, unless one frame has more


class Answered(NamedTuple):
    """What was said of a frame: eV, eV/Å, eV/Å³; raw doubt and novelty of each atom."""

    frame: Frame
    energy: float
    forces: Floats  # (atom, 3)
    stress: Floats | None  # (6,)
    spread: Floats  # (atom,) eV/Å, zero where the model has none
    novelty: Floats  # (atom,), NaN where it is not known

    @property
    def force_error(self) -> Floats:
        """Length of each atom's error, (atom,) eV/Å; the frame must have forces."""
        assert self.frame.forces is not None
        return np.asarray(np.linalg.norm(self.forces - self.frame.forces, axis=1))


class PartSum:
    """Parts in the order in which labels are passed on: each is fitted to what the ones before it left over."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)

    @property
    def cutoff(self) -> float:
        """Å; the longest of the parts."""
        return max((one.cutoff for one in self.parts), default=0.0)

    @property
    def conservative(self) -> bool:
        """Whether every part is."""
        return all(one.conservative for one in self.parts)

    def fit(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Fit the parts one after the other; labels in eV and eV/Å."""
        for place, part in enumerate(self.parts):
            part.fit_frames(train, validation, seed)
            if place + 1 < len(self.parts):
                train, validation = left_over(part, train), left_over(part, validation)

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """The sum; doubt and novelty are those of the parts that have them, the largest where several do."""
        energies = torch.zeros(len(batch.sizes), dtype=torch.float64, device=batch.positions.device)
        forces = torch.zeros_like(batch.positions)
        voigt = torch.zeros((len(batch.sizes), 6), dtype=forces.dtype, device=forces.device) if stress else None
        spread: Tensor | None = None
        novelty: Tensor | None = None
        for part in self.parts:
            found = part.evaluate(batch, stress)
            energies = energies + found.energies.double()
            forces = forces + found.forces.to(forces.dtype)
            if voigt is not None and found.stress is not None:
                voigt = voigt + found.stress.to(voigt.dtype)
            spread, novelty = _larger(spread, found.spread), _larger(novelty, found.novelty)
        return Evaluated(energies, forces, voigt, spread, novelty)

    def to(self, dtype: torch.dtype, device: str | torch.device = "cpu") -> None:
        """Move and cast the numbers of all parts; what must stay float64 is the part's own business."""
        for one in self.parts:
            one.to(device=device, dtype=dtype)

    def count(self) -> int:
        """Numbers that were learned."""
        return sum(one.count() for one in self.parts)


def answers(
    parts: Part | PartSum,
    frames: Sequence[Frame],
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
    stress: bool | None = None,
) -> list[Answered]:
    """What is said of each frame, worked out in batches of a bounded size.

    stress  None: of the frames that are periodic
    """
    made = []
    for group in _batches(frames):
        wanted = any(one.periodic for one in group) if stress is None else stress
        found = parts.evaluate(collate(group, parts.cutoff, dtype, device), wanted)
        ends = np.cumsum([len(one) for one in group])[:-1]
        forces = np.split(_plain(found.forces), ends)
        doubts = [None] * len(group) if found.spread is None else np.split(_plain(found.spread), ends)
        strange = [None] * len(group) if found.novelty is None else np.split(_plain(found.novelty), ends)
        energies = _plain(found.energies)
        tensions = None if found.stress is None else _plain(found.stress)
        for place, frame in enumerate(group):
            tension = tensions[place] if tensions is not None and frame.periodic else None
            spread, novelty = doubts[place], strange[place]
            made.append(
                Answered(
                    frame, float(energies[place]), forces[place], tension,
                    np.zeros(len(frame)) if spread is None else spread,
                    np.full(len(frame), np.nan) if novelty is None else novelty,
                )
            )  # fmt: skip
    return made


def left_over(part: Part | PartSum, frames: Sequence[Frame]) -> list[Frame]:
    """The frames with what `part` leaves of their labels."""
    labelled = any(one.stress is not None for one in frames)
    return [
        frame.labelled(
            None if frame.energy is None else frame.energy - said.energy,
            None if frame.forces is None else frame.forces - said.forces,
            frame.stress if frame.stress is None or said.stress is None else frame.stress - said.stress,
        )
        for frame, said in zip(frames, answers(part, frames, stress=labelled), strict=True)
    ]


def reference_left_over(parts: PartSum, reference: Mapping[int, float]) -> dict[int, float]:
    """Energies of isolated atoms less what `parts` already give to each: with it their sum is still right far apart."""
    numbers = sorted(reference)
    atoms = [
        Frame(np.array([one]), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool), name="isolated atom")
        for one in numbers
    ]
    return {
        number: float(reference[number]) - said.energy
        for number, said in zip(numbers, answers(parts, atoms), strict=True)
    }


def _batches(frames: Sequence[Frame]) -> list[list[Frame]]:
    groups: list[list[Frame]] = []
    atoms = ATOMS + 1
    for one in frames:
        if atoms + len(one) > ATOMS or one.periodic != groups[-1][-1].periodic:
            groups.append([])
            atoms = 0
        groups[-1].append(one)
        atoms += len(one)
    return groups


def _plain(values: Tensor) -> Any:
    return values.detach().cpu().double().numpy()


def _larger(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return one if other is None else other
    return torch.maximum(one, other)
