from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.models.descriptor_ridge import DescriptorRidge
from labformer.domains.potentials.models.many_body import ManyBody, ManyBodyConfig
from labformer.shared.errors import InputError

spec = spec_from_file_location("potentials_spring", Path(__file__).with_name("spring_molecule.py"))
assert spec is not None and spec.loader is not None
spring = module_from_spec(spec)
spec.loader.exec_module(spring)
methanol = spring.methanol

SMALL = ManyBodyConfig(cutoff=3.5, pair_cutoff=4.0, pairs=5, radial=3, degree=3)


def alloy(seed: int, copies: int = 1) -> Frame:
    """A disturbed crystal of two elements with labels of a smooth pair force, which a ridge can learn."""
    draw = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), -1).reshape(-1, 3) * 2.6
    positions = grid + draw.normal(0, 0.12, grid.shape)
    cell = np.eye(3) * 5.2 + draw.normal(0, 0.08, (3, 3))
    frame = Frame(np.array([29, 13] * 4), positions, cell, np.ones(3, bool))
    batch = collate([frame], 4.0)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    places = batch.positions.clone().requires_grad_()
    bend = torch.eye(3).double() + (strain + strain.T) / 2
    distances = batch.vectors(places @ bend, batch.cells @ bend).norm(dim=1)
    energy = (torch.cos(distances) * (1 - (distances / 4).clamp_max(1)) ** 3).sum()
    force, tension = torch.autograd.grad(energy, (places, strain))
    stress = tension.reshape(9)[[0, 4, 8, 5, 2, 1]].numpy() / frame.volume
    return frame.labelled(energy.item(), -force.numpy(), stress)


@pytest.fixture(scope="module")
def metal() -> DescriptorRidge:
    part = DescriptorRidge(SMALL)
    part.fit_frames([alloy(seed) for seed in range(10)], [])
    return part


@pytest.mark.parametrize("frame", [alloy(0), methanol(1)[0]], ids=["crystal", "molecule"])
def test_jacobian_of_invariants_follows_finite_differences(frame: Frame) -> None:
    elements = torch.from_numpy(np.unique(frame.numbers))
    invariants, batch = ManyBody(elements, SMALL), collate([frame], 4.0)
    rows = torch.searchsorted(elements, batch.numbers)
    _, slopes, strain = invariants.jacobian(batch, rows)
    torch.testing.assert_close(slopes.sum(0), torch.zeros(3, invariants.size).double(), atol=1e-10, rtol=0)
    step, moved = 1e-5, batch.positions.clone()
    values = []
    for sign in (1, -2):
        moved[3, 1] += sign * step
        values.append(invariants.jacobian(batch.at(moved.clone()), rows)[0])
    torch.testing.assert_close((values[0] - values[1]) / (2 * step), slopes[3, 1], atol=1e-7, rtol=1e-6)
    virial = batch.positions.new_zeros(invariants.size)
    if not frame.periodic:  # without images dE/dstrain is the virial of forces on atoms
        virial = torch.einsum("n,nf->f", batch.positions[:, 0], slopes[:, 0])
        torch.testing.assert_close(strain[0], virial, atol=1e-9, rtol=0)


def test_learns_energies_forces_and_stress_of_crystals(metal: DescriptorRidge) -> None:
    test = [alloy(seed) for seed in range(20, 25)]
    found = metal.evaluate(collate(test, metal.cutoff), stress=True)
    forces = np.concatenate([frame.forces for frame in test])
    assert np.abs(found.forces.numpy() - forces).mean() < 0.05 * np.abs(forces).mean()
    wanted = np.array([frame.energy for frame in test])
    assert np.abs(found.energies.numpy() - wanted).mean() < 0.1 * wanted.std()
    assert found.stress is not None
    stress = np.stack([frame.stress for frame in test])
    assert np.abs(found.stress.numpy() - stress).mean() < 0.1 * np.abs(stress).mean()


def test_learns_a_molecule_by_its_angles_too() -> None:
    part = DescriptorRidge(SMALL)
    part.fit_frames(methanol(20), methanol(5, seed=3))
    test = methanol(10, seed=1)
    forces = np.concatenate([frame.forces for frame in test])
    found = part.evaluate(collate(test, part.cutoff)).forces.numpy()
    assert np.abs(found - forces).mean() < 0.25 * np.abs(forces).mean()


def test_forces_and_stress_are_gradients(metal: DescriptorRidge) -> None:
    frame, step = alloy(30), 1e-4
    found = metal.evaluate(collate([frame], metal.cutoff), stress=True)

    def energy(positions: np.ndarray, cell: np.ndarray) -> float:
        moved = Frame(frame.numbers, positions, cell, frame.pbc)
        return float(metal.evaluate(collate([moved], metal.cutoff)).energies)

    push = np.zeros_like(frame.positions)
    push[2, 1] = step
    slope = (energy(frame.positions + push, frame.cell) - energy(frame.positions - push, frame.cell)) / (2 * step)
    assert -slope == pytest.approx(float(found.forces[2, 1]), abs=1e-6)
    bend = np.zeros((3, 3))
    bend[0, 1] = bend[1, 0] = step / 2
    up, down = np.eye(3) + bend, np.eye(3) - bend
    slope = (energy(frame.positions @ up, frame.cell @ up) - energy(frame.positions @ down, frame.cell @ down)) / 2
    assert found.stress is not None
    assert slope / step / frame.volume == pytest.approx(float(found.stress[0, 5]), abs=1e-6)


def test_rotation_reflection_permutation_supercell_and_origin(metal: DescriptorRidge) -> None:
    frame = alloy(31)
    mirror = np.diag([1.0, 1.0, -1.0]) @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    order = np.random.default_rng(2).permutation(8)
    inside = np.linalg.solve(frame.cell.T, (frame.positions + 1.7).T).T % 1.0 @ frame.cell
    others = [
        Frame(frame.numbers, frame.positions @ mirror, frame.cell @ mirror, frame.pbc),
        Frame(frame.numbers[order], frame.positions[order], frame.cell, frame.pbc),
        Frame(frame.numbers, inside, frame.cell, frame.pbc),
    ]
    found = metal.evaluate(collate([frame, *others], metal.cutoff))
    first, turned, shuffled, shifted = found.forces.reshape(4, -1, 3).numpy()
    assert found.energies[1:].tolist() == pytest.approx([float(found.energies[0])] * 3, abs=1e-8)
    np.testing.assert_allclose(turned, first @ mirror, atol=1e-8)
    np.testing.assert_allclose(shuffled, first[order], atol=1e-8)
    np.testing.assert_allclose(shifted, first, atol=1e-8)
    double = Frame(
        np.tile(frame.numbers, 2),
        np.concatenate([frame.positions, frame.positions + frame.cell[0]]),
        frame.cell * np.array([[2], [1], [1]]),
        frame.pbc,
    )
    energy = float(metal.evaluate(collate([double], metal.cutoff)).energies)
    assert energy == pytest.approx(2 * float(found.energies[0]), abs=1e-8)


def test_energy_and_force_are_smooth_at_the_cutoff(metal: DescriptorRidge) -> None:
    distances = np.array([3.5, 4.0])[:, None] + np.array([-1e-3, 1e-3])
    frames = [molecule(np.array([29, 13]), np.array([[0, 0, 0], [one, 0, 0.0]])) for one in distances.ravel()]
    found = metal.evaluate(collate(frames, metal.cutoff))
    jumps = found.energies.reshape(2, 2).diff(dim=1)
    assert float(jumps[1].abs()) < 1e-6
    assert float(found.forces.reshape(2, 2, 2, 3)[1].diff(dim=0).abs().max()) < 1e-4


def test_the_number_of_invariants_keeps_to_its_budget() -> None:
    config = ManyBodyConfig(budget=500)
    sizes = {count: ManyBody(torch.arange(1, count + 1), config) for count in (1, 2, 3, 5)}
    assert all(one.size - one.pair_size <= 500 for one in sizes.values())
    assert sizes[1].radial == 6 and sizes[1].degree == 4


def test_one_frame_alone_can_be_fitted_and_strange_elements_are_refused(metal: DescriptorRidge) -> None:
    part = DescriptorRidge(SMALL)
    part.fit_frames(methanol(1), [])
    assert np.isfinite(float(part.evaluate(collate(methanol(1), part.cutoff)).energies))
    with pytest.raises(InputError, match="asked about"):
        metal.evaluate(collate(methanol(1), metal.cutoff))
    with pytest.raises(InputError, match="at least one"):
        DescriptorRidge().fit_frames([], [])


def test_comes_back_as_it_was(metal: DescriptorRidge) -> None:
    back = DescriptorRidge.restore(metal.settings(), metal.state_dict())
    batch = collate([alloy(40)], metal.cutoff)
    torch.testing.assert_close(back.evaluate(batch).forces, metal.evaluate(batch).forces, rtol=0, atol=0)
    assert back.count() == metal.count() > 100
