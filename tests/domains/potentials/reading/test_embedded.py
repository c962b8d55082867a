"""What ships: ethanol by GFN2-xTB, as its method computes it, and copper by EMT."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="frames by EMT need the extra potentials")

from labformer.domains.potentials.frame import to_atoms
from labformer.domains.potentials.reading.embedded import copper_emt, ethanol_gfn2, make_ethanol_gfn2
from labformer.shared.errors import InputError


def test_ethanol_is_400_frames_at_500_k() -> None:
    frames = ethanol_gfn2()
    assert len(frames) == 400 and {len(one) for one in frames} == {9}
    energies = np.array([one.energy for one in frames])
    kelvin = energies.std() * np.sqrt(2 / 21) / 8.617e-5  # 21 vibrations, classical: variance 21/2 (kT)²
    assert 400 < kelvin < 620
    np.testing.assert_allclose([one.forces.sum(0) for one in frames], 0.0, atol=1e-4)  # type: ignore[union-attr]
    torques = [np.cross(one.positions, one.forces).sum(0) for one in frames]  # type: ignore[arg-type]
    np.testing.assert_allclose(torques, 0.0, atol=1e-3)


def test_ethanol_has_the_energies_and_forces_of_its_method() -> None:
    tblite = pytest.importorskip("tblite.ase", reason="GFN2-xTB needs tblite, of the extra potentials")
    for one in ethanol_gfn2()[::133]:
        atoms = to_atoms(one)
        atoms.calc = tblite.TBLite(method="GFN2-xTB", verbosity=0)
        assert atoms.get_potential_energy() == pytest.approx(one.energy, abs=1e-4)
        np.testing.assert_allclose(atoms.get_forces(), one.forces, atol=1e-3)


def test_ethanol_can_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tblite.ase", reason="GFN2-xTB needs tblite, of the extra potentials")
    monkeypatch.setattr("labformer.domains.potentials.reading.embedded.EQUILIBRATION", 5.0)
    monkeypatch.setattr("labformer.domains.potentials.reading.embedded.BETWEEN", 5.0)
    make_ethanol_gfn2(tmp_path / "one.extxyz", 2)
    make_ethanol_gfn2(tmp_path / "two.extxyz", 2)
    text = (tmp_path / "one.extxyz").read_text()
    assert text == (tmp_path / "two.extxyz").read_text() and text.count("energy=") == 2
    with pytest.raises(InputError, match="exists"):
        make_ethanol_gfn2(tmp_path / "one.extxyz", 2)


def test_copper_has_stress_that_is_the_slope_of_its_energy() -> None:
    from ase.calculators.emt import EMT

    frame = copper_emt(1)[0]
    assert frame.pbc.all() and len(frame) == 32
    for place, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        energies = []
        for step in (1e-4, -1e-4):
            atoms = to_atoms(frame)
            bend = np.zeros((3, 3))
            bend[i, j] = bend[j, i] = step if i == j else step / 2
            atoms.set_cell(atoms.cell @ (np.eye(3) + bend), scale_atoms=True)
            atoms.calc = EMT()
            energies.append(atoms.get_potential_energy())
        assert (energies[0] - energies[1]) / 2e-4 / frame.volume == pytest.approx(frame.stress[place], abs=1e-5)  # type: ignore[index]


def test_copper_depends_on_its_seed_alone() -> None:
    one, same, other = copper_emt(2, 1), copper_emt(2, 1), copper_emt(2, 2)
    np.testing.assert_array_equal(one[1].positions, same[1].positions)
    assert np.abs(one[1].positions - other[1].positions).max() > 0.01
    with pytest.raises(InputError, match="at least 1"):
        copper_emt(0)
