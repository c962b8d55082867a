"""Laws of the boosted trees: they learn, hold to the mains, save bit for bit, and take no lesson from who has none."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.context import context
from labformer.domains.nilm.house import House
from labformer.domains.nilm.models.boosted import CANDIDATE, QUIET, Boosted, look
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.split import cut
from labformer.shared.errors import InputError, MissingExtra

NAMES = ("kettle", "dishwasher")
ASKED = [APPLIANCES[name] for name in NAMES]
HOUSES = [simulate(20, seed, appliances=NAMES) for seed in range(2)]
UNSEEN = simulate(8, 9, appliances=NAMES)


def same(one: Boosted, other: Boosted, house: House = UNSEEN) -> bool:
    mine, theirs = one.predict(house), other.predict(house)
    return mine.keys() == theirs.keys() and all(
        np.array_equal(a, b, equal_nan=True)
        for name in mine
        for a, b in zip(mine[name][:2], theirs[name][:2], strict=True)
    )


@pytest.fixture(scope="module")
def plain() -> Boosted:
    return Boosted(copies=0, passes=1, rounds=20).fit(HOUSES, ASKED)


@pytest.fixture(scope="module")
def whole() -> Boosted:
    return Boosted(copies=1, passes=2, rounds=15, seed=3).fit(HOUSES, ASKED)


@pytest.mark.parametrize("kind", ["plain", "whole"])
def test_an_unseen_house_is_answered_better_than_by_nothing(kind: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(kind).predict(UNSEEN)
    assert tuple(found) == NAMES
    for name, (power, on, _) in found.items():
        truth = UNSEEN.appliances_w[name]
        assert np.abs(np.where(on >= 0.5, power, 0) - truth).mean() < 0.9 * truth.mean()
        assert 0 <= on.min() <= on.max() <= 1
        assert on[truth >= 500].mean() > 5 * on[truth < 100].mean()
        assert power.dtype == on.dtype == np.float32


def test_power_never_exceeds_what_stands_above_the_quiet_level_by_much(plain: Boosted) -> None:
    for power, _, _ in plain.predict(UNSEEN).values():
        assert (power <= 1.2 * (UNSEEN.mains_w - UNSEEN.mains_w.min())).all()
        assert power.min() >= 0


@pytest.mark.parametrize("kind", ["plain", "whole"])
def test_saving_and_loading_changes_no_bit(kind: str, request: pytest.FixtureRequest) -> None:
    model: Boosted = request.getfixturevalue(kind)
    loaded = Boosted.from_arrays(dict(sorted(model.to_arrays().items())))
    assert same(model, loaded)
    assert model.parameters() == loaded.parameters() > 100
    for name, array in loaded.to_arrays().items():
        np.testing.assert_array_equal(array, model.to_arrays()[name])


def test_the_order_in_which_appliances_are_asked_for_plays_no_part(whole: Boosted) -> None:
    turned = Boosted(copies=1, passes=2, rounds=15, seed=3).fit(HOUSES, ASKED[::-1])
    assert same(whole, Boosted.from_arrays(turned.to_arrays()))
    assert same(whole, turned)


def test_a_seed_is_a_model_and_another_seed_another(plain: Boosted) -> None:
    assert same(plain, Boosted(copies=0, passes=1, rounds=20).fit(HOUSES, ASKED))
    assert not same(plain, Boosted(copies=0, passes=1, rounds=20, seed=1).fit(HOUSES, ASKED))


def test_one_pass_without_copies_is_not_two_with(plain: Boosted, whole: Boosted) -> None:
    assert not same(plain, whole)
    assert [len(one) for one in plain.on_.values()] == [1, 1]
    assert [[len(group) for group in one] for one in whole.on_.values()] == [[2, 1], [2, 1]]


def test_a_house_without_an_appliance_teaches_nothing_of_it() -> None:
    other = simulate(8, 5, appliances=("dishwasher",))
    small = {"copies": 0, "passes": 1, "rounds": 5}
    alone = Boosted(**small).fit(HOUSES[:1], ASKED[:1])
    idle = replace(other, appliances_w={"kettle": np.zeros_like(other.mains_w)})
    for second in (other, idle):
        assert same(alone, Boosted(**small).fit([HOUSES[0], second], ASKED[:1]))


def test_minutes_without_readings_have_no_answer_and_teach_nothing() -> None:
    holed = UNSEEN.mains_w.copy()
    holed[3000:4000] = np.nan
    small = {"copies": 0, "passes": 1, "rounds": 5}
    gapped = replace(UNSEEN, mains_w=holed)
    model = Boosted(**small).fit([gapped], ASKED)
    for line in (line for one in model.predict(gapped).values() for line in one[:2]):
        np.testing.assert_array_equal(np.isnan(line), np.isnan(holed))
    wild = {name: np.where(np.isnan(holed), 9999, power) for name, power in UNSEEN.appliances_w.items()}
    assert same(model, Boosted(**small).fit([replace(gapped, appliances_w=wild)], ASKED))


def test_only_minutes_that_rise_above_the_quiet_level_are_candidates(plain: Boosted) -> None:
    looked = look(UNSEEN, 300)
    padded = np.pad(UNSEEN.mains_w, 2 * QUIET, mode="edge")
    quiet = np.lib.stride_tricks.sliding_window_view(padded, 4 * QUIET + 1).min(1)
    np.testing.assert_array_equal(looked.rows, np.flatnonzero(UNSEEN.mains_w - quiet >= CANDIDATE * 300))
    assert len(looked.inputs) == len(looked.pulses) == len(looked.rows) == len(looked.up_w) == len(looked.above_w)
    missed = np.setdiff1d(np.flatnonzero(UNSEEN.appliances_w["dishwasher"] >= 300), looked.rows)
    assert len(missed) < 0.01 * len(looked.rows)
    for name, (power, on, _) in plain.predict(UNSEEN).items():
        low = UNSEEN.mains_w - quiet < CANDIDATE * APPLIANCES[name].on_w
        assert not power[low].any()
        assert not on[low].any()


def test_what_surrounds_a_heating_is_for_what_heats_long_enough_to_be_one(plain: Boosted, whole: Boosted) -> None:
    looked = look(UNSEEN, 300)
    own, around = looked.inputs.shape[1], looked.pulses.shape[1]
    assert around > 50
    for model in (plain, whole):
        kettle, dishwasher = ([trees.feature.max() for trees in model.on_[name][0]] for name in NAMES)
        assert max(kettle) < own
        assert own <= min(dishwasher) < own + around
    context = context_columns(whole)
    assert whole.on_["kettle"][1][0].feature.max() < own + context
    assert own + context <= whole.on_["dishwasher"][1][0].feature.max() < own + context + around


def context_columns(model: Boosted) -> int:
    rows = np.arange(3)
    return context([np.zeros(3, np.float32)] * len(model.on_), rows, np.ones(3, np.float32), 9, 9, 1440).shape[1]


def test_neither_clock_nor_constant_load_nor_truth_matters(whole: Boosted) -> None:
    whole_watts = replace(UNSEEN, mains_w=np.rint(UNSEEN.mains_w))
    expected = whole.predict(whole_watts)
    for other in (
        replace(whole_watts, mains_w=whole_watts.mains_w + 100),
        replace(whole_watts, times=UNSEEN.times + pd.Timedelta(hours=7)),
        replace(whole_watts, appliances_w={}),
    ):
        found = whole.predict(other)
        for name in NAMES:
            np.testing.assert_allclose(found[name].on, expected[name].on, atol=1e-6)
            np.testing.assert_allclose(found[name].power_w, expected[name].power_w, atol=0.01)


def test_a_silent_house_runs_nothing(whole: Boosted) -> None:
    for level in (0, 150):
        flat = replace(UNSEEN, mains_w=np.full_like(UNSEEN.mains_w, level))
        assert not any(line.any() for one in whole.predict(flat).values() for line in one[:2])


def test_a_part_answers_as_the_whole_and_parts_of_one_fit_rejoin(whole: Boosted) -> None:
    parts = [whole.only([name]) for name in NAMES]
    expected = whole.predict(UNSEEN)
    for name, part in zip(NAMES, parts, strict=True):
        found = Boosted.from_arrays(part.to_arrays()).predict(UNSEEN)
        assert list(found) == [name]
        np.testing.assert_array_equal(found[name].on, expected[name].on)
        np.testing.assert_array_equal(found[name].power_w, expected[name].power_w)
    assert parts[0].parameters() < whole.parameters()
    assert same(whole, parts[0].with_those_of(parts[1]))
    assert same(whole, parts[1].with_those_of(Boosted.from_arrays(parts[0].to_arrays())))
    stranger = Boosted(copies=0, passes=2, rounds=3).fit(HOUSES, ASKED)
    with pytest.raises(ValueError, match="not fitted together"):
        whole.with_those_of(stranger)


def test_halves_are_cut_between_days_at_the_middle_of_the_readings() -> None:
    (early, empty), (late, _) = cut([HOUSES[0], HOUSES[0].rows(slice(0, 0))], 0.5)
    assert len(early.times) == len(late.times) == 10 * 1440
    assert len(empty.times) == 0
    holed = replace(HOUSES[0], mains_w=np.where(np.arange(20 * 1440) < 8 * 1440, np.nan, HOUSES[0].mains_w))
    assert len(cut([holed], 0.5)[0][0].times) == 14 * 1440


def test_what_cannot_be_learnt_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no house of training has a microwave that ever runs; leave it out"):
        Boosted().fit(HOUSES, [APPLIANCES["microwave"]])
    kettle = HOUSES[0].appliances_w["kettle"]
    early = replace(HOUSES[0], appliances_w={"kettle": np.where(np.arange(len(kettle)) < 5000, kettle, 0)})
    with pytest.raises(InputError, match="a half of the training, in time, has no kettle"):
        Boosted(copies=0, passes=1).fit([early], ASKED[:1])
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtra, match=r"labformer\[nilm\]"):
        Boosted(copies=0, passes=1).fit(HOUSES[:1], ASKED[:1])


def test_half_hours_are_learnt_by_the_same_rules_and_keep_their_step() -> None:
    step = "30min"
    houses = [simulate(60, seed, appliances=NAMES, step=step) for seed in range(3)]
    model = Boosted(copies=0, passes=1, rounds=30).fit(houses[:2], ASKED)
    assert same(
        model, Boosted(copies=0, passes=1, rounds=30).fit(houses[:2], [one.at(houses[0].step) for one in ASKED])
    )
    loaded = Boosted.from_arrays(model.to_arrays())
    assert loaded.step_ == pd.Timedelta(step)
    assert same(model, loaded, houses[2])
    power, on, _ = model.predict(houses[2])["dishwasher"]
    truth = houses[2].appliances_w["dishwasher"]
    assert on[truth >= ASKED[1].at(pd.Timedelta(step)).on_w].mean() > 3 * on[truth < 10].mean()
    assert np.abs((on * power).sum() - truth.sum()) < 0.5 * truth.sum()


def test_trees_of_a_version_that_looked_at_something_else_are_refused(plain: Boosted) -> None:
    for of_that_version in (lambda said: said[:3], lambda said: said - np.array([0, 0, 0, 1])):
        arrays = plain.to_arrays()
        arrays["seed"] = of_that_version(arrays["seed"])
        with pytest.raises(ValueError, match="another version"):
            Boosted.from_arrays(arrays)
