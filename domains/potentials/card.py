"""The card of a fitted potential: what it learnt from, how good it is, and when not to use it."""

from typing import TYPE_CHECKING

from ... import __version__
from ...shared.evaluation.table import Table, figures
from .reading.elements import SYMBOLS
from .registry import entry

if TYPE_CHECKING:
    from .judging.scores import Scores
    from .predictor import InteratomicPotential


def card(made: "InteratomicPotential") -> str:
    """Markdown for people."""
    elements = ", ".join(SYMBOLS[one - 1] for one in made.elements_)
    beside = " on top of GFN2-xTB" if made.delta else ""
    several = f", a committee of {made.members}" if made.members > 1 else ""
    notes = "".join(f"- {one[0].upper()}{one[1:]}.\n" for one in made.notes_)
    return f"""# Interatomic potential of {elements}

`{made.method}` ({entry(made.method).text}){several}{beside}; {made.count():,} numbers learnt, cutoff {made.cutoff:g} Å.
Units: positions Å, energies eV, forces eV/Å, stress eV/Å³ (ASE's order and sign).
Made by labformer {__version__}, seed {made.seed}, fitted in {made.seconds_fit_:.0f} s.

## Data

{made.frames_fit_} frames; {made.data_note_ or "their licence is their owner's"}. Held out: {made.held_}.

## How good it is

{_scores(made.scores_, made.tested_)}

{_promise(made)}

## When not to use it

{notes}- For an atom whose novelty is above 1 the radius promises nothing: label such frames and fit again.
- For other elements, charges or spin states than those of the frames, or another level of theory.
"""


def _scores(scores: "Scores | None", tested: str) -> str:
    if scores is None:
        return "No frames were kept for a test."
    rows = [
        ("energy, meV", figures(scores.energy.value), _ends(scores.energy.low, scores.energy.high)),
        ("energy, meV/atom", figures(scores.energy_per_atom.value),
         _ends(scores.energy_per_atom.low, scores.energy_per_atom.high)),
        ("force component, meV/Å", figures(scores.force.value), _ends(scores.force.low, scores.force.high)),
    ]  # fmt: skip
    table = Table(("mean absolute error", "value", "90 % interval"), rows)
    return f"On {scores.frames} frames on which nothing was chosen ({tested}):\n\n{table.to_markdown()}"


def _promise(made: "InteratomicPotential") -> str:
    if made.trust_ is None:
        return "Errors are not calibrated."
    said = f"Radii of forces and intervals of energies are made for {made.coverage:.0%}, on {made.trust_.frames} frames"
    scores = made.scores_
    if scores is None or scores.force_covered != scores.force_covered:
        return f"{said}; not measured on a test."
    energies = (
        "" if scores.energy_covered != scores.energy_covered else f", {scores.energy_covered:.1%} of the energies"
    )
    return f"{said}; on the test they hold {scores.force_covered:.1%} of the atoms{energies}."


def _ends(low: float, high: float) -> str:
    return f"{figures(low)} .. {figures(high)}" if low == low else ""
