"""What the verbs of `symbolic-ode` print; each returns an exit code."""

import os
import sys
from collections.abc import Sequence

from ..domains.symbolic.predictor import SymbolicODERegressor, to_text
from ..shared.evaluation.table import Table, figures
from . import symbolic_ode
from .symbolic_ode_bench import bench as measure
from .symbolic_ode_bench import bench_table
from .symbolic_ode_options import (
    OdeBenchOptions,
    OdeEvaluateOptions,
    OdeFitOptions,
    OdeformerFitOptions,
    OdePredictOptions,
    OdeRunOptions,
)


def run(options: OdeRunOptions) -> int:
    """Print the split, the equations, the comparison and the checks."""
    done = symbolic_ode.run(options)
    sys.stdout.write(f"{done.gathered.split}\n\n{_said(done.regressor)}\n\n{done.comparison.to_text()}\n\n")
    if done.metrics["recovered"] is not None:
        found = "" if done.metrics["recovered"] else "not "
        sys.stdout.write(f"the simulated law is {found}recovered: {'; '.join(done.metrics['truth'])}\n")
    for check in done.checks:
        sys.stdout.write(f"{'holds ' if check.holds else 'BROKEN'} {check.law} ({check.detail})\n")
    sys.stdout.write(
        f"\nwrote {options.out}: report.html, equations.json, predictions.nc, metrics.json, model/, run.toml\n"
    )
    return 0


def fit(options: OdeFitOptions) -> int:
    """Print the equations, their constants, and what to know of them."""
    made = symbolic_ode.fit_to_folder(options)
    sys.stdout.write(f"{_said(made)}\nwrote the model to {options.out}\n")
    return 0


def fit_odeformer(options: OdeformerFitOptions) -> int:
    """Train, and print where the model is and how to use it."""
    from ..domains.symbolic.proposing.training import train_proposer, training_of

    typed = {name: value for name, value in vars(options).items() if value is not None}
    training = training_of(options.size, typed)
    own = os.environ.get("LOCAL_RANK")  # of this process, where torchrun started it
    device = f"cuda:{own}" if options.device == "cuda" and own is not None else options.device
    made = train_proposer(training, options.out, systems=options.systems, overwrite=options.overwrite, device=device)
    sys.stdout.write(f"wrote the model to {made}; use it by --method hybrid-odeformer:{made}\n")
    return 0


def predict(options: OdePredictOptions) -> int:
    """Print the states as CSV unless they went to a file."""
    prediction = symbolic_ode.predict_from_model(options)
    if options.out is None:
        sys.stdout.write(str(symbolic_ode.prediction_table(prediction).to_csv(index=False)))
    return 0


def evaluate(options: OdeEvaluateOptions) -> int:
    """Print a row for each run."""
    rows = [
        (row["run"], f"{row['points']:,}", figures(row["r2"]),
         "" if row["band_holds"] is None else f"{row['band_holds']:.0%}")
        for row in symbolic_ode.evaluate_from_model(options)
    ]  # fmt: skip
    sys.stdout.write(Table(("run", "points", "R²", "points in the band"), rows).to_text() + "\n")
    return 0


def bench(cases: Sequence[str], options: OdeBenchOptions) -> int:
    """Print a table for each case and setting."""
    sys.stdout.write(bench_table(measure(cases, options)) + "\n")
    return 0


def _said(made: SymbolicODERegressor) -> str:
    lines = [f"  {line}" for line in to_text(made.system_, made.names_)]
    constants = made.constants_
    if len(constants) and constants["low"].notna().all():
        rows = [
            (one.equation, figures(one.value), f"{figures(one.low)} .. {figures(one.high)}")
            for one in constants.itertuples()
        ]
        lines += ["", Table(("equation of", "constant", f"{made.coverage:.0%} interval"), rows).to_text()]
    lines += ["", f"R² on the data: {figures(made.r2_)}"]
    lines += [f"rival: {'; '.join(to_text(one, made.names_, 3))}" for one in made.rivals_]
    lines += [f"note: {one}" for one in made.warnings_]
    return "\n".join(lines)
