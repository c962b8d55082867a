"""A system whose law is known, with the starts and times of its trajectories: one item of a benchmark."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..system import System
from ..trajectory import Trajectory
from .scoring import integrate

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A known law and its runs.

    starts  (run, state): the first is for fitting, the second is held out
    times   (time,) of every run
    given   states of the runs (run, time, state), where a file holds them; else they are integrated, at `rtol`, `atol`
    """

    name: str
    system: System
    starts: Floats
    times: Floats
    description: str = ""
    source: str = ""
    rtol: float = 1e-9
    atol: float = 1e-12
    given: Floats | None = field(default=None, repr=False)

    @cached_property
    def runs(self) -> tuple[Trajectory, ...]:
        """The clean runs; raises InputError when the law cannot be followed from a start."""
        return tuple(self.run(place) for place in range(len(self.starts)))

    def run(self, place: int) -> Trajectory:
        """The clean run from start `place`."""
        states = self.followed(self.starts[place]) if self.given is None else self.given[place]
        return Trajectory(self.times, states, name=f"{self.name}, run {place}")

    def followed(self, start: Floats) -> Floats:
        """The law followed from any start at these times; (state,) -> (time, state)."""
        found = integrate(self.system, start, self.times, self.rtol, self.atol, limit_s=60.0)
        if found is None:
            raise InputError(f"{self.name}: the system cannot be followed from {np.asarray(start).tolist()}.")
        return found

    @property
    def between(self) -> Floats:
        """A start that no run has: the mean of the first two."""
        return np.asarray(self.starts[:2].mean(0), np.float64)
