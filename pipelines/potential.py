"""Labelled frames into an interatomic potential: load -> split -> fit -> compare -> check -> move -> report."""

import json
import sys
from typing import Any, NamedTuple

import torch

from .. import __version__
from ..domains.potentials.checks import run_checks
from ..domains.potentials.contest import contest
from ..domains.potentials.frame import require_labels
from ..domains.potentials.judging.benchmark import chosen
from ..domains.potentials.judging.reliability import reliability
from ..domains.potentials.judging.scores import Scores, score
from ..domains.potentials.predictor import InteratomicPotential, Prediction, warnings_of
from ..shared.errors import InputError
from ..shared.evaluation.check import Check
from ..shared.evaluation.comparison import Comparison
from ..shared.writing import require_writable, whole_file, whole_folder
from .options import UsageError, to_toml
from .potential_frames import TEMPERATURES, Gathered, gather, read, reference_calculator, settings_of, sha256
from .potential_motion import Motion, move
from .potential_options import (
    PotentialEvaluateOptions,
    PotentialFitOptions,
    PotentialFitting,
    PotentialPredictOptions,
    PotentialRunOptions,
)
from .potential_output import require_output, write_predictions
from .potential_report import potential_report

ROOM = 300.0  # K
DTYPES = {"float32": torch.float32, "float64": torch.float64}


class PotentialRun(NamedTuple):
    """What a run came to."""

    potential: InteratomicPotential
    gathered: Gathered
    predictions: list[Prediction]  # of the test
    comparison: Comparison
    checks: list[Check]
    motion: Motion | None
    metrics: dict[str, Any]


def run(options: PotentialRunOptions = PotentialRunOptions()) -> PotentialRun:
    """Do it all and write the run folder, whole or not at all."""
    require_writable(options.out, options.overwrite, "folder")
    potential = _new(options)
    gathered = gather(options)
    _say(f"{gathered.split}; fitting {options.method}")
    potential.fit(gathered.train, gathered.validation, gathered.reference)
    potential.repairs_, potential.data_note_ = list(gathered.repairs), gathered.source
    _say(f"fitted in {potential.seconds_fit_:.0f} s; fitting what stands beside it")
    held = gathered.validation or []
    comparison, predictions = contest(
        potential, gathered.train, held, gathered.test, options.beside, gathered.reference
    )
    potential.scores_, potential.tested_ = score(predictions), gathered.split
    _say("trying the laws")
    checks = run_checks(potential, gathered.test)
    motion = _moved(potential, gathered, options)
    done = PotentialRun(potential, gathered, predictions, comparison, checks, motion, {})
    done = done._replace(metrics=summary(done))
    about = {"labformer": __version__, "data_sha256": sha256(options)}
    with whole_folder(options.out, options.overwrite) as folder:
        (folder / "metrics.json").write_text(_json(done.metrics), encoding="utf-8")
        write_predictions(potential, predictions, folder / "predictions.extxyz")
        potential.save_pretrained(folder / "model")
        (folder / "run.toml").write_text(to_toml(options, about), encoding="utf-8")
        potential_report(potential, gathered, predictions, comparison, checks, motion).write(folder / "report.html")
    return done


def summary(done: PotentialRun) -> dict[str, Any]:
    """Everything that was measured, as plain values; a number that does not exist is None."""
    potential = done.potential
    assert potential.scores_ is not None
    return {
        "split": done.gathered.split,
        "source": done.gathered.source,
        "method": potential.method,
        "delta": potential.delta,
        "scores": potential.scores_.to_dict(),
        "comparison": done.comparison.to_dict(),
        "reliability": [group._asdict() for group in reliability(done.predictions)],
        "coverage": potential.coverage,
        "checks": [check._asdict() for check in done.checks],
        "motion": None if done.motion is None else done.motion.to_dict(),
        "seconds_fit": potential.seconds_fit_,
        "seconds_calibrate": potential.seconds_calibrate_,
        "parameters": potential.count(),
        "notes": potential.notes_,
        "outside_training": warnings_of(done.predictions),
        "repairs": done.gathered.repairs,
    }


def fit_to_folder(options: PotentialFitOptions) -> InteratomicPotential:
    """Fit a potential on files, and save a model folder."""
    if not options.data:
        raise UsageError("--data FILE is needed; `labformer run potential` shows an embedded system.")
    require_writable(options.out, options.overwrite, "folder")
    potential = _new(options)
    found = read(options.data, options)
    frames = chosen(found.frames, options.frames, options.seed)
    potential.fit(frames, None, found.reference)
    potential.repairs_ = list(found.repairs)
    potential.data_note_ = options.note
    potential.save_pretrained(options.out, options.overwrite)
    return potential


def predict_from_model(options: PotentialPredictOptions) -> tuple[InteratomicPotential, list[Prediction]]:
    """Ask a saved potential about frames; written where that is named."""
    if options.out is not None:
        require_output(options.out, options.overwrite)
    potential = _saved(options)
    found = read(options.data, options, "nothing")
    predictions = potential.predict(list(found.frames))
    if options.out is not None:
        write_predictions(potential, predictions, options.out, options.overwrite)
    return potential, predictions


def evaluate_from_model(options: PotentialEvaluateOptions) -> tuple[Scores, list[Prediction]]:
    """Score a saved potential on labelled frames."""
    if options.out is not None:
        require_writable(options.out, options.overwrite)
    potential = _saved(options)
    frames = list(read(options.data, options, "energy").frames)
    require_labels(frames, forces=False)
    predictions = potential.predict(frames)
    scores = score(predictions)
    if options.out is not None:
        groups = [group._asdict() for group in reliability(predictions)]
        with whole_file(options.out, options.overwrite) as partial:
            made = {"scores": scores.to_dict(), "reliability": groups, "outside_training": warnings_of(predictions)}
            partial.write_text(_json(made), encoding="utf-8")
    return scores, predictions


def _new(options: PotentialFitting) -> InteratomicPotential:
    return InteratomicPotential(
        options.method, options.delta, options.seed, options.coverage, options.members, settings_of(options.settings),
        device=options.device,
    )  # fmt: skip


def _saved(options: PotentialPredictOptions | PotentialEvaluateOptions) -> InteratomicPotential:
    if options.dtype not in DTYPES:
        raise InputError(f"--dtype {options.dtype} is not known; choose from {', '.join(DTYPES)}.")
    return InteratomicPotential.from_pretrained(options.model).to(DTYPES[options.dtype], options.device)


def _moved(potential: InteratomicPotential, gathered: Gathered, options: PotentialRunOptions) -> Motion | None:
    if options.md_ps <= 0:
        return None
    temperature = options.temperature or TEMPERATURES.get(gathered.system, ROOM)
    _say(f"moving atoms for {options.md_ps:g} ps at {temperature:g} K")
    return move(
        potential, gathered.test, options.md_ps, temperature, options.timestep, options.seed,
        reference_calculator(gathered.system),
    )  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
