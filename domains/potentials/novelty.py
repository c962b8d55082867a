"""How far an atom's surroundings lie from all that were seen in training, for every model alike.

Surroundings are described by smooth densities of each element at several distances, of moments 0, 1 and 2 (their
lengths, so that rotations change nothing); numbers that vary together are whitened away. Novelty is the distance to the
nearest surroundings of training of the same element, over the distance which all but a hundredth of held-out training
atoms have: 1 is the edge of training, and about one atom in a hundred of a fair test lies beyond.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .neighbours import neighbours

Floats = NDArray[np.float64]
CUTOFF = 5.0  # Å
RINGS = 6  # distances at which densities are taken
KEPT = 1000  # surroundings of an element that are remembered
EDGE = 0.99  # share of held-out training atoms within a novelty of 1
LEAST = 1e-3  # share of the largest variance below which a direction is rounding


class Novelty:
    """Remembered surroundings of training, by element."""

    def __init__(self, elements: Sequence[int]) -> None:
        self.elements = tuple(int(one) for one in elements)
        self.memory: dict[int, tuple[Floats, Floats, Floats]] = {}  # mean, whitening, points scaled to an edge of 1

    def fit(self, frames: Sequence[Frame], seed: int = 0) -> Self:
        """Remember the surroundings of these frames."""
        draw = np.random.default_rng([seed, 23])
        half = draw.permutation(len(frames)) % 2 if len(frames) > 1 else np.zeros(1, int)
        found = [surroundings(one, self.elements) for one in frames]
        for element in self.elements:
            rows = [one[frame.numbers == element] for one, frame in zip(found, frames, strict=True)]
            side = np.concatenate([np.full(len(one), part) for one, part in zip(rows, half, strict=True)])
            self.memory[element] = _remembered(np.concatenate(rows), side, draw)
        return self

    def __call__(self, frame: Frame) -> Floats:
        """(atom,); infinite for an element that was never seen."""
        from scipy.spatial.distance import cdist

        found = surroundings(frame, self.elements)
        novelty = np.full(len(frame), np.inf)
        for element, (mean, white, points) in self.memory.items():
            own = frame.numbers == element
            if own.any() and len(points):
                novelty[own] = cdist((found[own] - mean) @ white, points).min(1)
        return novelty

    def to_arrays(self) -> dict[str, Floats]:
        """What `from_arrays` reads."""
        names = ("mean", "white", "points")
        return {
            f"{element}.{name}": array
            for element, arrays in self.memory.items()
            for name, array in zip(names, arrays, strict=True)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls(sorted({int(name.split(".")[0]) for name in arrays}))
        for element in made.elements:
            mean, white, points = (
                np.asarray(arrays[f"{element}.{name}"], float) for name in ("mean", "white", "points")
            )
            made.memory[element] = (mean, white, points)
        return made


def surroundings(frame: Frame, elements: Sequence[int]) -> Floats:
    """(atom, number): of each element and distance the lengths of the moments 0, 1, 2 of the density around."""
    from scipy.sparse import csr_array

    first, second, shifts = neighbours(frame, CUTOFF)
    gaps = frame.positions[second] - frame.positions[first] + shifts @ frame.cell
    lengths = np.linalg.norm(gaps, axis=1)
    directions = gaps / np.maximum(lengths, 1e-9)[:, None]
    # rings widen outwards: bonds are known more closely than neighbours far away
    centres = 0.7 + (CUTOFF - 0.7) * (np.arange(RINGS) / RINGS) ** 1.3
    widths = 0.25 + 0.12 * centres
    rings = (
        np.exp(-(((lengths[:, None] - centres) / widths) ** 2)) * (np.cos(np.pi * lengths / CUTOFF)[:, None] + 1) / 2
    )
    tensor = (directions[:, :, None] * directions[:, None, :]).reshape(-1, 9) - np.eye(3).ravel() / 3
    angular = np.concatenate([np.ones((len(gaps), 1)), directions, tensor], axis=1)  # (pair, 13)
    each = (rings[:, :, None] * angular[:, None, :]).reshape(-1, RINGS * 13)
    found = []
    for element in elements:
        own = np.flatnonzero(frame.numbers[second] == element)
        gather = csr_array((np.ones(len(own)), (first[own], own)), shape=(len(frame), len(first)))
        summed = (gather @ each).reshape(-1, RINGS, 13)
        found += [
            summed[:, :, 0], np.linalg.norm(summed[:, :, 1:4], axis=2), np.linalg.norm(summed[:, :, 4:], axis=2)
        ]  # fmt: skip
    return np.concatenate(found, axis=1)


def _remembered(rows: Floats, side: NDArray[np.int64], draw: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Mean, whitening and points, scaled so that the edge of training lies at 1; `side` halves the frames."""
    from scipy.spatial import cKDTree

    mean = rows.mean(0)
    _, strength, axes = np.linalg.svd(rows - mean, full_matrices=False)
    spread = strength / max(1.0, len(rows)) ** 0.5
    good = spread**2 > LEAST * max(float(spread.max(initial=0.0)) ** 2, 1e-12)
    white = axes[good].T / np.maximum(spread[good], 1e-9) ** 0.5  # half whitened: large motions stay larger
    points = (rows - mean) @ white
    one, other = points[side == 0], points[side == 1]
    edge = 1.0
    if white.shape[1] and len(one) and len(other):
        apart = np.concatenate([cKDTree(one).query(other)[0], cKDTree(other).query(one)[0]])
        edge = float(np.quantile(apart, EDGE)) or 1.0
    kept = points if len(points) <= KEPT else points[draw.choice(len(points), KEPT, replace=False)]
    return mean, white / edge, kept / edge
