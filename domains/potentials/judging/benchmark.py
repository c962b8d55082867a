"""The protocol: fit a potential on frames of a published part, score it on the published test part; one row each.

The training subset by seed: seed 0 takes the first n frames of the part for training, which is the published choice;
other seeds draw n of them. Validation is the part that is published for it where n is large; with fewer than 200 frames
it lies inside the n, and nothing else is looked at.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ....shared.errors import MissingExtra
from ....shared.evaluation.rows import append_row, read_rows
from ..dynamics.evaluator import Evaluator
from ..frame import Frame
from ..predictor import MANY, InteratomicPotential
from ..registry import NONE
from .published import published
from .scores import score

Row: TypeAlias = dict[str, Any]
KEYS = ("case", "test", "test_frames", "model", "delta", "members", "settings", "frames", "seed")
SINGLE = 20  # frames that are asked one by one, as dynamics does


class Case(NamedTuple):
    """Frames of a published set by what they are for; several tests have names."""

    name: str
    train: Sequence[Frame]
    validation: Sequence[Frame]  # may be empty: then it lies inside the training
    tests: Mapping[str, Sequence[Frame]]
    reference: Mapping[int, float]
    split: str  # in words


class Job(NamedTuple):
    """A model to be fitted."""

    model: str
    frames: int  # 0: all
    seed: int = 0
    delta: str = ""
    members: int = 1
    settings: Mapping[str, Any] = NONE
    promise: bool = True
    coverage: float = 0.9
    device: str = "cpu"
    test: int = 0  # score on the first so many; 0: all


def chosen(frames: Sequence[Frame], count: int, seed: int) -> list[Frame]:
    """The first `count` frames for seed 0, else so many that the seed draws, in their order; 0 takes all."""
    if not count or count >= len(frames):
        return list(frames)
    if seed == 0:
        return list(frames[:count])
    places = np.sort(np.random.default_rng([seed, 41]).permutation(len(frames))[:count])
    return [frames[place] for place in places]


def measure(
    case: Case, jobs: Sequence[Job], path: str | Path | None = None, progress: Callable[[Row], None] | None = None
) -> list[Row]:
    """A row for each job and test of a case.

    path      a file of JSON lines to which rows are appended; jobs whose rows stand there are not run again,
              unless they failed
    progress  called with each new row
    """
    done: dict[tuple[Any, ...], Row] = {}
    if path is not None:
        done = {_key(row): row for row in read_rows(path) if not row["error"]}
    rows = []
    for job in jobs:
        wanted = [_about(case, job, test) for test in case.tests]
        if all(_key(one) in done for one in wanted):
            rows += [done[_key(one)] for one in wanted]
            continue
        for row in run_job(case, job):
            rows.append(row)
            if path is not None:
                append_row(path, row)
            if progress is not None:
                progress(row)
    return rows


def run_job(case: Case, job: Job) -> list[Row]:
    """Fit once, and score on every test; a model that fails has rows that say why."""
    train = chosen(case.train, job.frames, job.seed)
    held = list(case.validation) if case.validation and len(train) >= MANY else None
    potential = InteratomicPotential(
        job.model, job.delta, job.seed, job.coverage, job.members, job.settings, job.promise, job.device
    )
    try:
        potential.fit(train, held, case.reference)
    except MissingExtra:
        raise
    except Exception as error:  # one that fails is a row too; the others go on
        return [_about(case, job, test) | {"error": _first_line(error)} for test in case.tests]
    return [_row(case, job, test, potential, held) for test in case.tests]


def _row(case: Case, job: Job, test: str, potential: InteratomicPotential, held: list[Frame] | None) -> Row:
    frames = list(case.tests[test])[: job.test or None]
    row = _about(case, job, test)
    try:
        began = time.perf_counter()
        predictions = potential.predict(frames)
        spent = time.perf_counter() - began
        single = seconds_single(potential, frames[:SINGLE])
        scores = {f"test_{name}" if name in ("frames", "atoms") else name: value
                  for name, value in score(predictions).to_dict().items()}  # fmt: skip
    except Exception as error:
        return row | {"error": _first_line(error)}
    known = published(case.name, job.frames) if not job.test or job.test >= len(case.tests[test]) else None
    return row | {
        "error": "", "split": case.split, "validation": len(held) if held else 0, **scores,
        "coverage": job.coverage, "calibrated_on": potential.trust_.frames if potential.trust_ else 0,
        "seconds_fit": round(potential.seconds_fit_, 3), "seconds_calibrate": round(potential.seconds_calibrate_, 3),
        "seconds_frame": round(spent / len(frames), 6), "seconds_single": round(single, 6),
        "parameters": potential.count(), "frames_outside": sum(bool(len(one.outside)) for one in predictions),
        "published": None if known is None else known._asdict(),
    }  # fmt: skip


def seconds_single(potential: InteratomicPotential, frames: Sequence[Frame]) -> float:
    """For energy and forces of one frame, asked alone in float32, without doubts; the first is not counted."""
    evaluator = Evaluator(potential, "float32", potential.device, doubts=False)
    evaluator.one(frames[0])
    began = time.perf_counter()
    for one in frames:
        evaluator.one(one)
    return (time.perf_counter() - began) / len(frames)


def _about(case: Case, job: Job, test: str) -> Row:
    settings, total = json.dumps(dict(job.settings), sort_keys=True), len(case.tests[test])
    return {
        "case": case.name, "test": test, "test_frames": min(job.test or total, total),
        "model": job.model, "delta": job.delta, "members": job.members,
        "settings": settings, "frames": job.frames or len(case.train), "seed": job.seed,
    }  # fmt: skip


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in KEYS)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
