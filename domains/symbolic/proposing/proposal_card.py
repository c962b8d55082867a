"""The card of a trained proposer: what it was made of, what it is worth, and when not to use it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from ....shared.learning.loop import Outcome
from ..models.odeformer import PUBLISHED

if TYPE_CHECKING:
    from .training import ProposerTraining

NAMES = {
    "systems": "systems",
    "surprise": "cross entropy, nats a word",
    "parsed": "sentences that are a system of the right dimension",
    "term_recall": "true terms named in the top 20",
    "terms_named": "different terms an equation in the top 20",
    "structure_recall": "systems with all terms right, and no other, in a law of the top 20",
    "reconstructed": "systems whose first law has R2 > 0.9 on the given run",
}


def card(
    options: "ProposerTraining", outcome: Outcome, figures: Mapping[str, Mapping[str, float]], history: str = "",
    processes: int = 1,
) -> str:  # fmt: skip
    """Markdown; `history` says what came before the training that `options` describe, by so many processes."""
    readers = list(figures)
    rows = [
        f"| {text} | "
        + " | ".join(f"{figures[one][name]:.3g}" if name in figures[one] else "–" for one in readers)
        + " |"
        for name, text in NAMES.items()
    ]
    visits = outcome.history[-1].step * options.batch * processes if outcome.history else 0
    published = options.model == PUBLISHED
    validation = "not measured" if outcome.best_validation is None else f"{outcome.best_validation:.3f} nats a word"
    lines = [
        f"# ODEFormer, {'published size' if published else 'small'}",
        "",
        f"Reads a trajectory of one to {options.model.states} states and writes systems of ordinary differential "
        "equations (after d'Ascoli et al. 2024, arXiv:2310.05573; trained here from nothing, no published weights were "
        "used).",
        "",
        "**Differences from the paper.** `id` in the generator is a place for an affine map; the rate falls along one "
        "half cosine; batches count examples."
        if published
        else "**Differences from the paper.** Mantissas are the sum of two rows of 100 instead of one of 10,000; "
        "points carry their states and slopes as numbers too; `id` in the generator is a place for an affine map; half "
        "of the examples are put in other units and another order of states; systems that settle are refused half of "
        "the time only; noise goes to 5 %, not 10 %; mantissas weigh less in the loss and long systems are left out "
        "(`mantissa`, `longest` below); the corpus and the training are far smaller.",
        "",
        f"**Data.** {options.examples:,} simulated examples (no measured data; nothing of any benchmark). "
        f"**Seed** {options.seed}. **Training** {visits:,} visits of examples in {outcome.seconds / 60:.0f} minutes of "
        f"{processes} process{'es' if processes > 1 else ''}; validation {validation}, weighted as the loss. "
        "**Command:** `labformer fit odeformer --out FOLDER`, options as below." + (f" {history}" if history else ""),
        "",
        f"**Figures** on fresh systems of the published generator (another seed, at most "
        f"{options.model.states} states and {options.model.length} words), clean, 48 sentences a system sampled "
        "over two scalings of the states, at temperature 0.5 (chosen on 30 other systems) where nothing else is said:",
        "",
        "| | " + " | ".join(readers) + " |",
        "|---|" + "---|" * len(readers),
        *rows,
        "",
        "**Units.** Any: runs are scaled before they are read and laws are scaled back.",
        "",
        "**Do not use** as the only source of a law: constants are rough and most proposals are wrong in some term. "
        "It is meant to suggest structures to a search that fits and compares them. More than "
        f"{options.model.states} states get none.",
        "",
        "**Licence** as of the suite.",
        "",
        "```json",
        json.dumps(asdict(options), indent=1),
        "```",
    ]
    return "\n".join(lines)
