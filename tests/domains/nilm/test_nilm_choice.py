"""Laws of what validation chooses: the threshold of most merit, houses without the appliance have no say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.choice import THRESHOLDS, choose, merit, switched
from labformer.domains.nilm.expected import AS_IT_IS, short_of
from labformer.domains.nilm.house import Estimate, House
from labformer.domains.nilm.metrics import average, score
from labformer.domains.nilm.simulate import simulate

KETTLE = APPLIANCES["kettle"]


def doubtful(house: House, seed: int) -> dict[str, Estimate]:
    """Answers that are right more often than not, with probabilities that mean something."""
    truth, rng = house.appliances_w["kettle"], np.random.default_rng(seed)
    on = np.clip(np.where(truth >= KETTLE.on_w, 0.62, 0.1) + rng.normal(0, 0.17, len(truth)), 0, 1)
    return {"kettle": Estimate(np.full(len(truth), 2000, np.float32), on.astype(np.float32))}


@pytest.fixture(scope="module")
def houses() -> list[House]:
    return [simulate(8, seed, appliances=("kettle",)) for seed in range(2)]


def test_the_threshold_is_the_one_of_most_merit(houses: list[House]) -> None:
    said = [doubtful(house, seed) for seed, house in enumerate(houses)]

    def merits(at: float) -> float:
        found = [
            score(house.appliances_w["kettle"], switched(one["kettle"], at, KETTLE), KETTLE, house.local())
            for house, one in zip(houses, said, strict=True)
        ]
        return merit(average(found))

    found = choose(houses, said, KETTLE)
    assert found is not None
    assert merits(found.threshold) == max(merits(at) for at in THRESHOLDS)
    assert found.counted == short_of(
        [(house, one["kettle"]) for house, one in zip(houses, said, strict=True)], "kettle"
    )
    assert THRESHOLDS[0] < found.threshold < THRESHOLDS[-1]


def test_surer_answers_are_asked_for_more(houses: list[House]) -> None:
    def moved(by: float) -> float:
        said = [doubtful(house, 0) for house in houses]
        found = choose(houses, [{"kettle": one["kettle"]._replace(on=one["kettle"].on + by)} for one in said], KETTLE)
        assert found is not None
        return found.threshold

    assert moved(-0.1) < moved(0.15)


def test_houses_without_the_appliance_have_no_say(houses: list[House]) -> None:
    said = [doubtful(house, seed) for seed, house in enumerate(houses)]
    idle = {"kettle": np.zeros_like(houses[1].mains_w)}
    alone = choose(houses[:1], said[:1], KETTLE)
    for other in (replace(houses[1], appliances_w={}), replace(houses[1], appliances_w=idle)):
        assert choose([houses[0], other], said, KETTLE) == alone
        assert choose([other], said[1:], KETTLE) is None
    assert choose([], [], KETTLE) is None


def test_a_better_model_has_more_merit(houses: list[House]) -> None:
    truth, local = houses[0].appliances_w["kettle"], houses[0].local()
    exact = score(truth, truth, KETTLE, local)
    rough = score(truth, truth * 0.7, KETTLE, local)
    wild = score(truth, np.where(np.arange(len(truth)) % 2, 2000, 0), KETTLE, local)
    zero = score(truth, truth * 0, KETTLE, local)
    assert merit(exact) > merit(rough) > merit(zero) > merit(wild)


def test_power_is_switched_off_below_threshold_and_below_its_least() -> None:
    on = np.array([0.9, 0.5, 0.49, 0.9, np.nan], np.float32)
    power = np.array([2000, 2000, 2000, 499, np.nan], np.float32)
    found = switched(Estimate(power, on), 0.5, KETTLE)
    np.testing.assert_array_equal(found, [2000, 2000, 0, 0, np.nan])
    assert found.dtype == np.float32
    assert pd.isna(switched(Estimate(power, on), 0.2, KETTLE)[-1])


def test_a_mean_power_is_never_switched_off_nor_scored_as_if_it_were(houses: list[House]) -> None:
    house, little = houses[0], np.full_like(houses[0].mains_w, 30)
    said = {"kettle": Estimate(little, np.full_like(little, 0.01))}
    np.testing.assert_array_equal(switched(said["kettle"], AS_IT_IS, KETTLE), little)
    found = choose([house], [said], KETTLE, [AS_IT_IS])
    assert found is not None
    assert found.threshold == AS_IT_IS
    assert found.score.mae == pytest.approx(np.abs(house.appliances_w["kettle"] - 30.0).mean(), rel=1e-5)
