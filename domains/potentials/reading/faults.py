"""Frames that would spoil a fit: numbers that are none, atoms in one another, far-off labels, repeats."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.distance import pdist

from ....shared.errors import InputError
from ....shared.reading.table import plural
from ..frame import Frame
from ..neighbours import neighbours
from .elements import SYMBOLS, radii
from .raw import Floats
from .units import ENERGY

OVERLAP = 0.25  # of the sum of covalent radii; far below what collisions reach
FEW = 0.05  # share of frames that may be left out with a word
FAR = 30.0  # times the median of the largest forces
FAR_ENERGY = 20.0  # eV an atom from the median of the same atoms
BOUND = 1.0  # eV an atom; energies from about there on are total or cohesive ones, far from zero
SAME = 1e-3  # eV between the energies of one geometry


def without_holes(frames: list[Frame], repairs: list[str]) -> list[Frame]:
    """Leave out the few frames whose energy, forces or stress are not finite; refuse more, and any lost atom."""
    lost = next((one for one in frames if not np.isfinite(one.positions).all()), None)
    if lost is not None:
        atom = int((~np.isfinite(lost.positions)).any(1).argmax())
        raise InputError(f"{lost.name}: the position of atom {atom} is not finite; correct or leave out that frame.")
    holes = [
        one
        for one in frames
        if not all(np.isfinite(label).all() for label in (one.energy, one.forces, one.stress) if label is not None)
    ]
    if len(holes) > max(1, FEW * len(frames)) or len(holes) == len(frames) > 0:
        raise InputError(
            f"{holes[0].name} is the first of {plural(len(holes), 'frame')} whose energy, forces or stress are not "
            "finite; leave them out, or calculate them again."
        )
    if not holes:
        return frames
    repairs.append(f"{plural(len(holes), 'frame')} left out, energy, forces or stress not finite: {_names(holes)}")
    return [one for one in frames if not any(one is hole for hole in holes)]


def refuse_overlaps(frames: Sequence[Frame]) -> None:
    """Raise InputError at atoms closer than a quarter of a covalent bond."""
    for one in frames:
        sizes = radii(one.numbers)
        if one.pbc.all() and len(one) < 1000:
            i, j = np.triu_indices(len(one), 1)
            parts = (one.positions[j] - one.positions[i]) @ np.linalg.inv(one.cell)
            gaps = (parts - np.round(parts)) @ one.cell  # exact for gaps below half the height of the cell
            distances = np.linalg.norm(gaps, axis=1)
        elif one.periodic:
            i, j, shifts = neighbours(one, 3.0)
            gaps = one.positions[j] + shifts @ one.cell - one.positions[i]
            distances = np.linalg.norm(gaps, axis=1)
        else:
            distances = pdist(one.positions)
            if not len(distances) or distances.min() > 2 * OVERLAP * float(sizes.max()):
                continue
            i, j = np.triu_indices(len(one), 1)
        near = distances < OVERLAP * (sizes[i] + sizes[j])
        if near.any():
            at = int(near.argmax())
            raise InputError(
                f"{one.name}: atoms {i[at]} ({SYMBOLS[one.numbers[i[at]] - 1]}) and {j[at]} "
                f"({SYMBOLS[one.numbers[j[at]] - 1]}) lie {distances[at]:.3f} Å apart; correct or leave out that "
                "frame, or give --length-unit if it is not in Å."
            )


def refuse_two_units(frames: Sequence[Frame]) -> None:
    """Raise InputError at an energy that is that of the same atoms elsewhere times a factor between two units."""
    values = list(ENERGY.values())
    factors = np.array(sorted({above / below for above in values for below in values if above != below}))
    for group, energies, middle in _same_atoms(frames):
        if abs(middle) < BOUND * len(group[0]):
            continue
        fits = np.abs(energies[:, None] / middle / factors - 1).min(1) < 0.04
        fits &= np.abs(energies - middle) > 0.3 * abs(middle)
        if fits.any():
            _refuse(group[int(fits.argmax())], middle, "there seem to be two units in it; convert one part")


def refuse_far_energies(frames: Sequence[Frame]) -> None:
    """Raise InputError at an energy far from those of the same atoms, or at a zero that stands for none."""
    for group, energies, middle in _same_atoms(frames):
        off = np.abs(energies - middle)
        far = (off > FAR_ENERGY * len(group[0])) | ((energies == 0) & (abs(middle) > BOUND * len(group[0])))
        if far.any():
            _refuse(group[int(far.argmax())], middle, "correct or leave out that frame")


def _refuse(frame: Frame, middle: float, advice: str) -> None:
    raise InputError(
        f"{frame.name}: its energy is {frame.energy:.6g} eV as read, that of the same atoms elsewhere {middle:.6g}; "
        f"{advice}."
    )


def without_far_forces(frames: list[Frame], largest: float, repairs: list[str]) -> list[Frame]:
    """Leave out the few frames with a force beyond `largest` eV/Å and far beyond all others; refuse more."""
    tops = np.array([float(np.abs(one.forces).max()) if one.forces is not None else 0.0 for one in frames])
    if not len(tops):
        return frames
    far = tops > max(largest, FAR * float(np.median(tops)))
    if not far.any():
        return frames
    if far.sum() > max(1, FEW * len(frames)):
        raise InputError(
            f"{frames[int(far.argmax())].name} is the first of {plural(int(far.sum()), 'frame')} with forces beyond "
            f"{largest:g} eV/Å and far beyond all others; leave them out, or give --largest-force."
        )
    out = [one for one, drop in zip(frames, far, strict=True) if drop]
    repairs.append(
        f"{plural(len(out), 'frame')} left out, forces of up to {tops.max():.3g} eV/Å, far beyond all others: "
        f"{_names(out)}"
    )
    return [one for one, drop in zip(frames, far, strict=True) if not drop]


def without_repeats(frames: list[Frame], groups: list[str], repairs: list[str]) -> tuple[list[Frame], list[str]]:
    """Leave out frames whose atoms stand where those of an earlier one stand; refuse those with another energy."""
    seen: dict[tuple[bytes, ...], Frame] = {}
    kept: list[Frame] = []
    words: list[str] = []
    again: list[Frame] = []
    for one, group in zip(frames, groups, strict=True):
        rounded = (np.round(part, 5) + 0.0 for part in (one.positions, one.cell))
        key = (one.numbers.tobytes(), one.pbc.tobytes(), *(part.tobytes() for part in rounded))
        first = seen.setdefault(key, one)
        if first is one:
            kept.append(one)
            words.append(group)
            continue
        if first.energy is not None and one.energy is not None and abs(first.energy - one.energy) > SAME:
            raise InputError(
                f"{one.name} has the atoms of {first.name} at other energy ({one.energy:.10g} and {first.energy:.10g} "
                "eV); are there two methods in it? Keep one."
            )
        again.append(one)
    if again:
        repairs.append(f"{plural(len(again), 'frame')} left out, atoms as in an earlier one: {_names(again)}")
    return kept, words


def without_borrowed_stress(frames: list[Frame], repairs: list[str]) -> list[Frame]:
    """Take the stress from frames that repeat, to all digits, that of an earlier frame with other atoms or places."""
    seen: dict[bytes, Frame] = {}
    borrowed = []
    for place, one in enumerate(frames):
        if one.stress is None or np.count_nonzero(np.abs(one.stress) > 1e-7) < 6:
            continue
        first = seen.setdefault(one.stress.tobytes(), one)
        if first is not one and (len(first) != len(one) or np.abs(first.positions - one.positions).max() > 1e-3):
            borrowed.append(place)
    if borrowed:
        names = _names([frames[place] for place in borrowed])
        repairs.append(f"stress of {plural(len(borrowed), 'frame')} left out, it is that of another frame: {names}")
    return [replace(one, stress=None) if place in borrowed else one for place, one in enumerate(frames)]


def _same_atoms(frames: Sequence[Frame]) -> Iterator[tuple[list[Frame], Floats, float]]:
    """Frames with energies by composition, where there are two or more; their energies, and the one in the middle."""
    groups: dict[bytes, list[Frame]] = {}
    for one in frames:
        if one.energy is not None:
            groups.setdefault(np.sort(one.numbers).tobytes(), []).append(one)
    for group in groups.values():
        if len(group) > 1:
            energies = np.array([one.energy for one in group], np.float64)
            yield group, energies, float(np.sort(energies)[len(energies) // 2])


def _names(frames: Sequence[Frame]) -> str:
    """The first few, the file named once."""
    file = frames[0].name.rpartition(", ")[0]
    listed = [one.name.removeprefix(f"{file}, ") for one in frames[1:4]]
    return ", ".join([frames[0].name, *listed]) + (", .." if len(frames) > 4 else "")
