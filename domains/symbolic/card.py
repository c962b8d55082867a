"""The card of a found law: what it says, how it was found, how sure it is, when not to use it."""

from typing import TYPE_CHECKING

from ...shared.evaluation.table import Table, figures
from .registry import method

if TYPE_CHECKING:
    from .predictor import SymbolicODERegressor

WAYS = {"laplace": "Laplace approximation around the fit", "profile": "profile likelihood"}


def card(made: "SymbolicODERegressor") -> str:
    """Markdown for people."""
    from .predictor import to_text

    points = ", ".join(str(len(run.times)) for run in made.runs_)
    lines = ["# Equations found in data", "", *(f"    {line}" for line in to_text(made.system_, made.names_)), ""]
    lines += [
        f"Found by `{made.method}` ({method(made.method).text}), seed {made.seed}, from {len(made.runs_)} "
        f"run{'s' if len(made.runs_) > 1 else ''} of {points} points. Times and states are in the units of the data.",
        "",
        f"R² of the law followed from the first point of each run, on the same points: {figures(made.r2_)}. That is no "
        "test: it says that the law fits, not that it is true.",
        "",
    ]
    constants = made.constants_
    if len(constants) and constants["low"].notna().all():
        rows = [
            (one.equation, one.constant, figures(one.value), f"{figures(one.low)} .. {figures(one.high)}")
            for one in constants.itertuples()
        ]
        named = Table(("equation of", "constant", "value", f"{made.coverage:.0%} interval"), rows)
        lines += [
            named.to_markdown(),
            "",
            f"Intervals: {WAYS[made.intervals]}, of this structure alone.",
            "",
        ]
    if made.rivals_:
        lines += ["Laws that the data cannot tell from this one:", ""]
        lines += [f"- {'; '.join(to_text(one, made.names_))}" for one in made.rivals_] + [""]
    if made.warnings_:
        lines += ["To know before use:", ""] + [f"- {one}" for one in made.warnings_] + [""]
    lines += [
        "Do not use it for states far from those that were measured, or for a system that is driven from outside."
    ]
    return "\n".join(lines)
