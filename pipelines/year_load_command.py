"""What the verbs of `year-load` print; each returns an exit code."""

import sys

from ..domains.forecasting.forecasts import forecast_table
from . import year_load
from .year_load_options import YearFitOptions, YearPredictOptions, YearRunOptions


def run(options: YearRunOptions) -> int:
    """Print the comparison on the test year."""
    done = year_load.run(options)
    sys.stdout.write(done.test.comparison.to_text() + "\n")
    sys.stdout.write(f"\nwrote {options.out}: report.html, predictions.nc, metrics.json, model/, run.toml\n")
    return 0


def fit(options: YearFitOptions) -> int:
    """Print the comparison on the test year."""
    _, test = year_load.fit_to_folder(options)
    sys.stdout.write(test.comparison.to_text() + f"\n\nwrote the model to {options.out}\n")
    return 0


def predict(options: YearPredictOptions) -> int:
    """Print the forecast as CSV unless it went to a file."""
    forecast = year_load.predict_from_folder(options)
    if options.out is None:
        sys.stdout.write(str(forecast_table(forecast).to_csv(index=False)))
    return 0
