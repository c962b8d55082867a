"""Numbers in a unit that nobody said are refused with a line that asks, when nature contradicts Å, eV and eV/Å."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ....shared.errors import InputError
from ..frame import Frame
from .options import ReadOptions
from .scale import Evidence, evidence
from .units import ENERGY, LENGTH, force_factor

# Ranges of what nature allows; between one unit and the next lies a factor of 4 or more for most pairs.
BOND = (0.7, 1.55)  # nearest neighbour over covalent radii; 0.85 to 1.1 is usual
STIFFNESS = (10.0, 110.0)  # eV/Å² of bonds of hydrogen; 28 to 48 is usual
HEAT = (20.0, 6000.0)  # K
WORK = (0.2, 3.0)  # energy differences over work, where the two go together
FORCES = (
    "kcal/mol/Å",
    "kJ/mol/Å",
    "kJ/mol/nm",
    "Hartree/bohr",
    "Hartree/Å",
    "Ry/bohr",
    "Ry/Å",
    "meV/Å",
    "eV/bohr",
    "eV/nm",
)
LARGE_STRESS = 1.0  # eV/Å³ or 160 GPa, root mean square


def check_units(frames: Sequence[Frame], options: ReadOptions, path: str) -> str:
    """Compare frames, read with the units said or as Å, eV, eV/Å and eV/Å³, with nature: -> what speaks for them.

    Raises InputError with the units that fit and the options that say so. What was said in so many words is believed,
    unless atoms would lie in each other or forces point uphill.
    """
    found = evidence(frames)
    _check_lengths(found, options, path)
    _check_sign(found, options, path)
    _check_labels(found, options, path, len(frames[0]))
    _check_stress(frames, found, options, path)
    said = []
    if found.bond == found.bond:
        said.append(f"nearest neighbours at {found.bond:.2f} of a covalent bond")
    if found.stiffness == found.stiffness:
        said.append(f"bonds of hydrogen {found.stiffness:.0f} eV/Å² stiff")
    if found.heat == found.heat:
        said.append(f"motion of about {found.heat:.0f} K")
    if found.sign > 0.5:
        said.append(f"energies over work of forces {found.work:.2f}")
    return "; ".join(said)


def _fitting(value: float, units: Iterable[tuple[str, float]], range_: tuple[float, float], usual: float) -> list[str]:
    """Units that bring `value` into the range, the likeliest first, at most three."""
    fits = [
        (abs(math.log(value * factor / usual)), name)
        for name, factor in units
        if range_[0] < value * factor < range_[1]
    ]
    return [name for _, name in sorted(fits)[:3]]


def _check_lengths(found: Evidence, options: ReadOptions, path: str) -> None:
    if not found.bond > 0 or BOND[0] <= found.bond <= BOND[1]:
        return
    if options.length_unit and 0.6 < found.bond < 2.2:
        return
    per = LENGTH.get(options.length_unit, 1.0)
    fits = _fitting(found.bond, ((name, factor / per) for name, factor in LENGTH.items()), (0.8, 1.35), 1.0)
    ask = (
        f"that fits {fits[0]}: give --length-unit {fits[0]}" if fits else "give --length-unit, or correct the positions"
    )
    unless = "" if options.length_unit else " (or --length-unit Å if they are right)"
    raise InputError(
        f"{path}: nearest neighbours lie at {found.bond:.2g} times the sum of their covalent radii, with positions in "
        f"{options.length_unit or 'Å'}; {ask}{unless}."
    )


def _check_sign(found: Evidence, options: ReadOptions, path: str) -> None:
    downhill = [value for value in (found.stiffness, found.heat, found.sign) if value == value]
    if found.sign < -0.5 and len(downhill) > 1 and all(value < 0 for value in downhill):
        ask = "leave out --gradients" if options.gradients else "give --gradients if they are gradients"
        raise InputError(
            f"{path}: forces point uphill: energies rise along them, and bonds are pushed from their lengths; {ask}."
        )


def _check_labels(found: Evidence, options: ReadOptions, path: str, atoms: int) -> None:
    """Forces by the stiffness of bonds and the heat of the motion, energies by the work of the forces or as totals."""
    why: list[str] = []
    forces: list[str] = []
    factor = 1.0
    own = force_factor(options.force_unit) if options.force_unit else 1.0
    if not (options.force_unit or options.energy_unit):
        known = [(name, force_factor(name) / own) for name in FORCES]
        if found.stiffness > 0 and not STIFFNESS[0] < found.stiffness < STIFFNESS[1]:
            why.append(f"bonds of hydrogen of {found.stiffness:.3g} eV/Å² (28 to 48 is usual)")
            forces = _fitting(found.stiffness, known, (18.0, 70.0), 33.0)
        elif found.heat > 0 and not (found.stiffness == found.stiffness or HEAT[0] < found.heat < HEAT[1]):
            why.append(f"motion of {found.heat:.2g} K")
            forces = _fitting(found.heat, known, (100.0, 2500.0), 500.0)
        factor = force_factor(forces[0]) if forces else 1.0
    energies = _energies_that_fit(found, options, atoms, factor, bool(why), why)
    if not why:
        return
    flags = []
    if energies:
        flags.append(energies[0] if energies[0].startswith("--") else f"--energy-unit {energies[0]}")
    if forces:
        flags.append(f"--force-unit {forces[0]}")
    ask = f"give {' '.join(flags)}" if flags else "give --energy-unit and --force-unit"
    more = [f"--force-unit {name}" for name in forces[1:]] + [
        name if name.startswith("--") else f"--energy-unit {name}" for name in energies[1:]
    ]
    also = f" (or {', '.join(more)})" if more else ""
    raise InputError(
        f"{path}: energies and forces are not in {options.energy_unit or 'eV'} and {options.force_unit or 'eV/Å'}, it "
        f"seems: {' and '.join(why)}; {ask}{also} if that is right, or --energy-unit eV --force-unit eV/Å if they are."
    )


def _energies_that_fit(
    found: Evidence, options: ReadOptions, atoms: int, factor: float, refused: bool, why: list[str]
) -> list[str]:
    """Units of energy in the order of likelihood; adds to `why` what speaks against the present one."""
    if options.energy_unit and options.force_unit:
        return []
    now = ENERGY[options.energy_unit] if options.energy_unit else 1.0
    units = [(name, value / now) for name, value in ENERGY.items()]
    by_total = [name for name, per in units if name != "Ry" and 0.96 < found.total * per < 1.04]
    if found.sign > 0.4:
        if not refused and WORK[0] < found.work < WORK[1]:
            return []
        if not refused:
            why.append(f"energies change by {found.work:.2g} times the work of the forces")
        fits = _fitting(found.work / factor, units, (0.25, 2.5), 0.8)
        if not options.energy_per_atom and WORK[0] < found.work * atoms < WORK[1]:
            fits.append("--energy-per-atom")
        return sorted(fits, key=lambda name: name not in by_total)
    if by_total and by_total[0] != (options.energy_unit or "eV"):
        if not refused:
            why.append(f"energies are {found.total:.3g} times the total energies of the atoms in eV")
        return by_total
    return by_total


def _check_stress(frames: Sequence[Frame], found: Evidence, options: ReadOptions, path: str) -> None:
    stress = [one.stress for one in frames if one.stress is not None]
    if not stress:
        return
    slope, now = found.strain_work, options.stress_unit or "eV/Å^3"
    if slope == slope and not 0.3 < slope < 3.0:
        size = abs(slope)
        fits = [name for name, per in (("eV/Å^3", 1.0), ("GPa", 160.2), ("kbar", 1602.2)) if 0.5 < size * per < 2.0]
        right = ("-" if slope < 0 else "") + fits[0] if fits and not options.stress_unit else ""
        ask = f"give --stress-unit={right}" if right else "turn the sign of --stress-unit, or correct it"
        raise InputError(
            f"{path}: between strained cells energies change by {slope:.2g} times the work of the stress in {now}, "
            f"positive under tension; {ask}."
        )
    size = float(np.sqrt(np.mean(np.square(stress))))
    if slope != slope and not options.stress_unit and size > LARGE_STRESS:
        raise InputError(
            f"{path}: the stress is {size:.3g} eV/Å³ ({160 * size:.0f} GPa) root mean square, which no crystal stands; "
            "give --stress-unit: GPa or kbar, with a minus (=-kbar) when positive under pressure."
        )
