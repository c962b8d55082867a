from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.data import read_house
from labformer.domains.nilm.house import House, Watts
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.standing_still import held, stands_still, with_meters_moved

WASHING = APPLIANCES["washing_machine"]


def held_until_it_moves(truth: Watts) -> Watts:
    """An appliance as a table of reported changes has it: a step without one keeps the mean of that before."""
    told = truth.copy()
    for at in range(1, len(truth) - 1):
        if abs(truth[at + 1] - truth[at]) < 30 and truth[at] > 300:
            told[at] = told[at - 1]
    return told


@pytest.fixture(scope="module")
def true() -> House:
    return simulate(30, 3)


def test_a_meter_that_moves_with_its_appliance_is_left_alone(true: House) -> None:
    for name, power_w in true.appliances_w.items():
        assert stands_still(APPLIANCES[name], power_w, true.mains_w, true.step) == []
    assert with_meters_moved(true) is true


def test_one_that_is_held_is_said_and_found_where_it_is_wrong(true: House) -> None:
    truth = true.appliances_w["washing_machine"]
    told = held_until_it_moves(truth)
    (said,) = stands_still(WASHING, told, true.mains_w, true.step)
    assert said.startswith("the meter of the washing machine stands still while the mains move with it by 300 W or")
    found = np.zeros(len(told), bool)
    for one in held(WASHING, told, true.mains_w, true.step):
        found[one.rows] = True
    wrong = truth - told > 400
    assert wrong.sum() > 50
    assert (found & wrong).sum() > 0.8 * wrong.sum()
    assert (found & wrong).sum() > 0.8 * found.sum()


def test_reading_a_house_says_so_and_changes_nothing(true: House) -> None:
    told = held_until_it_moves(true.appliances_w["washing_machine"])
    frame = true.times.tz_localize(None).to_frame(name="time", index=False)
    house = read_house(frame.assign(mains_w=true.mains_w, washing_machine_w=told))
    assert [line for line in house.odd if "stands still" in line]
    np.testing.assert_allclose(house.appliances_w["washing_machine"], told)


def test_what_was_held_at_full_power_is_right_whatever_runs_beside_it() -> None:
    power, mains = np.zeros(200, np.float32), np.full(200, 100, np.float32)
    for start in (20, 80, 140):
        power[start : start + 15] = 2000
    mains += power
    mains[81:95] += 2500  # another load, which begins and ends with it
    step = pd.Timedelta("1min")
    assert held(WASHING, power, mains, step) == []
    power[80:95] = 400
    (found,) = held(WASHING, power, mains, step)
    assert (found.rows, found.kept_w) == (slice(81, 95), 400)
    assert np.isnan(found.power_w)  # 4.5 kW are no washing machine's: which part of it is not known
    mains[81:95] -= 2500
    assert held(WASHING, power, mains, step)[0].power_w == 2000
    assert np.isnan(held(WASHING, power, mains, pd.Timedelta("15min"))[0].power_w)  # a plug that may have been dead


def test_moved_meters_have_the_energy_again_and_know_what_they_do_not_know() -> None:
    house = simulate(30, 4)
    truth = house.appliances_w["washing_machine"]
    told = held_until_it_moves(truth)
    moved = with_meters_moved(replace(house, appliances_w={**house.appliances_w, "washing_machine": told}))
    power_w = moved.appliances_w["washing_machine"]
    known = np.isfinite(power_w)
    assert known.mean() > 0.99
    missed = float((truth - told)[known].sum())
    assert missed > 0.1 * truth[known].sum()
    assert abs(float((truth - power_w)[known].sum())) < 0.5 * missed
    assert (power_w[known] <= house.mains_w[known]).all()
    assert moved.appliances_w["kettle"] is house.appliances_w["kettle"]
    np.testing.assert_array_equal(moved.mains_w, house.mains_w)
