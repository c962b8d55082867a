"""Laws of the pair: it is the mean of its members, comes back from arrays bit for bit, and can be parted and joined."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import appliance
from labformer.domains.nilm.lending import DAYS, lenders
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.models.boosted_pair import BoostedPair
from labformer.domains.nilm.simulate import simulate

NAMES = ("kettle", "shower")


@pytest.fixture(scope="module")
def houses():
    return [simulate(14, seed=seed, appliances=NAMES) for seed in (1, 2)]


@pytest.fixture(scope="module")
def pair(houses):
    small = BoostedPair(made_up=2, days=4, simulated=2, households=2, rounds=12, rest=1500, seed=3)
    return small.fit(houses, [appliance(name) for name in NAMES])


@pytest.fixture(scope="module")
def unseen():
    return simulate(4, seed=9, appliances=NAMES)


def test_probability_is_the_mean_of_two_members_that_differ(pair, unseen):
    first, second = (one.predict(unseen)["kettle"].on for one in pair.members_)
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(pair.predict(unseen)["kettle"].on, (first + second) / 2)
    assert [(one.copies, one.days, one.simulated, one.households) for one in pair.members_] == [
        (1, 4, 2, 2), (1, 4, 2, 2)
    ]  # fmt: skip


def test_power_lies_between_those_of_the_members(pair, unseen):
    said = [one.predict(unseen)["shower"].power_w for one in pair.members_]
    power = pair.predict(unseen)["shower"].power_w
    assert (power >= np.minimum(*said) - 1e-3).all() and (power <= np.maximum(*said) + 1e-3).all()


def test_it_comes_back_from_arrays_whole_parted_and_joined(pair, unseen):
    again = BoostedPair.from_arrays(pair.to_arrays())
    assert again.parameters() == pair.parameters()
    parts = [BoostedPair.from_arrays(pair.only([name]).to_arrays()) for name in NAMES]
    joined = parts[0].with_those_of(parts[1])
    for name in NAMES:
        wanted = pair.predict(unseen)[name]
        for one in (again, joined, pair.only([name])):
            np.testing.assert_array_equal(one.predict(unseen)[name].on, wanted.on)


def test_a_lender_lends_what_its_household_has():
    lender = lenders(pd.Timedelta("5min"), 4, days=6)[0]
    whole = lender.whole()
    for name, power in whole.appliances_w.items():
        alone = lender.only(name)
        np.testing.assert_array_equal(alone.appliances_w[name], power)
        np.testing.assert_array_equal(alone.mains_w, power)
    assert alone.times.equals(whole.times) and lender.owns("kettle") and not lender.owns("oven")


def test_lenders_are_others_for_each_seed_and_none_where_no_step_fits(houses):
    step = pd.Timedelta("1min")
    one, again, other = (lenders(step, seed)[0].whole() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.mains_w, again.mains_w)
    assert not np.array_equal(one.mains_w, other.mains_w)
    assert lenders(pd.Timedelta("1s"), 1) == [] and lenders(step, 1, 0) == []
    assert [len(lenders(step, 1, 2, days)[1].whole().mains_w) // 1440 for days in (0, 3, 900)] == [1, 3, DAYS]
    known = [appliance("kettle")]
    settings = ({}, {"simulated": 1}, {"households": 1}, {"days": 3})
    made = [Boosted(copies=1, passes=1, rounds=3, rest=500, **one).fit(houses, known) for one in settings]
    said = [one.predict(houses[0])["kettle"].on for one in made]
    assert made[0].parameters()
    assert not any(np.array_equal(said[0], other) for other in said[1:])


def test_made_up_houses_are_as_short_as_asked_and_simulated_ones_no_longer_than_the_real(houses):
    model = Boosted(copies=2, days=5, simulated=1, households=3, seed=4)
    found = model._with_copies(houses, 0)
    days = [len(one.mains_w) // 1440 for one in found]
    assert days == [14, 14, 5, 5, 5, 5, 14, 14, 14]
    assert len({one.times[0] for one in found[2:6]}) > 1  # not always the same days
    assert all(set(NAMES) <= one.appliances_w.keys() for one in found)
    with_more_days = Boosted(copies=2, days=90, seed=4)._with_copies(houses, 0)
    assert [len(one.mains_w) // 1440 for one in with_more_days] == [14] * 6
