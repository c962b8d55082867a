import warnings
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labformer.domains.potentials.dynamics.kept_pairs import KeptPairs
from labformer.domains.potentials.frame import Frame, to_atoms
from labformer.shared.errors import InputError

pytest.importorskip("ase")

from ase import units
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.filters import FrechetCellFilter
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations

from labformer.domains.potentials.calculator import LabformerCalculator

spec = spec_from_file_location("potentials_pair", Path(__file__).with_name("pair_potential.py"))
assert spec is not None and spec.loader is not None
pair = module_from_spec(spec)
spec.loader.exec_module(pair)


def with_calculator(frame: Frame, fault: str = "", **settings: Any) -> Any:
    atoms = to_atoms(frame)
    atoms.calc = LabformerCalculator(pair.Morse(fault), **settings)
    return atoms


def push(atoms: Any, kelvin: float) -> None:
    draw = np.random.default_rng(0).standard_normal((len(atoms), 3))
    atoms.set_momenta(draw * np.sqrt(atoms.get_masses() * units.kB * kelvin)[:, None])


@pytest.mark.parametrize("frame", [pair.cluster(), pair.crystal()], ids=["molecule", "crystal"])
def test_forces_pass_ases_own_differences_in_float64(frame: Frame) -> None:
    atoms = with_calculator(frame, dtype="float64")
    assert np.abs(atoms.get_forces()).max() > 0.1
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-6)


def test_stress_passes_ases_own_differences_in_float64() -> None:
    atoms = with_calculator(pair.crystal(), dtype="float64")
    assert np.abs(atoms.get_stress()).max() > 1e-3
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-8)


@pytest.mark.parametrize("frame", [pair.cluster(), pair.crystal()], ids=["molecule", "crystal"])
def test_float32_is_right_to_a_ten_thousandth_and_its_differences_to_a_hundredth(frame: Frame) -> None:
    exact, fast = (with_calculator(frame, dtype=one) for one in ("float64", "float32"))
    np.testing.assert_allclose(fast.get_forces(), exact.get_forces(), atol=1e-4)
    np.testing.assert_allclose(fast.get_potential_energy(), exact.get_potential_energy(), atol=1e-5)
    np.testing.assert_allclose(fast.get_forces(), calculate_numerical_forces(fast, eps=5e-3), atol=1e-2)


def test_the_potential_that_was_given_keeps_its_precision() -> None:
    morse = pair.Morse().double()
    LabformerCalculator(morse, dtype="float32")
    assert morse.depth.dtype == LabformerCalculator(morse, dtype="float64").evaluator.potential.depth.dtype


def test_energy_and_free_energy_are_the_same_number_and_results_are_named() -> None:
    atoms = with_calculator(pair.crystal())
    assert atoms.get_potential_energy() == atoms.get_potential_energy(force_consistent=True)
    assert set(atoms.calc.results) == {"energy", "free_energy", "forces"}
    atoms.get_stress()
    atoms.rattle(0.01, seed=1)
    atoms.get_forces()
    assert "stress" in atoms.calc.results, "a relaxation of the cell would ask twice a step"


def test_a_molecule_has_no_stress() -> None:
    with pytest.raises(PropertyNotImplementedError):
        with_calculator(pair.cluster()).get_stress()


def test_an_unknown_element_is_named_with_those_that_are_known() -> None:
    atoms = with_calculator(pair.cluster())
    atoms.numbers[0] = 8
    with pytest.raises(InputError, match=r"has not learned O; it knows Ar, Cu, Ag"):
        atoms.get_potential_energy()


def test_positions_and_cells_that_cannot_be_are_refused() -> None:
    atoms = with_calculator(pair.cluster())
    atoms.positions[2, 1] = np.nan
    with pytest.raises(InputError, match="atom 2 is not finite"):
        atoms.get_forces()
    atoms = with_calculator(replace(pair.cluster(), pbc=np.array([False, True, False])))
    with pytest.raises(InputError, match="periodic along b, but its cell has no vector b"):
        atoms.get_forces()
    with pytest.raises(InputError, match="float16"):
        LabformerCalculator(pair.Morse(), dtype="float16")
    with pytest.raises(InputError, match="skin"):
        LabformerCalculator(pair.Morse(), skin=-1.0)


def run(skin: float, frame: Frame, kelvin: float, steps: int = 40) -> tuple[np.ndarray, int]:
    atoms = with_calculator(frame, dtype="float64", skin=skin)
    push(atoms, kelvin)
    places: list[np.ndarray] = []
    mover = VelocityVerlet(atoms, 3 * units.fs)
    mover.attach(lambda: places.append(atoms.get_positions()))
    mover.run(steps)
    return np.array(places), atoms.calc.evaluator.pairs.builds


@pytest.mark.parametrize(
    ("frame", "kelvin", "skin"), [(pair.cluster(8), 800, 0.8), (pair.crystal(), 4000, 0.3)], ids=["molecule", "crystal"]
)
def test_pairs_that_are_kept_give_the_trajectory_of_pairs_searched_at_each_step(
    frame: Frame, kelvin: float, skin: float
) -> None:
    (kept, few), (searched, many) = run(skin, frame, kelvin), run(0.0, frame, kelvin)
    assert many > 35 and 1 < few < many / 3
    np.testing.assert_allclose(kept, searched, atol=1e-9)


def test_pairs_are_searched_anew_when_cell_directions_or_elements_change() -> None:
    frame, torch = pair.crystal(), pytest.importorskip("torch")
    pairs = KeptPairs(4.5, 0.5, torch.float64)
    changes: list[dict[str, Any]] = [
        {}, {"positions": frame.positions + 0.2}, {"cell": 1.001 * frame.cell},
        {"pbc": np.array([True, True, False])}, {"numbers": frame.numbers[::-1].copy()},
    ]  # fmt: skip
    builds = []
    for change in changes:
        pairs.batch(replace(frame, **change))
        builds.append(pairs.builds)
    assert builds == [1, 2, 3, 4, 5]
    pairs.batch(replace(frame, **changes[-1], positions=frame.positions + 0.1))
    assert pairs.builds == 5, "0.17 Å is less than half the skin"


def test_many_frames_at_once_are_what_one_at_a_time_is() -> None:
    frames = [pair.cluster(seed=1), pair.cluster(4, seed=2), pair.crystal(3)]
    calculator = LabformerCalculator(pair.Morse(), dtype="float64")
    together = calculator.evaluate_many([*frames[:2], to_atoms(frames[2])])
    for frame, found in zip(frames, together, strict=True):
        alone = with_calculator(frame, dtype="float64")
        np.testing.assert_allclose(found["forces"], alone.get_forces(), atol=1e-12)
        assert found["energy"] == pytest.approx(alone.get_potential_energy(), abs=1e-12)
    stress = calculator.evaluate_many(frames[2:])[0]["stress"]
    np.testing.assert_allclose(stress, with_calculator(frames[2], dtype="float64").get_stress(), atol=1e-12)
    assert calculator.evaluate_many([]) == []


def test_forces_that_are_no_gradient_warn_once_and_only_when_atoms_move() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms = with_calculator(pair.cluster(), "direct")
        BFGS(atoms, logfile=None).run(steps=2)
        still = with_calculator(pair.cluster())
        push(still, 100)
        VelocityVerlet(still, units.fs).run(2)
    push(atoms, 100)
    with pytest.warns(UserWarning, match="predicted, not derived") as caught:
        VelocityVerlet(atoms, units.fs).run(5)
    assert len(caught) == 1


def test_strange_surroundings_warn_once_with_atom_and_evaluation() -> None:
    atoms = with_calculator(pair.cluster())
    atoms.calc.evaluator.potential.novelty = 1.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_forces()
    np.testing.assert_array_equal(atoms.calc.results["novelty"], np.full(6, 1.5))
    atoms.calc.evaluator.potential.novelty = 7.0
    with pytest.warns(UserWarning, match=r"atom 0 \(Ar\).* 7.0 times .* evaluation 2") as caught:
        for _ in range(3):
            atoms.rattle(0.01)
            atoms.get_forces()
    assert len(caught) == 1


def test_radii_come_when_they_are_asked_for_and_always_with_many_frames() -> None:
    quiet, doubting = with_calculator(pair.cluster()), with_calculator(pair.cluster(), doubts=True)
    quiet.get_forces(), doubting.get_forces()
    assert "force_radius" not in quiet.calc.results
    np.testing.assert_array_equal(doubting.calc.results["force_radius"], np.full(6, 0.5))
    np.testing.assert_array_equal(quiet.calc.evaluate_many([quiet])[0]["force_radius"], np.full(6, 0.5))


def test_a_measure_beside_the_model_stands_in_where_it_has_no_novelty() -> None:
    atoms = with_calculator(pair.cluster())
    atoms.calc.evaluator.potential.novelty_ = lambda frame: np.arange(len(frame))
    with pytest.warns(UserWarning, match=r"atom 5 \(Cu\)"):
        atoms.get_forces()


def stretched(frame: Frame) -> np.ndarray:
    """A novelty that grows with the length of the first pair."""
    return np.full(len(frame), np.linalg.norm(frame.positions[1] - frame.positions[0]))


def test_a_scan_in_small_steps_warns_soon_after_it_left_training() -> None:
    atoms = to_atoms(dimer(1.5))
    atoms.calc = LabformerCalculator(pair.Morse())
    atoms.calc.evaluator.potential.novelty_ = stretched
    with pytest.warns(UserWarning, match=r"2\.[0-2] times .* at evaluation (2[1-9]|3\d):"):
        for step in range(60):
            atoms.set_distance(0, 1, 1.5 + 0.025 * step, fix=0)  # beyond 2 from evaluation 22 on
            atoms.get_forces()


def test_novelty_is_not_looked_at_while_little_moves() -> None:
    looks: list[Frame] = []
    atoms = with_calculator(pair.cluster())
    atoms.calc.evaluator.potential.novelty_ = lambda frame: [looks.append(frame), np.zeros(len(frame))][1]
    for seed in range(150):
        atoms.rattle(1e-3, seed=seed)
        atoms.get_forces()
    assert len(looks) == 2, "at the start and after a hundred evaluations"


def test_a_measure_beside_the_model_comes_with_doubts() -> None:
    for doubts in (False, True):
        calculator = LabformerCalculator(pair.Morse(), doubts=doubts)
        calculator.evaluator.potential.novelty_ = lambda frame: np.arange(len(frame)) / 10
        atoms = to_atoms(pair.cluster())
        atoms.calc = calculator
        atoms.get_forces()
        assert ("novelty" in calculator.results) == doubts
        many = calculator.evaluate_many([pair.cluster(4), atoms])
        np.testing.assert_array_equal(many[1]["novelty"], np.arange(6) / 10)
        assert len(many[0]["novelty"]) == 4


def test_relaxation_of_atoms_and_cell_ends_without_forces_and_stress() -> None:
    atoms = with_calculator(pair.crystal(), dtype="float64")
    assert BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-4, steps=200)
    assert np.abs(atoms.get_forces()).max() < 1e-4
    assert np.abs(atoms.get_stress()).max() < 1e-5


def test_a_thermostat_of_ase_holds_the_temperature() -> None:
    atoms = with_calculator(pair.cluster(8))
    BFGS(atoms, logfile=None).run(fmax=0.05)
    push(atoms, 100)
    kelvin: list[float] = []
    settings = {"temperature_K": 100, "friction": 0.05 / units.fs, "fixcm": False, "rng": np.random.default_rng(1)}
    mover = Langevin(atoms, 4 * units.fs, **settings)
    mover.attach(lambda: kelvin.append(atoms.get_temperature()))
    mover.run(200)
    assert np.mean(kelvin[50:]) == pytest.approx(100, rel=0.25)


def dimer(distance: float = 2.5) -> Frame:
    frame = pair.cluster(2)
    return replace(frame, numbers=np.array([29, 29]), positions=np.array([[0.0, 0, 0], [distance, 0, 0]]))


def test_the_stretch_of_a_pair_has_the_frequency_of_its_well(tmp_path: Path) -> None:
    atoms = with_calculator(dimer(), dtype="float64")
    BFGS(atoms, logfile=None).run(fmax=1e-6)
    vibrations = Vibrations(atoms, name=str(tmp_path / "vib"), delta=1e-3)
    vibrations.run()
    distance = atoms.get_distance(0, 1)

    def energy(length: float) -> float:
        atoms.set_distance(0, 1, length)
        return float(atoms.get_potential_energy())

    step = 1e-3
    curvature = (energy(distance + step) + energy(distance - step) - 2 * energy(distance)) / step**2
    expected = np.sqrt(2 * curvature / atoms.get_masses()[0]) * units._hbar * 1e10 / np.sqrt(units._e * units._amu)
    found = vibrations.get_energies()
    assert found[-1].real == pytest.approx(expected, rel=1e-3)
    assert np.abs(found[:-1]).max() < 1e-3 * max(1.0, expected), "the other five move nothing"


def test_phonons_of_a_crystal_are_real_and_acoustic_ones_vanish(tmp_path: Path) -> None:
    from ase.build import bulk

    atoms = bulk("Cu", a=3.5)
    atoms.calc = LabformerCalculator(pair.Morse(), dtype="float64")
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-5)
    phonons = Phonons(atoms, atoms.calc, supercell=(4, 4, 4), delta=0.01, name=str(tmp_path / "phonon"))
    phonons.run()
    phonons.read(acoustic=True)
    path = atoms.cell.bandpath("GX", npoints=5)
    energies = phonons.get_band_structure(path).energies[0]
    np.testing.assert_allclose(energies[0], 0, atol=1e-4)
    assert (energies[1:] > 1e-4).all() and np.isreal(energies).all()


def test_a_band_finds_the_barrier_of_an_atom_that_passes_between_two() -> None:
    frame = pair.cluster(4)
    square = np.array([[0.0, 0, 0], [2.5, 0, 0], [1.25, 2.1, 0], [1.25, 0.7, 2.0]])
    first = with_calculator(replace(frame, numbers=np.full(4, 29), positions=square), dtype="float64")
    BFGS(first, logfile=None).run(fmax=1e-3)
    last = first.copy()
    one, two, three, four = last.positions
    normal = np.cross(two - one, three - one)
    last.positions[3] -= 2 * (four - one) @ normal / (normal @ normal) * normal  # through the triangle of the others
    last.calc = LabformerCalculator(pair.Morse(), dtype="float64")
    images = [first, *(first.copy() for _ in range(3)), last]
    for image in images[1:-1]:
        image.calc = LabformerCalculator(pair.Morse(), dtype="float64")
    band = NEB(images, k=0.5, method="improvedtangent")
    band.interpolate()
    BFGS(band, logfile=None).run(fmax=0.1, steps=60)
    energies = [image.get_potential_energy() for image in images]
    assert energies[0] == pytest.approx(energies[-1], abs=1e-4)
    assert 0.1 < max(energies) - energies[0] < 3.0 and int(np.argmax(energies)) == 2
