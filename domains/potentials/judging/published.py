"""Figures that others published on the same frames, to stand beside ours; each with where it is printed."""

from typing import NamedTuple

_MACE = "Batatia et al. 2022, arXiv:2206.07697"


class Published(NamedTuple):
    """Mean absolute errors on the published test part: energy meV of a frame (or an atom), force component meV/Å."""

    method: str
    energy: float
    force: float
    source: str
    per_atom: bool = False  # the energy

    def __str__(self) -> str:
        return f"{self.method} {self.energy:g}{' an atom' if self.per_atom else ''} / {self.force:g}"


# case, frames of training
FIGURES: dict[tuple[str, int], Published] = {
    ("rmd17-aspirin", 50): Published("MACE", 17.0, 43.9, _MACE),
    ("rmd17-aspirin", 950): Published("MACE", 2.2, 6.6, _MACE),
    ("rmd17-ethanol", 50): Published("MACE", 6.7, 32.6, _MACE),
    ("rmd17-ethanol", 950): Published("MACE", 0.4, 2.1, _MACE),
    # fitted on all 214 frames, of which ours hold 18 out for validation
    ("mlearn-si", 196): Published(
        "PyXtal_FF so3-NN", 3.95, 82.6, "github.com/MaterSim/PyXtal_FF, examples/UCSD-Si-214-25", per_atom=True
    ),
}


def published(case: str, frames: int) -> Published | None:
    """The figure of a case at so many training frames, where one is known."""
    return FIGURES.get((case, frames))
