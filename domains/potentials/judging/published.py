"""Figures that others published on the same frames, to stand beside ours; each with where it is printed."""

from typing import NamedTuple

_MACE = "Batatia et al. 2022, arXiv:2206.07697"


class Published(NamedTuple):
    """Mean absolute errors on the published test part: energy meV of a frame, force component meV/Å."""

    method: str
    energy: float
    force: float
    source: str

    def __str__(self) -> str:
        return f"{self.method} {self.energy:g} / {self.force:g}"


# case, frames of training
FIGURES: dict[tuple[str, int], Published] = {
    ("rmd17-aspirin", 50): Published("MACE", 17.0, 43.9, _MACE),
    ("rmd17-aspirin", 950): Published("MACE", 2.2, 6.6, _MACE),
    ("rmd17-ethanol", 50): Published("MACE", 6.7, 32.6, _MACE),
    ("rmd17-ethanol", 950): Published("MACE", 0.4, 2.1, _MACE),
}


def published(case: str, frames: int) -> Published | None:
    """The figure of a case at so many training frames, where one is known."""
    return FIGURES.get((case, frames))
