"""What found equations must obey, tried on the user's own runs and shown in the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...shared.evaluation.check import Check
from .judging.scoring import integrate, r2
from .registry import method
from .system import System
from .trajectory import Trajectory

if TYPE_CHECKING:
    from .predictor import SymbolicODERegressor

RATE, SCALE = 3.0, 2.5  # of the clock, and of the first state
ALIKE = 0.02  # R² by which the law of a changed unit may follow the runs worse
NEAR, STARTS = 0.05, 6  # perturbed starts: share of each state's spread


def run_checks(regressor: "SymbolicODERegressor", runs: Sequence[Trajectory]) -> list[Check]:
    """All checks of a fitted regressor on the runs it was fitted on."""
    dimension = runs[0].dimension
    found = [_in_other_units(regressor, runs), _from_nearby(regressor, runs)]
    return [*found, _permuted(regressor, runs)] if dimension > 1 else found


def _in_other_units(regressor: "SymbolicODERegressor", runs: Sequence[Trajectory]) -> Check:
    """With time and a state in other units, the law found is the old one by the chain rule, as far as the runs show."""
    scale = np.ones(runs[0].dimension)
    scale[0] = SCALE
    changed = [Trajectory(RATE * run.times, run.states * scale, run.names, run.name) for run in runs]
    law = _again(regressor, changed)
    back = None if law is None else law.rescaled(tuple(1 / scale), RATE)
    return _alike(regressor, back, runs, "other units of time and of a state give the same law by the chain rule")


def _permuted(regressor: "SymbolicODERegressor", runs: Sequence[Trajectory]) -> Check:
    order = list(range(runs[0].dimension))[::-1]
    changed = [Trajectory(run.times, run.states[:, order], run.names, run.name) for run in runs]
    law = _again(regressor, changed)
    return _alike(regressor, None if law is None else law.permuted(order), runs, "states in another order give the "
                  "same law")  # fmt: skip


def _again(regressor: "SymbolicODERegressor", runs: Sequence[Trajectory]) -> System | None:
    try:
        return method(regressor.method).fit(runs, regressor.seed)
    except (ValueError, ArithmeticError, RuntimeError):
        return None


def _alike(regressor: "SymbolicODERegressor", law: System | None, runs: Sequence[Trajectory], words: str) -> Check:
    if law is None:
        return Check(words, False, "nothing was found there")
    worst = max(_follow(regressor.system_, run) - _follow(law, run) for run in runs)
    return Check(words, worst <= ALIKE, f"R² on the runs differs by {worst:+.2g}, at most {ALIKE:g} allowed")


def _from_nearby(regressor: "SymbolicODERegressor", runs: Sequence[Trajectory]) -> Check:
    """From starts beside the measured ones the solutions stay near what was measured."""
    draw = np.random.default_rng([regressor.seed, 31])
    stayed = 0
    for place in range(STARTS):
        run = runs[place % len(runs)]
        reach = np.ptp(run.states, axis=0)
        start = run.states[0] + NEAR * reach * draw.standard_normal(run.dimension)
        bound = 10 * max(float(np.abs(run.states).max()), float(reach.max()))
        stayed += integrate(regressor.system_, start, run.times, bound=bound, limit_s=3) is not None
    return Check(
        "solutions from nearby starts stay bounded", stayed == STARTS, f"{stayed} of {STARTS} starts, each "
        f"{NEAR:.0%} of the spread away",
    )  # fmt: skip


def _follow(law: System, run: Trajectory) -> float:
    return r2(run.states, integrate(law, run.states[0], run.times, limit_s=5))
