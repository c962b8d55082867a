"""The comparison of models on one split: chosen on validation, scored once on test, and told in plain words."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .bootstrap import Blocks, Interval, mean_interval, skill_interval
from .metrics import Floats
from .table import Table, figures, seconds
from .verdict import Field, beaten, score_words, verdict

Role = Literal["baseline", "simple", "transformer"]
UNKNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Contender:
    """A model with its errors: one number a window, smaller is better, windows in time order."""

    model: str
    validation: float  # mean error on the validation part, by which the winner is chosen
    errors: ArrayLike  # (window,), on the test part; the same windows for every contender
    role: Role = "simple"  # baseline: a rule that needs no training; simple: fitted, and no transformer
    others: Mapping[str, float] = field(default_factory=dict)  # further test metrics by name
    seconds_fit: float = UNKNOWN
    seconds_predict: float = UNKNOWN
    parameters: int | None = None
    paper: str = ""  # the published figure and its setting, where the data is the paper's
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `low` and `high` bound `value`; the skill is against the best baseline on test."""

    model: str
    role: Role
    validation: float
    value: float
    low: float
    high: float
    skill: float
    skill_low: float
    skill_high: float
    others: Mapping[str, float]
    seconds_fit: float
    seconds_predict: float
    parameters: int | None
    paper: str
    note: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows, best on test first, the model chosen on validation, and what follows from it."""

    rows: tuple[Row, ...]
    metric: str
    unit: str
    chosen: str
    reference: str  # the best baseline on test: the one hardest to beat
    coverage: float  # of the intervals
    windows: int  # on test
    verdict: str
    beaten: tuple[str, ...]  # transformers that lose on test, beyond chance, to the best model that is none

    def table(self) -> Table:
        """Cells for people: the chosen row is marked, a column nobody filled is left out."""
        others = list(dict.fromkeys(name for row in self.rows for name in row.others))
        unit = f" {self.unit}" if self.unit else ""
        columns = {
            "model": [row.model for row in self.rows],
            f"{self.metric}{unit}": [figures(row.value) for row in self.rows],
            f"{100 * self.coverage:g} % interval": [_span(row.low, row.high, 1) for row in self.rows],
            f"skill vs {self.reference}": ["" if row.model == self.reference else _skill(row) for row in self.rows],
            **{name: [figures(row.others.get(name)) for row in self.rows] for name in others},
            f"validation {self.metric}": [figures(row.validation) for row in self.rows],
            "fit": [seconds(row.seconds_fit) for row in self.rows],
            "predict": [seconds(row.seconds_predict) for row in self.rows],
            "parameters": ["" if row.parameters is None else f"{row.parameters:,}" for row in self.rows],
            "paper": [row.paper for row in self.rows],
            "note": [row.note for row in self.rows],
        }
        filled = {name: cells for name, cells in columns.items() if any(cells)}
        marked = next(i for i, row in enumerate(self.rows) if row.model == self.chosen)
        return Table(tuple(filled), tuple(zip(*filled.values(), strict=True)), marked)

    def to_text(self) -> str:
        """The table and the verdict, for a terminal."""
        return f"{self.table().to_text()}\n\n{self.verdict}"

    def to_markdown(self) -> str:
        """The table and the verdict, for a page."""
        return f"{self.table().to_markdown()}\n\n{self.verdict}"

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values; a number that is not known is None."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    def to_json(self) -> str:
        """The same as strict JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def compare(
    contenders: Sequence[Contender],
    metric: str = "MAE",
    unit: str = "",
    *,
    chosen: str | None = None,
    blocks: Blocks = Blocks(),
) -> Comparison:
    """Choose on validation, score on test, with intervals by block bootstrap over the test windows.

    The intervals say what other days would have shown of these fitted models, not what other seeds would.
    chosen  the model that was chosen on validation elsewhere; None takes the smallest validation error
    With too few windows for two blocks the intervals are not known, and nothing is called distinguishable.
    Raises InputError for no baseline, a name given twice, an unknown `chosen`, or errors of different windows.
    """
    given = {contender.model: contender for contender in contenders}
    role = {name: contender.role for name, contender in given.items()}
    if len(role) < len(contenders):
        raise InputError("two contenders have the same name; compare every model once.")
    if "baseline" not in role.values():
        raise InputError("a comparison needs a baseline (role='baseline'): without one no number means anything.")
    errors = {name: np.asarray(contender.errors, dtype=np.float64) for name, contender in given.items()}
    shape = next(iter(errors.values())).shape
    for name, array in errors.items():
        if array.shape != shape or array.ndim != 1 or not array.size or not np.isfinite(array).all():
            raise InputError(
                f"the errors of {name}, of shape {array.shape}, are not one finite number for each of the "
                "same windows; leave out windows without real data, for every model."
            )
    if chosen is None:
        chosen = min(given, key=lambda name: math.inf if math.isnan(given[name].validation) else given[name].validation)
    if chosen not in role:
        raise InputError(f"the chosen model {chosen!r} is not compared; there are: {', '.join(role)}.")
    means = {name: float(array.mean()) for name, array in errors.items()}
    ranked = sorted(means, key=means.__getitem__)
    models = Field(
        chosen,
        reference=next(name for name in ranked if role[name] == "baseline"),
        simplest=next(name for name in ranked if role[name] != "transformer"),
        baselines=[name for name in ranked if role[name] == "baseline"],
        transformers=[name for name in ranked if role[name] == "transformer"],
        against=lambda model, other: _paired(errors[model], errors[other], blocks),
        coverage=blocks.coverage,
    )
    rows = tuple(_row(given[name], errors[name], models, blocks) for name in ranked)
    words = verdict(models, score_words(metric, means[chosen], unit))
    windows = len(errors[chosen])
    return Comparison(rows, metric, unit, chosen, models.reference, blocks.coverage, windows, words, beaten(models))


def _row(given: Contender, errors: Floats, models: Field, blocks: Blocks) -> Row:
    alone = (
        Interval(float(errors.mean()), UNKNOWN, UNKNOWN) if _too_few(errors, blocks) else mean_interval(errors, blocks)
    )
    skill = models.against(given.model, models.reference)
    return Row(
        model=given.model,
        role=given.role,
        validation=given.validation,
        value=alone.value,
        low=alone.low,
        high=alone.high,
        skill=skill.value,
        skill_low=skill.low,
        skill_high=skill.high,
        others=dict(given.others),
        seconds_fit=given.seconds_fit,
        seconds_predict=given.seconds_predict,
        parameters=given.parameters,
        paper=given.paper,
        note=given.note,
    )


def _paired(errors: Floats, reference: Floats, blocks: Blocks) -> Interval:
    """Skill with its interval, also where a formula has none: too few windows, or a reference without error."""
    if not reference.any():
        return Interval(*[-math.inf if errors.any() else 0.0] * 3)
    if _too_few(errors, blocks):
        return Interval(1 - float(errors.mean() / reference.mean()), UNKNOWN, UNKNOWN)
    return skill_interval(errors, reference, blocks)


def _too_few(errors: Floats, blocks: Blocks) -> bool:
    return len(errors) < 2 * blocks.length(len(errors))


def _skill(row: Row) -> str:
    ends = _span(row.skill_low, row.skill_high, 100)
    return f"{100 * row.skill:.1f} %" + (f" [{ends}]" if ends else "") if math.isfinite(row.skill) else ""


def _span(low: float, high: float, factor: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if factor == 1:
        return f"{figures(low)}..{figures(high)}"
    return f"{factor * low:.1f}..{factor * high:.1f}"


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
