"""Laws of the pair: it is the mean of its members, comes back from arrays bit for bit, and can be parted and joined."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import appliance
from labformer.domains.nilm.lending import lenders
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.models.boosted_pair import BoostedPair
from labformer.domains.nilm.simulate import simulate

NAMES = ("kettle", "shower")


@pytest.fixture(scope="module")
def houses():
    return [simulate(14, seed=seed, appliances=NAMES) for seed in (1, 2)]


@pytest.fixture(scope="module")
def pair(houses):
    return BoostedPair(copies=1, rounds=12, rest=1500, seed=3).fit(houses, [appliance(name) for name in NAMES])


@pytest.fixture(scope="module")
def unseen():
    return simulate(4, seed=9, appliances=NAMES)


def test_probability_is_the_mean_of_two_members_that_differ(pair, unseen):
    first, second = (one.predict(unseen)["kettle"].on for one in pair.members_)
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(pair.predict(unseen)["kettle"].on, (first + second) / 2)
    assert [one.simulated for one in pair.members_] == [0, 1]


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


def test_lenders_are_others_for_each_seed_and_none_where_no_step_fits(houses):
    step = pd.Timedelta("1min")
    one, again, other = (lenders(step, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.mains_w, again.mains_w)
    assert not np.array_equal(one.mains_w, other.mains_w)
    assert lenders(pd.Timedelta("1s"), 1) == [] and lenders(step, 1, 0) == []
    known = [appliance("kettle")]
    made = [Boosted(copies=1, passes=1, rounds=3, rest=500, simulated=n).fit(houses, known) for n in (0, 1)]
    assert made[0].parameters() and not np.array_equal(
        made[0].predict(houses[0])["kettle"].on, made[1].predict(houses[0])["kettle"].on
    )
