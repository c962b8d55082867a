import json
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labformer.domains.potentials.calculator import LabformerCalculator
from labformer.domains.potentials.dynamics import md
from labformer.domains.potentials.dynamics.drift import energy_drift
from labformer.domains.potentials.dynamics.md import run_md
from labformer.domains.potentials.dynamics.motion import freedoms, kinetic_energy, still, thermal_momenta
from labformer.domains.potentials.dynamics.trajectory import KELVIN, read_trajectory
from labformer.domains.potentials.frame import Frame, to_atoms
from labformer.shared.errors import InputError

pytest.importorskip("ase")

from ase import units
from ase.md.verlet import VelocityVerlet

spec = spec_from_file_location("potentials_pair", Path(__file__).parents[1] / "pair_potential.py")
assert spec is not None and spec.loader is not None
pair = module_from_spec(spec)
spec.loader.exec_module(pair)

SETTINGS: dict[str, Any] = {"temperature_K": 200, "timestep_fs": 4.0, "steps": 40, "every": 4, "dtype": "float64"}


@pytest.fixture(scope="module")
def rest() -> Frame:
    """A tetrahedron at rest."""
    from ase.optimize import BFGS

    corners = np.array([[0.0, 0, 0], [2.4, 0, 0], [1.2, 2.1, 0], [1.2, 0.7, 2.0]])
    atoms = to_atoms(replace(pair.cluster(4), positions=corners))
    atoms.calc = LabformerCalculator(pair.Morse(), dtype="float64")
    BFGS(atoms, logfile=None).run(fmax=1e-3)
    return replace(pair.cluster(4), positions=atoms.get_positions())


@pytest.mark.parametrize("frame", [pair.cluster(5), pair.crystal()], ids=["molecule", "crystal"])
def test_the_loop_moves_atoms_as_ases_does(frame: Frame) -> None:
    made = run_md(pair.Morse(), frame, **SETTINGS)
    atoms = to_atoms(frame)
    atoms.calc = LabformerCalculator(pair.Morse(), dtype="float64")
    atoms.set_velocities(made.velocities[0] / units.fs)
    places, energies = [], []
    mover = VelocityVerlet(atoms, SETTINGS["timestep_fs"] * units.fs)
    mover.attach(lambda: places.append(atoms.get_positions()), interval=4)
    mover.attach(lambda: energies.append(atoms.get_total_energy()), interval=4)
    mover.run(SETTINGS["steps"])
    np.testing.assert_allclose(made.positions, places, atol=1e-10)
    np.testing.assert_allclose(made.total, energies, atol=1e-10)
    np.testing.assert_allclose(made.times_fs, np.arange(0, 161, 16.0))


def test_a_potential_its_calculator_and_any_calculator_give_the_same_run(rest: Frame) -> None:
    calculator = LabformerCalculator(pair.Morse(), dtype="float64")

    class Plain(LabformerCalculator):
        """Without the way around ASE."""

        def __getattribute__(self, name: str) -> Any:
            if name == "evaluator" and not object.__getattribute__(self, "__dict__").get("inside"):
                raise AttributeError(name)
            return super().__getattribute__(name)

        def calculate(self, *given: Any, **named: Any) -> None:
            self.inside = True
            super().calculate(*given, **named)
            self.inside = False

    runs = [run_md(one, rest, **SETTINGS) for one in (pair.Morse(), calculator, Plain(pair.Morse(), dtype="float64"))]
    for other in runs[1:]:
        np.testing.assert_allclose(other.positions, runs[0].positions, atol=1e-12)
    assert all(one.steps_per_second > 0 for one in runs)
    with pytest.raises(InputError, match="list is neither a potential nor an ASE calculator"):
        run_md([], rest)


def test_energy_is_conserved_to_the_second_order_of_the_step(rest: Frame) -> None:
    spreads = []
    for step in (8.0, 4.0):
        made = run_md(pair.Morse(), rest, **SETTINGS | {"timestep_fs": step, "steps": int(1200 / step), "every": 1})
        drift = energy_drift(made)
        assert abs(drift.mev_per_atom) < 0.2 * drift.kinetic
        spreads.append(drift.spread)
    assert 3 < spreads[0] / spreads[1] < 5


def test_the_thermostat_holds_the_temperature_from_a_cold_start(rest: Frame) -> None:
    made = run_md(
        pair.Morse(), rest, "langevin", velocities=np.zeros((4, 3)),
        **SETTINGS | {"steps": 500, "friction_per_ps": 80.0, "dtype": "float32"},
    )  # fmt: skip
    assert made.temperatures[0] == 0
    assert made.after(400.0).temperatures.mean() == pytest.approx(200, rel=0.25)


def test_an_equilibrated_run_begins_without_drift_and_rotation(rest: Frame) -> None:
    made = run_md(pair.Morse(), rest, equilibrate=30, **SETTINGS)
    assert made.times_fs[0] == 0 and not np.allclose(made.positions[0], rest.positions)
    masses = made.masses[:, None]
    np.testing.assert_allclose((masses * made.velocities[0]).sum(0), 0, atol=1e-12)
    arms = made.positions[0] - (masses * made.positions[0]).sum(0) / masses.sum()
    np.testing.assert_allclose(np.cross(arms, masses * made.velocities[0]).sum(0), 0, atol=1e-11)


def test_first_velocities_have_exactly_their_temperature_and_come_from_the_seed(rest: Frame) -> None:
    one, same, other = (run_md(pair.Morse(), rest, seed=seed, **SETTINGS) for seed in (1, 1, 2))
    assert one.temperatures[0] == pytest.approx(200, rel=1e-5) and one.freedoms == 6
    np.testing.assert_array_equal(one.positions, same.positions)
    assert not np.allclose(one.velocities[0], other.velocities[0])


def test_freedoms_count_what_can_move() -> None:
    line, bent = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.array([[0.0, 0, 0], [1, 0, 0], [2, 1, 0]])
    assert [freedoms(one, False) for one in (line[:1], line[:2], line, bent)] == [0, 1, 4, 3]
    assert freedoms(bent, True) == 6
    draw, masses = np.random.default_rng(0), np.array([[1.0], [12.0], [16.0]])
    momenta = thermal_momenta(line, masses, 300 * KELVIN, draw, False)
    assert kinetic_energy(momenta, masses) == pytest.approx(2 * 300 * KELVIN)
    np.testing.assert_allclose(still(line, momenta, masses, False), momenta, atol=1e-12)


def test_a_run_that_was_stopped_goes_on_and_ends_the_same(
    rest: Frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_md(pair.Morse(), rest, "langevin", **SETTINGS)
    out = tmp_path / "run.nc"
    monkeypatch.setattr(md, "SAVE_S", 0.0)

    class Stopped(pair.Morse):  # type: ignore[name-defined,misc]
        def evaluate(self, *given: Any, **named: Any) -> Any:
            if self.asked == 8:
                raise KeyboardInterrupt
            return super().evaluate(*given, **named)

    with pytest.raises(KeyboardInterrupt):
        run_md(Stopped(), rest, "langevin", out=out, **SETTINGS)
    assert not out.exists()
    with pytest.raises(InputError, match="holds a run with temperature_K 200; delete it"):
        run_md(pair.Morse(), rest, "langevin", out=out, **SETTINGS | {"temperature_K": 300})
    moved = replace(rest, positions=rest.positions + 0.1)
    with pytest.raises(InputError, match="holds a run with another frame"):
        run_md(pair.Morse(), moved, "langevin", out=out, **SETTINGS)
    rest_of_it = pair.Morse()
    made = run_md(rest_of_it, rest, "langevin", out=out, **SETTINGS)
    np.testing.assert_allclose(made.positions, whole.positions, atol=1e-10)
    assert [one.name for one in tmp_path.iterdir()] == ["run.nc"]
    again = read_trajectory(out)
    np.testing.assert_array_equal(again.positions, made.positions)
    assert again.settings == made.settings and again.freedoms == made.freedoms
    with pytest.raises(InputError, match=r"run\.nc exists"):
        run_md(pair.Morse(), rest, out=out, **SETTINGS)


def test_a_stopped_run_can_be_begun_anew(rest: Frame, tmp_path: Path) -> None:
    (tmp_path / "run.nc.running").write_text("anything")
    with pytest.raises(InputError, match="run.nc.running cannot be read"):
        run_md(pair.Morse(), rest, out=tmp_path / "run.nc", **SETTINGS)
    made = run_md(pair.Morse(), rest, out=tmp_path / "run.nc", resume=False, **SETTINGS)
    assert len(made) == 11 and [one.name for one in tmp_path.iterdir()] == ["run.nc"]


def test_viewers_get_an_extxyz_with_velocities_and_energies(rest: Frame, tmp_path: Path) -> None:
    from ase.io import read

    made = run_md(pair.Morse(), rest, out=tmp_path / "run.extxyz", **SETTINGS)
    images = read(tmp_path / "run.extxyz", ":")
    assert len(images) == len(made)
    np.testing.assert_allclose(images[3].get_velocities() * units.fs, made.velocities[3], atol=1e-7)
    assert images[3].info["time_fs"] == 48.0


def test_a_run_that_blows_up_ends_and_says_so(rest: Frame) -> None:
    class Broken(pair.Morse):  # type: ignore[name-defined,misc]
        def evaluate(self, *given: Any, **named: Any) -> Any:
            found = super().evaluate(*given, **named)
            return found._replace(forces=found.forces * (np.nan if self.asked > 10 else 1))

    made = run_md(Broken(), rest, **SETTINGS)
    assert made.ended == "energy or forces are not finite at step 10" and made.times_fs[-1] == 40


def test_predicted_forces_in_nve_and_novelty_are_told(rest: Frame) -> None:
    with pytest.warns(UserWarning, match="an NVE run of them drifts"):
        made = run_md(pair.Morse("direct"), rest, **SETTINGS)
    assert np.isnan(made.novelty).all()
    strange = pair.Morse()
    strange.novelty_ = lambda frame: np.full(len(frame), 3.0)
    looked = run_md(strange, rest, **SETTINGS).novelty
    assert run_md(strange, rest, **SETTINGS).strangest == 3.0
    assert looked[0] == 3.0 and np.isnan(looked[1:]).all(), "each hundred steps"
    strange.novelty = 0.5
    np.testing.assert_array_equal(run_md(strange, rest, **SETTINGS).novelty, np.full(11, 0.5))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ensemble": "npt"}, "'npt' is not known"), ({"steps": 0}, "steps is 0"),
        ({"timestep_fs": 0.0}, "timestep_fs is 0.0"), ({"timestep_fs": 500.0}, "up to 20"),
        ({"temperature_K": -1.0}, "temperature_K is -1.0"), ({"friction_per_ps": 0.0}, "friction"),
        ({"out": "run.traj"}, "end the name in .nc"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_md(pair.Morse(), pair.cluster(4), **wrong)


def test_a_file_that_is_no_trajectory_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.nc"
    other.write_text(json.dumps({}))
    with pytest.raises(InputError, match="not a trajectory"):
        read_trajectory(other)
    with pytest.raises(InputError, match="does not exist"):
        read_trajectory(tmp_path / "none.nc")
