"""What physics says of units: of all sets at hand, in all units that a file may be in."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ase", reason="frames by EMT need the extra potentials")

from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.reading.elements import RADII, SYMBOLS, atomic_numbers, total_energy_ev
from labformer.domains.potentials.reading.embedded import copper_emt, ethanol_gfn2
from labformer.domains.potentials.reading.options import ReadOptions
from labformer.domains.potentials.reading.scale import evidence
from labformer.domains.potentials.reading.unit_checks import FORCES, check_units
from labformer.domains.potentials.reading.units import ENERGY, LENGTH, STRESS, force_factor, stress_factor
from labformer.shared.errors import InputError


def scaled(frames: list[Frame], energy: float, forces: float) -> list[Frame]:
    return [one.labelled(one.energy * energy, one.forces * forces) for one in frames]  # type: ignore[operator]


def test_symbols_and_radii_are_those_of_ase() -> None:
    from ase.data import chemical_symbols, covalent_radii

    assert list(SYMBOLS) == chemical_symbols[1 : len(SYMBOLS) + 1]
    np.testing.assert_allclose(RADII, covalent_radii[1 : len(RADII) + 1])
    assert atomic_numbers(["Cm", "H"], "").tolist() == [96, 1]


def test_units_are_those_of_ase() -> None:
    from ase import units

    for name, value in (("Hartree", units.Hartree), ("Ry", units.Rydberg), ("kcal/mol", units.kcal / units.mol)):
        assert ENERGY[name] == pytest.approx(value, rel=1e-6)
    assert ENERGY["kJ/mol"] == pytest.approx(units.kJ / units.mol, rel=1e-6)
    assert LENGTH["bohr"] == pytest.approx(units.Bohr, rel=1e-6)
    assert STRESS["GPa"] == pytest.approx(units.GPa, rel=1e-6)
    assert stress_factor("-kB") == pytest.approx(-0.1 * units.GPa, rel=1e-6)
    assert stress_factor("Hartree/bohr^3") == pytest.approx(units.Hartree / units.Bohr**3, rel=1e-6)
    assert force_factor("Hartree/bohr") == pytest.approx(units.Hartree / units.Bohr, rel=1e-6)


@pytest.mark.parametrize(("number", "hartree"), [(6, 37.84), (8, 75.06), (14, 289.36), (29, 1640.9)])
def test_total_energies_of_atoms_are_near_those_calculated(number: int, hartree: float) -> None:
    assert total_energy_ev(number) == pytest.approx(-27.2114 * hartree, rel=0.015)


def test_nature_is_recognised_in_ethanol_and_in_copper() -> None:
    found = evidence(ethanol_gfn2())
    assert 0.85 < found.bond < 1.15
    assert 28 < found.stiffness < 48
    assert 250 < found.heat < 700  # the trajectory is at 500 K
    assert 0.5 < found.work < 1.1 and found.sign > 0.5
    crystal = evidence(copper_emt(12))
    assert 0.85 < crystal.bond < 1.15
    assert 100 < crystal.heat < 2000


@pytest.mark.parametrize("unit", [name for name in FORCES if name != "eV/bohr"])
def test_forces_in_another_unit_are_asked_about(unit: str) -> None:
    energy = unit.rpartition("/")[0]
    wrong = scaled(ethanol_gfn2()[:24], 1 / ENERGY[energy], 1 / force_factor(unit))
    with pytest.raises(InputError, match="--force-unit") as caught:
        check_units(wrong, ReadOptions(), "x.xyz")
    assert unit in str(caught.value)
    assert energy == "eV" or energy in str(caught.value)


@pytest.mark.parametrize("unit", [name for name in ENERGY if name != "eV"])
def test_energies_in_another_unit_than_the_forces_are_asked_about(unit: str) -> None:
    wrong = scaled(ethanol_gfn2()[:40], 1 / ENERGY[unit], 1.0)
    with pytest.raises(InputError, match="times the work of the forces") as caught:
        check_units(wrong, ReadOptions(), "x.xyz")
    assert unit in str(caught.value)


def test_right_units_pass_with_few_frames_and_with_many() -> None:
    frames = ethanol_gfn2()
    for count in (1, 2, 5, 20):
        check_units(frames[:count], ReadOptions(), "x.xyz")
    for count in (1, 3, 12):
        check_units(copper_emt(count, seed=3), ReadOptions(), "x.xyz")


def test_forces_uphill_are_asked_about_and_the_option_turns_them() -> None:
    wrong = scaled(ethanol_gfn2()[:24], 1.0, -1.0)
    with pytest.raises(InputError, match="--gradients"):
        check_units(wrong, ReadOptions(), "x.xyz")


def test_metal_forces_in_hartree_are_too_cold_and_in_kilojoule_too_hot() -> None:
    frames = copper_emt(24)[::2]  # those that are rattled as at 300 K
    for unit in ("Hartree/bohr", "kJ/mol/Å"):
        with pytest.raises(InputError, match="motion of .* K"):
            check_units(
                [one.labelled(one.energy, one.forces / force_factor(unit)) for one in frames], ReadOptions(), "x"
            )  # type: ignore[operator]


def test_what_was_said_is_believed() -> None:
    said = ReadOptions(energy_unit="eV", force_unit="eV/Å", length_unit="Å")
    check_units(scaled(ethanol_gfn2()[:24], 23.06, 23.06), said, "x.xyz")
    stretched = [replace(one, positions=one.positions * 1.7) for one in ethanol_gfn2()[:10]]
    check_units(stretched, said, "x.xyz")
