"""Which runs equations are found from and which they are scored on: simulated, a record, or the user's."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..domains.symbolic.judging.corruption_protocol import Setting, spoiled
from ..domains.symbolic.judging.odebench import odebench
from ..domains.symbolic.reading.data import read_runs
from ..domains.symbolic.reading.records import RECORDS, record
from ..domains.symbolic.system import System
from ..domains.symbolic.trajectory import LEAST, Trajectory
from ..shared.errors import InputError
from ..shared.reading.table import nearest
from .symbolic_ode_options import OdeFitting, OdeReading, OdeRunOptions


class Gathered(NamedTuple):
    """Runs by what they are for."""

    fit: list[Trajectory]
    test: list[Trajectory]
    split: str  # in words
    repairs: list[str]
    truth: System | None = None  # of a simulated system
    source: str = ""


def read(files: Sequence[str], options: OdeReading) -> tuple[list[Trajectory], list[str]]:
    """The runs of the user's files, and what was put right, which is also said on stderr."""
    found = read_runs(
        list(files), time=options.time, states=options.states or None, run=options.run, time_unit=options.time_unit,
        max_points=options.max_points,
    )  # fmt: skip
    for line in found.repairs:
        sys.stderr.write(f"repaired: {line}\n")
    return list(found.runs), list(found.repairs)


def gather(options: OdeRunOptions) -> Gathered:
    """Read or simulate, and keep some runs, or the end of the only one, to score on."""
    if not 0 < options.test < 1:
        raise InputError(f"--test {options.test:g} is no share of the data; give one between 0 and 1, such as 0.25.")
    if not options.data:
        return _simulated(options)
    runs, repairs = read(options.data, options)
    fit, test, split = divided(runs, options.test)
    return Gathered(fit, test, split, repairs, source=", ".join(Path(one).name for one in options.data))


def divided(runs: Sequence[Trajectory], share: float) -> tuple[list[Trajectory], list[Trajectory], str]:
    """The first runs and the last ones; of a single run its beginning and its end."""
    if len(runs) > 1:
        kept = min(max(round(share * len(runs)), 1), len(runs) - 1)
        fit, test = list(runs[:-kept]), list(runs[-kept:])
        return fit, test, f"found from the first {len(fit)} of {len(runs)} runs, scored on the last {kept}"
    run = runs[0]
    cut = len(run.times) - max(round(share * len(run.times)), LEAST)
    if cut < LEAST:
        raise InputError(
            f"{run.name or 'the run'} has {len(run.times)} points; too few to keep some of them to score on."
        )
    return (
        [run.rows(slice(0, cut))],
        [run.rows(slice(cut, None))],
        f"found from the first {cut} of the {len(run.times)} points of the only run, scored on how it went on",
    )


def sha256(options: OdeFitting) -> str:
    """Of all files that were read, in order."""
    digest = hashlib.sha256()
    for one in options.data:
        digest.update(Path(one).read_bytes())
    return digest.hexdigest() if options.data else "simulated"


def _simulated(options: OdeRunOptions) -> Gathered:
    if options.system in RECORDS:
        fit, test, split = divided([record(options.system)], options.test)
        about = RECORDS[options.system]
        said = f"measured: {about.title} ({about.units}; {about.source}); {split}"
        return Gathered(fit, test, said, [about.note], source=about.source)
    known = {one.name: one for one in odebench()}
    if options.system not in known:
        raise InputError(
            f"no system is named {options.system!r}{nearest(options.system, [*known, *RECORDS])}; known are "
            f"odebench-01 to odebench-63 and {', '.join(RECORDS)}."
        )
    one = known[options.system]
    setting = Setting(noise=options.noise, dropped=options.dropped, seed=options.seed)
    first, second = one.runs[:2]
    split = (
        f"everything here is simulated: {one.description} ({one.source}); equations are found from one start, with "
        f"{options.noise:.0%} noise and {options.dropped:.0%} of {len(first.times)} points taken out, and scored on a "
        "clean run from a second start that was never seen"
    )
    return Gathered([spoiled(first, setting)], [second], split, [], one.system, one.source)


def span(runs: Sequence[Trajectory]) -> str:
    """How much there is, in words."""
    points = sum(len(run.times) for run in runs)
    ends = min(run.times[0] for run in runs), max(run.times[-1] for run in runs)
    steps = np.concatenate([np.diff(run.times) for run in runs])
    several = f"{len(runs)} runs" if len(runs) > 1 else "one run"
    return f"{several}, {points:,} points from {ends[0]:g} to {ends[1]:g}, {np.median(steps):.3g} apart in the median"
