"""Measured runs into differential equations: load -> split -> find -> follow -> score -> report."""

import json
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from .. import __version__
from ..domains.symbolic.checks import run_checks
from ..domains.symbolic.contest import contest
from ..domains.symbolic.judging.structure import complexity, recovered
from ..domains.symbolic.predictor import SymbolicODERegressor, to_text
from ..domains.symbolic.reading.data import read_runs
from ..shared.errors import InputError
from ..shared.evaluation.check import Check
from ..shared.evaluation.comparison import Comparison
from ..shared.writing import require_format, require_writable, whole_file, whole_folder, write_labelled
from .options import UsageError, to_toml
from .symbolic_ode_options import OdeEvaluateOptions, OdeFitOptions, OdeFitting, OdePredictOptions, OdeRunOptions
from .symbolic_ode_report import ode_report
from .symbolic_ode_runs import Gathered, gather, read, sha256


class OdeRun(NamedTuple):
    """What a run came to."""

    regressor: SymbolicODERegressor
    gathered: Gathered
    prediction: xr.Dataset  # of the first run of the test
    comparison: Comparison
    checks: list[Check]
    metrics: dict[str, Any]


def run(options: OdeRunOptions = OdeRunOptions()) -> OdeRun:
    """Do it all and write the run folder, whole or not at all."""
    require_writable(options.out, options.overwrite, "folder")
    gathered = gather(options)
    regressor = _regressor(options).fit(gathered.fit)
    regressor.repairs_ = gathered.repairs
    comparison = contest(regressor, gathered.fit, gathered.test, options.beside, options.seed)
    first = gathered.test[0]
    prediction = followed(regressor, first.times, first.states[0])
    checks = run_checks(regressor, gathered.fit)
    done = OdeRun(regressor, gathered, prediction, comparison, checks, {})
    done = done._replace(metrics=score(done))
    about = {"labformer": __version__, "data_sha256": sha256(options)}
    with whole_folder(options.out, options.overwrite) as folder:
        (folder / "metrics.json").write_text(_json(done.metrics), encoding="utf-8")
        (folder / "equations.json").write_text(_json(equations(regressor)), encoding="utf-8")
        write_labelled(prediction, prediction_table, folder / "predictions.nc")
        regressor.save_pretrained(folder / "model")
        (folder / "run.toml").write_text(to_toml(options, about), encoding="utf-8")
        ode_report(regressor, gathered, prediction, comparison, checks).write(folder / "report.html")
    return done


def score(done: OdeRun) -> dict[str, Any]:
    """Everything that was measured, as plain values; a number that does not exist is None."""
    regressor, gathered = done.regressor, done.gathered
    truth = gathered.truth
    return {
        "split": gathered.split,
        "method": regressor.method,
        "equations": to_text(regressor.system_, regressor.names_, 6),
        "r2_fit": regressor.r2_,
        "r2_test": regressor.score(gathered.test),
        "complexity": complexity(regressor.system_),
        "band_holds": band_holds(done.prediction, gathered.test[0].states),
        "truth": None if truth is None else to_text(truth, regressor.names_, 6),
        "recovered": None if truth is None else recovered(truth, regressor.system_),
        "comparison": done.comparison.to_dict(),
        "noise": [float(one) if math.isfinite(one) else None for one in regressor.noise_],
        "warnings": regressor.warnings_,
        "rivals": [to_text(one, regressor.names_, 6) for one in regressor.rivals_],
        "checks": [check._asdict() for check in done.checks],
        "repairs": gathered.repairs,
    }


def fit_to_folder(options: OdeFitOptions) -> SymbolicODERegressor:
    """Find equations in files, save a model folder, and the equations as JSON where that is named."""
    if not options.data:
        raise UsageError("--data FILE is needed; `labformer run symbolic-ode` shows a simulated system.")
    require_writable(options.out, options.overwrite, "folder")
    if options.equations is not None:
        require_writable(options.equations, options.overwrite)
    runs, repairs = read(options.data, options)
    regressor = _regressor(options).fit(runs)
    regressor.repairs_ = repairs
    regressor.save_pretrained(options.out, options.overwrite)
    if options.equations is not None:
        with whole_file(options.equations, options.overwrite) as partial:
            partial.write_text(_json(equations(regressor)), encoding="utf-8")
    return regressor


def predict_from_model(options: OdePredictOptions) -> xr.Dataset:
    """Follow saved equations from a start, or from the first row of a table; written where that is named."""
    if options.out is not None:
        require_format(options.out)
        require_writable(options.out, options.overwrite)
    regressor = SymbolicODERegressor.from_pretrained(options.model)
    if (options.data is None) == (not options.start):
        raise UsageError("give --start X,Y,.. with --until T, or --data FILE whose first row is the start.")
    if options.data is not None:
        asked = read_runs(options.data).runs[0]
        if asked.names != regressor.names_:
            raise InputError(
                f"the equations are of {', '.join(regressor.names_)}, {options.data} has {', '.join(asked.names)}."
            )
        times, start = asked.times, asked.states[0]
    else:
        if options.until is None or options.until <= options.since or options.points < 2:
            raise UsageError("--until T, after --since, and two points or more are needed with --start.")
        times, start = np.linspace(options.since, options.until, options.points), np.array(options.start)
    prediction = regressor.predict_interval(times, start)
    if options.out is not None:
        write_labelled(prediction, prediction_table, options.out, options.overwrite)
    return prediction


def evaluate_from_model(options: OdeEvaluateOptions) -> list[dict[str, Any]]:
    """Score saved equations on runs: a row each, with R² and what the band holds."""
    if options.out is not None:
        require_writable(options.out, options.overwrite)
    regressor = SymbolicODERegressor.from_pretrained(options.model)
    runs, _ = read(options.data, options)
    rows = []
    for place, one in enumerate(runs):
        prediction = followed(regressor, one.times, one.states[0])
        rows.append(
            {
                "run": one.name or f"run {place}", "points": len(one.times), "r2": regressor.score([one]),
                "band_holds": band_holds(prediction, one.states),
            }
        )  # fmt: skip
    if options.out is not None:
        with whole_file(options.out, options.overwrite) as partial:
            partial.write_text(_json({"runs": rows}), encoding="utf-8")
    return rows


def followed(regressor: SymbolicODERegressor, times: np.ndarray, start: np.ndarray) -> xr.Dataset:
    """A prediction with its band; all NaN where the equations cannot be followed so far."""
    try:
        return regressor.predict_interval(times, start)
    except InputError as error:
        nothing = np.full((len(times), len(start)), np.nan)
        names = ("value", "low", "high")
        return xr.Dataset(
            dict.fromkeys(names, (("time", "state"), nothing)),
            {"time": times, "state": list(regressor.names_)}, {"title": str(error)},
        )  # fmt: skip


def band_holds(prediction: xr.Dataset, states: np.ndarray) -> float | None:
    """Share of the points, without the first, that lie in the band; None where there is no band."""
    low, high = prediction["low"].values[1:], prediction["high"].values[1:]
    if not np.isfinite(low).all():
        return None
    return float(np.mean((low <= states[1:]) & (states[1:] <= high)))


def equations(regressor: SymbolicODERegressor) -> dict[str, Any]:
    """Equations and what is to be known of them, as plain values."""
    constants = regressor.constants_.astype(object)
    rows = constants.where(constants.notna() & ~constants.isin([np.inf, -np.inf]), None).to_dict("records")
    return {
        "states": list(regressor.names_),
        "equations": {name: str(one) for name, one in regressor.equations_.items()},
        "latex": regressor.latex(),
        "constants": rows,
        "coverage": regressor.coverage,
        "r2": regressor.r2_,
        "rivals": [to_text(one, regressor.names_, 6) for one in regressor.rivals_],
        "warnings": regressor.warnings_,
        "method": regressor.method,
    }


def prediction_table(prediction: xr.Dataset) -> pd.DataFrame:
    """Columns time, and for each state its value, low and high."""
    columns = {"time": prediction["time"].values}
    for name in map(str, prediction["state"].values):
        one = prediction.sel(state=name)
        columns |= {name: one["value"].values, f"{name}_low": one["low"].values, f"{name}_high": one["high"].values}
    return pd.DataFrame(columns)


def _regressor(options: OdeFitting) -> SymbolicODERegressor:
    return SymbolicODERegressor(options.method, options.coverage, options.max_points, options.seed, options.intervals)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
