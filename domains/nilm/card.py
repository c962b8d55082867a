"""The card of a fitted disaggregator: what it learnt from, how good it is, and when not to use it."""

from typing import TYPE_CHECKING

from ... import __version__
from ...shared.reading.grid import say_duration
from .appliances import APPLIANCES, MINUTE
from .metrics import Scored, score_table

if TYPE_CHECKING:
    from .predictor import Disaggregator


def card(made: "Disaggregator") -> str:
    """Markdown for people."""
    titles = ", ".join(APPLIANCES[name].title for name in made.chosen_)
    chosen = "\n".join(
        f"- {APPLIANCES[name].title}: {model}, running from a probability of {made.thresholds_[name]:g} and "
        f"{APPLIANCES[name].at(made.step_).on_w:.0f} W; energy is {_counted(made, name)}"
        for name, model in made.chosen_.items()
    )
    validation = score_table(
        [Scored(model, name, made.validation_scores_[model][name]) for name, model in made.chosen_.items()]
    )
    doubts = "\n".join(f"- {text}." for text in made.trust_.values() if text)
    return f"""# Disaggregator: {titles}

Power of each appliance in W from the mains alone, in steps of {say_duration(made.step_)}; probability of running, and
intervals of {100 * made.coverage:g} % of power and of daily and monthly energy.
Made by labformer {__version__}, seed {made.seed}{_took(made)}.

## Data

Learnt from: {", ".join(made.houses_)}; {made.data_note_ or "the licence of the data is its owner's"}.

## Models

{chosen}

## How good it is

On {made.held_}, which the models did not learn from, and on houses made up of it; threshold, choice and intervals rest
on it, and its houses are those that were learnt from, so a stranger's house will do worse:

{validation.to_markdown()}

{_apart(made)}

{_test(made)}

## When not to use it

{doubts or "- Validation gives no reason of its own."}
{_coarse(made)}
- For houses of another kind than those above (storage heating, a heat pump, a car that charges, 120 V).
- To bill somebody: intervals hold on average over houses like those above, not for every house.
"""


def _coarse(made: "Disaggregator") -> str:
    if made.step_ <= MINUTE:
        return "- On readings coarser than a minute: a kettle runs for two or three of them."
    return (
        f"- Where finer readings can be had: in {say_duration(made.step_)} most of what tells appliances apart is "
        "averaged away."
    )


def _took(made: "Disaggregator") -> str:
    seconds = sum(made.seconds_fit_.get(part, 0.0) for model in made.chosen_.values() for part in made.parts(model))
    return f", fitted in {seconds:.0f} s" if seconds else ""


def _counted(made: "Disaggregator", name: str) -> str:
    if not (factor := made.counted_[name]):
        return "the sum of power"
    parts = made.parts(made.chosen_[name])
    learnt = any(name in getattr(made.members_[part], "mean_", ()) for part in parts)
    return f"{'its mean power' if learnt else 'power times probability'}, times {factor:.2f}"


def _apart(made: "Disaggregator") -> str:
    if not made.apart_scores_:
        return "No house was left out of the fit, to see what becomes of a stranger's."
    lines = [Scored(made.chosen_[name], name, score) for name, score in made.apart_scores_.items()]
    return (
        "Each of the houses it learnt from, answered by a smaller model of the kind that learnt from the others: "
        f"nearer to what a stranger's house will see. Sums of energy rest on this.\n\n"
        f"{score_table(lines).to_markdown()}"
    )


def _test(made: "Disaggregator") -> str:
    if not made.scores_:
        return "No house was kept for a test."
    lines = [Scored(model, name, one) for model, found in made.scores_.items() for name, one in found.items()]
    held = made.coverage_.to_string(index=False, float_format="{:.3g}".format)
    return (
        f"On {', '.join(made.tested_)}, on which nothing was chosen:\n\n{score_table(lines).to_markdown()}\n\n"
        f"Intervals there (width in W for minutes, kWh otherwise):\n\n```\n{held}\n```"
    )
