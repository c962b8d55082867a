import numpy as np
import pytest

from labformer.domains.potentials.fast.config import AcornConfig
from labformer.domains.potentials.frame import Frame

SMALL = AcornConfig(
    cutoff=5.0, reach=4.0, radial_two=5, radial=4, degree=2, radial_four=2, degree_four=2, members=3
)  # fmt: skip


@pytest.fixture
def small():
    return SMALL


def spring_energy(positions):
    """A bent molecule of springs, with its forces: a law of two and three bodies that is known exactly."""
    import torch

    x = torch.tensor(positions, requires_grad=True)
    one, two = x[1] - x[0], x[2] - x[0]
    lengths = one.norm(), two.norm()
    angle = (one @ two) / (lengths[0] * lengths[1])
    energy = 20 * (lengths[0] - 0.97) ** 2 + 20 * (lengths[1] - 0.97) ** 2 + 2 * (angle + 0.3) ** 2
    (slope,) = torch.autograd.grad(energy, x)
    return float(energy.detach()), -slope.numpy()


@pytest.fixture
def water_frames():
    draw = np.random.default_rng(0)
    shape = np.array([[0.0, 0, 0], [0.97, 0, 0], [-0.29, 0.925, 0]])
    frames = []
    for number in range(24):
        positions = shape + draw.normal(0, 0.06, (3, 3))
        energy, forces = spring_energy(positions)
        frames.append(
            Frame(np.array([8, 1, 1]), positions, np.zeros((3, 3)), np.zeros(3, bool), energy, forces, name=f"{number}")
        )
    return frames


@pytest.fixture
def copper_frames():
    pytest.importorskip("ase")
    from ase.build import bulk
    from ase.calculators.emt import EMT

    draw = np.random.default_rng(1)
    frames = []
    for number in range(8):
        atoms = bulk("Cu", "fcc", 3.6, cubic=True)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + draw.normal(0, 0.02, (3, 3))), scale_atoms=True)
        atoms.positions += draw.normal(0, 0.08, (4, 3))
        atoms.calc = EMT()
        frames.append(
            Frame(
                atoms.numbers.astype(np.int64), atoms.positions.copy(), atoms.cell.array.copy(), np.ones(3, bool),
                atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(), name=f"{number}",
            )
        )  # fmt: skip
    return frames
