"""What takes the units out of energies and forces: a linear reference per element, a mean, and two deviations."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from ..frame import Frame


class Scales(NamedTuple):
    """E = sum of references + energy_ev * sum of shares + mean_ev; F = force_ev * f. Plain numbers: float64 is kept."""

    reference_ev: dict[int, float]  # by atomic number
    mean_ev: float  # of a molecule, once
    energy_ev: float
    force_ev: float  # per Å

    @classmethod
    def of(cls, frames: Sequence[Frame], conservative: bool) -> Self:
        """From labelled training frames.

        The reference is the least-squares, minimum-norm fit of energies on compositions; the mean of force components
        is zero, as no net force acts. Where forces are a gradient both deviations are that of the forces.
        """
        elements = sorted({int(number) for frame in frames for number in frame.numbers})
        counts = np.array([[np.sum(frame.numbers == one) for one in elements] for frame in frames], float)
        energies = np.array([frame.energy for frame in frames], float)
        shares = np.linalg.lstsq(counts, energies, rcond=None)[0]
        left = energies - counts @ shares
        force = float(np.sqrt(np.mean(np.concatenate([frame.forces for frame in frames]) ** 2))) or 1.0
        deviation = force if conservative else float(left.std()) or 1.0
        named = dict(zip(elements, (float(one) for one in shares), strict=True))
        return cls(named, float(left.mean()), deviation, force)

    def references(self, numbers: Tensor) -> Tensor:
        """eV of each atom, (n,) float64; zero for an element that training had not."""
        table = torch.zeros(max([int(numbers.max()), *self.reference_ev]) + 1, dtype=torch.float64)
        for number, energy in self.reference_ev.items():
            table[number] = energy
        return table.to(numbers.device)[numbers]

    def plain(self) -> dict[str, Any]:
        """As JSON allows."""
        return {**self._asdict(), "reference_ev": {str(z): e for z, e in self.reference_ev.items()}}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `plain`."""
        return cls(**{**values, "reference_ev": {int(z): float(e) for z, e in values["reference_ev"].items()}})
