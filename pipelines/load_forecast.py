"""Day-ahead load forecast: load -> split -> fit -> predict -> score -> report."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from .. import __version__
from ..domains.forecasting.breakdown import breakdown
from ..domains.forecasting.checks import run_checks
from ..domains.forecasting.data import LoadData, read_load
from ..domains.forecasting.evaluation import evaluate_on
from ..domains.forecasting.forecasts import forecast_table, require_format, write_dataset
from ..domains.forecasting.predictor import LoadForecaster
from ..domains.forecasting.standing import Standing
from ..shared.datasets.catalogue import locate
from ..shared.errors import InputError
from ..shared.evaluation.check import Check
from ..shared.evaluation.comparison import Comparison
from ..shared.writing import require_writable, whole_file, whole_folder
from .load_forecast_options import EvaluateOptions, FitOptions, Fitting, PredictOptions, Reading, RunOptions
from .load_forecast_report import load_report
from .options import UsageError, to_toml

EMBEDDED = "england-wales-demand-2000"


class Run(NamedTuple):
    """What a run came to."""

    forecaster: LoadForecaster
    forecast: xr.Dataset
    checks: list[Check]
    metrics: dict[str, Any]


def load(options: Reading) -> LoadData:
    """Read the user's file, or the embedded demand of England and Wales."""
    if options.data is None:
        if options.target or options.covariates:
            raise InputError("--target and --covariates name columns of a file; give it by --data FILE.")
        options = replace(
            options,
            data=str(locate(EMBEDDED)),
            target=("demand_mw",),
            zone="Europe/London",
            units=("demand_mw=MW",),
        )
    return read_load(
        options.data or "",
        targets=options.target,
        time=_time(options.time),
        past_covariates=options.past_covariates,
        future_covariates=options.covariates,
        zone=options.zone,
        first_year=options.first_year,
        gaps=options.gaps,
        max_gap=options.max_gap,
        units=_units(options.units),
    )


def fit(data: LoadData, options: Fitting) -> LoadForecaster:
    """Split, choose on validation, score on test, refit on everything."""
    forecaster = LoadForecaster(
        models=options.models,
        horizon=options.horizon,
        lookback=options.lookback,
        coverage=options.coverage,
        validation=options.validation,
        test=options.test,
        seed=options.seed,
        device=options.device,
        progress=sys.stderr.isatty(),
        checkpoints=options.checkpoints,
    )
    return forecaster.fit(data, holidays=options.holidays)


def predict(forecaster: LoadForecaster, data: LoadData) -> xr.Dataset:
    """Forecast what follows the data; when the covariates end with the load, the last stretch of history instead."""
    if forecaster.layout_.future_covariates and len(data.times) - data.known < forecaster.horizon_:
        sys.stderr.write(
            f"no rows of {', '.join(data.future_names)} after the last load: the forecast shown is that of the last "
            f"{forecaster.horizon} of history, made by the model fitted before the test part.\n"
        )
        return forecaster.last_tested()
    return forecaster.predict()


def score(forecaster: LoadForecaster, checks: list[Check]) -> dict[str, Any]:
    """Everything that was measured, as plain values."""
    chosen = forecaster.backtests_[forecaster.chosen_]
    table = breakdown(chosen, forecaster.data_, forecaster.parts_, forecaster.coverages_)
    return {
        "comparison": forecaster.comparison_.to_dict(),
        "chosen": forecaster.chosen_,
        "calibration": forecaster.calibration_(),
        "breakdown": json.loads(table.to_json(orient="records")),
        "checks": [check._asdict() for check in checks],
        "repairs": list(forecaster.data_.repairs),
    }


def run(options: RunOptions = RunOptions()) -> Run:
    """Do it all and write the run folder, whole or not at all."""
    require_writable(options.out, options.overwrite, "folder")
    data = load(options)
    say(data)
    forecaster = fit(data, options)
    forecast = predict(forecaster, data)
    checks = run_checks(forecaster)
    metrics = score(forecaster, checks)
    about = {"labformer": __version__, "data_sha256": _sha256(options)}
    with whole_folder(options.out, options.overwrite) as folder:
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        write_dataset(forecast, folder / "predictions.nc")
        forecaster.save_pretrained(folder / "model")
        (folder / "run.toml").write_text(to_toml(options, about), encoding="utf-8")
        load_report(forecaster, forecast, checks, options).write(folder / "report.html")
    return Run(forecaster, forecast, checks, metrics)


def fit_to_folder(options: FitOptions) -> LoadForecaster:
    """Fit and save a model folder."""
    require_writable(options.out, options.overwrite, "folder")
    if options.data is None:
        raise UsageError("--data FILE is needed; `labformer run load-forecast` shows the embedded example.")
    data = load(options)
    say(data)
    forecaster = fit(data, options)
    forecaster.save_pretrained(options.out, options.overwrite)
    return forecaster


def predict_from_folder(options: PredictOptions) -> tuple[xr.Dataset, Standing]:
    """Forecast from a saved model, written when `out` is named, and say how the model stands on the newest history."""
    if options.out is not None:
        require_format(options.out, scenarios=options.scenarios > 0)
        require_writable(options.out, options.overwrite)
    elif options.scenarios:
        raise UsageError("--scenarios needs --out FILE.nc; a table has no room for them.")
    forecaster, data = _reopened(options)
    # learning comes first: the interval of this forecast knows what came true until now
    stands = forecaster.update(data) if options.learn else forecaster.standing(data)
    forecast = (
        forecaster.scenarios(options.scenarios, data, options.seed) if options.scenarios else forecaster.predict(data)
    )
    forecast.attrs["standing"] = str(stands)
    if options.out is not None:
        write_dataset(forecast, options.out, options.overwrite)
    if options.learn and stands.learnt:
        forecaster.save_pretrained(options.model, overwrite=True)
    return forecast, stands


def evaluate_from_folder(options: EvaluateOptions) -> Comparison:
    """Score a saved model on the rows of a file that came after those it was fitted on."""
    if options.out is not None:
        require_writable(options.out, options.overwrite)
    forecaster, data = _reopened(options)
    comparison = evaluate_on(forecaster, data)
    if options.out is not None:
        with whole_file(options.out, options.overwrite) as partial:
            partial.write_text(comparison.to_json() + "\n", encoding="utf-8")
    return comparison


def forecast_csv(forecast: xr.Dataset) -> str:
    """The forecast as CSV text."""
    return str(forecast_table(forecast).to_csv(index=False))


def say(data: LoadData) -> None:
    """Say on stderr what was read and what was repaired."""
    sys.stderr.write(data.summary() + "\n")
    for repair in data.repairs:
        sys.stderr.write(f"repaired: {repair}\n")


def _reopened(options: PredictOptions) -> tuple[LoadForecaster, LoadData]:
    forecaster = LoadForecaster.from_pretrained(options.model)
    data = forecaster.read(
        options.data,
        time=_time(options.time),
        first_year=options.first_year,
        gaps=options.gaps,
        max_gap=options.max_gap,
    )
    say(data)
    return forecaster, data


def _time(columns: tuple[str, ...]) -> str | tuple[str, ...] | None:
    return columns[0] if len(columns) == 1 else columns or None


def _units(pairs: tuple[str, ...]) -> dict[str, str]:
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise InputError(f"--units {wrong[0]!r} is not COLUMN=UNIT, such as Demand=MW.")
    return dict((part.strip() for part in pair.split("=", 1)) for pair in pairs)  # type: ignore[misc]


def _sha256(options: Reading) -> str:
    path = Path(options.data) if options.data is not None else locate(EMBEDDED)
    return hashlib.sha256(path.read_bytes()).hexdigest()
