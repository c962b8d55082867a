from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting import checks
from labformer.domains.forecasting.baselines import SeasonalNaiveDay
from labformer.domains.forecasting.checks import run_checks
from labformer.domains.forecasting.data import LoadData
from labformer.domains.forecasting.predictor import LoadForecaster

DAY = 8


@pytest.fixture
def fitted(simulated: Callable[..., pd.DataFrame]) -> LoadForecaster:
    table = simulated(ahead=DAY)
    made = LoadForecaster(models=["nlinear-ridge"], lookback="2D")
    return made.fit(table, targets="load", past_covariates="temperature")


class Cheat(SeasonalNaiveDay):
    """Yesterday, with what comes on top."""

    def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
        return super().predict(data, origins) + np.nan_to_num(data.targets[origins[:, None] + np.arange(self.horizon)])


class Megawatts(SeasonalNaiveDay):
    """Yesterday, at least 900 whatever the unit."""

    def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
        return np.maximum(900.0, super().predict(data, origins))


def holds(forecaster: LoadForecaster) -> dict[str, bool]:
    return {check.law.split(":")[0]: check.holds for check in run_checks(forecaster)}


def test_an_honest_model_passes_and_is_left_as_it_was(fitted: LoadForecaster) -> None:
    before = fitted.predict()
    found = run_checks(fitted)
    assert [check.holds for check in found] == [True, True, True]
    assert all(check.law and any(letter.isdigit() for letter in check.detail) for check in found)
    xr.testing.assert_identical(fitted.predict(), before)


def test_a_model_that_sees_the_future_is_caught(fitted: LoadForecaster) -> None:
    fitted.model_ = Cheat(DAY)
    assert holds(fitted)["no look-ahead"] is False


def test_a_model_that_knows_only_one_unit_is_caught(fitted: LoadForecaster) -> None:
    fitted.model_ = Megawatts(DAY)
    assert holds(fitted) == {
        "no look-ahead": True, "quantiles do not cross": True, "other units give the same forecast": False,
    }  # fmt: skip


def test_quantiles_that_cross_are_caught(fitted: LoadForecaster) -> None:
    quantiles = fitted.backtests_[fitted.chosen_].quantiles
    quantiles[3, 2, 0, 1] = quantiles[3, 2, 0, 2] + 1e-3
    assert holds(fitted)["quantiles do not cross"] is False


def test_the_future_of_a_covariate_that_is_not_known_ahead_is_overwritten_too(fitted: LoadForecaster) -> None:
    origin = int(fitted.parts_.test_origins[-1])

    class Peek(SeasonalNaiveDay):
        def predict(self, data: LoadData, origins: np.ndarray) -> np.ndarray:
            return super().predict(data, origins) + data.past[origins[:, None] + np.arange(self.horizon)]

    fitted.model_ = Peek(DAY)
    assert not checks.no_look_ahead(fitted, fitted.data_, origin).holds
