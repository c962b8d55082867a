"""What a comparison says in words: who wins, by how much, and whether a transformer was worth it."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .bootstrap import Interval
from .table import figures

Against = Callable[[str, str], Interval]  # (model, other) -> skill of the model with the other as reference


class Field(NamedTuple):
    """The models of a comparison by part, and how two of them compare on test."""

    chosen: str  # on validation
    reference: str  # best baseline on test
    simplest: str  # best on test of all that is not a transformer
    baselines: Sequence[str]
    transformers: Sequence[str]
    against: Against
    coverage: float


def verdict(models: Field, score: str) -> str:
    """One sentence a person can repeat; `score` is the winner's figure in words, as "MAE 512 MW"."""
    chosen, reference, against = models.chosen, models.reference, models.against
    result = against(chosen, reference)
    span = _Span(models.coverage)
    if chosen == reference:
        parts = [f"{chosen}, a baseline, wins: {score}; no trained model did better on validation"]
    elif chosen in models.baselines:
        parts = [f"{chosen}, a baseline, is chosen on validation: {score}, {span.distance(result, reference)}"]
    elif result.low > 0:
        parts = [f"{chosen} wins: {score}, {span.distance(result, reference)}"]
    elif result.high < 0:
        parts = [f"{chosen}, chosen on validation, loses on test: {score}, {span.distance(result, reference)}"]
    else:
        parts = [f"{chosen} is chosen on validation: {score}, {span.distance(result, reference)}"]
    if chosen in models.transformers and models.simplest != reference:
        parts.append(_next_to(chosen, models.simplest, "it", models, span))
    parts += [_next_to(name, chosen, name, models, span, "it") for name in models.transformers if name != chosen]
    return "; ".join(parts) + "."


def beaten(models: Field) -> tuple[str, ...]:
    """Transformers that lose on test to the best model that is none, with the whole interval below zero."""
    return tuple(name for name in models.transformers if models.against(name, models.simplest).high < 0)


def _next_to(model: str, other: str, subject: str, models: Field, span: "_Span", named: str = "") -> str:
    """How a model stands next to another, and whether it loses to the best baseline too."""
    result, named = models.against(model, other), named or other
    if result.high < 0:
        text = f"{subject} loses to {named} by {span.size(result)}"
    elif result.low > 0:
        text = f"{subject} beats {named} on test by {span.size(result)}"
    else:
        text = f"{subject} is not distinguishable from {named} ({span.inside(result)})"
    if models.reference not in (other, model) and models.against(model, models.reference).high < 0:
        text += f", and loses even to the baseline {models.reference}"
    return text


class _Span(NamedTuple):
    coverage: float

    def distance(self, result: Interval, other: str) -> str:
        if result.covers(0) or math.isnan(result.low):
            return f"not distinguishable from {other} ({self.inside(result)})"
        return f"{_percent(result.value)} {_side(result.value)} {other} ({self.ends(result)})"

    def size(self, result: Interval) -> str:
        return f"{_percent(result.value)} ({self.ends(result)})"

    def inside(self, result: Interval) -> str:
        return f"{_percent(result.value)} {_side(result.value)}, {self.ends(result)}"

    def ends(self, result: Interval) -> str:
        """The interval with the sign of the sentence: a loss of 12 % has an interval around 12, not around -12."""
        if math.isnan(result.low):
            return "too few test windows for an interval"
        sign = 1 if result.value >= 0 else -1
        low, high = sorted((sign * 100 * result.low, sign * 100 * result.high))
        return f"{100 * self.coverage:g} % interval {_short(low)}..{_short(high)} %"


def _side(value: float) -> str:
    return "below" if value >= 0 else "above"


def _percent(value: float) -> str:
    return f"{_short(100 * abs(value))} %" if math.isfinite(value) else "infinitely far"


def _short(percent: float) -> str:
    text = f"{percent:.0f}" if abs(percent) >= 9.95 else f"{percent:.1f}"
    return text.removeprefix("-") if not float(text) else text


def score_words(metric: str, value: float, unit: str) -> str:
    """The winner's figure as said in the verdict: "MAE 512 MW"."""
    return " ".join(filter(None, (metric, figures(value), unit)))
