"""Where atoms stand about each other: g(r) of periodic frames, the distribution of distances of molecules."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..frame import Frame
from ..neighbours import neighbours
from ..reading.elements import SYMBOLS

Floats = NDArray[np.float64]
ALL = "all"


class Radial(NamedTuple):
    """By pair of elements as "C-H" (in order of atomic number), and "all"."""

    distances: Floats  # (bin,) in Å, middles
    curves: Mapping[str, Floats]  # (bin,): g(r) where periodic, else the density h(r) in 1/Å, of area 1
    periodic: bool


def radial_distribution(frames: Sequence[Frame], highest: float | None = None, bins: int = 200) -> Radial:
    """Averaged over frames of the same atoms.

    highest  Å; None: 6 Å where periodic, and a tenth beyond the longest distance of a molecule

    g_ab(r) = V n_ab(r) / (N_a N_b v(r)), with n_ab the ordered pairs in a shell of volume v, images included, so
    that an ideal gas has 1. A molecule has no volume: h(r) is the density of its distances (Fu et al. 2023, section 3).
    Raises InputError for frames that do not belong together.
    """
    frames = list(frames)
    if not frames:
        raise InputError("there are no frames to take distances from; give at least one.")
    numbers, periodic = frames[0].numbers, frames[0].periodic
    if any(not np.array_equal(one.numbers, numbers) or one.periodic != periodic for one in frames):
        raise InputError("distances are averaged over frames of the same atoms in the same order; these differ.")
    if highest is None:
        highest = 6.0 if periodic else 1.1 * max(_reach(one) for one in frames)
    edges = np.linspace(0, max(highest, 1e-3), bins + 1)
    names = pair_names(numbers)
    counts = {name: np.zeros(bins) for name in names}
    for frame in frames:
        pairs = neighbours(frame, float(edges[-1]))
        gaps = frame.positions[pairs.second] + pairs.shifts @ frame.cell - frame.positions[pairs.first]
        place = np.minimum((np.linalg.norm(gaps, axis=1) / edges[1]).astype(int), bins - 1)
        weight = frame.volume if periodic else 1.0
        for name, (one, other) in names.items():
            chosen = one[pairs.first] & other[pairs.second]
            counts[name] += weight * np.bincount(place[chosen], minlength=bins)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    curves = {}
    for name, (one, other) in names.items():
        if periodic:
            curves[name] = counts[name] / (len(frames) * one.sum() * other.sum() * shells)
        else:
            curves[name] = counts[name] / max(1.0, counts[name].sum()) / edges[1]
    return Radial((edges[1:] + edges[:-1]) / 2, curves, periodic)


def pair_names(numbers: NDArray[np.int64]) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Name of each pair of elements -> which atoms are of the first, and of the second; a lone atom has no own pair."""
    every = np.ones(len(numbers), bool)
    names = {ALL: (every, every)}
    for one, other in combinations_with_replacement(sorted({int(number) for number in numbers}), 2):
        if one != other or (numbers == one).sum() > 1:
            names[f"{SYMBOLS[one - 1]}-{SYMBOLS[other - 1]}"] = (numbers == one, numbers == other)
    return names


def radial_error(one: Radial, other: Radial) -> dict[str, float]:
    """How far two stand apart, by pair: the mean of |g - g'| over r, or the integral of |h - h'|, from 0 to 2.

    Both must have been taken to the same distance. Raises InputError otherwise.
    """
    if one.periodic != other.periodic or not np.allclose(one.distances, other.distances):
        raise InputError("these distributions do not share their distances; take both with the same `highest`.")
    width = float(one.distances[1] - one.distances[0])
    scale = 1 / (width * len(one.distances)) if one.periodic else 1.0
    return {
        name: float(np.abs(curve - other.curves[name]).sum() * width * scale)
        for name, curve in one.curves.items()
        if name in other.curves
    }


def _reach(frame: Frame) -> float:
    gaps = frame.positions[:, None] - frame.positions[None]
    return float(np.sqrt((gaps**2).sum(-1).max()))
