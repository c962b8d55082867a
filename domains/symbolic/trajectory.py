"""One run of a system: times and what was measured of its states."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError

Floats = NDArray[np.float64]
LEAST = 6  # points, below which nothing can be said of a law


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A run.

    times   (time,) rising, in the user's unit
    states  (time, state), in the user's units; no NaN
    names   of the states, as the user calls them; x_0, x_1, .. when empty
    Raises InputError for times that do not rise, values that are not finite, shapes that do not fit, too few points.
    """

    times: Floats
    states: Floats
    names: tuple[str, ...] = ()
    name: str = ""  # of the run, for messages

    def __post_init__(self) -> None:
        times = np.asarray(self.times, np.float64)
        states = np.asarray(self.states, np.float64)
        states = states[:, None] if states.ndim == 1 else states
        where = f"{self.name}: " if self.name else ""
        if times.ndim != 1 or states.ndim != 2 or len(times) != len(states):
            raise InputError(
                f"{where}times have shape {times.shape}, states {states.shape}; give (time,) and (time, state)."
            )
        if len(times) < LEAST:
            raise InputError(f"{where}{len(times)} points say too little of a law; give {LEAST} or more.")
        if not (np.isfinite(times).all() and np.isfinite(states).all()):
            bad = int(np.flatnonzero(~np.isfinite(times) | ~np.isfinite(states).all(1))[0])
            raise InputError(f"{where}point {bad} is not finite; leave it out or fill it.")
        if (np.diff(times) <= 0).any():
            bad = int(np.flatnonzero(np.diff(times) <= 0)[0]) + 1
            raise InputError(f"{where}times must rise: point {bad} is at {times[bad]:g}, the one before at "
                             f"{times[bad - 1]:g}; sort them, and give separate runs as separate runs.")  # fmt: skip
        names = self.names or tuple(f"x_{i}" for i in range(states.shape[1]))
        if len(names) != states.shape[1]:
            raise InputError(f"{where}{len(names)} names for {states.shape[1]} states.")
        for key, value in (("times", times), ("states", states), ("names", tuple(names))):
            object.__setattr__(self, key, value)

    @property
    def dimension(self) -> int:
        """How many states there are."""
        return int(self.states.shape[1])

    def rows(self, kept: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Trajectory":
        """These points alone."""
        return Trajectory(self.times[kept], self.states[kept], self.names, self.name)


def same_system(runs: Sequence[Trajectory]) -> None:
    """Raise InputError unless the runs have the same states."""
    if not runs:
        raise InputError("give at least one run.")
    for run in runs[1:]:
        if run.names != runs[0].names:
            raise InputError(
                f"runs of one system have the same states; {runs[0].name or 'the first run'} has "
                f"{', '.join(runs[0].names)}, {run.name or 'another'} has {', '.join(run.names)}."
            )
