import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.standing_still import held, stands_still, taught_by_the_mains

WASHING = APPLIANCES["washing_machine"]
MINUTE = pd.Timedelta("1min")


def held_until_it_moves(house: House) -> House:
    """The washing machine as a table of reported changes has it: a step without one keeps the mean of that before."""
    truth = house.appliances_w["washing_machine"]
    told = truth.copy()
    for at in range(1, len(truth) - 1):
        if abs(truth[at + 1] - truth[at]) < 30 and truth[at] > 300:
            told[at] = told[at - 1]
    return House(house.name, house.times, house.step, house.mains_w, {"washing_machine": told})


@pytest.fixture(scope="module")
def true() -> House:
    return simulate(30, 3)


def test_a_meter_that_moves_with_its_appliance_is_left_alone(true: House) -> None:
    for name, power_w in true.appliances_w.items():
        assert stands_still(APPLIANCES[name], power_w, true.mains_w, MINUTE) == []
    assert taught_by_the_mains([true])[0] is true


def test_one_that_is_held_is_said_and_the_mains_teach_most_of_what_it_missed(true: House) -> None:
    told = held_until_it_moves(true)
    (said,) = stands_still(WASHING, told.appliances_w["washing_machine"], told.mains_w, MINUTE)
    assert said.startswith("the meter of the washing machine stands still while the mains move with it by 300 W or")
    taught = taught_by_the_mains([told])[0].appliances_w["washing_machine"]
    truth, was = true.appliances_w["washing_machine"], told.appliances_w["washing_machine"]
    known = np.isfinite(taught)
    assert known.mean() > 0.99
    assert np.abs(taught - truth)[known].sum() < 0.5 * np.abs(was - truth).sum()
    assert (taught[known] <= true.mains_w[known]).all()


def test_what_was_held_at_full_power_is_right_whatever_runs_beside_it() -> None:
    power, mains = np.zeros(200, np.float32), np.full(200, 100, np.float32)
    for start in (20, 80, 140):
        power[start : start + 15] = 2000
    mains += power
    mains[81:95] += 2500  # another load, which begins and ends with it
    assert held(WASHING, power, mains, MINUTE) == []


def test_more_than_full_power_and_an_hour_of_it_are_not_known() -> None:
    power, mains = np.zeros(400, np.float32), np.full(400, 100, np.float32)
    rng = np.random.default_rng(0)
    power[20:60] = mains[20:60] = 2000 + rng.normal(0, 5, 40)  # moves
    power[100:110], mains[100], mains[101:110] = 400, 500, 5100
    power[200:260], mains[200], mains[201:260] = 400, 500, 2100
    power[300:310], mains[300], mains[301:310] = 400, 500, 2100
    found = held(WASHING, power, mains, MINUTE)
    assert [one.rows.start for one in found] == [101, 201, 301]
    assert np.isnan([one.power_w for one in found]).tolist() == [True, True, False]
    assert found[2].power_w == pytest.approx(2000)
