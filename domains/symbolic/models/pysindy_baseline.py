"""PySINDy as a baseline: polynomials, polynomials with sines, and the weak form.

Kaptanoglu et al. (2022), "PySINDy: a comprehensive Python package for robust sparse system identification", JOSS 7,
3994; Messenger & Bortz (2021) for the weak form. Thresholds are tried in turn and the law that retells the given
points best is kept, as its users do.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

from ....shared.errors import require
from ....shared.learning.seed import seeded
from ..expression import read_expression
from ..judging.scoring import best_of
from ..system import System, state
from ..trajectory import Trajectory

THRESHOLDS = (0.01, 0.03, 0.1, 0.3)
DEGREE = 3
SUBDOMAINS = 100  # windows of the weak form
RIDGE = 0.05  # the default of PySINDy
WEAK_RIDGE = 1e-8  # rows of the weak form are integrals over short windows, small beside the default
SMOOTHING = 11  # points of a Savitzky-Golay window
KINDS = ("polynomial", "trig", "weak")


def fit_pysindy(runs: Sequence[Trajectory], kinds: Sequence[str] = KINDS) -> System:
    """The law, of one or several kinds of library, that retells the runs best; raises MissingExtra without PySINDy."""
    require("pysindy", "symbolic")
    return best_of((one for kind in kinds for one in candidates(runs, kind)), runs)


def candidates(runs: Sequence[Trajectory], kind: str) -> Iterator[System]:
    """One law a threshold and kind of derivative; what PySINDy cannot fit (too few points for a window) gives none."""
    for prepared in _prepared(runs, kind):
        for threshold in THRESHOLDS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    yield _fitted(runs, *prepared, threshold)
                except (ValueError, np.linalg.LinAlgError):
                    continue


def _prepared(runs: Sequence[Trajectory], kind: str) -> Iterator[tuple[Any, Any]]:
    """Libraries and ways to take a derivative."""
    import pysindy

    library: Any = pysindy.PolynomialLibrary(degree=DEGREE, include_bias=True)
    if kind == "weak":
        times = runs[0].times
        if all(np.array_equal(run.times, times) for run in runs):  # its windows lie on one grid of times
            with seeded(0), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                windows = pysindy.WeakPDELibrary(library, spatiotemporal_grid=times, K=SUBDOMAINS)
            yield windows, None
        return
    if kind == "trig":
        library = library + pysindy.FourierLibrary(n_frequencies=1)
    yield library, pysindy.FiniteDifference()
    window = min(SMOOTHING, min(len(run.times) for run in runs))
    yield library, pysindy.SmoothedFiniteDifference(smoother_kws={"window_length": window})


def _fitted(runs: Sequence[Trajectory], library: Any, differentiation: Any, threshold: float) -> System:
    import pysindy

    names = [f"x_{place}" for place in range(runs[0].dimension)]
    ridge = RIDGE if differentiation is not None else WEAK_RIDGE
    model = pysindy.SINDy(pysindy.STLSQ(threshold=threshold, alpha=ridge), library, differentiation)
    with seeded(0):  # the windows of the weak form are drawn from numpy's global state
        model.fit([run.states for run in runs], t=[run.times for run in runs], feature_names=names)
    functions = [_function(name, len(names)) for name in model.get_feature_names()]
    return System(
        tuple(
            sympy.Add(*(float(value) * function for value, function in zip(row, functions, strict=True) if value))
            for row in np.asarray(model.coefficients())
        )
    )


def _function(name: str, states: int) -> sympy.Expr:
    """Read the names of PySINDy: "1", "x_0^2 x_1", "sin(1 x_0)"."""
    if name == "1":
        return sympy.Integer(1)
    text = name.replace(" ", "*")
    return read_expression(text, {f"x_{place}": state(place) for place in range(states)})
