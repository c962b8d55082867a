"""The mains of a house into its appliances: load -> split -> fit -> predict -> score -> report."""

import json
import math
import sys
from dataclasses import asdict
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from .. import __version__
from ..domains.nilm.bill import bill
from ..domains.nilm.checks import run_checks
from ..domains.nilm.evaluation import Evaluation, evaluate_on
from ..domains.nilm.house import House
from ..domains.nilm.metrics import Score
from ..domains.nilm.predictor import Disaggregator, read_for
from ..domains.nilm.tables import prediction_table
from ..domains.nilm.tariff import Tariff
from ..shared.errors import InputError
from ..shared.evaluation.check import Check
from ..shared.writing import require_format, require_writable, whole_file, whole_folder, write_labelled
from .nilm_houses import Houses, gather, read_metered, read_whole, say, sha256
from .nilm_options import NilmEvaluateOptions, NilmFitOptions, NilmFitting, NilmPredictOptions, NilmRunOptions
from .nilm_report import nilm_report
from .nilm_report_quality import reasons
from .options import UsageError, to_toml


class NilmRun(NamedTuple):
    """What a run came to."""

    disaggregator: Disaggregator
    houses: Houses
    prediction: xr.Dataset  # of the first house of the test
    usage: pd.DataFrame
    checks: list[Check]
    metrics: dict[str, Any]


def fit(houses: Houses, options: NilmFitting) -> Disaggregator:
    """Fit every candidate, choose and calibrate on validation, score once on the test houses, if there are any."""
    disaggregator = Disaggregator(
        appliances=houses.appliances,
        models=options.models,
        coverage=options.coverage,
        seed=options.seed,
        device=options.device,
        progress=sys.stderr.isatty(),
        checkpoints=options.checkpoints,
    )
    disaggregator.data_note_ = houses.note
    return disaggregator.fit(houses.train, houses.validation, houses.test or None)


def score(disaggregator: Disaggregator, houses: Houses, checks: list[Check]) -> dict[str, Any]:
    """Everything that was measured, as plain values; a number that does not exist is None."""
    comparison = disaggregator.comparison_
    return {
        "split": houses.split,
        "chosen": disaggregator.chosen_,
        "thresholds": disaggregator.thresholds_,
        "counted": disaggregator.counted_,
        "comparison": None if comparison is None else comparison.to_dict(),
        "scores": plain_scores(disaggregator.scores_),
        "validation": plain_scores(disaggregator.validation_scores_),
        "left_out": plain_scores({"chosen": disaggregator.apart_scores_})["chosen"],
        "coverage": json.loads(disaggregator.coverage_.to_json(orient="records")),
        "trust": disaggregator.trust_,
        "checks": [check._asdict() for check in checks],
        "repairs": {house.name: list(house.repairs) for house in (*houses.train, *houses.test)},
        "odd": {house.name: list(house.odd) for house in (*houses.train, *houses.test)},
    }


def run(options: NilmRunOptions = NilmRunOptions()) -> NilmRun:
    """Do it all and write the run folder, whole or not at all."""
    require_writable(options.out, options.overwrite, "folder")
    tariff = Tariff.read(options.tariff) if options.tariff else None
    houses = gather(options, options.test)
    if not houses.test:
        raise InputError("--test 0 leaves nothing to score on; give a share such as 0.25, or --test-data FILE.")
    disaggregator, house = fit(houses, options), houses.test[0]
    prediction = disaggregator.predict(house)
    usage = bill(prediction, house.local(), tariff)
    checks = run_checks(disaggregator, house, prediction)
    done = NilmRun(disaggregator, houses, prediction, usage, checks, score(disaggregator, houses, checks))
    about = {"labformer": __version__, "data_sha256": sha256(options)}
    with whole_folder(options.out, options.overwrite) as folder:
        metrics = json.dumps(done.metrics, indent=1, allow_nan=False)
        (folder / "metrics.json").write_text(metrics + "\n", encoding="utf-8")
        write_labelled(prediction, prediction_table, folder / "predictions.nc")
        usage.to_csv(folder / "usage.csv", index=False)
        disaggregator.save_pretrained(folder / "model")
        (folder / "run.toml").write_text(to_toml(options, about), encoding="utf-8")
        nilm_report(disaggregator, houses, prediction, usage, checks).write(folder / "report.html")
    return done


def fit_to_folder(options: NilmFitOptions) -> Disaggregator:
    """Fit and save a model folder."""
    require_writable(options.out, options.overwrite, "folder")
    if not options.data and not options.houses:
        raise UsageError("--data FILE or --houses NAME is needed; `labformer run nilm` shows simulated houses.")
    disaggregator = fit(gather(options), options)
    if not options.each:
        disaggregator.save_pretrained(options.out, options.overwrite)
        return disaggregator
    with whole_folder(options.out, options.overwrite) as folder:
        for name in disaggregator.chosen_:
            disaggregator.only(name).save_pretrained(folder / name)
    return disaggregator


def predict_from_model(options: NilmPredictOptions) -> pd.DataFrame:
    """Split the mains of a file with a saved or shipped model; -> the table of use, written where that is named."""
    if options.out is not None:
        require_format(options.out)
    for path in filter(None, (options.out, options.usage)):
        require_writable(path, options.overwrite)
    tariff = Tariff.read(options.tariff) if options.tariff else None
    model = Disaggregator.from_pretrained(options.model)
    if options.appliances:
        model = model.only(*options.appliances)
    disaggregator, house = read_for(model, lambda step: read_whole(options.data, options, step))
    say(house)
    if not options.appliances and len(disaggregator.chosen_) > 1:
        every = ", ".join(disaggregator.chosen_)
        sys.stderr.write(f"answered as if the house had each of {every}; name those that it has with --appliances\n")
    prediction = disaggregator.predict(house)
    usage = bill(prediction, house.local(), tariff)
    if options.out is not None:
        write_labelled(prediction, prediction_table, options.out, options.overwrite)
    if options.usage is not None:
        with whole_file(options.usage, options.overwrite) as partial:
            usage.to_csv(partial, index=False)
    say_doubts(disaggregator, house)
    return usage


def evaluate_from_model(options: NilmEvaluateOptions) -> Evaluation:
    """Score a saved or shipped model on a house whose appliances are metered."""
    if options.out is not None:
        require_writable(options.out, options.overwrite)
    disaggregator, house = read_for(
        Disaggregator.from_pretrained(options.model),
        lambda step: read_metered(options.data, options, step, options.columns),
    )
    say(house)
    found = evaluate_on(disaggregator, house)
    for line in found.left_out:
        sys.stderr.write(f"not scored: {line}\n")
    if options.out is not None:
        scores = plain_scores({line.appliance: {line.model: line.score} for line in found.lines})
        rows = json.loads(found.coverage.to_json(orient="records"))
        text = json.dumps({"scores": scores, "coverage": rows, "left_out": found.left_out}, indent=1, allow_nan=False)
        with whole_file(options.out, options.overwrite) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    say_doubts(disaggregator, house)
    return found


def say_doubts(disaggregator: Disaggregator, house: House | None = None) -> None:
    """Say on stderr which answers not to trust, for this house or for any."""
    for reason in reasons(disaggregator, house):
        sys.stderr.write(f"warning: {reason}\n")


def plain_scores(scores: dict[str, dict[str, Score]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Scores as JSON has them."""
    return {
        one: {
            other: {name: value if math.isfinite(value) else None for name, value in asdict(found).items()}
            for other, found in by.items()
        }
        for one, by in scores.items()
    }
