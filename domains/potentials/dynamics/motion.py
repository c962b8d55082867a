"""Newton's equations and Langevin's, a step at a time, in ASE's units (Å, eV, u; time in Å sqrt(u/eV))."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Forces = Callable[[Floats], Floats]


def verlet_step(positions: Floats, momenta: Floats, forces: Floats, masses: Floats, step: float, push: Forces) -> tuple[
    Floats, Floats, Floats
]:  # fmt: skip
    """Velocity Verlet (Swope et al. 1982): half a kick, a drift, the other half; second order, time-reversible.

    positions, momenta, forces  (atom, 3);  masses (atom, 1);  push gives the forces at new positions
    """
    momenta = momenta + 0.5 * step * forces
    positions = positions + step * momenta / masses
    forces = push(positions)
    return positions, momenta + 0.5 * step * forces, forces


def langevin_step(
    positions: Floats, momenta: Floats, forces: Floats, masses: Floats, step: float, push: Forces,
    friction: float, thermal_energy: float, draw: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """BAOAB splitting (Leimkuhler & Matthews 2013): the one whose positions are right to the highest order.

    friction        1/time;  thermal_energy  kT in eV
    """
    keep = np.exp(-friction * step)
    kick = np.sqrt((1 - keep**2) * thermal_energy * masses)
    momenta = momenta + 0.5 * step * forces
    positions = positions + 0.5 * step * momenta / masses
    momenta = keep * momenta + kick * draw.standard_normal(momenta.shape)
    positions = positions + 0.5 * step * momenta / masses
    forces = push(positions)
    return positions, momenta + 0.5 * step * forces, forces


def thermal_momenta(
    positions: Floats, masses: Floats, thermal_energy: float, draw: np.random.Generator, turning: bool
) -> Floats:
    """Maxwell-Boltzmann momenta (atom, 3) without drift and, with `turning` false, without rotation.

    They are scaled so that the freedoms left hold exactly kT/2 each.
    """
    momenta = still(
        positions, draw.standard_normal(positions.shape) * np.sqrt(masses * thermal_energy), masses, turning
    )
    kinetic = kinetic_energy(momenta, masses)
    count = freedoms(positions, turning)
    return momenta * np.sqrt(0.5 * count * thermal_energy / kinetic) if kinetic > 0 else momenta


def still(positions: Floats, momenta: Floats, masses: Floats, turning: bool) -> Floats:
    """Momenta less the motion of the centre of mass and, with `turning` false, less the rotation about it."""
    momenta = momenta - masses * momenta.sum(0) / masses.sum()
    if turning or len(positions) < 2:
        return momenta
    arms = positions - (masses * positions).sum(0) / masses.sum()
    inertia = np.einsum("ax,ax->", masses * arms, arms) * np.eye(3) - np.einsum("ax,ay->xy", masses * arms, arms)
    spin = np.linalg.pinv(inertia, rcond=1e-8) @ np.cross(arms, momenta).sum(0)  # a line has no moment about itself
    return np.asarray(momenta - masses * np.cross(spin, arms))


def freedoms(positions: Floats, turning: bool) -> int:
    """Freedoms that are left of (atom, 3) when the centre rests and, with `turning` false, nothing rotates."""
    if len(positions) == 1:
        return 0
    arms = positions - positions.mean(0)
    # a line does not rotate about itself
    rotations = 0 if turning else min(3, int(np.linalg.matrix_rank(arms, tol=1e-6 * float(np.abs(arms).max()))) + 1)
    return max(0, 3 * len(positions) - 3 - rotations)


def kinetic_energy(momenta: Floats, masses: Floats) -> float:
    """In eV."""
    return float(0.5 * np.sum(momenta**2 / masses))
