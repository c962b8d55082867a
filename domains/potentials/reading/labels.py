"""Under which keys energy, forces and stress stand in the frames of a file."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.reading.table import nearest, plural
from ..frame import OF_NINE
from .options import ReadOptions
from .raw import Floats, RawFrame

# Folded names, the surest first.
ENERGY = ("refenergy", "dftenergy", "energydft", "energy", "totalenergy", "potentialenergy", "energies", "e")
FREE = ("freeenergy", "dftfreeenergy")
FORCES = ("refforces", "dftforces", "forcesdft", "refforce", "dftforce", "forces", "force", "gradients", "gradient")
STRESS = ("refstress", "dftstress", "stress", "stresses", "refvirial", "dftvirial", "virial", "virials")
SAME = 1e-6  # eV


class Labels(NamedTuple):
    """What a file says of its frames, in its units; an entry a frame, None where a frame has none."""

    energies: list[float | None]
    forces: list[Floats | None]
    stress: list[Floats | None]  # (6,) xx yy zz yz xz xy, or virials where `virial`
    virial: bool
    notes: list[str]


def find_labels(frames: Sequence[RawFrame], options: ReadOptions) -> Labels:
    """Take the keys that are named, find the others, and say which unless they are plain.

    Raises InputError where the frames lack what `options.needs` asks for, where two keys hold different values, or
    where frames use different keys.
    """
    notes: list[str] = []
    energy = options.energy_key or _choose(frames, _of_frame, ENERGY + FREE, "energy", notes)
    forces = options.forces_key or _choose(frames, _of_atoms, FORCES, "forces", notes)
    stress = options.stress_key or _choose(frames, _of_frame, STRESS, "stress", notes)
    energies = [_energy(one, energy) for one in frames]
    vectors = [_forces(one, forces) for one in frames]
    tensors = [_stress(one, stress) for one in frames]
    if fold(forces).startswith("gradient"):
        vectors = [None if one is None else -one for one in vectors]
        notes.append(f"forces are minus what stands under {forces!r}")
    for what, key, values in (("energy", energy, energies), ("forces", forces, vectors), ("stress", stress, tensors)):
        _require(frames, what, key, values, options)
    return Labels(energies, vectors, tensors, "virial" in stress.casefold(), notes)


def fold(name: str) -> str:
    """A key without case and marks."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _of_frame(frame: RawFrame) -> dict[str, Any]:
    return frame.info


def _of_atoms(frame: RawFrame) -> dict[str, Any]:
    return frame.arrays


def _choose(
    frames: Sequence[RawFrame],
    held: Callable[[RawFrame], dict[str, Any]],
    known: tuple[str, ...],
    what: str,
    notes: list[str],
) -> str:
    """The folded key that all frames with such a label share; empty where no frame has one."""
    having = [{fold(name) for name in held(one)} & {*known} for one in frames]
    labelled = [(one, names) for one, names in zip(frames, having, strict=True) if names]
    if not labelled:
        return ""
    shared = set.intersection(*(names for _, names in labelled))
    if not shared:
        first, names = labelled[0]
        other, others = next((one, found) for one, found in labelled if not found & names)
        raise InputError(
            f"{other.where} has its {what} under {_spelt(other, held, others)!r}, {first.where.rpartition(', ')[2]} "
            f"under {_spelt(first, held, names)!r}; give all frames one key, or read the files apart."
        )
    chosen = sorted(shared, key=known.index)
    if len(chosen) > 1 and what == "energy":
        _refuse_rivals([one for one, _ in labelled], held, chosen, notes)
    key = chosen[0]
    spelt = sorted({_spelt(one, held, {key}) for one, _ in labelled})
    if spelt != [what]:
        notes.append(f"{what} read from {' and '.join(map(repr, spelt))}")
    return key


def _spelt(frame: RawFrame, held: Callable[[RawFrame], dict[str, Any]], folded: set[str]) -> str:
    return next(name for name in held(frame) if fold(name) in folded)


def _refuse_rivals(
    frames: Sequence[RawFrame],
    held: Callable[[RawFrame], dict[str, Any]],
    chosen: list[str],
    notes: list[str],
) -> None:
    """Two keys with different energies: the free energy gives way to the energy, any other pair is refused."""
    first = chosen[0]
    for other in chosen[1:]:
        for one in frames:
            kept, rival = (_number(held(one)[_spelt(one, held, {key})]) for key in (first, other))
            if kept is None or rival is None or abs(kept - rival) <= SAME:
                continue
            names = [_spelt(one, held, {key}) for key in (first, other)]
            if other in FREE and first not in FREE:
                notes.append(
                    f"energy read from {names[0]!r}, not from {names[1]!r}, of which the forces are the gradient "
                    f"(they differ, by {rival - kept:.3g} in {one.where.rpartition(', ')[2]}); --energy-key chooses"
                )
                break
            raise InputError(
                f"{one.where}: {names[0]!r} is {kept:.10g}, {names[1]!r} is {rival:.10g}; say which is meant "
                f"with --energy-key."
            )


def _find(held: dict[str, Any], key: str) -> Any:
    """By the exact key, else by the folded one."""
    if not key:
        return None
    if key in held:
        return held[key]
    return next((value for name, value in held.items() if fold(name) == fold(key)), None)


def _number(value: Any) -> float | None:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None
    return float(array.reshape(-1)[0]) if array.size == 1 else None


def _energy(frame: RawFrame, key: str) -> float | None:
    value = _find(frame.info, key)
    if value is None:
        return None
    number = _number(value)
    if number is None:
        text = str(value)
        why = "decimal commas: write points" if "," in text else "no number"
        raise InputError(f"{frame.where}: the energy under {key!r} is {text[:40]!r}, {why}.")
    return number


def _forces(frame: RawFrame, key: str) -> Floats | None:
    value = _find(frame.arrays, key)
    if value is None:
        return None
    array: NDArray[Any] = np.asarray(value)
    if array.shape != (len(frame), 3) or array.dtype.kind not in "fiu":
        raise InputError(
            f"{frame.where}: the forces under {key!r} have shape {array.shape}, ({len(frame)}, 3) is due: three "
            "numbers an atom."
        )
    return array.astype(np.float64)


def _stress(frame: RawFrame, key: str) -> Floats | None:
    value = _find(frame.info, key)
    if value is None:
        return None
    array: NDArray[Any] = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.size not in (6, 9):
        raise InputError(
            f"{frame.where}: {key!r} is {str(value)[:40]!r}; six (xx yy zz yz xz xy) or nine numbers are due."
        )
    flat: Floats = array.reshape(-1).astype(np.float64)
    if flat.size == 6:
        return flat
    full = flat.reshape(3, 3)
    if np.abs(full - full.T).max() > 1e-3 * max(float(np.abs(full).max()), 1e-9):
        raise InputError(f"{frame.where}: {key!r} is not symmetric; a stress must be: check its order.")
    return ((full + full.T) / 2).reshape(-1)[OF_NINE]


def _require(frames: Sequence[RawFrame], what: str, key: str, values: Sequence[Any], options: ReadOptions) -> None:
    given = {"energy": options.energy_key, "forces": options.forces_key, "stress": options.stress_key}[what]
    needed = (what == "energy" and options.needs != "nothing") or (what == "forces" and options.needs == "forces")
    lacking = [one for one, value in zip(frames, values, strict=True) if value is None and not _alone(one, what)]
    if not lacking or not (needed or given):
        return
    held = lacking[0].arrays if what == "forces" else lacking[0].info
    flag = f"--{'forces' if what == 'forces' else what}-key"
    many = f"{plural(len(lacking), 'frame')} of {len(frames):,} have no {what}, the first is {lacking[0].where}"
    empty = "its atoms have places alone" if what == "forces" else "it has no keys at all"
    there = f"its keys are {', '.join(map(repr, list(held)[:12]))}" if held else empty
    near = nearest(given, held) if given else ""
    raise InputError(
        f"{many}{f', asked for {given!r}{near}' if given else ''}; {there}: name the key with {flag}"
        f"{', or label these frames' if not given else ''}."
    )


def _alone(frame: RawFrame, what: str) -> bool:
    """An isolated atom needs no forces."""
    return what == "forces" and len(frame) == 1
