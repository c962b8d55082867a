import numpy as np
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.data import read_house
from labformer.domains.nilm.house import House, Watts
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.standing_still import held, stands_still

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
        assert stands_still(APPLIANCES[name], power_w, true.mains_w) == []


def test_one_that_is_held_is_said_and_found_where_it_is_wrong(true: House) -> None:
    truth = true.appliances_w["washing_machine"]
    told = held_until_it_moves(truth)
    (said,) = stands_still(WASHING, told, true.mains_w)
    assert said.startswith("the meter of the washing machine stands still while the mains move with it by 300 W or")
    found = np.zeros(len(told), bool)
    for rows in held(WASHING, told, true.mains_w):
        found[rows] = True
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
    assert held(WASHING, power, mains) == []
    power[80:95] = 400
    assert held(WASHING, power, mains) == [slice(81, 95)]
