"""Which frames a potential is fitted on and which it is scored on: embedded, of a published set, or the user's."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..domains.potentials.frame import Frame
from ..domains.potentials.judging.benchmark import Case, chosen
from ..domains.potentials.predictor import MANY
from ..domains.potentials.reading.door import Read, read_frames
from ..domains.potentials.reading.options import ReadOptions
from ..domains.potentials.reading.sets import SETS, load_set, source_of
from ..domains.potentials.reading.split import split_frames
from ..shared.errors import InputError
from ..shared.reading.table import nearest
from .potential_options import PotentialFitting, PotentialReading, PotentialRunOptions

EMBEDDED = ("ethanol", "copper")
WAYS = {
    "blocks": "drawn as stretches of frames that follow one another",
    "group": "drawn as whole groups",
    "order": "the last ones of the file",
    "random": "drawn one by one, which flatters where frames follow each other in time",
}
FEW = 100  # of the embedded frames are learnt from: what a potential is to make do with
TEMPERATURES = {"ethanol": 500.0, "copper": 300.0}  # K; at which the embedded ethanol was labelled


class Gathered(NamedTuple):
    """Frames by what they are for."""

    train: list[Frame]
    validation: list[Frame] | None  # None: folds of the training serve
    test: list[Frame]
    split: str  # in words
    repairs: list[str]
    reference: Mapping[int, float]  # energies of isolated atoms, eV
    source: str
    system: str = ""  # embedded or of a case; "" for the user's frames


def read(files: Sequence[str], options: PotentialReading, needs: str = "forces") -> Read:
    """The frames of the user's files; what was put right is also said on stderr.

    needs  "forces" (and energies), "energy" or "nothing"
    """
    said = {one.name: getattr(options, one.name) for one in fields(PotentialReading)}
    found = read_frames([Path(one) for one in files], ReadOptions(**said, needs=needs))
    for line in found.repairs:
        sys.stderr.write(f"repaired: {line}\n")
    return found


def gather(options: PotentialRunOptions) -> Gathered:
    """Read or make frames, and keep some to score on."""
    if not 0 < options.test < 1:
        raise InputError(f"--test {options.test:g} is no share of the frames; give one between 0 and 1, such as 0.2.")
    if options.data:
        found = read(options.data, options)
        return _parted(found, ", ".join(Path(one).name for one in options.data), options)
    if options.system in EMBEDDED:
        return _embedded(options)
    return _published(options)


def settings_of(text: str) -> dict[str, Any]:
    """Settings of a method from the words typed; raises InputError unless they are an object of JSON."""
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise InputError(f"--settings {text!r} is not JSON ({error}); write it as '{{\"name\": value}}'.") from None
    if not isinstance(found, dict):
        raise InputError(f"--settings {text!r} is no object of JSON; write it as '{{\"name\": value}}'.")
    return found


def sha256(options: PotentialFitting) -> str:
    """Of all files that were read, in order."""
    digest = hashlib.sha256()
    for one in options.data:
        digest.update(Path(one).read_bytes())
    return digest.hexdigest() if options.data else "embedded"


def reference_calculator(system: str) -> Any:
    """ASE's calculator of the method that labelled an embedded system; None where it is not installed, or not known."""
    try:
        if system == "ethanol":
            from tblite.ase import TBLite

            return TBLite(method="GFN2-xTB", verbosity=0)
        if system == "copper":
            from ase.calculators.emt import EMT

            return EMT()
    except ImportError:
        pass
    return None


def case_of(name: str) -> Case:
    """A published set, verified against the catalogue."""
    found = load_set(name)
    return Case(name, found.train, found.validation, found.tests, found.reference, "; ".join(found.repairs))


def _embedded(options: PotentialRunOptions) -> Gathered:
    from ..domains.potentials.reading.embedded import copper_emt, ethanol_gfn2

    if options.system == "ethanol":
        frames, source = ethanol_gfn2(), "one ethanol molecule at 500 K, labelled by GFN2-xTB, shipped with the suite"
    else:
        frames, source = copper_emt(), "strained and rattled copper crystals, labelled by ASE's EMT, made now"
    few = replace(options, frames=options.frames or FEW)
    return _parted(Read(tuple(frames), (), (), {}, ""), source, few, options.system)


def _published(options: PotentialRunOptions) -> Gathered:
    if options.system not in SETS:
        known = (*EMBEDDED, *SETS)
        near = nearest(options.system, known)
        raise InputError(f"no system is named {options.system!r}{near}; known are {', '.join(known)}.")
    case = case_of(options.system)
    train = chosen(case.train, options.frames, options.seed)
    test = next(iter(case.tests))
    held = list(case.validation) if len(train) >= MANY else None
    words = f"the published split: {_count(train)} to learn from, {_count(case.tests[test])} ({test}) to score on"
    source = source_of(options.system)
    return Gathered(train, held, list(case.tests[test]), words, [], case.reference, source, options.system)


def _parted(found: Read, source: str, options: PotentialRunOptions, system: str = "") -> Gathered:
    """Some frames to score on, and from 200 on a tenth for validation; few frames are validated in folds."""
    many = len(found.frames) >= MANY
    split = split_frames(
        found.frames, 0.1 if many else 0.0, options.test, options.seed, options.split, found.groups
    )  # fmt: skip
    train, validation, test = split.of(found.frames)
    learnt = chosen(train, options.frames, options.seed)
    held = f"{_count(validation)} for validation, " if validation else ""
    words = f"{_count(learnt)} to learn from, {held}{_count(test)} to score on, {WAYS[options.split]}"
    few = validation or None
    return Gathered(learnt, few, test, words, list(found.repairs), found.reference, source, system)


def _count(frames: Sequence[Frame]) -> str:
    return f"{len(frames)} frame{'' if len(frames) == 1 else 's'}"
