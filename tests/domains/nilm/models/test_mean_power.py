"""Laws of the mean power that is learnt for what idles: it counts minutes of motors, and nothing of the clock."""

from dataclasses import replace

import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES, appliance
from labformer.domains.nilm.blending import blended
from labformer.domains.nilm.expected import expected
from labformer.domains.nilm.house import Estimate
from labformer.domains.nilm.models.boosted import FAINT_W, Boosted
from labformer.domains.nilm.models.boosted_pair import BoostedPair
from labformer.domains.nilm.simulate import simulate

NAMES = ("kettle", "washing_machine")
ASKED = [appliance(name) for name in NAMES]
WASHER = APPLIANCES["washing_machine"]


@pytest.fixture(scope="module")
def houses():
    return [simulate(40, seed, appliances=NAMES) for seed in range(3)]


@pytest.fixture(scope="module")
def unseen():
    return [simulate(40, seed, appliances=NAMES) for seed in (11, 12, 13)]


@pytest.fixture(scope="module")
def model(houses):
    return Boosted(copies=0, rounds=60, means=True).fit(houses, ASKED)


def test_of_minutes_that_count_as_off_the_mean_tells_more(model, unseen):
    """Energy that motors take, below the rule: probability times power sees next to none of it."""
    true = by_states = by_mean = 0.0
    for house in unseen:
        watts, said = house.appliances_w[WASHER.name], model.predict(house)[WASHER.name]
        idle = (watts >= 20) & (watts < WASHER.on_w)
        true += watts[idle].sum()
        by_states += expected(said._replace(mean_w=None), 1.0)[idle].sum()
        by_mean += expected(said, 1.0)[idle].sum()
    assert true > 0
    assert by_states < 0.6 * true
    assert by_states + 0.2 * true < by_mean < 1.6 * true


def test_its_sum_over_strangers_is_near_the_truth(model, unseen):
    said = [model.predict(house)[WASHER.name] for house in unseen]
    true = sum(house.appliances_w[WASHER.name].sum(dtype=np.float64) for house in unseen)
    found = sum(expected(one, 1.0).sum(dtype=np.float64) for one in said)
    assert 0.7 < found / true < 1.4


def test_states_are_those_of_a_model_without_it_and_only_what_idles_has_one(model, houses, unseen):
    without = Boosted(copies=0, rounds=60).fit(houses, ASKED)
    said, plain = model.predict(unseen[0]), without.predict(unseen[0])
    for name in NAMES:
        np.testing.assert_array_equal(said[name].on, plain[name].on)
        np.testing.assert_array_equal(said[name].power_w, plain[name].power_w)
        assert plain[name].mean_w is None
    assert said["kettle"].mean_w is None and list(model.mean_) == [WASHER.name]
    assert without.parameters() < model.parameters()


def test_neither_constant_load_nor_truth_matters_and_gaps_stay(model, unseen):
    house = replace(unseen[0], mains_w=np.rint(unseen[0].mains_w), appliances_w={})
    mean_w = model.predict(house)[WASHER.name].mean_w
    more = model.predict(replace(house, mains_w=house.mains_w + 100))[WASHER.name].mean_w
    np.testing.assert_allclose(more, mean_w, rtol=1e-4)
    assert mean_w.dtype == np.float32 and (mean_w[mean_w > 0] >= FAINT_W).all() and (mean_w >= 0).all()
    holed = house.mains_w.copy()
    holed[3000:4000] = np.nan
    gapped = model.predict(replace(house, mains_w=holed))[WASHER.name]
    np.testing.assert_array_equal(np.isnan(gapped.mean_w), np.isnan(holed))
    np.testing.assert_array_equal(np.isnan(expected(gapped, 1.3)), np.isnan(holed))


def test_it_is_saved_bit_for_bit_and_parted_and_joined(model, unseen):
    wanted = model.predict(unseen[0])[WASHER.name].mean_w
    again = Boosted.from_arrays(model.to_arrays())
    washer, kettle = model.only([WASHER.name]), model.only(["kettle"])
    for one in (again, washer, kettle.with_those_of(washer), washer.with_those_of(kettle)):
        np.testing.assert_array_equal(one.predict(unseen[0])[WASHER.name].mean_w, wanted)
        assert one.mean_.keys() == {WASHER.name}
    assert not kettle.mean_ and again.parameters() == model.parameters()


def test_what_is_expected_of_a_mean_is_the_mean_times_the_factor():
    def line(*values):
        return np.array(values, np.float32)

    said = Estimate(line(2000, 2000, np.nan), line(0.5, 0, np.nan), line(900, 60, np.nan))
    np.testing.assert_allclose(expected(said, 1.5), [1350, 90, np.nan])
    np.testing.assert_array_equal(expected(said, 0.0), said.power_w)  # a model whose power is a mean already
    # beside a model that learnt none, the mean of what both expect; without any, none
    other = Estimate(line(1000, 1000, np.nan), line(0.5, 0.5, np.nan))
    both = blended([{"washing_machine": said}, {"washing_machine": other}])["washing_machine"]
    np.testing.assert_allclose(both.mean_w, [700, 280, np.nan])
    assert blended([{"kettle": other}, {"kettle": other}])["kettle"].mean_w is None


def test_the_pair_means_what_its_members_mean(houses, unseen):
    pair = BoostedPair(made_up=2, days=4, simulated=1, households=1, rounds=8, rest=1500).fit(houses[:2], ASKED)
    members = [one.predict(unseen[0])[WASHER.name].mean_w for one in pair.members_]
    assert not np.array_equal(*members)
    again = BoostedPair.from_arrays(pair.to_arrays())
    for one in (pair, again):
        np.testing.assert_allclose(one.predict(unseen[0])[WASHER.name].mean_w, np.mean(members, axis=0), rtol=1e-5)


def test_of_longer_steps_no_mean_is_learnt():
    houses = [simulate(60, seed, appliances=NAMES, step="10min") for seed in range(2)]
    pair = BoostedPair(made_up=2, days=9, simulated=1, households=1, rounds=6, rest=500).fit(houses, ASKED)
    assert not pair.mean_
    assert pair.predict(houses[0])[WASHER.name].mean_w is None
