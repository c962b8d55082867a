"""What atoms do under a potential in a short run: does energy stay, do bonds, is it like the reference."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..domains.potentials.dynamics.drift import Drift, energy_drift
from ..domains.potentials.dynamics.likeness import Likeness, likeness
from ..domains.potentials.dynamics.md import run_md
from ..domains.potentials.dynamics.radial import Radial, radial_distribution
from ..domains.potentials.dynamics.spectrum import Spectrum, vibrational_spectrum
from ..domains.potentials.dynamics.stability import Stability, stability
from ..domains.potentials.dynamics.trajectory import Trajectory
from ..domains.potentials.frame import Frame
from ..domains.potentials.predictor import InteratomicPotential

KEPT_FS = 2.0  # between two moments: the fastest vibration takes 9
REST_PS = 0.5  # with a bath, before energy is left alone
SHORTEST_PS = 0.2  # for a spectrum


class Motion(NamedTuple):
    """A run at constant energy, and what is known of it."""

    trajectory: Trajectory
    drift: Drift
    stability: Stability
    spectrum: Spectrum | None
    radials: tuple[Radial, Radial] | None  # of the run, and of the frames that were labelled by the reference
    likeness: Likeness | None  # to a run of the reference method, where that is at hand
    temperature: float  # K

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what is not finite is None."""
        values = {
            "picoseconds": float(self.trajectory.times_fs[-1] - self.trajectory.times_fs[0]) / 1000,
            "temperature": self.temperature,
            "mean_temperature": float(self.trajectory.temperatures.mean()),
            "drift_mev_per_atom": self.drift.mev_per_atom,
            "drift_mev_per_atom_ps": self.drift.mev_per_atom_ps,
            "excursion_mev_per_atom": self.drift.excursion,
            "stable": self.stability.stable,
            "stable_until_ps": self.stability.until_ps,
            "reason": self.stability.reason,
            "steps_per_second": self.trajectory.steps_per_second,
            "novelty_highest": float(np.max(self.trajectory.novelty, initial=-np.inf)),
            "spectral_overlap": self.likeness.spectral_overlap if self.likeness else None,
            "radial_error": dict(self.likeness.radial_error) if self.likeness else None,
        }
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()
        }


def move(
    potential: InteratomicPotential,
    frames: Sequence[Frame],
    picoseconds: float,
    temperature: float,
    timestep: float,
    seed: int = 0,
    reference: Any = None,
) -> Motion:
    """Run at constant energy from the first frame, after a rest with a bath.

    frames     labelled by the reference method; those of the first frame's atoms give the distances to compare with
    reference  ASE's calculator of the reference method, which then runs as long; None: no comparison of spectra
    """
    start, quick = frames[0], potential.without_doubts()
    plan: dict[str, Any] = {
        "ensemble": "nve", "temperature_K": temperature, "timestep_fs": timestep,
        "steps": max(10, round(1000 * picoseconds / timestep)), "every": max(1, round(KEPT_FS / timestep)),
        "seed": seed, "equilibrate": round(1000 * min(REST_PS, picoseconds) / timestep),
    }  # fmt: skip
    with warnings.catch_warnings():
        if not potential.conservative:
            warnings.simplefilter("ignore")  # the report says it
        trajectory = run_md(quick, start, dtype="float32", device=potential.device, **plan)
    alike = [one for one in frames if np.array_equal(one.numbers, start.numbers) and one.periodic == start.periodic]
    whole = len(trajectory) * KEPT_FS / 1000 >= SHORTEST_PS and not trajectory.ended
    other = run_md(reference, start, **plan) if reference is not None and whole else None
    return Motion(
        trajectory,
        energy_drift(trajectory),
        stability(trajectory),
        vibrational_spectrum(trajectory, 20.0) if whole else None,
        _distances(trajectory, alike) if not trajectory.ended else None,
        likeness(trajectory, other) if other is not None else None,
        temperature,
    )


def _distances(trajectory: Trajectory, frames: Sequence[Frame]) -> tuple[Radial, Radial]:
    moved = list(trajectory.frames(max(1, len(trajectory) // 300)))
    both = radial_distribution([*moved, *frames])  # a range that holds all
    reach = float(both.distances[-1] + both.distances[0])
    return radial_distribution(moved, reach), radial_distribution(frames, reach)
