"""How well laws reproduce a run when they are integrated from its first point; many laws at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..trajectory import Trajectory
from .integrate import Integrated, integrate_many
from .normal_form import Expression, compile_expressions
from .programs import Program

POINTS = 400  # of a run that are compared; more of them say nothing new about a candidate


def reconstruction_errors(laws: Sequence[tuple[Expression, ...]], run: Trajectory) -> list[float]:
    """Sum over states of sqrt(mean squared error / variance); inf for a law that blows up. Smaller is better."""
    if not laws:
        return []
    part = compared(run)
    states, alive = reproduced([compile_expressions(law) for law in laws], part)
    with np.errstate(all="ignore"):
        error = np.sqrt(((states - part.states) ** 2).mean(1)) / spread(part)
    total = error.sum(1)
    errors: list[float] = np.where(alive & np.isfinite(total), total, np.inf).tolist()
    return errors


def reproduced(programs: Sequence[Program], run: Trajectory) -> Integrated:
    """The trajectories of programs from the first point of a run, at its times; given up far outside its range."""
    starts = np.repeat(run.states[:1], len(programs), 0)
    limit = 1e3 * max(float(np.abs(run.states).max()), 1e-300)
    return integrate_many(programs, starts, run.times, rtol=1e-5, atol=1e-8 * limit / 1e3, limit=limit, max_steps=600)


def compared(run: Trajectory) -> Trajectory:
    """The run, thinned evenly to the points that are compared."""
    count = len(run.times)
    return run if count <= POINTS else run.rows(np.linspace(0, count - 1, POINTS).round().astype(np.int64))


def spread(run: Trajectory) -> NDArray[np.float64]:
    """Standard deviation of each state; 1 for one that does not move."""
    deviation = run.states.std(0)
    return np.where(deviation > 0, deviation, 1.0)
