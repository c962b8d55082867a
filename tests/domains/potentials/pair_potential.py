"""A pair potential that stands in for a fitted one, whole or broken in one way; tests beside it load this file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from labformer.domains.potentials.batch import Batch
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.part import AtomEnergies, Evaluated, Part, gradient_of

CUTOFF = 4.5


class Morse(Part, AtomEnergies):
    """Morse wells of 0.5 eV at 2.4 Å (heavier elements: deeper), smoothed to nothing at the cutoff.

    fault  "kink": no smoothing; "turned": a pair feels where it points to; "scaled": forces 1 % too large;
           "placed": atoms feel the origin; "ordered": atoms feel their place in the list; "shared": energy knows of all
           atoms; "stress": stress 1 % too large; "mirror": chirality is felt; "direct": forces with a part that is no
           gradient; "image": pairs of an atom with its own image are forgotten
    """

    name = "morse"

    def __init__(self, fault: str = "", elements: tuple[int, ...] = (18, 29, 47)) -> None:
        super().__init__()
        self.fault, self.elements_, self.cutoff = fault, elements, CUTOFF
        self.register_buffer("depth", torch.tensor(0.5))
        self.asked = 0
        self.novelty: float | None = None
        self.doubts = True

    @property
    def conservative(self) -> bool:  # type: ignore[override]
        return self.fault != "direct"

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        lengths = vectors.norm(dim=1)
        number = batch.numbers.to(vectors.dtype)
        heavy = 1 + (number[batch.first] + number[batch.second]) / 500
        well = self.depth * heavy * ((1 - torch.exp(-1.6 * (lengths - 2.4))) ** 2 - 1)
        x = lengths / CUTOFF
        smooth = torch.where(x < 1, 1 - 28 * x**6 + 48 * x**7 - 21 * x**8, 0 * x)
        if self.fault == "kink":
            smooth = (x < 1).to(x.dtype)
        if self.fault == "turned":
            smooth = smooth * (1 + 0.01 * (vectors[:, 0] / lengths) ** 2)
        if self.fault == "image":
            smooth = smooth * (batch.first != batch.second)
        energies = torch.zeros_like(number).index_add(0, batch.first, 0.5 * well * smooth)
        if self.fault == "placed":
            energies = energies + 1e-3 * positions[:, 0]
        if self.fault == "ordered":
            energies = energies + 1e-3 * torch.arange(len(energies)) * energies
        if self.fault == "shared":
            energies = energies * (1 + 1e-3 * len(energies))
        if self.fault == "mirror":
            moments = [
                torch.zeros_like(positions).index_add(0, batch.first, (smooth * lengths**power)[:, None] * vectors)
                for power in (0, 1, -1)
            ]
            energies = energies + 1e-2 * torch.einsum("na,na->n", moments[0], torch.linalg.cross(*moments[1:]))
        return energies

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        self.asked += 1
        energies, forces, voigt = gradient_of(self, batch, stress)
        if self.fault == "scaled":
            forces = 1.01 * forces
        if self.fault == "direct":
            forces = forces + 0.2 * forces.norm(dim=1, keepdim=True) * torch.tensor([1.0, 0.3, 0.0])
        if self.fault == "stress" and voigt is not None:
            voigt = 1.01 * voigt
        novelty = None if self.novelty is None else torch.full((len(batch.numbers),), self.novelty)
        spread = torch.full((len(batch.numbers),), 0.25) if self.doubts else None
        return Evaluated(energies, forces, voigt, spread, novelty)

    def force_radius(self, batch: Batch, evaluated: Evaluated) -> Tensor:
        assert evaluated.spread is not None
        return 2 * evaluated.spread

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        raise NotImplementedError

    def settings(self) -> Mapping[str, Any]:
        return {"fault": self.fault}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        return cls(**settings)


def cluster(count: int = 6, seed: int = 0) -> Frame:
    """Atoms of two elements in a clump, pushed a little."""
    draw = np.random.default_rng(seed)
    corners = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)], float)[:count] * 2.4
    numbers = np.where(np.arange(count) % 2, 29, 18)
    return molecule(numbers, corners + 0.15 * draw.standard_normal((count, 3)))


def crystal(seed: int = 0) -> Frame:
    """Four atoms of fcc in a cell that was sheared, with every atom pushed."""
    draw = np.random.default_rng(seed)
    parts = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + 0.02 * draw.standard_normal((4, 3))
    cell = 3.5 * np.eye(3) + 0.1 * draw.standard_normal((3, 3))
    bare = molecule(np.array([29, 29, 47, 29]), parts @ cell)
    return replace(bare, cell=cell, pbc=np.ones(3, bool))
