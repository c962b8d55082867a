"""What the composition alone says: an energy for each element, and no forces."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..batch import Batch
from ..frame import Frame, require_labels
from ..part import Evaluated
from .double_precision import DoublePart, known_elements

RANK = 1e-8  # of the largest singular value: compositions below it are no independent ones


class ElementEnergies(DoublePart):
    """Energy of a structure = sum of its elements' energies + a shift for each atom, in eV.

    Energies of isolated atoms are taken where `given`; then the shift is what they leave over for each atom on average
    (`shift=False`: none). The others come by least squares on energies per atom, of all solutions the smallest. When
    the compositions seen do not settle every element (one molecule only settles one sum), `determines` says of which
    structures the energy is still known.
    """

    name: ClassVar[str] = "mean"

    def __init__(self, given: Mapping[int, float] | None = None, shift: bool = True) -> None:
        super().__init__()
        self.given = {int(number): float(energy) for number, energy in (given or {}).items()}
        self.shift = shift

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame] = (), seed: int = 0) -> None:
        """Only energies of `train` are used. Raises InputError where one is missing."""
        require_labels(list(train), forces=False)
        seen = {int(number) for frame in train for number in np.unique(frame.numbers)}
        elements = np.array(sorted(seen | set(self.given)), np.int64)
        sizes = np.array([len(frame) for frame in train], float)
        shares = np.stack([_counts(frame.numbers, elements) for frame in train]) / sizes[:, None]
        wanted = np.array([float(frame.energy or 0.0) for frame in train]) / sizes
        free = np.array([number not in self.given for number in elements.tolist()])
        energies = np.array([self.given.get(number, 0.0) for number in elements.tolist()])
        rest = wanted - shares @ energies
        shift = 0.0
        if free.any():
            energies[free] = np.linalg.lstsq(shares[:, free], rest, rcond=RANK)[0]
        elif self.shift:
            shift = float(rest.mean())
        directions = np.linalg.svd(shares[:, free], full_matrices=False) if free.any() else None
        span = np.zeros((0, len(elements)))
        if directions is not None:
            rows = directions.Vh[RANK * directions.S.max() < directions.S]
            span = np.zeros((len(rows), len(elements)))
            span[:, free] = rows
        self.keep(
            elements=torch.from_numpy(elements),
            energies=torch.from_numpy(energies),
            shift_per_atom=torch.tensor([shift]),
            span=torch.from_numpy(span),
            free=torch.from_numpy(free),
        )

    def determines(self, numbers: NDArray[np.int64]) -> bool:
        """Whether the compositions seen settle the energy of a structure with these atomic numbers (atom,)."""
        elements, free = self.kept("elements").cpu().numpy(), self.kept("free").cpu().numpy()
        if not set(np.unique(numbers).tolist()) <= set(elements.tolist()):
            return False
        counts = _counts(numbers, elements) * free
        span = self.kept("span").cpu().numpy()
        return bool(np.linalg.norm(counts - counts @ span.T @ span) < 1e-6 * max(1.0, float(np.linalg.norm(counts))))

    def by_element(self) -> dict[int, float]:
        """Energy of one atom of each element in eV, the shift included."""
        energies = (self.kept("energies") + self.kept("shift_per_atom")).tolist()
        return dict(zip(self.kept("elements").tolist(), energies, strict=True))

    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """Energies of the composition; forces and stress are zero."""
        atoms = self.kept("energies") + self.kept("shift_per_atom")
        places = known_elements(batch.numbers, self.kept("elements"), "the sum of energies of elements")
        energies = torch.zeros(len(batch.sizes), dtype=torch.float64, device=atoms.device)
        energies = energies.index_add(0, batch.structure, atoms[places])
        forces = torch.zeros_like(batch.positions)
        return Evaluated(energies, forces, forces.new_zeros((len(batch.sizes), 6)) if stress else None)

    def settings(self) -> Mapping[str, Any]:
        """The atoms given."""
        return {"given": {str(number): energy for number, energy in self.given.items()}, "shift": self.shift}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "ElementEnergies":
        """As every part; JSON has made text of the atomic numbers."""
        part = cls({int(number): energy for number, energy in settings["given"].items()}, settings["shift"])
        part.keep(**tensors)
        return part


def _counts(numbers: NDArray[np.int64], elements: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.bincount(np.searchsorted(elements, numbers), minlength=len(elements)).astype(float)
