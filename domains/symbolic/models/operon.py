"""Operon as a baseline: genetic programming on derivatives, one component after the other.

Burlacu, Kronberger & Kommenda (2020), "Operon C++: an efficient genetic programming framework for symbolic
regression", GECCO companion, 1562-1570. Derivatives come by central differences and from a smoothing spline; of both
laws the one that retells the given points better is kept.
"""

import re
import warnings
from collections.abc import Sequence

import numpy as np
import sympy
from numpy.typing import NDArray

from ....shared.errors import InputError, require
from ..expression import read_expression
from ..judging.scoring import best_of
from ..system import System, state
from ..trajectory import Trajectory
from .stlsq import derivative

SECONDS = 2  # for one component and kind of derivative
SYMBOLS = "add,sub,mul,div,sin,cos,exp,constant,variable"
LONGEST = 25  # nodes of a formula
EVALUATIONS = 200_000  # of formulas, for one component and kind of derivative
ROUNDING = 1e-10  # of the states: a derivative that varies less is a constant


def fit_operon(
    runs: Sequence[Trajectory], seconds: int = SECONDS, evaluations: int = EVALUATIONS, seed: int = 0
) -> System:
    """The law of evolved formulas, one a component; raises MissingExtra without pyoperon.

    The limit of evaluations makes the answer repeatable where the machine keeps within `seconds`.
    """
    require("pyoperon", "symbolic")
    found = []
    for smooth in (False, True):
        parts = [derivative(run, smooth) for run in runs]
        states, slopes = (np.concatenate(column) for column in zip(*parts, strict=True))
        found.append(System(tuple(_evolved(states, slope, seconds, evaluations, seed) for slope in slopes.T)))
    return best_of(found, runs)


def _evolved(
    states: NDArray[np.float64], slope: NDArray[np.float64], seconds: int, evaluations: int, seed: int
) -> sympy.Expr:
    from pyoperon.sklearn import SymbolicRegressor

    if np.ptp(slope) <= ROUNDING * np.abs(states).max():
        return sympy.Float(slope.mean()) if np.abs(slope).max() > ROUNDING else sympy.Integer(0)
    search = SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        max_length=LONGEST,
        population_size=500,
        generations=1000,
        max_evaluations=evaluations,
        optimizer_iterations=5,
        n_threads=1,
        max_time=seconds,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(states, slope)
        names = [f"x_{place}" for place in range(states.shape[1])]
        text = search.get_model_string(search.model_, precision=8, names=names)
    return formula(text, states.shape[1])


def formula(text: str, states: int) -> sympy.Expr:
    """Read Operon's infix; raises InputError for a formula that is none."""
    spaced = re.sub(r"\s+", " ", text)
    if "inf" in spaced or "nan" in spaced:
        raise InputError(f"Operon gave a formula that is not finite: {spaced[:80]}.")
    return read_expression(spaced, {f"x_{place}": state(place) for place in range(states)})
