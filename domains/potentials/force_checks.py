"""Whether forces and stress are what the energy says, sum to nothing, and never jump, on one frame."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...shared.errors import InputError
from .dynamics.evaluator import Answer, Evaluator
from .frame import VOIGT, Frame
from .neighbours import neighbours
from .symmetry_checks import Off

Floats = NDArray[np.float64]
COORDINATES = 12  # of single atoms, and one direction that moves all
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))  # first derivative to the fourth order
POINTS = 60  # along a path
SUSPECTS = 4  # places of a path that are looked at closely
NARROW = {torch.float64: 1e-5, torch.float32: 2e-3}  # Å across which a jump is measured
MOVED = 0.4  # Å by which one atom is moved in a path


def against_differences(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Forces along some directions against central differences of the energy."""
    forces = evaluator.many([frame])[0].forces
    directions = [np.zeros(frame.positions.shape) for _ in range(min(COORDINATES, frame.positions.size))]
    chosen = draw.permutation(frame.positions.size)
    for direction, place in zip(directions, chosen[:COORDINATES], strict=False):
        direction.flat[place] = 1.0
    together = draw.standard_normal(frame.positions.shape)
    directions.append(together / np.linalg.norm(together))
    slopes = _slopes(evaluator, frame, _pushed, directions)
    said = np.array([np.sum(forces * one) for one in directions])
    return Off(force=float(np.abs(said + slopes).max()))


def against_strain(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """All components of stress against central differences of the energy by strain."""
    if not frame.periodic or not frame.volume > 0:
        return None
    stress = evaluator.many([frame], stress=True)[0].stress
    if stress is None:
        return None
    bends = []
    for row, column in VOIGT:
        bend = np.zeros((3, 3))
        bend[row, column] += 0.5
        bend[column, row] += 0.5
        bends.append(bend)
    slopes = _slopes(evaluator, frame, _strained, bends)
    return Off(stress=float(np.abs(stress - slopes / frame.volume).max()))


def sum_of_forces(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Largest component of the sum."""
    return Off(force=float(np.abs(evaluator.many([frame])[0].forces.sum(0)).max()))


def sum_of_torques(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off | None:
    """About the middle, over the longest arm, so that it is in units of force; a periodic frame has none."""
    if frame.periodic or len(frame) < 2:
        return None
    arms = frame.positions - frame.positions.mean(0)
    torque = np.cross(arms, evaluator.many([frame])[0].forces).sum(0)
    return Off(force=float(np.abs(torque).max() / np.linalg.norm(arms, axis=1).max()))


def jumps(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> Off:
    """Largest jump of energy or force along a path on which pairs pass the cutoff.

    A molecule meets a copy of itself from beyond the cutoff; in a periodic frame, without a cutoff, or where copies are
    refused, one atom moves.
    Looked at closely are the places where a pair passes the cutoff, and those where forces turn most sharply.
    """
    path = _path(evaluator, frame, draw)
    places = np.linspace(*path.ends, POINTS)
    found = evaluator.many([path.at(one) for one in places])
    bends = [_second_difference(*found[k - 1 : k + 3])[1] for k in range(1, POINTS - 2)]
    narrow = NARROW[evaluator.dtype]
    suspects = [_closer(evaluator, path, places[k + 1], places[k + 2], narrow) for k in np.argsort(bends)[-SUSPECTS:]]
    crossed = path.crossings[:: max(1, len(path.crossings) // SUSPECTS)][:SUSPECTS]
    worst = [(0.0, 0.0)]
    for place in [*suspects, *crossed]:
        around = [path.at(float(place + shift * narrow)) for shift in (-1.5, -0.5, 0.5, 1.5)]
        worst.append(_second_difference(*evaluator.many(around)))
    energy, force = np.max(worst, axis=0)
    return Off(energy=float(energy) / len(frame), force=float(force))


def slack(evaluator: Evaluator) -> float:
    """eV/Å that a self-consistent part's noise puts into a difference."""
    return 2 * float(getattr(evaluator.potential, "energy_noise", 0.0)) / _step(evaluator)


class _Path(NamedTuple):
    at: Callable[[float], Frame]
    ends: tuple[float, float]  # Å
    crossings: Floats  # Å, where a pair passes the cutoff


def _path(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> _Path:
    if not frame.periodic and evaluator.cutoff:
        meeting = _meeting(evaluator, frame, draw)
        try:
            evaluator.many([meeting.at(meeting.ends[1])])
        except InputError:
            pass  # a potential of one molecule
        else:
            return meeting
    return _moving_atom(evaluator, frame, draw)


def _meeting(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> _Path:
    """A copy that comes nearer along a line, from where nothing is felt to a third inside the cutoff."""
    along = draw.standard_normal(3)
    along /= np.linalg.norm(along)
    gaps = (frame.positions[None] - frame.positions[:, None]).reshape(-1, 3)

    def meets(distance: float) -> Floats:
        ahead = gaps @ along
        under = ahead**2 - np.einsum("px,px->p", gaps, gaps) + distance**2
        return np.asarray(np.sqrt(under[under > 0]) - ahead[under > 0])

    cutoff = evaluator.cutoff
    ends = float(meets(0.65 * cutoff).max()), float(meets(1.05 * cutoff).max())
    crossings = meets(cutoff)

    def at(place: float) -> Frame:
        both = np.concatenate([frame.positions, frame.positions + place * along])
        return replace(frame, numbers=np.tile(frame.numbers, 2), positions=both)

    return _Path(at, ends, np.sort(crossings[crossings > ends[0]])[::-1])


def _moving_atom(evaluator: Evaluator, frame: Frame, draw: np.random.Generator) -> _Path:
    atom, along = int(draw.integers(len(frame))), draw.standard_normal(3)
    along /= np.linalg.norm(along)
    crossings = np.zeros(0)
    if evaluator.cutoff:
        pairs = neighbours(frame, evaluator.cutoff + MOVED)
        gaps = frame.positions[pairs.second] + pairs.shifts @ frame.cell - frame.positions[pairs.first]
        gaps = gaps[(pairs.first == atom) & (pairs.second != atom)]
        ahead = gaps @ along
        under = ahead**2 - np.einsum("px,px->p", gaps, gaps) + evaluator.cutoff**2
        root, ahead = np.sqrt(under[under > 0]), ahead[under > 0]
        met = np.concatenate([ahead - root, ahead + root])
        crossings = np.sort(met[(met > 0) & (met < MOVED)])

    def at(place: float) -> Frame:
        push = np.zeros(frame.positions.shape)
        push[atom] = place * along
        return _pushed(frame, push)

    return _Path(at, (0.0, MOVED), crossings)


def _closer(evaluator: Evaluator, path: _Path, low: float, high: float, narrow: float) -> float:
    """Halve an interval towards where forces leave the straight line most."""
    while high - low > narrow:
        width = (high - low) / 2
        found = evaluator.many([path.at(low + k * width) for k in (-1, 0, 1, 2, 3)])
        left, right = (_second_difference(*found[k : k + 4])[1] for k in (0, 1))
        low, high = (low, low + width) if left > right else (low + width, high)
    return (low + high) / 2


def _second_difference(one: Answer, two: Answer, three: Answer, four: Answer) -> tuple[float, float]:
    """Change from the second to the third of four even steps, beyond what the changes beside it promise."""
    energy = three.energy - two.energy - (two.energy - one.energy + four.energy - three.energy) / 2
    forces = three.forces - two.forces - (two.forces - one.forces + four.forces - three.forces) / 2
    return abs(energy), float(np.abs(forces).max())


def _slopes(
    evaluator: Evaluator, frame: Frame, move: Callable[[Frame, Floats], Frame], ways: Sequence[Floats]
) -> Floats:
    """Derivative of the energy along each way, at the frame."""
    step = _step(evaluator)
    asked = [frame, *(move(frame, at * step * way) for way in ways for at, _ in STENCIL)]
    energies = np.array([one.energy for one in evaluator.many(asked)])
    apart = (energies[1:] - energies[0]).reshape(len(ways), len(STENCIL))  # 1e4 eV taken off keeps the digits
    return np.asarray(apart @ np.array([weight for _, weight in STENCIL]) / step)


def _step(evaluator: Evaluator) -> float:
    """Å, or strain: short, unless the energy is coarse."""
    coarse = evaluator.dtype == torch.float32 or getattr(evaluator.potential, "energy_noise", 0.0) > 0
    return 0.02 if coarse else 1e-3


def _pushed(frame: Frame, push: Floats) -> Frame:
    return replace(frame, positions=frame.positions + push)


def _strained(frame: Frame, bend: Floats) -> Frame:
    whole = np.eye(3) + bend
    return replace(frame, positions=frame.positions @ whole, cell=frame.cell @ whole)
