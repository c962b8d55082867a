"""Laws of energy that counts doubts: right where probabilities are, and raised by what sums were short of elsewhere."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.expected import AS_IT_IS, LEAST, MOST, expected, short_of
from labformer.domains.nilm.house import Estimate, House

COUNT = 60_000


def made(seed: int, understated: float = 1.0) -> tuple[House, Estimate]:
    """A house whose minutes run as often as they are said to, over `understated`; 2 kW each."""
    rng = np.random.default_rng(seed)
    true = np.where(rng.random(COUNT) < 0.9, 0.0, rng.uniform(LEAST, 1.0, COUNT))
    runs = rng.random(COUNT) < true
    times = pd.date_range("2024-01-01", periods=COUNT, freq="1min", tz="UTC")
    power = np.where(runs, 2000, 0).astype(np.float32)
    house = House("made", times, pd.Timedelta("1min"), power + 100, {"kettle": power})
    on = np.maximum(true / understated, LEAST * (true > 0))
    return house, Estimate(np.full(COUNT, 2000, np.float32), on.astype(np.float32))


def test_where_probabilities_are_right_so_is_the_sum() -> None:
    house, said = made(0)
    truth = house.appliances_w["kettle"].sum(dtype=np.float64)
    assert expected(said, 1.0).sum(dtype=np.float64) == pytest.approx(truth, rel=0.03)
    switched = np.where(said.on >= 0.7, said.power_w, 0).sum(dtype=np.float64)
    assert abs(switched / truth - 1) > 0.1  # a threshold keeps the sure ones alone
    assert short_of([(house, said)], "kettle") == pytest.approx(1, abs=0.03)


def test_a_model_that_doubts_too_much_is_raised() -> None:
    found = [made(seed, 1.5) for seed in range(3)]
    factor = short_of(found[:2], "kettle")
    assert 1.3 < factor < 1.55
    house, said = found[2]
    truth = house.appliances_w["kettle"].sum(dtype=np.float64)
    assert expected(said, factor).sum(dtype=np.float64) == pytest.approx(truth, rel=0.05)


def test_the_factor_is_that_of_the_middle_house_and_bounded() -> None:
    fair, doubting, wild = made(0), made(1, 1.5), made(2, 40.0)
    three = [fair, doubting, wild]
    assert short_of(three, "kettle") == pytest.approx(short_of([doubting], "kettle"))
    assert short_of([wild], "kettle") == MOST
    house, said = fair
    assert short_of([(house, said._replace(power_w=said.power_w * 9))], "kettle") == 1 / MOST
    assert short_of([], "kettle") == short_of([(house, said._replace(power_w=said.power_w * 0))], "kettle") == 1


def test_gaps_stay_and_a_mean_power_stays_as_it_is() -> None:
    said = Estimate(
        np.array([2000, 2000, 2000, np.nan], np.float32), np.array([0.5, LEAST / 2, 1.0, np.nan], np.float32)
    )
    np.testing.assert_array_equal(expected(said, 1.0), [1000, 0, 2000, np.nan])
    np.testing.assert_array_equal(expected(said, 1.5), [1500, 0, 3000, np.nan])
    np.testing.assert_array_equal(expected(said, AS_IT_IS), said.power_w)
