from pathlib import Path

import numpy as np
import pytest

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.shared.errors import InputError

pytest.importorskip("tblite", reason="needs the extra potentials")

from labformer.domains.potentials.models.xtb import Xtb
from labformer.domains.potentials.models.xtb_labels import XtbConfig, XtbLabels

WATER = np.array([8, 1, 1])
PLACES = np.array([[0.0, 0, 0.12], [0, 0.76, -0.47], [0, -0.76, -0.47]])


def water(move: float = 0.0, energy: float | None = None) -> Frame:
    return molecule(WATER, PLACES + move * np.eye(3)).labelled(energy, None)


@pytest.fixture(scope="module")
def fitted() -> Xtb:
    part = Xtb()
    part.fit_frames([water(0.0, -2080.0), water(0.05, -2079.8)], [])
    return part


def test_energies_are_shifted_to_the_reference(fitted: Xtb) -> None:
    found = fitted.evaluate(collate([water(0.0), water(0.05)], 0.0)).energies.numpy()
    assert found.mean() == pytest.approx(-2079.9, abs=1e-9)
    own = [fitted.labels.of(WATER, frame.positions, frame.cell).energy for frame in (water(0.0), water(0.05))]
    assert np.diff(found) == pytest.approx(np.diff(own))
    assert own[0] == pytest.approx(-137.97, abs=0.02)  # eV, GFN2-xTB of water: -5.0704 Hartree


def test_forces_follow_finite_differences(fitted: Xtb) -> None:
    frame, step = water(0.03), 1e-3
    forces = fitted.evaluate(collate([frame], 0.0)).forces
    ends = []
    for sign in (1, -1):
        moved = frame.positions.copy()
        moved[1, 1] += sign * step
        ends.append(float(fitted.evaluate(collate([molecule(WATER, moved)], 0.0)).energies))
    assert -(ends[0] - ends[1]) / (2 * step) == pytest.approx(float(forces[1, 1]), abs=1e-4)
    np.testing.assert_allclose(forces.sum(0).numpy(), 0, atol=1e-5)


def test_stress_follows_the_strain_of_a_cell() -> None:
    part, step = Xtb(), 1e-3
    chain = Frame(np.array([1, 1]), np.array([[0.0, 0, 0], [0.8, 0, 0]]), np.diag([2.2, 6.0, 6.0]), np.ones(3, bool))
    part.fit_frames([chain.labelled(-30.0, None)], [])
    ends = []
    for sign in (1, -1):
        strain = np.diag([1 + sign * step, 1, 1])
        bent = Frame(chain.numbers, chain.positions @ strain, chain.cell @ strain, chain.pbc)
        ends.append(float(part.evaluate(collate([bent], 0.0)).energies))
    stress = part.evaluate(collate([chain], 0.0), stress=True).stress
    assert stress is not None
    assert (ends[0] - ends[1]) / (2 * step) / chain.volume == pytest.approx(float(stress[0, 0]), rel=1e-3)


def test_charge_and_spin_matter_and_an_odd_electron_needs_no_word() -> None:
    of = {
        words: XtbLabels(XtbConfig(**words_given)).of(WATER, PLACES, np.zeros((3, 3))).energy
        for words, words_given in {
            "neutral": {},
            "cation": {"charge": 1.0},
            "triplet": {"unpaired": 2},
        }.items()
    }
    assert of["cation"] > of["neutral"] + 8 and of["triplet"] > of["neutral"] + 3
    radical = XtbLabels().of(WATER[:2], PLACES[:2], np.zeros((3, 3)))
    assert np.isfinite(radical.energy)


def test_what_xtb_cannot_do_is_one_clear_line() -> None:
    none = np.zeros((3, 3))
    with pytest.raises(InputError, match="not converged in 2 cycles.*allow more cycles"):
        XtbLabels(XtbConfig(cycles=2)).of(WATER, PLACES, none)
    with pytest.raises(InputError, match="not compatible.*unpaired"):
        XtbLabels(XtbConfig(unpaired=1)).of(WATER, PLACES, none)
    with pytest.raises(InputError, match="overlap"):
        XtbLabels().of(WATER, PLACES * np.array([[1], [0], [0]]), none)
    with pytest.raises(InputError, match="GFN2-xTB, GFN1-xTB"):
        XtbConfig(method="GFN3")
    with pytest.raises(InputError, match="no energy"):
        Xtb().fit_frames([water()], [])


def test_labels_are_kept_in_memory_and_written_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = XtbLabels()
    labelled = labels.label([water(), water(), water(0.1)])
    assert len(labels) == 2 and not list(tmp_path.iterdir())
    assert labelled[0].energy == labelled[1].energy and labelled[2].forces is not None
    labels.save("labels.npz")
    with pytest.raises(InputError, match="exists"):
        labels.save("labels.npz")
    again = XtbLabels()
    again.load("labels.npz")
    monkeypatch.setattr("labformer.domains.potentials.models.xtb_labels.compute", None)  # nothing is computed again
    assert again.label([water(0.1)])[0].energy == labelled[2].energy
    with pytest.raises(InputError, match="other settings"):
        XtbLabels(XtbConfig(charge=1.0)).load("labels.npz")
    Path("labels.npz").write_text("nothing")
    with pytest.raises(InputError, match="no file of xTB labels"):
        XtbLabels().load("labels.npz")


def test_comes_back_as_it_was(fitted: Xtb) -> None:
    back = Xtb.restore(fitted.settings(), fitted.state_dict())
    batch = collate([water(0.02)], 0.0)
    assert back.evaluate(batch).energies.tolist() == fitted.evaluate(batch).energies.tolist()
