"""The door: files of labelled frames become `Frame`s in Å, eV and eV/Å, and every repair is said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ....shared.errors import InputError
from ....shared.reading.table import plural
from ..frame import Frame
from .cells import place
from .elements import SYMBOLS
from .faults import (
    refuse_far_energies,
    refuse_overlaps,
    refuse_two_units,
    without_borrowed_stress,
    without_far_forces,
    without_holes,
    without_repeats,
)
from .files import read_raw
from .labels import find_labels, fold
from .options import ReadOptions
from .raw import Floats, RawFrame
from .unit_checks import check_units
from .units import ENERGY, LENGTH, energy_unit, force_factor, force_unit, length_unit, stress_factor

ISOLATED = ("isolatedatom", "isolated", "isolatedatoms")  # folded names of kinds


class Read(NamedTuple):
    """Frames of one or more files, and what was put right or guessed on the way, a line each."""

    frames: tuple[Frame, ...]
    groups: tuple[str, ...]  # of each frame: file and kind or trajectory; splits keep neighbours in it together
    repairs: tuple[str, ...]
    reference: Mapping[int, float]  # atomic number -> energy in eV of the isolated atom, where the files have it
    units: str  # what speaks for the units; empty where the format fixes them or the user said them all


def read_frames(paths: str | Path | Sequence[str | Path], options: ReadOptions = ReadOptions()) -> Read:
    """Read extxyz, plain xyz, JSON (mlearn, ALIGNN), DeePMD folders, npz as MD17, ASE's .traj and .db; also .xyz.gz.

    Frames of one isolated atom become reference energies. Molecules in boxes with 12 Å of empty space lose the box.
    Raises InputError, with file, frame and remedy, for whatever cannot be read or would be guessed; MissingExtra
    without ase for .traj and .db.
    """
    listed = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(one) for one in paths]
    if not listed:
        raise InputError("no file of frames is given; give at least one.")
    frames: list[Frame] = []
    groups: list[str] = []
    repairs: list[str] = []
    reference: dict[int, float] = {}
    units: list[str] = []
    for path in listed:
        raw, notes = read_raw(path)
        labels = find_labels(raw, options)
        options_here, said = _settled(options, raw)
        found, own = _frames(raw, labels.energies, labels.forces, labels.stress, labels.virial, options_here, said)
        repairs += [*notes, *labels.notes, *said]
        own_repairs: list[str] = []
        found = without_holes(found, own_repairs)
        left = [one for one in found if not _isolated(one, own[one.name])]
        _refer([one for one in found if _isolated(one, own[one.name])], reference)
        # first, so that one wild frame does not speak for the units of all
        left = without_far_forces(without_borrowed_stress(left, own_repairs), options.largest_force, own_repairs)
        _refuse_bad(left, options_here, all(one.fixed for one in raw), str(path), units)
        frames += left
        groups += [own[one.name] for one in left]
        repairs += own_repairs
    if not frames:
        raise InputError(
            f"{', '.join(map(str, listed))}: only isolated atoms; give frames of molecules or crystals too."
        )
    frames, groups = without_repeats(frames, groups, repairs)
    if reference:
        symbols = ", ".join(SYMBOLS[number - 1] for number in sorted(reference))
        repairs.append(f"isolated atoms of {symbols} taken as reference energies, not as frames")
    return Read(tuple(frames), tuple(groups), tuple(dict.fromkeys(repairs)), reference, "; ".join(units))


def _settled(options: ReadOptions, raw: Sequence[RawFrame]) -> tuple[ReadOptions, list[str]]:
    """Units in full: of what was said, or none where the format fixes them; and what follows from what was said."""
    if all(one.fixed for one in raw):
        return replace(options, energy_unit="eV", force_unit="eV/Å", length_unit="Å", stress_unit="eV/Å^3"), []
    energy = energy_unit(options.energy_unit) if options.energy_unit else ""
    length = length_unit(options.length_unit) if options.length_unit else ""
    force = force_unit(options.force_unit) if options.force_unit else ""
    said = []
    if not force and (energy not in ("", "eV") or length not in ("", "Å")):
        force = f"{energy or 'eV'}/{length or 'Å'}"
        said.append(f"forces taken to be in {force}, as energy and length are")
    return replace(options, energy_unit=energy, length_unit=length, force_unit=force), said


def _frames(
    raw: Sequence[RawFrame],
    energies: Sequence[float | None],
    forces: Sequence[Floats | None],
    stress: Sequence[Floats | None],
    virial: bool,
    options: ReadOptions,
    said: list[str],
) -> tuple[list[Frame], dict[str, str]]:
    """Frames in Å, eV, eV/Å and eV/Å³, and the group of each by its name."""
    per_length = LENGTH[options.length_unit] if options.length_unit else 1.0
    per_energy = ENERGY[options.energy_unit] if options.energy_unit else 1.0
    per_force = (force_factor(options.force_unit) if options.force_unit else 1.0) * (-1.0 if options.gradients else 1.0)
    notes: Counter[str] = Counter()
    found: list[Frame] = []
    groups: dict[str, str] = {}
    for one, energy, pull, tension in zip(raw, energies, forces, stress, strict=True):
        cell = None if one.cell is None else one.cell * per_length
        scaled = replace(one, positions=one.positions * per_length, cell=cell)
        placed = place(scaled, options.pbc, tension is not None)
        notes[placed.note] += 1
        volume = abs(float(np.linalg.det(placed.cell))) if tension is not None else 0.0
        if tension is not None and virial:
            tension = -tension * per_energy / volume if volume > 0 else None
        elif tension is not None:
            tension = tension * (stress_factor(options.stress_unit) if options.stress_unit else 1.0)
        if tension is not None and not (placed.pbc.all() and volume > 0):
            tension = None
            notes["stress of frames that are not periodic left out"] += 1
        whole = per_energy * (len(one) if options.energy_per_atom else 1)
        frame = Frame(
            one.numbers,
            placed.positions,
            placed.cell,
            placed.pbc,
            None if energy is None else energy * whole,
            None if pull is None else pull * per_force,
            tension,
            one.where,
        )
        found.append(frame)
        groups[one.where] = f"{one.where.rpartition(', ')[0]}: {one.group}"
    said += [f"{note} ({plural(count, 'frame')})" for note, count in notes.items() if note]
    return found, groups


def _isolated(frame: Frame, group: str) -> bool:
    """One atom alone in space, or called so."""
    return len(frame) == 1 and (not frame.periodic or fold(group.rpartition(": ")[2]) in ISOLATED)


def _refer(atoms: Sequence[Frame], reference: dict[int, float]) -> None:
    for one in atoms:
        number = int(one.numbers[0])
        if one.energy is None:
            continue
        if abs(reference.setdefault(number, one.energy) - one.energy) > 1e-3:
            raise InputError(
                f"{one.name}: the isolated {SYMBOLS[number - 1]} has {one.energy:.8g} eV here and "
                f"{reference[number]:.8g} eV before; keep one of them."
            )


def _refuse_bad(frames: Sequence[Frame], options: ReadOptions, fixed: bool, path: str, units: list[str]) -> None:
    """Atoms in one another, two units in one file, a unit that nobody said."""
    if not frames:
        return
    told = options.energy_unit and options.force_unit and options.length_unit
    stressed = any(one.stress is not None for one in frames)
    refuse_two_units(frames)
    if not fixed and not (told and (options.stress_unit or not stressed)):
        units.append(check_units(frames, options, path))
    refuse_far_energies(frames)
    refuse_overlaps(frames)
