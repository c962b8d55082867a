"""`labformer bench nilm`: models on real houses they did not learn from, one JSON row a model, appliance and seed."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..domains.nilm.collections import open_house
from ..domains.nilm.house import House
from ..domains.nilm.metrics import Score, Scored, average, score_table
from ..domains.nilm.predictor import CHOSEN, Disaggregator
from ..domains.nilm.split import first_and_last
from ..shared.errors import InputError
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.writing import require_writable, whole_file
from .nilm import plain_scores
from .nilm_options import NilmBenchOptions

Rows = list[dict[str, Any]]
FOUR = ("kettle", "dishwasher", "washing_machine", "microwave")


class Case(NamedTuple):
    """Houses of the catalogue to learn from and one to be tested on; None: the last quarter of the first."""

    train: tuple[str, ...]
    test: str | None
    appliances: tuple[str, ...]
    split: str


CASES: dict[str, Case] = {
    "refit-2-20": Case(
        ("refit-2", "ideal-65"), "refit-20", FOUR,
        "trained on REFIT 2 and IDEAL 65, chosen on the last quarter of both and on houses made up of it, sums of "
        "energy weighed on each as learnt from the other alone, tested on every minute of REFIT 20",
    ),
    "refit-20-2": Case(
        ("refit-20", "ideal-65"), "refit-2", FOUR,
        "trained on REFIT 20 and IDEAL 65, chosen on the last quarter of both and on houses made up of it, sums of "
        "energy weighed on each as learnt from the other alone, tested on every minute of REFIT 2",
    ),
    "ideal-65": Case(
        ("ideal-65",), None, ("shower", "dishwasher", "washing_machine"),
        "trained on the first three quarters of IDEAL 65, chosen on the end of that, tested on the last quarter of the "
        "same house: says nothing of other houses",
    ),
}  # fmt: skip


def bench(cases: Sequence[str], options: NilmBenchOptions = NilmBenchOptions()) -> Rows:
    """The rows of every case, all if none is named; prints nothing, writes `options.json` when it is named."""
    if unknown := [name for name in cases if name not in CASES]:
        raise InputError(f"no case named {unknown[0]!r}; known: {', '.join(CASES)}.")
    if options.json is not None:
        require_writable(options.json, options.overwrite)
    rows: Rows = []
    for name in cases or CASES:
        case = CASES[name]
        train, test = _houses(case, options.step)
        for seed in options.seeds:
            sys.stderr.write(f"{name}, seed {seed}: {case.split}\n")
            checkpoints = None if options.checkpoints is None else Path(options.checkpoints) / f"{name}-{seed}"
            made = Disaggregator(
                options.appliances or case.appliances, options.models, options.coverage, seed, options.device,
                sys.stderr.isatty(), checkpoints,
            )  # fmt: skip
            split = case.split if options.step == "1min" else f"{case.split}; all in steps of {options.step}"
            rows += rows_of(made.fit(train, test=test), name, split, seed)
    if options.json is not None:
        with whole_file(options.json, options.overwrite) as partial:
            partial.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return rows


def rows_of(made: Disaggregator, case: str, split: str, seed: int) -> Rows:
    """What one fitted and tested disaggregator says: scores by model and appliance, then how its intervals held."""
    about = {"case": case, "split": split, "seed": seed}
    rows: Rows = []
    cost = {row.model: row for row in made.comparison_.rows} if made.comparison_ is not None else {}
    for model, by in plain_scores(made.scores_).items():
        for name, values in by.items():
            picked = made.chosen_[name] if model == CHOSEN else model
            row = cost[picked]
            rows.append(
                {
                    "kind": "score", **about, "model": model, "appliance": name, "picked": picked, **values,
                    "probability_threshold": made.choices_[picked][name].threshold,
                    "counted": made.choices_[picked][name].counted,
                    "seconds_fit": _known(row.seconds_fit), "seconds_predict": _known(row.seconds_predict),
                    "parameters": row.parameters, "trust": made.trust_[name] if model == CHOSEN else "",
                    **_training(made.members_.get(picked), name),
                }
            )  # fmt: skip
    coverage = json.loads(made.coverage_.to_json(orient="records"))
    return rows + [{"kind": "coverage", **about, **one} for one in coverage]


def _training(model: Any, name: str) -> dict[str, Any]:
    """How long a network learnt, and how its error on validation fell; nothing for what is no network."""
    outcome = getattr(model, "outcomes_", {}).get(name)
    if outcome is None:
        return {}
    history = outcome.history
    return {
        "training": {
            "window": model.window, "batch": model.batch, "learning_rate": model.learning_rate,
            "steps": history[-1].step, "best_step": history[outcome.best_epoch - 1].step,
            "stopped": "all epochs done" if len(history) == model.epochs else "validation did not fall any more",
            "validation": [epoch.validation for epoch in history],
        }
    }  # fmt: skip


def bench_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people: of each case its split, the scores as means over seeds, their cost, the intervals."""
    parts = []
    for case in dict.fromkeys(row["case"] for row in rows):
        found = [row for row in rows if row["case"] == case]
        scores = [row for row in found if row["kind"] == "score"]
        seeds = sorted({row["seed"] for row in found})
        lines = [
            Scored(*both, average([_score(row) for row in scores if (row["model"], row["appliance"]) == both]))
            for both in dict.fromkeys((row["model"], row["appliance"]) for row in scores)
        ]
        said = f"{case}: {found[0]['split']}; " + (f"mean of seeds {seeds}" if len(seeds) > 1 else f"seed {seeds[0]}")
        parts += [score_table(lines, said).to_text(), _cost(scores).to_text(), _held(found).to_text()]
    return "\n\n".join(parts)


def _houses(case: Case, step: str) -> tuple[list[House], list[House]]:
    train = [open_house(name, step) for name in case.train]
    return first_and_last(train) if case.test is None else (train, [open_house(case.test, step)])


def _cost(rows: Rows) -> Table:
    by_model = {row["model"]: row for row in rows if row["model"] != CHOSEN}
    body = [
        (
            name, seconds(row["seconds_fit"]), seconds(row["seconds_predict"]),
            "" if row["parameters"] is None else f"{row['parameters']:,}",
        )
        for name, row in by_model.items()
    ]  # fmt: skip
    return Table(("model", "fit", "predict", "parameters"), body)


def _held(rows: Rows) -> Table:
    found = [row for row in rows if row["kind"] == "coverage"]
    keys = dict.fromkeys((row["appliance"], row["level"]) for row in found)
    body = []
    for name, level in keys:
        same = [row for row in found if (row["appliance"], row["level"]) == (name, level)]
        held, width = (_mean(row[what] for row in same) for what in ("covered", "width"))
        body.append((name, level, f"{100 * same[0]['wanted']:.0f} %", f"{100 * held:.1f} %", figures(width)))
    return Table(("appliance", "interval of a", "wanted", "held", "width, W or kWh"), body)


def _score(row: dict[str, Any]) -> Score:
    return Score(**{name: float("nan") if row[name] is None else row[name] for name in Score.__dataclass_fields__})


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _known(value: float) -> float | None:
    return value if value == value else None
