"""What physics says of numbers whose units nobody said: bond lengths, bond stiffness, heat, work, total energies.

All of it takes positions, energies, forces and stresses as if they were in Å, eV, eV/Å and eV/Å³; a factor between what
is found and what nature allows is then the factor between the units.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..frame import OF_NINE, Frame
from .elements import NOBLE, NONMETALS, radii, total_energy_ev

Floats = NDArray[np.float64]
BOLTZMANN = 8.617333262e-5  # eV/K
MOST = 100  # frames that are looked at
NEAREST = 120  # pairs of frames of which the work is taken
MOVED = (0.05, 1.2)  # Å, root mean square between two frames, in which heat shows
BONDED = 1.3  # times the sum of covalent radii


class Evidence(NamedTuple):
    """What was found; NaN where nothing can be said."""

    bond: float  # nearest neighbour over the sum of covalent radii, median
    stiffness: float  # eV/Å², of bonds between hydrogen and a nonmetal, median
    heat: float  # K, temperature at which the forces would move the atoms so far
    work: float  # energy differences over -force times way, root mean square
    sign: float  # correlation of the two
    strain_work: float  # energy differences that the forces leave over, over volume times stress times strain
    total: float  # energy over that of the neutral atoms with all electrons, median


def evidence(frames: Sequence[Frame]) -> Evidence:
    """Look at up to 100 frames; those of one composition and order of atoms are compared in pairs."""
    picked = [frames[int(place)] for place in np.unique(np.linspace(0, len(frames) - 1, MOST).round())]
    lists: dict[bytes, list[Frame]] = {}
    for one in picked:
        lists.setdefault(one.numbers.tobytes() + one.pbc.tobytes(), []).append(one)
    group = max(lists.values(), key=len)
    heat, work, sign, strained = _pairwise([one for one in group if one.energy is not None and one.forces is not None])
    return Evidence(bond_ratio(picked), _stiffness(group), heat, work, sign, strained, total_ratio(picked))


def bond_ratio(frames: Sequence[Frame]) -> float:
    """Median over atoms of the least distance over the sum of covalent radii; NaN for lone atoms and noble gases."""
    found: list[float] = []
    for one in frames[:30]:
        if len(one) < 3 or {*one.numbers.tolist()} <= NOBLE:
            continue
        some = np.linspace(0, len(one) - 1, min(len(one), 60)).astype(int)
        distances = np.linalg.norm(_image(one, one.positions[some, None] - one.positions[None]), axis=2)
        distances[np.arange(len(some)), some] = np.inf
        sums = radii(one.numbers)[some, None] + radii(one.numbers)[None]
        found += (distances / sums).min(1).tolist()
    return float(np.median(found)) if found else np.nan


def total_ratio(frames: Sequence[Frame]) -> float:
    """Median of the energy over the total energies of the atoms; 1 for a calculation with all electrons in eV."""
    found = [
        one.energy / sum(total_energy_ev(int(number)) for number in one.numbers)
        for one in frames
        if one.energy is not None
    ]
    return float(np.median(found)) if found else np.nan


def _image(frame: Frame, gaps: Floats) -> Floats:
    """Gaps to nearest images, near enough for cells that are not very skewed; (.., 3) -> (.., 3)."""
    if not frame.pbc.all() or frame.volume <= 0:
        return gaps
    parts = gaps @ np.linalg.inv(frame.cell)
    nearest: Floats = (parts - np.round(parts)) @ frame.cell
    return nearest


def _stiffness(frames: Sequence[Frame]) -> float:
    """Slope of the force on a hydrogen along its bond against the length of the bond, over frames; median of bonds."""
    frames = [one for one in frames if one.forces is not None]
    if len(frames) < 8:
        return np.nan
    numbers = frames[0].numbers
    first = frames[0]
    distances = np.linalg.norm(_image(first, first.positions[:, None] - first.positions[None]), axis=2)
    found = []
    for atom in np.flatnonzero(numbers == 1)[:20]:
        distances[atom, atom] = np.inf
        other = int(distances[atom].argmin())
        sums = float(radii(numbers)[[atom, other]].sum())
        if numbers[other] not in NONMETALS or distances[atom, other] > BONDED * sums:
            continue
        ways = np.array([_image(one, one.positions[atom] - one.positions[other]) for one in frames])
        lengths = np.linalg.norm(ways, axis=1)
        if lengths.max() > 1.6 * sums or np.ptp(lengths) < 0.02:  # it broke off, or hardly moves
            continue
        along = np.einsum("fx,fx->f", [one.forces[atom] for one in frames], ways / lengths[:, None])  # type: ignore[index]
        found.append(-float(np.polyfit(lengths - lengths.mean(), along, 1)[0]))
    return float(np.median(found)) if found else np.nan


def _pairwise(frames: Sequence[Frame]) -> tuple[float, float, float, float]:
    """Heat, work, its sign and the work of strain from pairs of frames of one composition.

    Energy changes by the mean of the forces at both ends times the way, exactly so where it is quadratic; molecules are
    turned onto each other first, cells are strained onto each other. Heat: force times way is kT a coordinate.
    """
    if len(frames) < 4:
        return (np.nan,) * 4
    steps = [_step(frames[i], frames[j]) for i, j in _sampled(len(frames))]
    way, work, strain_work, gained, pull, strain = np.array([one for one in steps if one is not None]).reshape(-1, 6).T
    warm = (way > MOVED[0]) & (way < MOVED[1]) & (strain < 0.08)
    kelvin = pull / (2 * 3 * len(frames[0]) * BOLTZMANN)
    heat = float(np.median(kelvin[warm])) if warm.sum() >= 6 else np.nan
    near = np.argsort(way + 3 * strain)[:NEAREST]
    moved = near[(way[near] > 1e-3) & (strain[near] < 1e-3)]
    size = np.sqrt(np.sum(work[moved] ** 2))
    ratio = sign = np.nan
    if len(moved) >= 6 and size > 0 and gained[moved].any():
        ratio = float(np.sqrt(np.sum(gained[moved] ** 2)) / size)
        sign = float(np.sum(work[moved] * gained[moved]) / (size * np.sqrt(np.sum(gained[moved] ** 2))))
    bent = near[(strain[near] > 3e-3) & (strain[near] < 0.15) & (np.abs(strain_work[near]) > 0)]
    strained = np.nan
    if len(bent) >= 6:
        rest = gained[bent] - work[bent]
        if np.corrcoef(rest, strain_work[bent])[0, 1] ** 2 > 0.5:
            strained = float(np.sum(rest * strain_work[bent]) / np.sum(strain_work[bent] ** 2))
    return heat, ratio, sign, strained


def _sampled(count: int) -> list[tuple[int, int]]:
    """Pairs of frames: all of up to 32, else of every n-th, and each with the next; some hundreds."""
    return list(combinations(range(0, count, -(-count // 32)), 2)) + [(place, place + 1) for place in range(count - 1)]


def _step(one: Frame, other: Frame) -> tuple[float, float, float, float, float, float] | None:
    """From one frame to another: way, work of forces, work of stress, energy gained, pull of forces, strain."""
    assert one.forces is not None and other.forces is not None and one.energy is not None and other.energy is not None
    strain_work = size = 0.0
    if one.pbc.all():
        middle = (one.cell + other.cell) / 2
        if abs(np.linalg.det(middle)) < 1e-6:
            return None
        parts = other.positions @ np.linalg.inv(other.cell) - one.positions @ np.linalg.inv(one.cell)
        parts -= np.round(parts)
        ways = (parts - parts.mean(0)) @ middle
        bend = np.linalg.inv(middle) @ (other.cell - one.cell)
        bend = (bend + bend.T) / 2
        size, turned = float(np.abs(bend).max()), other.forces
        if one.stress is not None and other.stress is not None:
            mean = (one.stress * one.volume + other.stress * other.volume) / 2
            strain_work = float(mean @ (bend.reshape(-1)[OF_NINE] * [1, 1, 1, 2, 2, 2]))
    else:
        here, there = one.positions - one.positions.mean(0), other.positions - other.positions.mean(0)
        left, _, right = np.linalg.svd(there.T @ here)
        left[:, 2] *= np.sign(np.linalg.det(left @ right))
        ways, turned = there @ (left @ right) - here, other.forces @ (left @ right)
    work = -float(np.sum((one.forces + turned) * ways)) / 2
    pull = -float(np.sum((turned - one.forces) * ways))
    way = float(np.sqrt(np.sum(ways**2) / len(one)))
    return way, work, strain_work, other.energy - one.energy, pull, size
