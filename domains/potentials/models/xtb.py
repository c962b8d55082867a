"""GFN2-xTB as a part of a potential: a semi-empirical reference that learns nothing but where its energies are zero."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..batch import Batch
from ..frame import Frame, require_labels
from ..part import Evaluated
from .double_precision import DoublePart
from .mean_energy import ElementEnergies
from .xtb_labels import XtbConfig, XtbLabels


class Xtb(DoublePart):
    """xTB plus an energy for each element, so that its energies are the reference's on average.

    labels  what is known already is not computed again; hand over one `XtbLabels` to share it
    """

    name: ClassVar[str] = "xtb"

    def __init__(self, config: XtbConfig = XtbConfig(), labels: XtbLabels | None = None) -> None:
        super().__init__()
        self.labels = labels or XtbLabels(config)
        self.config = self.labels.config
        self.zero = ElementEnergies()

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame] = (), seed: int = 0) -> None:
        """Least squares of what energies lack to xTB's on the elements. Raises as `XtbLabels.of`."""
        require_labels(list(train), forces=False)
        lacking = [
            frame.labelled(float(frame.energy or 0.0) - float(known.energy or 0.0), None)
            for frame, known in zip(train, self.labels.label(train), strict=True)
        ]
        self.zero.fit_frames(lacking)

    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """One structure after another. A cell counts as periodic in all directions in which it has a row."""
        base = self.zero.evaluate_double(batch, False)
        places = batch.positions.cpu().numpy()
        numbers, cells = batch.numbers.cpu().numpy(), batch.cells.cpu().numpy()
        ends = np.cumsum([0, *batch.sizes])
        found = [
            self.labels.of(numbers[start:end], places[start:end], cell)
            for start, end, cell in zip(ends[:-1], ends[1:], cells, strict=True)
        ]
        device = batch.positions.device
        energies = base.energies + torch.tensor([one.energy for one in found], dtype=torch.float64, device=device)
        forces = torch.from_numpy(np.concatenate([one.forces for one in found])).to(device)
        if not stress:
            return Evaluated(energies, forces, None)
        volumes = np.abs(np.linalg.det(cells))[:, None]
        virials = np.stack([one.virial for one in found])
        tension = np.where(volumes > 0, virials / np.maximum(volumes, 1e-12), 0.0)
        return Evaluated(energies, forces, torch.from_numpy(tension).to(device))

    def settings(self) -> Mapping[str, Any]:
        """How structures are computed."""
        return {"config": asdict(self.config)}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Xtb":
        """As every part."""
        part = cls(XtbConfig(**settings["config"]))
        part.zero.keep(**{name.removeprefix("zero."): one for name, one in tensors.items()})
        return part

    def count(self) -> int:
        """Numbers that were learned."""
        return self.zero.count()
