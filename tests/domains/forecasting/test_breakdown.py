from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.backtest import truth_at
from labformer.domains.forecasting.breakdown import BANDS, breakdown, shares_below
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.shared.evaluation.metrics import coverage, crps_from_quantiles, mae, mape, width

SCORES = ["mae", "mape", "crps", "coverage", "width"]


@pytest.fixture(scope="module")
def fitted(simulated: Callable[..., pd.DataFrame]) -> LoadForecaster:
    """A year with a rare holiday, a gap in the test part, and two targets."""
    table = simulated(days=400, step="6h")
    table["heat"] = 500 + 3 * table.load + np.random.default_rng(1).normal(0, 5, len(table))
    table["temperature"] += np.random.default_rng(2).normal(0, 1, len(table))
    table["holiday"] = table.time.dt.dayofyear % 29 == 0
    table.loc[table.index[-50], "load"] = np.nan
    forecaster = LoadForecaster(models=("seasonal-naive-week",), validation=0.05, test=0.49)
    return forecaster.fit(table, targets=("load", "heat"), future_covariates=("temperature", "holiday"), max_gap="6h")


@pytest.fixture(scope="module")
def table(fitted: LoadForecaster) -> pd.DataFrame:
    return broken_down(fitted)


def broken_down(fitted: LoadForecaster) -> pd.DataFrame:
    return breakdown(fitted.backtests_[fitted.chosen_], fitted.data_, fitted.parts_, fitted.coverages_)


def test_the_total_is_that_of_the_metrics(fitted: LoadForecaster, table: pd.DataFrame) -> None:
    one, steps = fitted.backtests_[fitted.chosen_], fitted.horizon_
    truth, real = truth_at(fitted.data_, fitted.parts_.test_origins, steps)
    total = table[(table.by == "all") & (table.target == "load")].iloc[0]
    kept, point, quantiles = real[..., 0], one.test[..., 0], one.quantiles[..., 0, :]
    assert total["count"] == kept.sum() < kept.size
    low, high = quantiles[..., 0], quantiles[..., -1]
    wanted = [
        mae(truth[..., 0], point, kept),
        mape(truth[..., 0], point, kept),
        crps_from_quantiles(truth[..., 0], quantiles, fitted.levels_, kept),
        100 * coverage(truth[..., 0], low, high, kept),
        width(low, high, kept),
    ]
    np.testing.assert_allclose(total[SCORES].astype(float), wanted, rtol=1e-12)


def test_every_grouping_averages_back_to_the_total(table: pd.DataFrame) -> None:
    assert set(table.by) == {"all", "hour", "season", "month", "day", "temperature"}
    for target, own in table.groupby("target"):
        total = own[own.by == "all"].iloc[0]
        for by, groups in own.groupby("by"):
            assert groups["count"].sum() == total["count"], (target, by)
            weighted = groups[SCORES].mul(groups["count"], axis=0).sum() / total["count"]
            np.testing.assert_allclose(weighted, total[SCORES].astype(float), rtol=1e-9)


def test_groups_carry_the_names_people_use_and_bands_hold_alike(table: pd.DataFrame) -> None:
    own = table[table.target == "load"]
    assert list(own[own.by == "hour"].group) == ["00", "06", "12", "18"]
    assert list(own[own.by == "day"].group) == ["work day", "weekend", "day off"]
    assert set(own[own.by == "season"].group) <= {"Dec-Feb", "Mar-May", "Jun-Aug", "Sep-Nov"}
    bands = own[own.by == "temperature"]["count"]
    assert len(bands) == BANDS
    assert bands.max() - bands.min() <= 0.02 * bands.sum()
    assert own[own.by == "month"].group.iloc[0].startswith("Jul 2023")


def test_a_short_test_part_has_no_months_and_no_weather_has_no_bands(simulated: Callable[..., pd.DataFrame]) -> None:
    table = simulated(days=60)
    fitted = LoadForecaster(models=("seasonal-naive-week",)).fit(table, targets="load")
    assert set(broken_down(fitted).by) == {"all", "hour", "season", "day"}


def test_shares_below_rise_with_the_level_and_hit_it_on_their_own_quantiles(fitted: LoadForecaster) -> None:
    one = fitted.backtests_[fitted.chosen_]
    found = shares_below(one, fitted.data_, fitted.parts_)
    assert found.shape == (2, len(fitted.levels_))
    assert (np.diff(found, axis=1) >= 0).all()
    assert np.abs(found - np.array(fitted.levels_)).max() < 0.1
