"""How well a found system retells a trajectory: integrate it from a start, and compare by R²."""

import time
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import LSODA

from ....shared.errors import InputError
from ..system import System
from ..trajectory import Trajectory

Floats = NDArray[np.float64]
RTOL, ATOL = 1e-6, 1e-9  # of scoring; finer than the data, whose errors are about 1e-5 (spec 1.6)
LIMIT_S = 10.0  # of wall clock for one integration
STALL, STALLS = 1e-11, 100  # steps below this share of the whole time, and how many of them one after the other
BLOW_UP = 1e9  # times the largest value of the start and of what is compared with


def integrate(
    system: System,
    start: ArrayLike,
    times: ArrayLike,
    rtol: float = RTOL,
    atol: float = ATOL,
    limit_s: float = LIMIT_S,
    bound: float = 1e12,
) -> Floats | None:
    """Follow the system from `start` at times[0] by LSODA; (state,), (time,) -> (time, state).

    None when it leaves [-bound, bound], is not finite, stalls, or takes longer than `limit_s` seconds.
    """
    times, start = np.asarray(times, np.float64), np.asarray(start, np.float64)
    until = time.perf_counter() + limit_s
    out = np.empty((len(times), len(start)))
    out[0] = start
    derivative, done = system.rhs, 1
    if not np.isfinite(derivative(times[0], start)).all():
        return None
    solver = LSODA(derivative, times[0], start, times[-1], rtol=rtol, atol=atol)
    least, stalled = STALL * (times[-1] - times[0]), 0
    while done < len(times):
        solver.step()
        stalled = stalled + 1 if solver.t - solver.t_old < least else 0
        if solver.status == "failed" or not np.isfinite(solver.y).all() or np.abs(solver.y).max() > bound:
            return None
        stop = int(np.searchsorted(times, solver.t, side="right"))
        if stop > done:
            out[done:stop] = solver.dense_output()(times[done:stop]).T
            done = stop
        if stalled > STALLS or time.perf_counter() > until or (solver.status != "running" and done < len(times)):
            return None
    return out if np.isfinite(out).all() else None


def r2(truth: ArrayLike, found: ArrayLike | None) -> float:
    """R² weighted by the variance of the states, as scikit-learn's "variance_weighted"; (time, state) -> number.

    0 where nothing was found. A state that does not vary has no weight; where none varies, 1 for equality, else 0.
    """
    if found is None:
        return 0.0
    truth, found = np.asarray(truth, np.float64), np.asarray(found, np.float64)
    missed = ((truth - found) ** 2).sum(0)
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    moves = spread > 0
    if not moves.any():
        return float(np.mean(missed == 0))
    return float(1 - missed[moves].sum() / spread[moves].sum())


def retold(system: System, times: ArrayLike, truth: ArrayLike, limit_s: float = LIMIT_S) -> float:
    """R² of the system followed from the first point of `truth` (time, state); 0 when that fails."""
    truth = np.asarray(truth, np.float64)
    bound = BLOW_UP * max(1.0, float(np.abs(truth).max()))
    return r2(truth, integrate(system, truth[0], times, limit_s=limit_s, bound=bound))


def fit_quality(system: System, runs: Sequence[Trajectory], limit_s: float = 2.0) -> float:
    """Mean R² over runs, each followed from its own first, maybe noisy, point: what a method may choose by."""
    return float(np.mean([retold(system, run.times, run.states, limit_s) for run in runs]))


def best_of(systems: Iterable[System], runs: Sequence[Trajectory]) -> System:
    """The system that retells the runs best; of equal ones the first. Raises InputError when there is none."""
    ranked = [(fit_quality(one, runs), -place, one) for place, one in enumerate(systems)]
    if not ranked:
        raise InputError("no candidate system was found.")
    return max(ranked, key=lambda entry: entry[:2])[2]
