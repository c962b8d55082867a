from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.backtest import Parts, split_history
from labformer.domains.forecasting.baselines import SeasonalNaiveDay
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.importance import CALENDAR, HISTORY, permutation_importance, since

DAY = 8
ONE = np.ones(1)


@dataclass
class Rule:
    """A forecast that is a plain function of the rows of its horizon."""

    of: Callable[[LoadData, np.ndarray], np.ndarray]

    def needs(self, data: LoadData) -> int:
        return 7 * DAY

    def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
        return self.of(data, origins[:, None] + np.arange(DAY))[..., None]


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    table = simulated(days=90).assign(wind=lambda t: np.sin(np.arange(len(t)) / 17))
    covariates = {"future_covariates": ("temperature", "weekend"), "past_covariates": "wind"}
    return read_load(table, targets="load", **covariates)


@pytest.fixture(scope="module")
def parts(data: LoadData) -> Parts:
    return split_history(data, DAY, 7 * DAY, 1 / 6, 1 / 6)


def shape(seen: LoadData, rows: np.ndarray) -> np.ndarray:
    """The simulated day, without its weather and weekends."""
    hour = 2 * np.pi * seen.local().hour.to_numpy()[rows] / 24
    return 1000 + 150 * np.sin(hour - 1) + 40 * np.cos(2 * hour)


def growth(rule: Callable[[LoadData, np.ndarray], np.ndarray], data: LoadData, parts: Parts) -> dict[str, float]:
    return {one.family: one.growth for one in permutation_importance(Rule(rule), data, parts, ONE)}  # type: ignore[arg-type]


def test_what_a_model_cannot_see_is_worth_exactly_nothing(data: LoadData, parts: Parts) -> None:
    found = permutation_importance(SeasonalNaiveDay(DAY), data, parts, ONE)  # type: ignore[arg-type]
    assert {one.family for one in found} == {HISTORY, "wind", "temperature", "weekend", CALENDAR}
    for one in found:
        assert one.family == HISTORY or (one.growth, one.low, one.high) == (0, 0, 0)
        assert one.low <= one.growth <= one.high


def test_each_family_is_found_by_the_model_that_uses_it_alone(data: LoadData, parts: Parts) -> None:
    rules = {
        "temperature": lambda seen, rows: shape(seen, rows) - 9 * seen.future[rows, 0],
        "weekend": lambda seen, rows: shape(seen, rows) - 108 - 120 * seen.future[rows, 1],
        "wind": lambda seen, rows: shape(seen, rows) + 50 * seen.past[rows - DAY, 0],
        CALENDAR: lambda seen, rows: shape(seen, rows) - 108 - 120 * (seen.local().dayofweek.to_numpy()[rows] >= 5),
        HISTORY: lambda seen, rows: seen.targets[rows - 7 * DAY, 0],
    }
    for family, rule in rules.items():
        found = growth(rule, data, parts)
        assert [name for name, value in found.items() if value] == [family]
        if family != "wind":  # which says nothing about the load
            assert found[family] > 0.02


def test_the_hour_keeps_its_place(data: LoadData, parts: Parts) -> None:
    found = growth(shape, data, parts)
    assert set(found.values()) == {0.0}


def test_the_most_important_stands_first_and_a_seed_repeats_it(data: LoadData, parts: Parts) -> None:
    rule = Rule(lambda seen, rows: 0.5 * seen.targets[rows - 7 * DAY, 0] + 500 - 60 * seen.future[rows, 1])
    found, again, other = (permutation_importance(rule, data, parts, ONE, seed=seed) for seed in (1, 1, 2))  # type: ignore[arg-type]
    assert found == again != other
    assert [one.growth for one in found] == sorted((one.growth for one in found), reverse=True)


def test_few_forecasts_are_made_and_the_data_is_left_as_it_was(data: LoadData, parts: Parts) -> None:
    asked: list[int] = []

    def rule(seen: LoadData, rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return seen.targets[rows - 7 * DAY, 0]

    before = [values.copy() for values in (data.targets, data.past, data.future)]
    permutation_importance(Rule(rule), data, parts, ONE, origins=5, repeats=2)  # type: ignore[arg-type]
    assert asked == [5] * (1 + 2 * 5)
    for one, other in zip(before, (data.targets, data.past, data.future), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_its_first_rows_the_same_forecast_is_made(data: LoadData) -> None:
    near, naive = since(data, 40), SeasonalNaiveDay(DAY)
    assert near.times[0] == data.times[40]
    assert near.known == data.known - 40
    np.testing.assert_array_equal(naive.predict(near, np.array([60])), naive.predict(data, np.array([100])))
