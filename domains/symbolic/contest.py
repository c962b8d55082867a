"""Methods beside each other on runs that none of them has seen."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...shared.evaluation.comparison import Comparison, Contender, compare
from .judging.scoring import integrate, r2
from .judging.structure import complexity
from .registry import Fit, method
from .system import System
from .trajectory import LEAST, Trajectory

if TYPE_CHECKING:
    from .predictor import SymbolicODERegressor

Floats = NDArray[np.float64]
INNER = 0.75  # of each run to fit on, of the time the rest is for validation
METRIC = "missed variance"


def contest(
    regressor: "SymbolicODERegressor",
    fit: Sequence[Trajectory],
    test: Sequence[Trajectory],
    beside: Sequence[str],
    seed: int = 0,
) -> Comparison:
    """Score the fitted regressor beside other methods, each found from the same runs.

    The error of a time is the squared distance to the truth over its variance, mean of the states, at most 1, which is
    as bad as predicting the mean; a law that cannot be followed has 1. Validation is the last quarter of each run,
    followed by a law found from the first three.
    """
    contenders = []
    parts = [_parted(run) for run in fit]
    inner, late = [first for first, _ in parts], [last for _, last in parts if last is not None]
    for name in dict.fromkeys((regressor.method, *beside)):
        known = method(name)
        started = time.perf_counter()
        law = regressor.system_ if name == regressor.method else _found(known.fit, fit, seed)
        spent = time.perf_counter() - started
        early = _found(known.fit, inner, seed)
        started = time.perf_counter()
        errors = np.concatenate([missed(law, run) for run in test])
        contenders.append(
            Contender(
                name,
                float(np.mean(np.concatenate([missed(early, run) for run in late]))) if late else float("nan"),
                errors,
                known.role,
                {
                    "R²": float(np.mean([r2(run.states, _path(law, run)) for run in test])),
                    "complexity": float(complexity(law)) if law is not None else float("nan"),
                },
                regressor.seconds_fit_ if name == regressor.method else spent,
                time.perf_counter() - started,
                len(law.skeleton[2]) if law is not None else 0,
                note="" if law is not None else "found nothing",
            )
        )
    return compare(contenders, METRIC, chosen=regressor.method)


def missed(law: System | None, run: Trajectory) -> Floats:
    """Share of the variance that is missed at each time but the first; (time - 1,)."""
    spread = run.states.var(0)
    moves = spread > 0
    path = _path(law, run)
    if path is None or not moves.any():
        return np.ones(len(run.times) - 1)
    off = (path - run.states)[1:, moves] ** 2 / spread[moves]
    return np.asarray(np.minimum(np.mean(off, axis=1), 1.0))


def _path(law: System | None, run: Trajectory) -> Floats | None:
    if law is None:
        return None
    return integrate(law, run.states[0], run.times, bound=1e3 * max(1.0, float(np.abs(run.states).max())), limit_s=5)


def _found(fit: Fit, runs: Sequence[Trajectory], seed: int) -> System | None:
    try:
        return fit(runs, seed)
    except (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError):
        return None  # a method that breaks on these data has found nothing; the table says so


def _parted(run: Trajectory) -> tuple[Trajectory, Trajectory | None]:
    cut = int(INNER * len(run.times))
    if min(cut, len(run.times) - cut) < LEAST:
        return run, None
    return run.rows(slice(0, cut)), run.rows(slice(cut, None))
