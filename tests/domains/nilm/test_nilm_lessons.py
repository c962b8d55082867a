"""Laws of the levels an appliance runs at, and of their combinations."""

from dataclasses import replace

import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.lessons import combinations, joint_powers, lessons, nearest_level, on_power, power_levels
from labformer.domains.nilm.simulate import simulate
from labformer.shared.errors import InputError


def test_levels_that_are_far_apart_come_back_and_their_order_in_time_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    power = np.concatenate([rng.normal(800, 20, 500), rng.normal(2200, 20, 100)])
    levels = power_levels(power, 2)
    np.testing.assert_allclose(levels, [0, 800, 2200], atol=5)
    np.testing.assert_array_equal(power_levels(rng.permutation(power), 2), levels)


def test_each_level_is_the_mean_of_what_is_nearest_to_it() -> None:
    power = np.random.default_rng(1).gamma(2, 600, 3000)
    levels = power_levels(power, 4)
    nearest = nearest_level(power, power > 0, levels)
    np.testing.assert_allclose([power[nearest == i].mean() for i in range(1, 5)], levels[1:], rtol=1e-5)
    assert (np.abs(power - levels[nearest]) <= np.abs(power[:, None] - levels[1:]).min(1) + 1e-3).all()


def test_few_values_have_few_levels_and_none_has_off_alone() -> None:
    assert power_levels(np.full(9, 700.0), 3).tolist() == [0, 700]
    assert power_levels(np.empty(0), 3).tolist() == [0]
    assert nearest_level(np.ones(4), np.ones(4, dtype=bool), power_levels(np.empty(0), 3)).tolist() == [0] * 4


def test_combinations_are_all_of_them_with_nothing_on_first() -> None:
    levels = [np.array([0, 5, 9.0]), np.array([0, 70.0]), np.array([0, 100, 300.0])]
    joint = combinations(levels)
    assert len({tuple(row) for row in joint}) == 18
    assert joint[0].tolist() == [0, 0, 0]
    assert (np.diff((joint > 0).sum(1)) >= 0).all()
    assert joint_powers(levels, joint)[-1].sum() == 379


def test_houses_without_the_appliance_teach_nothing_of_it() -> None:
    with_one, without = simulate(2, 0), simulate(2, 1, appliances=["kettle"])
    kettle, shower = APPLIANCES["kettle"], APPLIANCES["shower"]
    assert [one.house is with_one for one in lessons([with_one, without], shower)] == [True]
    assert len(lessons([with_one, without], kettle)) == 2
    hidden = replace(with_one, mains_w=np.where(np.arange(2880) < 1440, np.nan, with_one.mains_w))
    (one,) = lessons([hidden], kettle)
    assert not one.real[:1440].any()
    np.testing.assert_array_equal(on_power([one]), one.power_w[1440:][one.on[1440:]])
    with pytest.raises(InputError, match="no house of training has readings of the electric shower"):
        lessons([without], shower)
