"""What the verbs of `nilm` print; each returns an exit code."""

import sys
from collections.abc import Sequence

from ..domains.nilm.evaluation import coverage_rows
from ..domains.nilm.metrics import Scored, score_table
from ..domains.nilm.predictor import Disaggregator
from . import nilm
from .nilm_bench import bench as measure
from .nilm_bench import bench_table
from .nilm_options import NilmBenchOptions, NilmEvaluateOptions, NilmFitOptions, NilmPredictOptions, NilmRunOptions


def run(options: NilmRunOptions) -> int:
    """Print the split, the comparison, the scores, the intervals and the checks."""
    done = nilm.run(options)
    sys.stdout.write(f"{done.houses.split}\n\n{_tested(done.disaggregator)}\n\n")
    for check in done.checks:
        sys.stdout.write(f"{'holds ' if check.holds else 'BROKEN'} {check.law} ({check.detail})\n")
    nilm.say_doubts(done.disaggregator)
    sys.stdout.write(f"\nwrote {options.out}: report.html, predictions.nc, usage.csv, metrics.json, model/, run.toml\n")
    return 0


def fit(options: NilmFitOptions) -> int:
    """Print the scores on validation, and on the test houses when there are any."""
    made = nilm.fit_to_folder(options)
    lines = [Scored(model, name, one) for model, by in made.validation_scores_.items() for name, one in by.items()]
    sys.stdout.write(score_table(lines, caption="on validation, where models are chosen").to_text() + "\n\n")
    apart = [Scored(made.chosen_[name], name, one) for name, one in made.apart_scores_.items()]
    if apart:
        words = "on houses left out, by smaller models that learnt from the others"
        sys.stdout.write(score_table(apart, caption=words).to_text() + "\n\n")
    chosen = ", ".join(f"{name}: {model}" for name, model in made.chosen_.items())
    if made.comparison_ is not None:
        sys.stdout.write(_tested(made) + "\n\n")
    nilm.say_doubts(made)
    sys.stdout.write(f"chosen: {chosen}\nwrote the model to {options.out}\n")
    return 0


def predict(options: NilmPredictOptions) -> int:
    """Print the table of use as CSV unless the power or the table went to a file."""
    usage = nilm.predict_from_model(options)
    if options.out is None and options.usage is None:
        sys.stdout.write(str(usage.to_csv(index=False)))
    return 0


def evaluate(options: NilmEvaluateOptions) -> int:
    """Print the scores beside those of predicting nothing, and what the intervals held."""
    found = nilm.evaluate_from_model(options)
    sys.stdout.write(f"{found.table().to_text()}\n\n{coverage_rows(found.coverage).to_text()}\n")
    return 0


def bench(cases: Sequence[str], options: NilmBenchOptions) -> int:
    """Print the rows as a table for each case."""
    sys.stdout.write(bench_table(measure(cases, options)) + "\n")
    return 0


def _tested(made: Disaggregator) -> str:
    """The scores on test houses as text."""
    lines = [Scored(model, name, one) for model, by in made.scores_.items() for name, one in by.items()]
    comparison = made.comparison_.to_text() if made.comparison_ is not None else ""
    return "\n\n".join((score_table(lines).to_text(), comparison, coverage_rows(made.coverage_).to_text()))
