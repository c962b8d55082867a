"""Frames for training, validation and test, without neighbours in time or equal geometries on two sides."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from ....shared.errors import InputError
from ..frame import Frame
from .leaks import leaks

T = TypeVar("T")
WAYS = ("blocks", "group", "order", "random")
BLOCKS = 20  # of a trajectory, at most; so that one block seldom is the whole of a part
SIDES = ("train", "validation", "test")


class Split(NamedTuple):
    """Places of the frames of each part, rising."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def of(self, items: Sequence[T]) -> tuple[list[T], list[T], list[T]]:
        """The items of each part."""
        train, validation, test = ([items[place] for place in part] for part in self)
        return train, validation, test


def split_frames(
    frames: Sequence[Frame],
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    by: str = "blocks",
    groups: Sequence[str] = (),
) -> Split:
    """Split frames; the same seed gives the same parts.

    validation, test  shares below 1, or numbers of frames; at least one frame where above 0
    by      "blocks": whole stretches of frames that follow one another, drawn at random: frames of dynamics resemble
            those before and after, so that frames drawn singly would be tested on near copies of training frames;
            "group": whole groups; "order": the last frames, for test and before them for validation;
            "random": single frames, for frames that were drawn independently
    groups  of each frame, as `Read.groups` has them; without them all frames are one group
    Frames of equal geometry (shifted, turned, mirrored or renumbered too) go to training where parts would share them.
    Raises InputError when no frame would be left to train on.
    """
    if by not in WAYS:
        raise InputError(f"by={by!r} is not known; give one of {', '.join(WAYS)}.")
    count = len(frames)
    wanted = {"test": _count(test, count, "test"), "validation": _count(validation, count, "validation")}
    if sum(wanted.values()) >= count:
        raise InputError(
            f"{count} frames do not leave any to train on with {wanted['validation']} for validation and "
            f"{wanted['test']} for test; give more frames, or smaller parts."
        )
    labels = list(groups) if groups else [""] * count
    if len(labels) != count:
        raise InputError(f"{count} frames and {len(labels)} groups; give one group a frame.")
    side = np.zeros(count, np.int64)
    units = _units(labels, by, min((one for one in wanted.values() if one), default=1))
    if by in ("blocks", "random", "group"):
        units = [units[place] for place in np.random.default_rng(seed).permutation(len(units))]
    for part in ("test", "validation"):
        due = wanted[part]
        while due and units:
            unit = units.pop()
            if by == "group" and len(units) == 0:
                raise InputError(f"{len({*labels})} groups are too few for whole groups in each part; split by blocks.")
            taken = unit if by == "group" else unit[-due:]
            side[taken] = SIDES.index(part)
            due = max(0, due - len(taken))
            if len(taken) < len(unit) and by == "order":
                units.append(unit[: len(unit) - len(taken)])
    _keep_equals_together(frames, side)
    return Split(*(tuple(np.flatnonzero(side == one).tolist()) for one in range(3)))


def require_no_leaks(parts: dict[str, Sequence[Frame]], tolerance: float = 1e-3) -> None:
    """Raise InputError, naming the frames, when two parts hold frames of equal geometry."""
    names = list(parts)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            found = leaks(parts[name], parts[other], tolerance)
            if found:
                first = found[0]
                how = "the same atoms as" if not first.moved else "the same geometry, moved or turned, as"
                raise InputError(
                    f"{other} has {len({one.second for one in found})} frames that {name} has too: "
                    f"{parts[other][first.second].name} has {how} {parts[name][first.first].name}; leave them "
                    "out of one."
                )


def _count(share: float, count: int, what: str) -> int:
    if share < 0 or (share >= 1 and share != int(share)):
        raise InputError(f"{what}={share} must be a share below 1, or a whole number of frames.")
    return int(share) if share >= 1 else (max(1, round(share * count)) if share > 0 else 0)


def _units(labels: Sequence[str], by: str, least: int) -> list[list[int]]:
    """What is drawn as a whole: lists of places."""
    if by == "random":
        return [[place] for place in range(len(labels))]
    if by == "order":
        return [list(range(len(labels)))]
    groups: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        groups.setdefault(label, []).append(place)
    if by == "group":
        return list(groups.values())
    units = []
    for places in groups.values():
        length = max(1, min(-(-len(places) // BLOCKS), -(-least // 3)))
        units += [places[start : start + length] for start in range(0, len(places), length)]
    return units


def _keep_equals_together(frames: Sequence[Frame], side: np.ndarray) -> None:
    """Move frames of equal geometry that stand on two sides to training."""
    held = np.flatnonzero(side > 0)
    if not len(held):
        return
    found = leaks([frames[place] for place in held.tolist()], frames)
    for one in found:
        place = int(held[one.first])
        if side[one.second] != side[place]:
            side[one.second] = side[place] = 0
