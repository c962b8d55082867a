"""`SymbolicODERegressor`: measured runs of a system in, its differential equations out, and how sure they are."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
import sympy
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ...shared.errors import InputError
from .ensemble import ensemble
from .judging.scoring import integrate, r2
from .registry import HYBRID, discovered, is_hybrid, method
from .saving import read_model, write_model
from .system import System, state
from .trajectory import Trajectory, same_system

Floats = NDArray[np.float64]
Intervals = Literal["laplace", "profile"]
DRAWS = 60  # of the constants, for the band of a prediction


class SymbolicODERegressor:
    """Finds x' = f(x) as formulas, in scikit-learn's manner.

    method      `hybrid`, `hybrid-odeformer`, or any other of `registry.METHODS`; only the hybrids know intervals,
                rivals and warnings
    coverage    of the intervals of constants and of predictions
    intervals   of constants: `laplace`, which takes the misfit for a parabola, or `profile`, by profile likelihood,
                which may be lopsided or open and takes some seconds; bands of predictions are Laplace's in both
    max_points  longer runs are thinned to so many points
    seed        of everything random

    After `fit`: `system_` (in x_0, x_1, ..), `equations_` (by state, in the user's names), `constants_` (a table with
    intervals), `rivals_` (laws that the data cannot tell from the answer), `warnings_`, `noise_` (by state, in its
    unit), `r2_` (on the data), `repairs_` (what reading changed).
    """

    def __init__(
        self, method: str = HYBRID, coverage: float = 0.9, max_points: int = 2000, seed: int = 0,
        intervals: Intervals = "laplace",
    ) -> None:  # fmt: skip
        self.method = method
        self.coverage = coverage
        self.max_points = max_points
        self.seed = seed
        self.intervals = intervals
        self.card_ = ""  # as it was written, of a model that was read
        self.repairs_: list[str] = []

    def fit(
        self,
        times: Any,
        trajectories: Any = None,
        names: Sequence[str] | None = None,
        **reading: Any,
    ) -> Self:
        """Find the law behind one run, or behind several runs of ONE system.

        times         (time,), or a list of such for several runs; or, without `trajectories`, a file, a DataFrame, an
                      xarray Dataset, a `Trajectory` or a list of them
        trajectories  (time, state), or a list of such
        names         of the states; x_0, x_1, .. unless the source has some
        reading       options of `read_runs`, where a source is read
        For systems that have nothing to do with each other use `fit_many`. Raises InputError for runs of different
        states, and for whatever makes no run.
        """
        if not 0 < self.coverage < 1:
            raise InputError(f"coverage={self.coverage} must lie between 0 and 1, such as 0.9.")
        if self.intervals not in get_args(Intervals):
            raise InputError(f"intervals={self.intervals!r} is not known; choose laplace or profile.")
        known = method(self.method)
        runs, self.repairs_ = self._runs(times, trajectories, names, reading)
        same_system(runs)
        self.runs_: list[Trajectory] = runs
        self.names_ = runs[0].names
        dimension = runs[0].dimension
        started = time.perf_counter()
        if is_hybrid(self.method):
            profile = self.coverage if self.intervals == "profile" else 0.0
            found = discovered(self.method, runs, self.seed, profile)
            self.system_, self.noise_ = found.system, np.asarray(found.noise, np.float64)
            spread = np.asarray(found.covariance, np.float64)
            self.covariance_ = np.where(np.isfinite(spread), spread, np.nan)
            self.warnings_ = list(found.warnings)
            self.rivals_ = [one.system for one in found.rivals]
            self.limits_ = found.limits
        else:
            self.system_, self.noise_ = known.fit(runs, self.seed), np.full(dimension, np.nan)
            constants = len(self.system_.skeleton[2])
            self.covariance_ = np.full((constants, constants), np.nan)
            self.warnings_ = [f"{self.method} says nothing of how sure it is"]
            self.rivals_, self.limits_ = [], None
        self.seconds_fit_ = time.perf_counter() - started
        self.r2_ = float(np.mean([self._follow(run) for run in runs]))
        return self

    def fit_many(self, datasets: Mapping[str, Any] | Sequence[Any]) -> list["SymbolicODERegressor"]:
        """One regressor for each of several separate systems: sources of `fit`, or pairs (times, trajectories)."""
        sources = datasets.values() if isinstance(datasets, Mapping) else datasets
        made = []
        for one in sources:
            new = SymbolicODERegressor(self.method, self.coverage, self.max_points, self.seed, self.intervals)
            made.append(new.fit(*one) if isinstance(one, tuple) and len(one) == 2 else new.fit(one))
        return made

    @property
    def equations_(self) -> dict[str, sympy.Expr]:
        """The right-hand side of each state's derivative in time, in the user's names."""
        self._fitted()
        symbols = self._symbols()
        return {
            name: one.subs(dict(symbols), simultaneous=True)
            for name, one in zip(self.names_, self.system_.equations, strict=True)
        }

    @property
    def constants_(self) -> pd.DataFrame:
        """Constants with intervals: columns equation, constant, value, low, high, in the order of the formulas."""
        self._fitted()
        from .hybrid.uncertainty import intervals

        expressions, symbols, _ = self.system_.skeleton
        found = intervals(self.system_, self.covariance_, self.coverage)
        if self.limits_ is not None:
            found = [(value, *limits) for (value, _, _), limits in zip(found, self.limits_, strict=True)]
        owner = {
            symbol: name for name, one in zip(self.names_, expressions, strict=True) for symbol in one.free_symbols
        }
        rows = [(owner[symbol], str(symbol), *one) for symbol, one in zip(symbols, found, strict=True)]
        return pd.DataFrame(rows, columns=["equation", "constant", "value", "low", "high"])

    def predict(self, times: ArrayLike, y0: ArrayLike) -> Floats:
        """Follow the law from `y0` (state,) at times[0]; (time,) -> (time, state).

        Raises InputError when the law cannot be followed that far: it leaves every bound or is not defined there.
        """
        self._fitted()
        times, start = self._asked(times, y0)
        found = integrate(self.system_, start, times)
        if found is None:
            raise InputError(
                f"the equations cannot be followed from {start.tolist()} to time {times[-1]:g}: the solution leaves "
                "every bound, or the law is not defined there. Ask for a shorter time or another start."
            )
        return found

    def predict_interval(self, times: ArrayLike, y0: ArrayLike, draws: int = DRAWS) -> xr.Dataset:
        """The same with a band: constants drawn from their Laplace approximation, each draw followed from `y0`.

        -> Dataset of value, low, high (time, state); attribute `diverged` is the share of draws that left every bound
        The band holds what the data leave open of the constants of THIS structure; it holds neither the noise of a
        measurement nor another law. Where the method knows no covariance, low and high are NaN.
        """
        self._fitted()
        times, start = self._asked(times, y0)
        value = self.predict(times, start)
        low, high, diverged = ensemble(self.system_, self.covariance_, times, start, self.coverage, draws, self.seed)
        low, high = np.fmin(low, value), np.fmax(high, value)
        return xr.Dataset(
            {
                name: (("time", "state"), one, {"long_name": text})
                for name, one, text in (
                    ("value", value, "state that follows from the equations"),
                    ("low", low, f"lower end of the {self.coverage:.0%} band of the constants"),
                    ("high", high, f"upper end of the {self.coverage:.0%} band of the constants"),
                )
            },
            {"time": times, "state": list(self.names_)},
            {
                "title": "states that follow from found equations", "method": self.method,
                "equations": "; ".join(f"{name}' = {one}" for name, one in self.equations_.items()),
                "coverage": self.coverage, "diverged": diverged,
                "calibration": "Laplace approximation of the constants around the fit; not calibrated on other runs",
            },
        )  # fmt: skip

    def score(self, times: Any, trajectories: Any = None, **reading: Any) -> float:
        """Mean R² over runs, each followed from its first point; variance-weighted over states; failures count 0."""
        self._fitted()
        runs, _ = self._runs(times, trajectories, self.names_, reading)
        for run in runs:
            if run.names != self.names_:
                raise InputError(
                    f"the equations are of {', '.join(self.names_)}, the data have {', '.join(run.names)}."
                )
        return float(np.mean([self._follow(run) for run in runs]))

    def latex(self, digits: int = 4) -> str:
        """The equations as LaTeX, aligned, constants rounded to so many digits."""
        self._fitted()
        lines = [
            rf"\dot{{{sympy.latex(sympy.Symbol(name))}}} &= {sympy.latex(rounded(one, digits))}"
            for name, one in self.equations_.items()
        ]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def save_pretrained(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write config.json (equations, intervals, rivals, warnings), model.safetensors and card.md, or nothing."""
        self._fitted()
        write_model(self, folder, overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "SymbolicODERegressor":
        """Read what `save_pretrained` wrote; raises InputError when there is no such folder, or it is damaged."""
        return read_model(cls, folder)

    def _runs(
        self, times: Any, trajectories: Any, names: Sequence[str] | None, reading: Mapping[str, Any]
    ) -> tuple[list[Trajectory], list[str]]:
        if trajectories is None and isinstance(times, Trajectory):
            return [times], []
        if trajectories is None and isinstance(times, list | tuple) and times and isinstance(times[0], Trajectory):
            return list(times), []
        if trajectories is None:
            from .reading.data import read_runs

            found = read_runs(times, max_points=self.max_points, **reading)
            return list(found.runs), list(found.repairs)
        several = isinstance(trajectories, list | tuple) and np.ndim(trajectories[0]) >= 1
        if not several or np.ndim(trajectories[0]) == 1 and np.ndim(times) == 1:
            return [Trajectory(times, trajectories, tuple(names or ()))], []
        clocks = list(times) if np.ndim(times[0]) else [times] * len(trajectories)
        if len(clocks) != len(trajectories):
            raise InputError(f"{len(clocks)} arrays of times for {len(trajectories)} runs; give one for each.")
        return [
            Trajectory(clock, states, tuple(names or ()), f"run {place}")
            for place, (clock, states) in enumerate(zip(clocks, trajectories, strict=True), 1)
        ], []

    def _follow(self, run: Trajectory) -> float:
        bound = 1e3 * max(1.0, float(np.abs(run.states).max()))
        return r2(run.states, integrate(self.system_, run.states[0], run.times, bound=bound))

    def _asked(self, times: ArrayLike, y0: ArrayLike) -> tuple[Floats, Floats]:
        times, start = np.asarray(times, np.float64), np.asarray(y0, np.float64)
        if times.ndim != 1 or len(times) < 2 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise InputError("times must be two or more finite numbers that rise.")
        if start.shape != (len(self.names_),) or not np.isfinite(start).all():
            raise InputError(f"y0 must be {len(self.names_)} finite numbers, one for each of {', '.join(self.names_)}.")
        return times, start

    def _symbols(self) -> list[tuple[sympy.Symbol, sympy.Symbol]]:
        return [(state(place), sympy.Symbol(name, real=True)) for place, name in enumerate(self.names_)]

    def _fitted(self) -> None:
        if not hasattr(self, "system_"):
            raise InputError("this regressor is not fitted; call fit(times, trajectories), or from_pretrained(folder).")


def rounded(one: sympy.Expr, digits: int = 4) -> sympy.Expr:
    """An expression with its floats rounded, for people."""
    return one.xreplace({number: sympy.Float(number, digits) for number in one.atoms(sympy.Float)})


def to_text(system: System, names: Sequence[str], digits: int = 4) -> list[str]:
    """`name' = formula` for each state, for people."""
    put = {state(place): sympy.Symbol(name, real=True) for place, name in enumerate(names)}
    return [
        f"{name}' = {rounded(one, digits).subs(put, simultaneous=True)}"
        for name, one in zip(names, system.equations, strict=True)
    ]
