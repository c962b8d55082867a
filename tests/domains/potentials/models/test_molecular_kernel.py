from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.models.molecular_kernel import MolecularKernel
from labformer.shared.errors import InputError

spec = spec_from_file_location("potentials_spring", Path(__file__).with_name("spring_molecule.py"))
assert spec is not None and spec.loader is not None
spring = module_from_spec(spec)
spec.loader.exec_module(spring)
METHANOL, methanol = spring.METHANOL, spring.methanol


@pytest.fixture(scope="module")
def fitted() -> MolecularKernel:
    part = MolecularKernel()
    part.fit_frames(methanol(25), [])
    return part


def mean_force_error(part: MolecularKernel, frames: list[Frame]) -> float:
    found = part.evaluate(collate(frames, part.cutoff))
    return float(np.abs(found.forces.numpy() - np.concatenate([frame.forces for frame in frames])).mean())


def test_learns_forces_and_energies_of_frames_it_has_not_seen(fitted: MolecularKernel) -> None:
    test = methanol(20, seed=1)
    size = float(np.mean([np.abs(frame.forces).mean() for frame in test]))
    assert mean_force_error(fitted, test) < 0.1 * size
    energies = fitted.evaluate(collate(test, 0.0)).energies.numpy()
    wanted = np.array([frame.energy for frame in test])
    assert np.abs(energies - wanted).mean() < 0.2 * np.abs(wanted - wanted.mean()).mean()


def test_forces_are_minus_the_gradient(fitted: MolecularKernel) -> None:
    batch = collate(methanol(2, seed=2), 0.0)
    forces = fitted.evaluate(batch).forces
    for atom, axis in ((0, 0), (5, 1), (8, 2)):
        ends = []
        for sign in (1, -1):
            moved = batch.positions.clone()
            moved[atom, axis] += sign * 1e-4
            ends.append(fitted.evaluate(batch.at(moved)).energies.sum())
        assert float(-(ends[0] - ends[1]) / 2e-4) == pytest.approx(float(forces[atom, axis]), abs=1e-6)


def test_rotation_reflection_and_relabelling_of_alike_atoms_change_nothing(fitted: MolecularKernel) -> None:
    assert len(fitted.relabelled) == 6
    frame = methanol(1, seed=3)[0]
    mirror = np.diag([1.0, -1.0, 1.0]) @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = molecule(METHANOL, frame.positions @ mirror + 3.0)
    order = np.array([0, 1, 3, 4, 2, 5])
    alike = molecule(METHANOL, frame.positions[order])
    found = fitted.evaluate(collate([frame, turned, alike], 0.0))
    forces = found.forces.reshape(3, -1, 3).numpy()
    assert found.energies[1:].tolist() == pytest.approx([float(found.energies[0])] * 2, abs=1e-9)
    np.testing.assert_allclose(forces[1], forces[0] @ mirror, atol=1e-9)
    np.testing.assert_allclose(forces[2], forces[0][order], atol=1e-9)
    np.testing.assert_allclose(forces.sum(1), 0, atol=1e-9)
    torques = np.cross(frame.positions, forces[0]).sum(0)
    np.testing.assert_allclose(torques, 0, atol=1e-9)


def test_validation_frames_choose_but_are_not_learned() -> None:
    train, held = methanol(8), methanol(6, seed=4)
    part = MolecularKernel(rows=1000)
    part.fit_frames(train, held)
    assert len(part.inverse) == 8 * len(part.relabelled)
    given = MolecularKernel(*part.chosen.tolist())
    given.fit_frames(train, [])
    assert mean_force_error(given, held) == pytest.approx(mean_force_error(part, held), rel=1e-9)


def test_many_frames_are_thinned_to_the_rows_allowed() -> None:
    part = MolecularKernel(length=10.0, penalty=1e-6, rows=90)
    part.fit_frames(methanol(12), [])
    assert len(part.inverse) == 5 * len(part.relabelled)


def test_a_molecule_in_a_large_cell_is_the_same_and_has_a_stress(fitted: MolecularKernel) -> None:
    frame = methanol(1, seed=5)[0]
    boxed = Frame(METHANOL, frame.positions, np.eye(3) * 20, np.ones(3, bool))
    found = fitted.evaluate(collate([boxed], 0.0), stress=True)
    free = fitted.evaluate(collate([frame], 0.0))
    torch.testing.assert_close(found.forces, free.forces)
    step, ends = 1e-5, []
    for sign in (1, -1):
        strain = np.eye(3)
        strain[0, 0] += sign * step
        ends.append(float(fitted.evaluate(collate([molecule(METHANOL, frame.positions @ strain)], 0.0)).energies))
    assert found.stress is not None
    assert float(found.stress[0, 0]) == pytest.approx((ends[0] - ends[1]) / (2 * step) / 8000, abs=1e-8)
    with pytest.raises(InputError, match="half of its cell"):
        fitted.evaluate(collate([Frame(METHANOL, frame.positions, np.eye(3) * 4, np.ones(3, bool))], 0.0))


def test_other_molecules_are_refused(fitted: MolecularKernel) -> None:
    water = molecule(np.array([8, 1, 1]), np.eye(3)).labelled(0.0, np.zeros((3, 3)))
    with pytest.raises(InputError, match="frame 2"):
        MolecularKernel().fit_frames([*methanol(2), water], [])
    swapped = molecule(METHANOL[::-1].copy(), methanol(1)[0].positions)
    for other in (water, swapped):
        with pytest.raises(InputError, match="one molecule of 6 atoms"):
            fitted.evaluate(collate([other], 0.0))
    with pytest.raises(InputError, match="no forces"):
        MolecularKernel().fit_frames([methanol(1)[0].labelled(1.0, None)], [])


def test_comes_back_as_it_was(fitted: MolecularKernel, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file(fitted.state_dict(), tmp_path / "model.safetensors")
    back = MolecularKernel.restore(fitted.settings(), load_file(tmp_path / "model.safetensors"))
    batch = collate(methanol(3, seed=6), 0.0)
    torch.testing.assert_close(back.evaluate(batch).forces, fitted.evaluate(batch).forces, rtol=0, atol=0)
