"""Sequentially thresholded least squares on derivatives: the plainest sparse regression of a law.

Brunton, Proctor & Kutz (2016), "Discovering governing equations from data by sparse identification of nonlinear
dynamical systems", PNAS 113, 3932-3937, algorithm in the supporting information: fit all monomials, drop those with
small coefficients, fit again.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from math import prod

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy.interpolate import UnivariateSpline

from ..judging.scoring import best_of
from ..system import System, state
from ..trajectory import Trajectory

Floats = NDArray[np.float64]
THRESHOLDS = (0.01, 0.03, 0.1, 0.3)
DEGREE = 3
ROUNDS = 20
SPLINE = 4  # degree of the smoothing spline


def fit_stlsq(runs: Sequence[Trajectory], degree: int = DEGREE, thresholds: Sequence[float] = THRESHOLDS) -> System:
    """The polynomial law that retells the runs best, over thresholds and two ways to take derivatives."""
    return best_of(candidates(runs, degree, thresholds), runs)


def candidates(runs: Sequence[Trajectory], degree: int, thresholds: Sequence[float]) -> Iterator[System]:
    """One law a threshold and kind of derivative: central differences, or a spline as smooth as the noise allows."""
    for smooth in (False, True):
        parts = [derivative(run, smooth) for run in runs]
        states, slopes = (np.concatenate(column) for column in zip(*parts, strict=True))
        powers = monomials(states.shape[1], degree)
        library = np.stack([(states ** np.array(power)).prod(1) for power in powers], 1)
        for threshold in thresholds:
            yield as_system(thresholded(library, slopes, threshold), powers)


def derivative(run: Trajectory, smooth: bool) -> tuple[Floats, Floats]:
    """States and their derivatives in time, each (time, state)."""
    if not smooth:
        return run.states, np.gradient(run.states, run.times, axis=0, edge_order=2)
    splines = [
        UnivariateSpline(run.times, column, k=SPLINE, s=len(column) * noise(run.times, column) ** 2)
        for column in run.states.T
    ]
    values = np.stack([spline(run.times) for spline in splines], 1)
    return values, np.stack([spline.derivative()(run.times) for spline in splines], 1)


def noise(times: Floats, values: Floats) -> float:
    """Standard deviation of the noise, from what each point lacks to the line between its neighbours; (time,).

    Gasser, Sroka & Jennen-Steinmetz (1986), "Residual variance and residual pattern in nonlinear regression".
    """
    weight = (times[2:] - times[1:-1]) / (times[2:] - times[:-2])
    off = values[1:-1] - weight * values[:-2] - (1 - weight) * values[2:]
    return float(np.sqrt(np.mean(off**2 / (1 + weight**2 + (1 - weight) ** 2))))


def monomials(states: int, degree: int) -> list[tuple[int, ...]]:
    """Exponents of all monomials up to a degree, the constant first; a tuple of `states` each."""
    return [
        tuple(chosen.count(place) for place in range(states))
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(states), total)
    ]


def thresholded(library: Floats, slopes: Floats, threshold: float) -> Floats:
    """Coefficients (function, state) whose size is at least `threshold`, by repeated least squares."""
    return np.stack([_sparse(library, slopes[:, place], threshold) for place in range(slopes.shape[1])], 1)


def _sparse(library: Floats, slope: Floats, threshold: float) -> Floats:
    found = np.zeros(library.shape[1])
    kept = np.ones(library.shape[1], bool)
    for _ in range(ROUNDS):
        found[:] = 0
        if not kept.any():
            return found
        found[kept] = np.linalg.lstsq(library[:, kept], slope, rcond=None)[0]
        large = np.abs(found) >= threshold
        if (large == kept).all():
            return found
        kept = large
    return found * kept


def as_system(coefficients: Floats, powers: Sequence[tuple[int, ...]]) -> System:
    """Coefficients (function, state) of monomials as a law."""
    terms = [prod((state(place) ** power for place, power in enumerate(one)), start=sympy.Integer(1)) for one in powers]
    return System(
        tuple(
            sympy.Add(*(sympy.Float(value) * term for value, term in zip(column, terms, strict=True) if value))
            for column in coefficients.T
        )
    )
