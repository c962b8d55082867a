"""Sets of the catalogue as frames with fixed parts, under the names of published comparisons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ....shared.datasets.catalogue import locate, row
from ....shared.errors import InputError
from ....shared.reading.table import nearest
from ..frame import Frame
from .door import Read, read_frames
from .leaks import leaks
from .options import ReadOptions
from .split import split_frames

SAID = ReadOptions(energy_unit="eV", force_unit="eV/Å", length_unit="Å", stress_unit="eV/Å^3")
ENERGIES = ReadOptions(energy_unit="eV", force_unit="eV/Å", length_unit="Å", stress_unit="eV/Å^3", needs="energy")
RMD17 = ("aspirin", "benzene", "ethanol", "malonaldehyde", "toluene", "uracil")
HELD_OUT = 50  # the last frames of a training file of rMD17, for validation


@dataclass(frozen=True)
class NamedSet:
    """Frames of a set, each part for one use; `tests` by name, the first of them that of the published figures."""

    name: str
    train: list[Frame]
    validation: list[Frame]
    tests: dict[str, list[Frame]]
    reference: Mapping[int, float] = field(default_factory=dict)  # eV of isolated atoms
    repairs: tuple[str, ...] = ()


class Known(NamedTuple):
    """A set: how it is read, the rows of the catalogue that it needs, and what it is for."""

    read: Callable[[str, int | None, bool], NamedSet]
    rows: tuple[str, ...]
    text: str


def load_set(name: str, count: int | None = None, inside: bool = False) -> NamedSet:
    """A set by name, verified against the catalogue; nothing is downloaded (`labformer data fetch ROW` does that).

    count   training frames, the first of the file; all by default
    inside  take validation out of these frames (every tenth, at least five), so that `count` labels are all there are;
            else it is apart: the last 50 of the training file in rMD17 and in the ethanol of 3bpa's authors
    Raises InputError for an unknown name, a file that is absent or changed, or a count that is not there.
    """
    if name not in SETS:
        raise InputError(f"no set is named {name!r}{nearest(name, SETS)}; known are {', '.join(SETS)}.")
    return SETS[name].read(name, count, inside)


def source_of(name: str) -> str:
    """What the frames of a set are, whose they are and under which licence, in words for a card."""
    parts = [row(one) for one in SETS[name].rows]
    licences, citations = (list(dict.fromkeys(getattr(one, of) for one in parts)) for of in ("licence", "citation"))
    licence = " and ".join(f"licence {one}" for one in licences)
    return f"set {name} ({SETS[name].text}; {licence}), from: {'; '.join(one.rstrip('.') for one in citations)}"


def _rmd17(name: str, count: int | None, inside: bool) -> NamedSet:
    """Split 01: training file of 1000, of which the last 50 are held out, and the other file of 1000 as the test."""
    train, test = (_read(f"{name}-{part}") for part in ("train", "test"))
    fit, validation = first_frames(name, list(train.frames), count, inside, HELD_OUT)
    return NamedSet(name, fit, validation, {"test": list(test.frames)}, repairs=train.repairs)


def _three_bpa(name: str, count: int | None, inside: bool) -> NamedSet:
    """Trained at 300 K; the mixed temperatures without the frames that training has too."""
    train, mixed = _read("3bpa-train-300k", "3bpa-isolated-atoms"), _read("3bpa-mixed-t")
    shared = {leak.second for leak in leaks(train.frames, mixed.frames)}
    test = [one for place, one in enumerate(mixed.frames) if place not in shared]
    fit, validation = first_frames(name, list(train.frames), count, inside, HELD_OUT)
    said = f"{len(shared)} of the frames of mixed temperatures are in the training file: left out of the test"
    return NamedSet(name, fit, validation, {"mixed temperatures": test}, train.reference, (*train.repairs, said))


def _ethanol_methanol(name: str, count: int | None, inside: bool) -> NamedSet:
    """Ethanol alone in training; dynamics as the test, and what lies far from it: modes, a breaking bond, dimers."""
    train = _read("ethanol-methanol-train", "ethanol-methanol-isolated-atoms")
    fit, validation = first_frames(name, list(train.frames), count, inside, HELD_OUT)
    tests = {"dynamics": list(_read("ethanol-methanol-dynamics").frames)}
    for part, name_of in (
        ("mode at 874/cm", "mode-874"),
        ("mode at 3005/cm", "mode-3005"),
        ("hydrogen removed", "h-removal"),
        ("dimers", "dimers"),
    ):
        tests[part] = list(_read(f"ethanol-methanol-{name_of}", options=ENERGIES).frames)
    return NamedSet(name, fit, validation, tests, train.reference, train.repairs)


def _methanol_too(name: str, count: int | None, inside: bool) -> NamedSet:
    """Ethanol with 300 frames of methanol in training, both in the test."""
    train = _read("ethanol-methanol-both-train", "ethanol-methanol-isolated-atoms")
    split = split_frames(train.frames, HELD_OUT, 0, groups=train.groups)
    fit, validation, _ = split.of(train.frames)
    if count is not None:
        fit = _some(name, fit, count)
    both = _read("ethanol-methanol-both-test")
    tests = {"ethanol and methanol": list(both.frames)}
    return NamedSet(name, fit, validation, tests, train.reference, train.repairs)


def _mlearn(name: str, count: int | None, inside: bool) -> NamedSet:
    """The published parts; a tenth of training, in blocks, for validation."""
    test = _read(f"{name}-test")
    if name == "mlearn-cu":
        whole = _read("mlearn-cu-all")
        known = {leak.first for leak in leaks(whole.frames, test.frames) if not leak.moved}
        frames = [one for place, one in enumerate(whole.frames) if place not in known]
        groups = [group for place, group in enumerate(whole.groups) if place not in known]
        said: tuple[str, ...] = (f"{len(known)} frames of the file are those of the test: left out of training",)
    else:
        whole = _read(f"{name}-train")
        frames, groups, said = list(whole.frames), list(whole.groups), ()
    turned = len({leak.second for leak in leaks(frames, test.frames)})
    said += (
        f"{turned} of {len(test.frames)} test frames are training frames strained along another axis, as published",
    )
    fit, validation, _ = split_frames(frames, 0.1, 0, groups=groups).of(frames)
    if count is not None:
        fit = _some(name, fit, count)
    return NamedSet(name, fit, validation, {"test": list(test.frames)}, repairs=(*whole.repairs, *said))


def _water(name: str, count: int | None, inside: bool) -> NamedSet:
    """Folders data_0 and data_1 train, data_2 validates, data_3 tests, as it does in the examples of DeePMD-kit."""
    places = [[locate(row) for row in rows] for rows in WATER]  # verifies every file
    folders = [read_frames(files[0].parent, SAID) for files in places]
    fit = [*folders[0].frames, *folders[1].frames]
    if count is not None:
        fit = _some(name, fit, count)
    return NamedSet(name, fit, list(folders[2].frames), {"test": list(folders[3].frames)}, repairs=folders[0].repairs)


def _read(*rows: str, options: ReadOptions = SAID) -> Read:
    """Rows of the catalogue; what is said of a file names it, and not where on this machine it lies."""
    paths = [locate(row) for row in rows]
    found = read_frames(paths, options)
    repairs = found.repairs
    for path in paths:
        repairs = tuple(one.replace(str(path), path.name) for one in repairs)
    return found._replace(repairs=repairs)


def first_frames(
    name: str, frames: list[Frame], count: int | None, inside: bool, held_out: int
) -> tuple[list[Frame], list[Frame]]:
    """Training and validation: the first `count` and the last `held_out` frames, or `inside` both of the first."""
    if not inside:
        return _some(name, frames[:-held_out], count or len(frames) - held_out), frames[-held_out:]
    some = _some(name, frames, count or len(frames))
    every = max(2, min(10, len(some) // 5))
    return [one for place, one in enumerate(some) if place % every != every - 1], some[every - 1 :: every]


def _some(name: str, frames: list[Frame], count: int) -> list[Frame]:
    if not 1 <= count <= len(frames):
        raise InputError(f"{name} has {len(frames)} frames to train on, not {count}; give a number up to that.")
    return frames[:count]


def _water_rows(folder: int) -> tuple[str, ...]:
    sets = ("000", "001") if folder == 1 else ("000",)
    parts = [f"set-{one}-{array}" for one in sets for array in ("box", "coord", "energy", "force")]
    return tuple(f"water-deepmd-{folder}-{part}" for part in ("type", "type-map", *parts))


WATER = tuple(_water_rows(folder) for folder in range(4))
ETHANOL = tuple(
    f"ethanol-methanol-{part}"
    for part in ("train", "isolated-atoms", "dynamics", "mode-874", "mode-3005", "h-removal", "dimers")
)
SETS: dict[str, Known] = {
    **{
        f"rmd17-{molecule}": Known(
            _rmd17, (f"rmd17-{molecule}-train", f"rmd17-{molecule}-test"), f"{molecule} at 500 K, PBE"
        )
        for molecule in RMD17
    },
    "3bpa": Known(
        _three_bpa, ("3bpa-train-300k", "3bpa-isolated-atoms", "3bpa-mixed-t"), "3-(benzyloxy)pyridin-2-amine"
    ),
    "ethanol-methanol": Known(_ethanol_methanol, ETHANOL, "ethanol, and far from its training frames"),
    "ethanol-and-methanol": Known(
        _methanol_too,
        ("ethanol-methanol-both-train", "ethanol-methanol-both-test", "ethanol-methanol-isolated-atoms"),
        "ethanol and methanol together",
    ),
    **{
        f"mlearn-{symbol}": Known(
            _mlearn,
            (f"mlearn-{symbol}-{'all' if symbol == 'cu' else 'train'}", f"mlearn-{symbol}-test"),
            f"{symbol.capitalize()}: dynamics, strain, vacancies and surfaces, PBE, with stress",
        )
        for symbol in ("si", "ge", "li", "cu")
    },
    "water-deepmd": Known(_water, tuple(row for rows in WATER for row in rows), "64 molecules of liquid water"),
}
