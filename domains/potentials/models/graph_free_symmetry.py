"""What a potential without built-in symmetry violates, as numbers: rotation, net force and torque, curl."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ....shared.learning.seed import seeded
from ..batch import collate
from ..frame import Floats, Frame
from ..part import Part
from .graph_free_frames import random_rotations


class RotationError(NamedTuple):
    """How much answers change when molecules are turned (root mean squares over turns, frames, components)."""

    force_ev_per_angstrom: float  # of F(R x) - R F(x)
    force_share: float  # of the same, over that of the forces themselves
    energy_ev: float  # of E(R x) - E(x)


class Violation(NamedTuple):
    """What a force field that is no gradient leaves over, in one frame."""

    net_force_ev_per_angstrom: float  # length of the sum
    net_torque_ev: float  # length of the sum about the centroid
    asymmetry: float  # |J - J^T| / |J + J^T| of the forces' Jacobian J; 0 for a gradient
    against_energy_ev_per_angstrom: float  # root mean square of F + dE/dx, by finite differences


def rotation_error(part: Part, frames: Sequence[Frame], turns: int = 8, seed: int = 0) -> RotationError:
    """Over `turns` random rotations of each molecule; works for any part."""
    with seeded(seed):
        rotations = random_rotations(turns, torch.float64).numpy()
    energy, force, size = [], [], []
    for frame in frames:
        centre = frame.positions.mean(0)
        every = [replace(frame, positions=(frame.positions - centre) @ turn) for turn in (np.eye(3), *rotations)]
        energies, forces = _answers(part, every)
        back = np.einsum("kni,kji->knj", forces[1:], rotations)
        force.append(np.mean((back - forces[0]) ** 2))
        energy.append(np.mean((energies[1:] - energies[0]) ** 2))
        size.append(np.mean(forces[0] ** 2))
    wrong = float(np.sqrt(np.mean(force)))
    return RotationError(wrong, wrong / float(np.sqrt(np.mean(size)) or 1.0), float(np.sqrt(np.mean(energy))))


def violation(part: Part, frame: Frame, step: float = 1e-3) -> Violation:
    """By central differences of `step` Å; give a part in float64, or a larger step, for small numbers to mean much."""
    flat, size = frame.positions, 3 * len(frame)
    moves = step * np.eye(size).reshape(size, len(frame), 3)
    every = [replace(frame, positions=flat + sign * move) for move in moves for sign in (1, -1)]
    energies, forces = _answers(part, [frame, *every])
    jacobian = (forces[1::2] - forces[2::2]).reshape(size, size) / (2 * step)
    slope = ((energies[1::2] - energies[2::2]) / (2 * step)).reshape(-1, 3)
    torque = np.cross(flat - flat.mean(0), forces[0]).sum(0)
    odd, even = np.linalg.norm(jacobian - jacobian.T), np.linalg.norm(jacobian + jacobian.T)
    return Violation(
        float(np.linalg.norm(forces[0].sum(0))),
        float(np.linalg.norm(torque)),
        float(odd / even) if even else 0.0,
        float(np.sqrt(np.mean((forces[0] + slope) ** 2))),
    )


def _answers(part: Part, frames: Sequence[Frame]) -> tuple[Floats, Floats]:
    """Energies (k,) and forces (k, n, 3) of k frames of the same atoms."""
    energies, forces = [], []
    for start in range(0, len(frames), 64):
        said = part.evaluate(collate(frames[start : start + 64], part.cutoff, torch.float64))
        energies.append(said.energies.detach().double().numpy())
        forces.append(said.forces.detach().double().numpy())
    return np.concatenate(energies), np.concatenate(forces).reshape(len(frames), -1, 3)
