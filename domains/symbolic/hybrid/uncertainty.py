"""How sure the constants are: Laplace's approximation about the fitted law."""

from collections.abc import Sequence

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy.stats import norm

from ..system import System
from .selection import Judge
from .sensitivity import Program
from .shooting import Fit, Shooter

Floats = NDArray[np.float64]


def covariance(judge: Judge, system: System, fit: Fit) -> Floats:
    """Covariance of the constants of `system.skeleton` (constant, constant), the starts integrated out.

    The noise is as estimated, or larger when the law leaves more than that. Infinite on the diagonal where the law
    cannot be followed; directions that the data do not fix get what a tiny ridge leaves.
    """
    expressions, symbols, values = system.skeleton
    count = len(values)
    unknown = np.diag(np.full(count, np.inf))
    if not count:
        return np.zeros((0, 0))
    shooter = Shooter(Program(expressions, symbols), judge.targets, fit.segments)
    constants = np.array(values, np.float64)
    states, chi2 = shooter.run(constants, np.concatenate(fit.starts))
    if not np.isfinite(chi2):
        return unknown
    matrix, _ = shooter.system(constants, states)
    if not np.isfinite(matrix).all():
        return unknown
    size = np.sqrt((matrix * matrix).sum(0)) + 1e-100
    scaled = matrix / size
    found = np.linalg.inv(scaled.T @ scaled + 1e-12 * np.eye(len(size))) / np.outer(size, size)
    return np.asarray(found[:count, :count] * max(1.0, fit.chi2 / fit.points), np.float64)


def intervals(system: System, spread: Floats, share: float = 0.9) -> list[tuple[float, float, float]]:
    """(value, low, high) of each constant of `system.skeleton`; spread (constant, constant) is their covariance."""
    _, _, values = system.skeleton
    half = float(norm.ppf(0.5 + share / 2)) * np.sqrt(np.diag(spread))
    return [(float(v), float(v - h), float(v + h)) for v, h in zip(values, half, strict=True)]


def widened(system: System, live: list[int], inner: Floats) -> Floats:
    """The covariance for the law of all states from that of the live ones; a state at rest has one exact 0."""
    moving = _moving(system, live)
    out = np.zeros((len(moving), len(moving)))
    out[np.ix_(moving, moving)] = inner
    return out


def among(system: System, live: list[int], inner: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same for limits: those of the live states' constants, and an exact 0 for each state at rest."""
    given = iter(inner)
    return [next(given) if moves else (0.0, 0.0) for moves in _moving(system, live)]


def _moving(system: System, live: list[int]) -> NDArray[np.bool_]:
    """Whether each constant of `system.skeleton` is of a live state."""
    rest = (sympy.Integer(0),) * (system.dimension - 1)
    counts = [len(System((one, *rest)).skeleton[2]) - len(rest) for one in system.equations]
    return np.isin(np.repeat(np.arange(system.dimension), counts), live)
