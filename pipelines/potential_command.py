"""What the verbs of `potential` print; each returns an exit code."""

import sys
from collections.abc import Sequence

from ..domains.potentials.judging.scores import Scores, stress_turned
from ..domains.potentials.predictor import InteratomicPotential, named, warnings_of
from ..shared.evaluation.bootstrap import Interval
from ..shared.evaluation.table import Table, figures
from ..shared.reading.table import plural
from . import potential
from .potential_bench import bench as measure
from .potential_bench import bench_table
from .potential_options import (
    PotentialBenchOptions,
    PotentialEvaluateOptions,
    PotentialFitOptions,
    PotentialPredictOptions,
    PotentialRunOptions,
)
from .potential_output import to_extxyz


def run(options: PotentialRunOptions) -> int:
    """Print the split, the comparison, the errors, the laws and how atoms moved."""
    done = potential.run(options)
    assert done.potential.scores_ is not None
    sys.stdout.write(f"{done.gathered.split}\n\n{done.comparison.to_text()}\n\n")
    sys.stdout.write(score_table(done.potential.scores_, done.potential.coverage).to_text() + "\n\n")
    for check in done.checks:
        sys.stdout.write(f"{'holds ' if check.holds else 'BROKEN'} {check.law} ({check.detail})\n")
    if done.motion is not None:
        moved = done.motion.to_dict()
        how = (
            "stable" if moved["stable"] else f"unstable after {figures(moved['stable_until_ps'])} ps: {moved['reason']}"
        )
        sys.stdout.write(
            f"dynamics: {moved['picoseconds']:.3g} ps at {moved['temperature']:g} K, {how}; energy drifts by "
            f"{figures(moved['drift_mev_per_atom']) or 'an unknown number of'} meV/atom; "
            f"{figures(moved['steps_per_second'])} steps/s\n"
        )
    for line in [*done.potential.notes_, *done.metrics["outside_training"]]:
        sys.stdout.write(f"note: {line}\n")
    sys.stdout.write(f"\nwrote {options.out}: report.html, predictions.extxyz, metrics.json, model/, run.toml\n")
    return 0


def fit(options: PotentialFitOptions) -> int:
    """Print what was learnt and what to know of it."""
    made = potential.fit_to_folder(options)
    sys.stdout.write(f"{_said(made)}\nwrote the model to {options.out}\n")
    return 0


def predict(options: PotentialPredictOptions) -> int:
    """Print frames as extended XYZ unless they went to a file; what lies outside training goes to stderr."""
    _, predictions = potential.predict_from_model(options)
    if options.out is None:
        sys.stdout.writelines(to_extxyz(one) for one in predictions)
    for line in warnings_of(predictions):
        sys.stderr.write(f"warning: {line}\n")
    return 0


def evaluate(options: PotentialEvaluateOptions) -> int:
    """Print the errors, by element too."""
    scores, predictions = potential.evaluate_from_model(options)
    sys.stdout.write(score_table(scores).to_text() + "\n")
    for line in [*stress_turned(predictions), *warnings_of(predictions)]:
        sys.stdout.write(f"note: {line}\n")
    return 0


def bench(cases: Sequence[str], options: PotentialBenchOptions) -> int:
    """Print a table for each case and number of frames."""
    sys.stdout.write(bench_table(measure(cases, options)) + "\n")
    return 0


def score_table(scores: Scores, coverage: float | None = None) -> Table:
    """Errors on so many frames, with intervals, and what the promises held."""
    promised = "" if coverage is None else f" (promised {coverage:.0%})"
    rows = [
        ("energy, meV a frame", *_cells(scores.energy)),
        ("energy, meV an atom", *_cells(scores.energy_per_atom)),
        ("force component, meV/Å", *_cells(scores.force)),
        *((f"  of {name}", figures(value), "") for name, value in scores.by_element.items()),
        ("force component, root mean square", figures(scores.force_rmse), ""),
        ("stress component, meV/Å³", figures(scores.stress), ""),
        (f"forces within their radius{promised}", _share(scores.force_covered), ""),
        (f"energies within their interval{promised}", _share(scores.energy_covered), ""),
        ("median radius, meV/Å", figures(scores.radius), ""),
        ("atoms beyond training", _share(scores.outside), ""),
    ]
    caption = f"mean absolute errors on {scores.frames} frames, {scores.atoms} atoms"
    return Table(("what", "value", "90 % interval"), [row for row in rows if row[1]], caption=caption)


def _cells(one: Interval) -> tuple[str, str]:
    return figures(one.value), f"{figures(one.low)} .. {figures(one.high)}" if one.low == one.low else ""


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else ""


def _said(made: InteratomicPotential) -> str:
    lines = [
        f"{made.method} of {named(made.elements_)}: {made.count():,} numbers from {plural(made.frames_fit_, 'frame')} "
        f"in {made.seconds_fit_:.1f} s; cutoff {made.cutoff:g} Å; held out: {made.held_}",
    ]
    if made.trust_ is not None and made.promises:
        seen = ", each left out of a fit" if made.held_ == "none" else ""
        lines.append(f"errors calibrated at {made.coverage:.0%} on {made.trust_.frames} frames{seen}")
    return "\n".join([*lines, *(f"note: {one}" for one in made.notes_)])
