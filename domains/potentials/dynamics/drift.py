"""Whether total energy is conserved: the test of an NVE run."""

from typing import NamedTuple

import numpy as np

from .trajectory import Trajectory


class Drift(NamedTuple):
    """Of total energy per atom."""

    mev_per_atom: float  # over the whole run, by regression: slope times duration
    mev_per_atom_ps: float  # slope
    spread: float  # meV/atom, root mean square about the line: the oscillation that any finite step has
    excursion: float  # meV/atom, furthest from the first moment
    duration_ps: float
    kinetic: float  # meV/atom, mean kinetic energy: what the drift is to be held against


def energy_drift(trajectory: Trajectory) -> Drift:
    """Drift of an NVE trajectory of at least three moments; infinite where an energy is not finite.

    A straight line through all moments, so that neither end decides; read it with `excursion`, because energy that
    comes and goes has no slope.
    """
    clock = (trajectory.times_fs - trajectory.times_fs[0]) / 1000
    energy = 1000 * trajectory.total / len(trajectory.numbers)
    duration = float(clock[-1])
    if not np.isfinite(energy).all() or len(clock) < 3:
        nothing = float("inf") if len(clock) >= 3 else float("nan")
        return Drift(nothing, nothing, nothing, nothing, duration, nothing)
    energy = energy - energy[0]  # before the fit: 1e4 eV would cost digits
    slope, height = np.polyfit(clock, energy, 1)
    left = energy - slope * clock - height
    return Drift(
        float(slope * duration), float(slope), float(np.sqrt(np.mean(left**2))), float(np.abs(energy).max()), duration,
        float(1000 * np.mean(trajectory.kinetic) / len(trajectory.numbers)),
    )  # fmt: skip
