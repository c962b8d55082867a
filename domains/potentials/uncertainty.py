"""How far off a force or an energy may be: the model's doubt made into a promise on frames it was not fitted on.

The scale of an atom is s = (w * spread + floor of its element) * max(1, novelty), with w and the floors by non-negative
least squares of the sizes of force errors; where the model has no doubt of its own, the floors alone are left. The
radius is q * s, with q by split conformal (Lei et al. 2018) on |error| / s. Atoms of one frame err together, so whole
frames are exchanged, not atoms: q is the quantile at coverage (n + 1) / n over n frames of equal weight, which holds
for an atom drawn from a new frame like these however the atoms of a frame depend on each other (Dunn et al. 2022,
pooled distribution functions). An energy has the scale of the root of the sum of s² over its atoms.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import Answered

Floats = NDArray[np.float64]
ENOUGH = 20  # atoms of an element for a floor of its own
COMMON = 0.95  # share of errors that are taken as they are: a few huge ones do not make the scale
LEAST = 0.1  # floors: share of the mean error of all atoms


@dataclass(frozen=True, slots=True)
class Trust:
    """What calibration learnt; factors are infinite where there were too few frames for the coverage."""

    coverage: float
    weight: float  # of the model's spread
    floors: Mapping[int, float]  # eV/Å by atomic number
    floor: float  # eV/Å, of an element that is not among them
    force_factor: float
    energy_factor: float
    frames: int  # calibrated on

    def scales(self, numbers: NDArray[np.int64], spread: Floats, novelty: Floats) -> Floats:
        """Relative size of the errors to expect, (atom,) eV/Å."""
        floors = np.array([self.floors.get(int(one), self.floor) for one in numbers])
        return np.asarray((self.weight * spread + floors) * np.fmax(1.0, novelty))

    def radii(self, scales: Floats) -> Floats:
        """Below which the error of a force lies with the coverage; NaN where that is not known."""
        return scales * self.force_factor if math.isfinite(self.force_factor) else np.full(len(scales), math.nan)

    def interval(self, energy: float, scales: Floats) -> tuple[float, float]:
        """Around an energy; NaN where it is not known."""
        if not math.isfinite(self.energy_factor):
            return math.nan, math.nan
        half = self.energy_factor * float(np.sqrt(np.sum(scales**2)))
        return energy - half, energy + half

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is infinite is None."""
        factors = {
            name: value if math.isfinite(value) else None
            for name, value in (("force_factor", self.force_factor), ("energy_factor", self.energy_factor))
        }
        floors = {str(number): value for number, value in self.floors.items()}
        return {
            "coverage": self.coverage, "weight": self.weight, "floors": floors, "floor": self.floor,
            "frames": self.frames, **factors,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Trust":
        """The inverse of `to_dict`."""
        force, energy = (
            math.inf if state[name] is None else float(state[name]) for name in ("force_factor", "energy_factor")
        )
        floors = {int(number): float(value) for number, value in state["floors"].items()}
        return cls(
            float(state["coverage"]), float(state["weight"]), floors, float(state["floor"]), force, energy,
            int(state["frames"]),
        )  # fmt: skip


def frames_needed(coverage: float) -> int:
    """Frames below which no factor can promise the coverage: n (1 - coverage) >= coverage."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def calibrate(answers: Sequence[Answered], coverage: float = 0.9) -> Trust:
    """Learn from labelled frames that the model was not fitted on how large its errors are."""
    errors = np.concatenate([one.force_error for one in answers])
    numbers = np.concatenate([one.frame.numbers for one in answers])
    spread = np.concatenate([one.spread for one in answers])
    weight, floors, floor = _scale(errors, numbers, spread)
    rough = Trust(coverage, weight, floors, floor, 1.0, 1.0, len(answers))
    scales = [rough.scales(one.frame.numbers, one.spread, one.novelty) for one in answers]
    forces = [one.force_error / scale for one, scale in zip(answers, scales, strict=True)]
    energies = [
        np.array([abs(one.energy - one.frame.energy) / float(np.sqrt(np.sum(scale**2)))])
        for one, scale in zip(answers, scales, strict=True)
        if one.frame.energy is not None
    ]
    return Trust(
        coverage, weight, floors, floor, grouped_quantile(forces, coverage), grouped_quantile(energies, coverage),
        len(answers),
    )  # fmt: skip


def grouped_quantile(groups: Sequence[Floats], coverage: float) -> float:
    """Bound below which a member of a new group lies with the coverage; groups weigh alike; inf where they are few.

    A new group could hold anything, so it counts as one more that lies above every bound.
    """
    level = coverage * (len(groups) + 1) / max(1, len(groups))
    if not groups or level > 1 + 1e-9:
        return math.inf
    values = np.concatenate(groups)
    weights = np.concatenate([np.full(len(one), 1 / (len(one) * len(groups))) for one in groups])
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= level - 1e-9
    return float(values[order][np.argmax(reached)]) if reached.any() else float(values.max())


def _scale(errors: Floats, numbers: NDArray[np.int64], spread: Floats) -> tuple[float, dict[int, float], float]:
    """Weight of the spread, floor of each element with enough atoms, and of the others."""
    from scipy.optimize import nnls

    errors = np.minimum(errors, np.quantile(errors, COMMON))
    mean = float(errors.mean()) or 1e-9
    known = [int(one) for one, count in zip(*np.unique(numbers, return_counts=True), strict=True) if count >= ENOUGH]
    rest = ~np.isin(numbers, known)
    columns = [spread, *((numbers == one).astype(float) for one in known), rest.astype(float)]
    found, _ = nnls(np.stack(columns, axis=1), errors)
    floors = {one: max(float(value), LEAST * mean) for one, value in zip(known, found[1:-1], strict=True)}
    other = max(floors.values()) if floors else mean
    return float(found[0]), floors, max(float(found[-1]), LEAST * mean) if rest.any() else other
