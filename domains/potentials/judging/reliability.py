"""Whether the radii of forces hold what they promise: over all atoms, by element, and where they are small or large."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..reading.elements import SYMBOLS
from .scores import force_gaps

if TYPE_CHECKING:
    from ..predictor import Prediction

FIFTHS = ("smallest radii", "small", "middle", "large", "largest radii")


class Group(NamedTuple):
    """Atoms that are alike in something: how many, the share within their radius, mean radius and error in eV/Å."""

    name: str
    atoms: int
    held: float
    radius: float
    error: float


def reliability(predictions: "Sequence[Prediction]") -> list[Group]:
    """All atoms, each element, each fifth of the radii, and atoms within and beyond training; empty without radii."""
    labelled = [one for one in predictions if one.frame.forces is not None]
    if not labelled:
        return []
    radius = np.concatenate([one.force_radius for one in labelled])
    error = np.concatenate([np.linalg.norm(force_gaps(one), axis=1) for one in labelled])
    novelty = np.concatenate([one.novelty for one in labelled])
    numbers = np.concatenate([one.frame.numbers for one in labelled])
    known = np.isfinite(radius)
    if not known.any():
        return []
    fifth = np.searchsorted(np.quantile(radius[known], [0.2, 0.4, 0.6, 0.8]), radius)
    groups = {"all": known}
    groups |= {SYMBOLS[one - 1]: known & (numbers == one) for one in np.unique(numbers)}
    groups |= {name: known & (fifth == place) for place, name in enumerate(FIFTHS)}
    groups |= {"within training": known & (novelty <= 1), "beyond training": known & (novelty > 1)}
    return [_group(name, radius[rows], error[rows]) for name, rows in groups.items() if rows.any()]


def _group(name: str, radius: NDArray[np.float64], error: NDArray[np.float64]) -> Group:
    return Group(
        name, len(radius), float(np.mean(error <= radius)), float(radius.mean()), float(error.mean())
    )  # fmt: skip
