from collections.abc import Sequence

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.models.repulsion import COULOMB, NUCLEI_LENGTH, SCREENING, Repulsion
from labformer.shared.errors import InputError


def pair(distance: float, numbers: Sequence[int] = (6, 8)) -> Frame:
    return molecule(np.array(numbers), np.array([[0.0, 0, 0], [distance, 0, 0]]))


def crystal(seed: int, edge: float = 3.0) -> Frame:
    draw = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3), -1).reshape(-1, 3) * edge
    cell = np.eye(3) * 2 * edge + draw.normal(0, 0.05, (3, 3))
    return Frame(np.array([29, 14] * 4), grid + draw.normal(0, 0.1, grid.shape), cell, np.ones(3, bool), name="crystal")


@pytest.fixture(scope="module")
def carbon_monoxide() -> Repulsion:
    part = Repulsion()
    part.fit_frames([pair(1.20), pair(1.15), pair(1.3)], [])
    return part


def energy(part: Repulsion, frame: Frame) -> float:
    return float(part.evaluate(collate([frame], part.cutoff)).energies)


def test_is_zero_at_all_distances_that_were_seen(carbon_monoxide: Repulsion) -> None:
    assert float(carbon_monoxide.outer[0, 1]) == pytest.approx(0.95 * 1.15)
    for distance in (1.15, 1.1, 3.0):
        assert energy(carbon_monoxide, pair(distance)) == 0


def test_deep_inside_is_the_universal_potential(carbon_monoxide: Repulsion) -> None:
    distance, lengths = 0.3, NUCLEI_LENGTH / (6**0.23 + 8**0.23)
    wanted = COULOMB * 48 / distance * sum(share * np.exp(-rate * distance / lengths) for share, rate in SCREENING)
    assert energy(carbon_monoxide, pair(distance)) == pytest.approx(wanted, rel=1e-12)


def test_rises_steeply_and_smoothly_as_atoms_close_in(carbon_monoxide: Repulsion) -> None:
    distances = np.linspace(0.05, 1.2, 2301)
    batch = collate([pair(one) for one in distances], carbon_monoxide.cutoff)
    found = carbon_monoxide.evaluate(batch)
    energies = found.energies.numpy()
    assert (np.diff(energies) <= 0).all() and energies[0] > 5000
    pushes = -found.forces.reshape(-1, 2, 3)[:, 0, 0].numpy()  # the left atom is pushed to the left
    middles = (pushes[1:] + pushes[:-1]) / 2
    np.testing.assert_allclose(middles[400:], -np.diff(energies)[400:] / np.diff(distances)[400:], 1e-5, 5e-3)
    bends = np.diff(pushes) / np.diff(distances)  # the second derivative has no step, at the outer radius neither
    near = np.abs(distances[:-1] - 0.95 * 1.15) < 0.01
    assert np.abs(bends[near]).max() > 10 * np.abs(np.diff(bends[near])).max() > 0


def test_two_crystals_follow_finite_differences_in_positions_and_strain() -> None:
    part = Repulsion(margin=1.0, longest=3.0)
    part.fit_frames([crystal(0, edge=5.0)], [])  # wide radii, so that the crystals below feel it
    frames = [crystal(1, 2.4), crystal(2, 2.6)]
    found = part.evaluate(collate(frames, part.cutoff), stress=True)
    assert found.stress is not None and float(found.energies.min()) > 1e-3
    step = 1e-4
    for atom, axis in ((0, 0), (5, 2)):
        ends = []
        for sign in (1, -1):
            moved = frames[0].positions.copy()
            moved[atom, axis] += sign * step
            ends.append(energy(part, Frame(frames[0].numbers, moved, frames[0].cell, frames[0].pbc)))
        assert -(ends[0] - ends[1]) / (2 * step) == pytest.approx(float(found.forces[atom, axis]), abs=1e-6)
    for voigt, (row, column) in {0: (0, 0), 2: (2, 2), 5: (0, 1)}.items():
        ends = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[row, column] += sign * step / 2
            strain[column, row] += sign * step / 2
            bent = Frame(frames[1].numbers, frames[1].positions @ strain, frames[1].cell @ strain, frames[1].pbc)
            ends.append(energy(part, bent))
        slope = (ends[0] - ends[1]) / (2 * step) / frames[1].volume
        assert slope == pytest.approx(float(found.stress[1, voigt]), abs=1e-6)


def test_pairs_never_seen_keep_the_default_and_new_elements_are_refused() -> None:
    part = Repulsion(longest=0.8)
    part.fit_frames([pair(5.0, (1, 1)), pair(5.0, (6, 6))], [])
    assert part.cutoff == pytest.approx(0.8 * 1.52)
    with pytest.raises(InputError, match=r"asked about \[8\]"):
        energy(part, pair(1.0, (6, 8)))


def test_comes_back_from_its_settings_and_tensors_and_stays_exact(carbon_monoxide: Repulsion) -> None:
    carbon_monoxide.to(torch.float32)
    back = Repulsion.restore(carbon_monoxide.settings(), carbon_monoxide.state_dict())
    assert back.cutoff == carbon_monoxide.cutoff
    assert energy(back, pair(0.7)) == energy(carbon_monoxide, pair(0.7)) > 1
    with pytest.raises(InputError, match="fitted"):
        energy(Repulsion(), pair(0.7))
