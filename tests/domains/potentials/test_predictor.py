"""`InteratomicPotential`: what is known adds up, labels are passed on, doubts are calibrated."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch

from labformer.domains.potentials import registry
from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.predictor import InteratomicPotential, warnings_of
from labformer.domains.potentials.registry import Entry, entry
from labformer.shared.errors import InputError

spec = spec_from_file_location("potentials_springs", Path(__file__).with_name("springs.py"))
springs = sys.modules.setdefault("potentials_springs", module_from_spec(spec))
if not hasattr(springs, "world"):
    spec.loader.exec_module(springs)


@pytest.fixture(autouse=True)
def morse(monkeypatch):
    monkeypatch.setitem(registry.MODELS, "morse", Entry("potentials_springs", "Morse", "simple", "bonds"))


@pytest.fixture(scope="module")
def water():
    return springs.frames(30, seed=1)


def test_an_exact_model_is_exact_on_total_energies_too(water):
    made = InteratomicPotential("morse").fit(water)
    found = made.score(springs.frames(20, seed=2))
    assert found.energy.value < 1e-5 and found.force.value < 1e-5  # meV of 2070 eV
    assert made.elements_ == (1, 8) and made.cutoff == 4.0 and made.conservative
    assert any("one composition" in note for note in made.notes_)


def test_energies_of_isolated_atoms_are_kept_and_carry_to_other_molecules(water):
    mixed = [*water, *springs.frames(10, springs.METHANE, seed=5)]
    made = InteratomicPotential("morse").fit(mixed, reference=springs.ATOMS)
    assert made.score(springs.frames(5, springs.METHANE, seed=6)).energy.value < 1e-5
    alone = Frame(np.array([8]), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool))
    assert made.predict(alone)[0].energy == pytest.approx(springs.ATOMS[8], abs=1e-6)
    assert not any("one composition" in note for note in made.notes_)


def test_an_element_of_one_frame_alone_is_named_and_its_frame_calibrates_nothing(water):
    made = InteratomicPotential("morse").fit([*water[:12], *springs.frames(1, springs.METHANE, seed=5)])
    assert made.trust_.frames == 12 and made.promises
    assert [one.split(" (")[0] for one in made.notes_] == ["C occurs in one frame alone"]


def test_too_few_frames_say_how_many_are_needed(water):
    made = InteratomicPotential("morse").fit(water[:6])
    assert not made.promises
    assert any("on 6 frames" in one and "there are no radii; 9 are needed" in one for one in made.notes_)


def test_labels_are_passed_on_and_what_is_known_is_added_back(water, monkeypatch):
    half = Entry("potentials_springs", "Morse", "baseline", "half of the truth")

    class Half(springs.Morse):
        def fit_frames(self, train, validation, seed=0):
            self.depths.copy_(springs.world().depths / 2)

    monkeypatch.setattr(springs, "Half", Half, raising=False)
    monkeypatch.setitem(registry.MODELS, "xtb", half._replace(kind="Half"))
    made = InteratomicPotential("morse", delta="xtb").fit(water, reference=springs.ATOMS)
    known, *_, model = made.parts_.parts
    torch.testing.assert_close(known.depths[1, 8], torch.tensor(2.5, dtype=torch.float64))
    torch.testing.assert_close(model.depths[1, 8], torch.tensor(2.5, dtype=torch.float64))
    assert made.score(springs.frames(5, seed=9)).force.value < 1e-5
    assert made.predict(Frame(np.array([1]), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool)))[0].energy == (
        pytest.approx(springs.ATOMS[1], abs=1e-6)
    )


@pytest.mark.parametrize("members", [1, 3])
def test_radii_hold_what_they_promise_on_frames_never_seen(members):
    train, test = springs.frames(80, seed=3, noise=0.05), springs.frames(200, seed=4, noise=0.05)
    made = InteratomicPotential("morse", members=members, settings={"leave": 1}).fit(train)
    scores = made.score(test)
    assert 0.86 < scores.force_covered < 0.96
    assert made.trust_.floors[1] > 1.5 * made.trust_.floors[8]  # the noise grows with the place in the molecule
    assert scores.outside < 0.05 and scores.energy_covered > 0.8


def test_a_committee_answers_with_the_mean_of_its_members(water):
    made = InteratomicPotential("morse", members=3, settings={"bias": 0.01}).fit(springs.frames(40, seed=3, noise=0.1))
    committee = made.parts_.parts[-1]
    depths = torch.stack([one.depths for one in committee.members])
    assert depths[:, 1, 8].std() > 0
    batch = collate(water[:4], made.cutoff)
    each = torch.stack([one.evaluate(batch).forces for one in committee.members])
    said = committee.evaluate(batch)
    torch.testing.assert_close(said.forces, each.mean(0))
    assert said.spread.shape == (12,) and (said.spread > 0).all()


def test_an_atom_far_from_training_is_named(water):
    made = InteratomicPotential("morse").fit(water)
    near, far = springs.frames(2, seed=7)
    moved = far.positions.copy()
    moved[1] *= 1.9
    far = Frame(far.numbers, moved, far.cell, far.pbc, name="torn apart")
    predictions = made.predict([near, far])
    assert not len(predictions[0].outside)
    assert 1 in predictions[1].outside
    assert predictions[1].force_radius[1] > 2 * predictions[0].force_radius[1]
    (line,) = warnings_of(predictions)
    assert "torn apart" in line and "H1" in line


def test_few_frames_are_all_learnt_and_many_are_partly_held_out():
    few = InteratomicPotential("morse").fit(springs.frames(12, seed=1))
    assert few.frames_fit_ == 12 and few.trust_.frames == 12 and np.isfinite(few.trust_.force_factor)
    many = InteratomicPotential("morse").fit(springs.frames(200, seed=1))
    assert many.frames_fit_ == 180 and many.trust_.frames == 20
    given = InteratomicPotential("morse").fit(springs.frames(20, seed=1), springs.frames(15, seed=2))
    assert given.frames_fit_ == 20 and given.trust_.frames == 15
    unsure = InteratomicPotential("morse", promise=False).fit(springs.frames(12, seed=1))
    assert unsure.trust_ is None and np.isnan(unsure.predict(springs.frames(1))[0].force_radius).all()


def test_single_precision_keeps_total_energies(water):
    made = InteratomicPotential("morse").fit(water)
    exact = made.predict(water)
    made.to(torch.float32)
    rough = made.predict(water)
    assert max(abs(a.energy - b.energy) for a, b in zip(exact, rough, strict=True)) < 1e-5  # of 2070 eV
    assert made.dtype == torch.float32
    back = made.to(torch.float64).predict(water)
    assert abs(back[0].energy - exact[0].energy) < 1e-5


def test_dynamics_are_given_the_same_radii_as_predictions(water):
    made = InteratomicPotential("morse").fit(springs.frames(40, seed=3, noise=0.1))
    batch = collate(water[:2], made.cutoff)
    radii = made.force_radius(batch, made.evaluate(batch)).numpy()
    expected = np.concatenate([one.force_radius for one in made.predict(water[:2])])
    inside = np.concatenate([one.novelty for one in made.predict(water[:2])]) <= 1
    np.testing.assert_allclose(radii[inside], expected[inside], rtol=1e-6)


def test_what_cannot_be_is_refused_in_one_line(water):
    made = InteratomicPotential("morse").fit(water)
    cases = [
        (lambda: made.predict(springs.frames(1, springs.METHANE)), "has C; this potential knows H, O"),
        (lambda: InteratomicPotential("mors").fit(water), "did you mean"),
        (lambda: InteratomicPotential("morse", delta="pm6").fit(water), "delta='pm6'"),
        (lambda: InteratomicPotential("xtb", delta="xtb").fit(water), "leave delta out"),
        (lambda: InteratomicPotential("morse", coverage=1.0).fit(water), "between 0 and 1"),
        (lambda: InteratomicPotential("morse", members=0).fit(water), "1 or more"),
        (lambda: InteratomicPotential("morse", settings={"sharp": 1}).fit(water), "has no setting 'sharp'"),
        (lambda: InteratomicPotential("morse").fit([]), "no frames"),
        (lambda: InteratomicPotential("morse").fit([water[0].labelled(None, None)]), "has no energy"),
        (lambda: InteratomicPotential("morse").fit(water, springs.frames(2, springs.METHANE)), "validation has C"),
        (lambda: InteratomicPotential("morse").predict(water), "not fitted"),
        (lambda: made.to(torch.float16), "float32 or float64"),
        (lambda: made.score([water[0].labelled(None, None)]), "label some"),
    ]
    for call, words in cases:
        with pytest.raises(InputError, match=".") as caught:
            call()
        line = str(caught.value)
        assert words in line and "\n" not in line and line.endswith("."), line
    assert entry("morse").role == "simple"
