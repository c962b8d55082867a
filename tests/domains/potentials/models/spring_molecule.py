"""Frames with exact labels: atoms on anharmonic springs, so that a model has something to learn without a file."""

import numpy as np
import torch

from labformer.domains.potentials.frame import Frame, molecule

METHANOL = np.array([6, 8, 1, 1, 1, 1])
AT_REST = np.array(
    [
        [-0.05, 0.66, 0.0],
        [-0.05, -0.76, 0.0],
        [-1.09, 0.98, 0.0],
        [0.44, 1.07, 0.89],
        [0.44, 1.07, -0.89],
        [0.88, -1.02, 0.0],
    ]
)


def energy(positions: torch.Tensor) -> torch.Tensor:
    """Morse springs between all atoms; the three hydrogens of carbon are alike."""
    rest = torch.pdist(torch.from_numpy(AT_REST))
    stiff = 2.0 / rest**2
    return (stiff * (1 - torch.exp(-(torch.pdist(positions) - rest))).square()).sum() - 100.0


def methanol(count: int, seed: int = 0, spread: float = 0.06) -> list[Frame]:
    """Frames around the rest in random orientations, energies in eV, forces in eV/Å."""
    draw, made = np.random.default_rng(seed), []
    for place in range(count):
        turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
        moved = (AT_REST + draw.normal(0, spread, AT_REST.shape)) @ turn
        positions = torch.from_numpy(moved).requires_grad_()
        value = energy(positions)
        (slope,) = torch.autograd.grad(value, positions)
        made.append(molecule(METHANOL, moved, f"methanol {place}").labelled(value.item(), -slope.numpy()))
    return made
