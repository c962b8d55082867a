"""What the verbs of `load-forecast` print; each returns an exit code."""

import sys
from collections.abc import Sequence

from . import load_forecast
from .load_forecast_bench import bench as measure
from .load_forecast_bench import bench_table
from .load_forecast_options import BenchOptions, EvaluateOptions, FitOptions, PredictOptions, RunOptions

DRIFTED = 3  # exit code of `predict --strict`


def run(options: RunOptions) -> int:
    """Print the comparison and the checks."""
    done = load_forecast.run(options)
    sys.stdout.write(done.forecaster.comparison_.to_text() + "\n\n")
    for check in done.checks:
        sys.stdout.write(f"{'holds ' if check.holds else 'BROKEN'} {check.law} ({check.detail})\n")
    sys.stdout.write(f"\nwrote {options.out}: report.html, predictions.nc, metrics.json, model/, run.toml\n")
    return 0


def fit(options: FitOptions) -> int:
    """Print the comparison."""
    forecaster = load_forecast.fit_to_folder(options)
    sys.stdout.write(forecaster.comparison_.to_text() + f"\n\nwrote the model to {options.out}\n")
    return 0


def predict(options: PredictOptions) -> int:
    """Print the forecast as CSV unless it went to a file; 3 with `--strict` when the model has drifted."""
    forecast, stands = load_forecast.predict_from_folder(options)
    if options.out is None:
        sys.stdout.write(load_forecast.forecast_csv(forecast))
    sys.stderr.write(f"{'drift: ' if stands.drifted else ''}{stands}.\n")
    return DRIFTED if stands.drifted and options.strict else 0


def evaluate(options: EvaluateOptions) -> int:
    """Print the comparison."""
    sys.stdout.write(load_forecast.evaluate_from_folder(options).to_text() + "\n")
    return 0


def bench(cases: Sequence[str], options: BenchOptions) -> int:
    """Print the rows as a table."""
    sys.stdout.write(bench_table(measure(cases, options)).to_text() + "\n")
    return 0
