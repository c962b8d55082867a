"""Chaotic and other systems of the package dysts, as a benchmark that nothing here was made for.

Gilpin (2021), "Chaos as an interpretable benchmark for forecasting and data-driven modelling", NeurIPS datasets and
benchmarks. The package is asked for equations, constants, a start and the period of each flow; it is no dependency.
`write_odebench(dysts_benchmarks(), "dysts.json")` keeps them as a file for `bench symbolic-ode --data dysts.json`, for
machines without dysts, which itself imports gluonts.
"""

import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

from ....shared.errors import MissingExtra
from ..system import System, state
from .benchmark import Benchmark
from .scoring import integrate, retold

MOST_STATES = 4
PERIODS = 5  # of the dominant oscillation, that a run lasts
APART = 20  # periods between the two starts
POINTS = 512
OWN = 0.99  # R² with which the true law must retell its own runs at the tolerance of scoring, else no score has a sense
FUNCTIONS = {
    name: getattr(sympy, other)
    for name, other in (
        *((one, one) for one in ("sin", "cos", "tan", "exp", "log", "sqrt", "sinh", "cosh", "tanh", "sign", "pi")),
        *(("abs", "Abs"), ("arctan", "atan"), ("power", "Pow")),
    )
}


def dysts_benchmarks(names: Sequence[str] | None = None) -> list[Benchmark]:
    """Autonomous flows of up to four states whose right-hand side is a formula, in the order of their names.

    names  of flows, such as "Lorenz"; all when None
    The first start is that of the package, the second a point of the trajectory 20 periods later; 512 points over 5
    periods. Left out are flows that the true law itself cannot retell from these starts with R² > 0.99 at the
    tolerance of scoring. Takes about a second a flow. Raises MissingExtra when dysts is not installed.
    """
    return [one for name, flow in _flows() if names is None or name in names if (one := _benchmark(name, flow))]


def _flows() -> Iterator[tuple[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns when numba is absent
            from dysts import flows
            from dysts.base import DynSys
    except ImportError as error:
        also = f" {error.name}" if error.name and not error.name.startswith("dysts") else ""
        raise MissingExtra(
            f"the systems of the package 'dysts' need{also or ' it'}, which is not installed: pip install dysts{also}."
        ) from error
    for name, kind in sorted(vars(flows).items()):
        if isinstance(kind, type) and issubclass(kind, DynSys) and kind is not DynSys:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    flow = kind()
                except Exception:  # a flow that its own package cannot build is none of ours
                    continue
            yield name, flow


def _benchmark(name: str, flow: Any) -> Benchmark | None:
    start = np.atleast_1d(np.asarray(getattr(flow, "ic", []), np.float64))
    period = getattr(flow, "period", None)
    if not 1 <= start.size <= MOST_STATES or start.ndim != 1 or not period or not np.isfinite(period):
        return None
    system = as_system(flow, len(start))
    if system is None:
        return None
    later = integrate(system, start, np.array([0.0, APART * period]), rtol=1e-8, atol=1e-10, limit_s=5.0)
    if later is None:
        return None
    times = np.linspace(0, PERIODS * period, POINTS)
    one = Benchmark(
        name=f"dysts-{name}",
        system=system,
        starts=np.stack([start, later[-1]]),
        times=times,
        description=name,
        source="dysts (Gilpin 2021)",
    )
    runs = [integrate(system, begin, times, one.rtol, one.atol, limit_s=5.0) for begin in one.starts]
    if any(run is None or np.ptp(run, 0).max() == 0 or retold(system, times, run) < OWN for run in runs):
        return None
    return one


def as_system(flow: Any, states: int) -> System | None:
    """The right-hand side as formulas; None where it branches, depends on time, or calls what is no formula."""
    function = getattr(flow._rhs, "py_func", flow._rhs)  # behind numba's compiler, where that is installed
    rewired = types.FunctionType(
        function.__code__, {**function.__globals__, "np": types.SimpleNamespace(**FUNCTIONS)}, function.__name__
    )
    symbols, clock = [state(place) for place in range(states)], sympy.Symbol("t", real=True)
    try:
        found = [sympy.sympify(one) for one in rewired(*symbols, clock, *map(_number, flow.param_list))]
    except (TypeError, ValueError, AttributeError, IndexError, sympy.SympifyError):
        return None
    if len(found) != states or any(one.has(clock, sympy.zoo, sympy.nan) or not _formula(one) for one in found):
        return None
    return System(tuple(found))


def _formula(one: sympy.Basic) -> bool:
    return isinstance(one, sympy.Expr) and not one.has(sympy.Piecewise, sympy.I, sympy.oo)


def _number(value: Any) -> Any:
    array = np.asarray(value)
    return sympy.Float(float(array)) if array.ndim == 0 else array
