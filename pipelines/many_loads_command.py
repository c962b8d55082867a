"""What the verbs of `many-loads` print; each returns an exit code, 1 when every series has failed."""

import sys

from ..domains.forecasting.many.predictor import score_table
from . import many_loads
from .many_endings import say_failures
from .many_loads_options import ManyFitOptions, ManyPredictOptions, ManyRunOptions

LACK = "series have no forecast"


def run(options: ManyRunOptions) -> int:
    """Print what was won by which model, and the scores."""
    done = many_loads.run(options)
    sys.stdout.write(score_table(done.series, options.coverage).to_text() + f"\n\nwrote {options.out}\n")
    return say_failures(done.series, LACK)


def fit(options: ManyFitOptions) -> int:
    """Print the scores of the sample."""
    model = many_loads.fit_to_folder(options)
    sys.stdout.write(f"{model.about_}\n{model.scores_.to_text()}\n\nwrote the model to {options.out}\n")
    return 0


def predict(options: ManyPredictOptions) -> int:
    """Say what was written."""
    series = many_loads.predict_from_folder(options)
    sys.stdout.write(f"wrote {options.out}: forecasts of {series.sizes['series']:,} series\n")
    return say_failures(series, LACK)
