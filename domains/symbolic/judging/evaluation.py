"""The protocol: fit on spoiled runs, score on clean ones, for each system, setting and seed; one row each.

reconstruction  R² of the found law followed from the clean first point of the first run, on all its points
generalisation  the same from the second start, which the fit has not seen
third_start     with both runs given, the same from the mean of the two starts
Accuracy is the share of rows with R² > 0.9; failures count 0. Scored by LSODA at rtol 1e-6, atol 1e-9.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ....shared.errors import InputError, MissingExtra
from ....shared.evaluation.bootstrap import Interval
from ....shared.evaluation.rows import append_row, read_rows
from ..system import System
from ..trajectory import Trajectory
from .benchmark import Benchmark
from .corruption_protocol import Setting, spoiled
from .scoring import retold
from .structure import complexity, recovered, term_recall

Fit: TypeAlias = Callable[[Sequence[Trajectory]], System]
Row: TypeAlias = dict[str, Any]
ENOUGH = 0.9  # R² of a law that counts as found
KEYS = ("method", "system", "noise", "dropped", "both_starts", "seed")


def evaluate(
    method: str,
    fit: Fit,
    benchmarks: Sequence[Benchmark],
    settings: Iterable[Setting],
    seeds: int = 1,
    path: str | Path | None = None,
    progress: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Rows of one method over systems, settings and, where something is drawn, seeds.

    fit       runs of one system -> the law found; what it raises is noted in the row, which scores 0
    seeds     draws of noise and dropped points
    path      a file of JSON lines to which rows are appended; rows that stand there are not run again
    progress  called with each new row
    """
    done = {_key(row): row for row in read_rows(path)} if path is not None else {}
    rows = []
    for setting, benchmark in _jobs(benchmarks, settings, seeds):
        key = (method, benchmark.name, *asdict(setting).values())
        if key in done:
            rows.append(done[key])
            continue
        row = score(method, fit, benchmark, setting)
        rows.append(row)
        if path is not None:
            append_row(path, row)
        if progress is not None:
            progress(row)
    return rows


def _jobs(
    benchmarks: Sequence[Benchmark], settings: Iterable[Setting], seeds: int
) -> Iterator[tuple[Setting, Benchmark]]:
    for setting in settings:
        for seed in range(seeds if setting.random else 1):
            drawn = Setting(setting.noise, setting.dropped, setting.both_starts, seed)
            yield from ((drawn, benchmark) for benchmark in benchmarks)


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in KEYS)


def score(method: str, fit: Fit, benchmark: Benchmark, setting: Setting) -> Row:
    """Fit one system in one setting, and score it; the row as a dict of plain values."""
    clean = benchmark.runs
    if len(clean) < 2 and setting.both_starts:
        raise InputError(f"{benchmark.name} has one start; both_starts needs two.")
    given = [spoiled(run, setting) for run in (clean[:2] if setting.both_starts else clean[:1])]
    row: Row = {"method": method, "system": benchmark.name} | asdict(setting)
    row |= {"dimension": benchmark.system.dimension, "points": len(given[0].times), "error": ""}
    began, worked = time.perf_counter(), time.process_time()
    found: System | None = None
    try:
        found = fit(given)
        if found.dimension != benchmark.system.dimension:
            row["error"] = f"{found.dimension} equations for {benchmark.system.dimension} states"
            found = None
    except MissingExtra:
        raise
    except Exception as error:  # a method that fails on a system has not found it; the others go on
        row["error"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
    row["seconds"] = round(time.perf_counter() - began, 4)
    row["processor_seconds"] = round(time.process_time() - worked, 4)  # what a machine that others use does not stretch
    scores = {
        f"run_{place}": retold(found, run.times, run.states) if found else 0.0 for place, run in enumerate(clean[:2])
    }
    row["reconstruction"], row["generalisation"] = scores["run_0"], scores.get("run_1")
    if setting.both_starts:
        row["third_start"] = (
            retold(found, benchmark.times, benchmark.followed(benchmark.between)) if found is not None else 0.0
        )
    row |= {
        "recovered": found is not None and recovered(benchmark.system, found),
        "recall": term_recall(benchmark.system, found) if found is not None else 0.0,
        "complexity": complexity(found) if found is not None else None,
        "true_complexity": complexity(benchmark.system),
        "equations": found.strings() if found is not None else [],
    }
    return row


def accuracy(
    rows: Sequence[Row],
    column: str = "reconstruction",
    above: float = ENOUGH,
    coverage: float = 0.9,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Share of rows with `column` above a threshold, with a bootstrap interval over systems and, within them, seeds.

    A column of truths counts as 0 and 1 (above=0). A value that is absent counts as 0.
    """
    if not rows:
        raise InputError("there are no rows to take the accuracy of.")
    systems = sorted({row["system"] for row in rows})
    hits = [np.array([float(row.get(column) or 0) > above for row in rows if row["system"] == one]) for one in systems]
    draw = np.random.default_rng(seed)
    shares = np.zeros((draws, len(systems)))
    for place, hit in enumerate(hits):
        shares[:, place] = hit[draw.integers(len(hit), size=(draws, len(hit)))].mean(1)
    chosen = draw.integers(len(systems), size=(draws, len(systems)))
    means = np.take_along_axis(shares, chosen, 1).mean(1)
    low, high = np.quantile(means, [(1 - coverage) / 2, (1 + coverage) / 2])
    return Interval(float(np.mean([hit.mean() for hit in hits])), float(low), float(high))


def summary(rows: Sequence[Row]) -> Row:
    """The figures of one method in one setting: accuracies as (value, low, high), medians of seconds and complexity."""
    known = [row["complexity"] for row in rows if row["complexity"] is not None]
    found: Row = {
        column: accuracy(rows, column)
        for column in ("reconstruction", "generalisation", "third_start")
        if any(row.get(column) is not None for row in rows)
    }
    worked = [row["processor_seconds"] for row in rows if "processor_seconds" in row]
    return found | {
        "very_close": accuracy(rows, "reconstruction", 0.99),
        "recovered": accuracy(rows, "recovered", 0),
        "recall": float(np.mean([row["recall"] for row in rows])),
        "complexity": float(np.median(known)) if known else None,
        "seconds": float(np.median([row["seconds"] for row in rows])),
        "processor_seconds": float(np.median(worked)) if worked else None,
        "failed": sum(bool(row["error"]) for row in rows),
        "systems": len({row["system"] for row in rows}),
    }
