"""Repulsion of screened nuclei at distances that no frame has, so that close contacts cannot fall together.

Ziegler, Biersack & Littmark (1985), "The Stopping and Range of Ions in Matter", vol. 1: the universal screening
function. It fades to nothing, by the envelope of Gasteiger et al. (2020, arXiv:2003.03123, section 4), before the
shortest distance of the training frames, so it changes nothing that a model was fitted to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ....shared.errors import InputError
from ..batch import Batch
from ..envelope import envelope
from ..frame import Frame
from ..neighbours import neighbours
from ..part import AtomEnergies, Evaluated, gradient_of
from .double_precision import DoublePart, known_elements
from .radii import bond_lengths

COULOMB = 14.399645  # eV Å, the square of the elementary charge over 4 pi epsilon_0
SCREENING = ((0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162))
NUCLEI_LENGTH, NUCLEI_POWER = 0.8854 * 0.529177, 0.23


class Repulsion(DoublePart, AtomEnergies):
    """ZBL repulsion: whole up to an inner radius of each pair of elements, nothing from its outer radius on.

    margin    the outer radius over the shortest distance seen
    longest   the outer radius over the sum of covalent radii at most, and for pairs of elements never seen together
    core      the inner radius over the outer one
    """

    name: ClassVar[str] = "zbl"

    def __init__(self, margin: float = 0.95, longest: float = 0.9, core: float = 0.5, power: int = 6) -> None:
        super().__init__()
        if not (0 < margin <= 1 and longest > 0 and 0 <= core < 1 and power >= 3):
            raise InputError("repulsion needs 0 < margin <= 1, longest > 0, 0 <= core < 1 and power >= 3.")
        self.margin, self.longest, self.core, self.power = margin, longest, core, power

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame] = (), seed: int = 0) -> None:
        """Learn the outer radius of each pair of elements from distances; labels are not looked at."""
        if not train:
            raise InputError("repulsion learns its radii from frames, and there are none.")
        elements = np.unique(np.concatenate([frame.numbers for frame in train]))
        outer = self.longest * bond_lengths(elements)
        reach = float(outer.max()) / self.margin
        for frame in train:
            pairs = neighbours(frame, reach)
            gaps = frame.positions[pairs.second] + pairs.shifts @ frame.cell - frame.positions[pairs.first]
            one, other = (np.searchsorted(elements, frame.numbers[atoms]) for atoms in (pairs.first, pairs.second))
            np.minimum.at(outer, (one, other), self.margin * np.linalg.norm(gaps, axis=1))
        self.keep(elements=torch.from_numpy(elements), outer=torch.from_numpy(np.minimum(outer, outer.T)))

    @property
    def cutoff(self) -> float:  # type: ignore[override]
        """Å; the longest outer radius, zero before fitting."""
        outer = self._buffers.get("outer")
        return 0.0 if outer is None else float(outer.max())

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        """(n,) eV; each atom has half of its pairs."""
        numbers = known_elements(batch.numbers, self.kept("elements"), "the repulsion")
        outer = self.kept("outer")[numbers[batch.first], numbers[batch.second]]
        charges = batch.numbers.double()
        one, other = charges[batch.first], charges[batch.second]
        distances = vectors.square().sum(-1).clamp_min(1e-6).sqrt()
        scaled = distances * (one**NUCLEI_POWER + other**NUCLEI_POWER) / NUCLEI_LENGTH
        screened = torch.stack([share * torch.exp(-rate * scaled) for share, rate in SCREENING]).sum(0)
        pairs = COULOMB * one * other / distances * screened
        inner = self.core * outer
        pairs = pairs * envelope(((distances - inner) / (outer - inner)).clamp(0, 1), self.power)
        return torch.zeros_like(charges).index_add(0, batch.first, pairs / 2)

    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """Only pairs within their own outer radius cost anything; mostly there are none."""
        gaps = batch.vectors(batch.positions, batch.cells)
        numbers, outer = known_elements(batch.numbers, self.kept("elements"), "the repulsion"), self.kept("outer")
        between = numbers.index_select(0, batch.first) * len(outer) + numbers.index_select(0, batch.second)
        near = (gaps.square().sum(-1) < outer.flatten().index_select(0, between) ** 2).nonzero()[:, 0]
        if not len(near):
            forces = torch.zeros_like(batch.positions)
            energies = forces.new_zeros(len(batch.sizes))
            return Evaluated(energies, forces, forces.new_zeros((len(batch.sizes), 6)) if stress else None)
        close = replace(batch, first=batch.first[near], second=batch.second[near], shifts=batch.shifts[near])
        return Evaluated(*gradient_of(self, close, stress))

    def settings(self) -> Mapping[str, Any]:
        """Arguments of the constructor."""
        return {"margin": self.margin, "longest": self.longest, "core": self.core, "power": self.power}
