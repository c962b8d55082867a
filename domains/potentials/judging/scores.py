"""How far energies and forces are off on labelled frames, with intervals over frames, and whether the doubts hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.evaluation.bootstrap import Blocks, Interval, mean_interval
from ..reading.elements import SYMBOLS

if TYPE_CHECKING:
    from ..predictor import Prediction

Floats = NDArray[np.float64]
MILLI = 1000.0  # eV -> meV
FEWEST = 4  # frames for an interval
AGAINST = -0.5  # cosine between two stresses, below which one has the other sign
ALONE = Blocks(block=1)  # frames of a test set are taken as independent


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean absolute errors: energies meV, forces meV/Å by component, stress meV/Å³; shares from 0 to 1.

    NaN where there is nothing to compare with, or the potential says nothing.
    """

    frames: int
    atoms: int
    energy: Interval  # of a frame
    energy_per_atom: Interval
    force: Interval
    force_rmse: float
    stress: float
    by_element: dict[str, float]  # force error
    force_covered: float  # atoms whose force error is below its radius
    energy_covered: float
    radius: float  # median, meV/Å
    outside: float  # share of atoms beyond the edge of training

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a number that is not known is None."""
        made: dict[str, Any] = {"frames": self.frames, "atoms": self.atoms}
        for name in ("energy", "energy_per_atom", "force"):
            one: Interval = getattr(self, name)
            made |= {name: _known(one.value), f"{name}_low": _known(one.low), f"{name}_high": _known(one.high)}
        for name in ("force_rmse", "stress", "force_covered", "energy_covered", "radius", "outside"):
            made[name] = _known(getattr(self, name))
        return made | {"by_element": {name: _known(value) for name, value in self.by_element.items()}}


def score(predictions: "Sequence[Prediction]") -> Scores:
    """Compare predictions with the labels of their frames.

    Raises InputError when no frame has a label. Energies are compared as they are: a potential whose references are of
    another method is off by a constant, and that counts.
    """
    labelled = [one for one in predictions if one.frame.energy is not None or one.frame.forces is not None]
    if not labelled:
        raise InputError("no frame has an energy or forces to compare with; label some.")
    with_energy = [one for one in labelled if one.frame.energy is not None]
    with_forces = [one for one in labelled if one.frame.forces is not None]
    energy = np.array([abs(one.energy - float(one.frame.energy or 0.0)) for one in with_energy]) * MILLI
    sizes = np.array([len(one.frame) for one in with_energy], float)
    force = np.array([float(np.abs(force_gaps(one)).mean()) for one in with_forces]) * MILLI
    # a component weighs alike, whatever the size of its frame
    atoms = np.array([len(one.frame) for one in with_forces], float)
    gaps = np.concatenate([force_gaps(one) for one in with_forces]) * MILLI if with_forces else np.zeros((0, 3))
    numbers = np.concatenate([one.frame.numbers for one in with_forces]) if with_forces else np.zeros(0, int)
    return Scores(
        len(labelled),
        int(sum(len(one.frame) for one in labelled)),
        _interval(energy),
        _interval(energy / sizes),
        _interval(force * atoms / atoms.mean()) if len(atoms) else _interval(force),
        float(np.sqrt(np.mean(gaps**2))) if len(gaps) else np.nan,
        _stress_error(labelled),
        {SYMBOLS[one - 1]: float(np.abs(gaps[numbers == one]).mean()) for one in np.unique(numbers)},
        _share([radius >= length for one in with_forces for radius, length in _radii(one)]),
        _share([low <= float(one.frame.energy or 0.0) <= high for one, (low, high) in _intervals(with_energy)]),
        _median([radius for one in labelled for radius in one.force_radius if np.isfinite(radius)]) * MILLI,
        _share([bool(far > 1) for one in labelled for far in one.novelty if not np.isnan(far)]),
    )


def stress_turned(predictions: "Sequence[Prediction]") -> list[str]:
    """A line where the stress of the frames points against the potential's: programs differ in its sign."""
    pairs = [(one.stress, one.frame.stress) for one in predictions]
    both = [(said, told) for said, told in pairs if said is not None and told is not None]
    if not both:
        return []
    said, told = (np.concatenate(one) for one in zip(*both, strict=True))
    sizes = float(np.sqrt((said**2).sum() * (told**2).sum()))
    if not sizes > 0 or (along := float((said * told).sum()) / sizes) > AGAINST:
        return []
    return [
        f"the stress of the frames points against the potential's ({along:.2f} of 1 along it): is it positive under "
        "pressure? Then give --stress-unit with a minus, such as --stress-unit=-eV/Å^3"
    ]


def force_gaps(one: "Prediction") -> Floats:
    """Predicted less labelled forces, (atom, 3) eV/Å; the frame must have forces."""
    assert one.frame.forces is not None
    return np.asarray(one.forces - one.frame.forces)


def frame_errors(predictions: "Sequence[Prediction]") -> Floats:
    """Mean absolute force error of each frame, meV/Å; the frames must have forces."""
    return np.array([float(np.abs(force_gaps(one)).mean()) for one in predictions]) * MILLI


def _radii(one: "Prediction") -> list[tuple[float, float]]:
    lengths = np.linalg.norm(force_gaps(one), axis=1)
    return [(float(r), float(e)) for r, e in zip(one.force_radius, lengths, strict=True) if np.isfinite(r)]


def _intervals(predictions: "Sequence[Prediction]") -> "list[tuple[Prediction, tuple[float, float]]]":
    return [(one, one.energy_interval) for one in predictions if np.isfinite(one.energy_interval[0])]


def _stress_error(predictions: "Sequence[Prediction]") -> float:
    gaps = [
        np.abs(one.stress - one.frame.stress)
        for one in predictions
        if one.stress is not None and one.frame.stress is not None
    ]
    return float(np.mean(gaps)) * MILLI if gaps else np.nan


def _interval(errors: Floats) -> Interval:
    if len(errors) < FEWEST:
        return Interval(float(errors.mean()) if len(errors) else np.nan, np.nan, np.nan)
    return mean_interval(errors, ALONE)


def _share(hits: list[bool]) -> float:
    return float(np.mean(hits)) if hits else np.nan


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else np.nan


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
