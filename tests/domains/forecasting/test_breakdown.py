from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.backtest import Backtest, Parts, calibrate, run_backtest, split_history, truth_at
from labformer.domains.forecasting.baselines import SeasonalNaiveWeek
from labformer.domains.forecasting.breakdown import BANDS, breakdown, shares_below
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.features import steps_a_day
from labformer.domains.forecasting.intervals import levels_of
from labformer.shared.evaluation.metrics import coverage, crps_from_quantiles, mae, mape, width

SCORES = ["mae", "mape", "crps", "coverage", "width"]
COVERAGES = (0.5, 0.9)


class Case(NamedTuple):
    one: Backtest
    data: LoadData
    parts: Parts


def backtested(table: pd.DataFrame, test: float = 1 / 6, **reading: Any) -> Case:
    """The weekly naive, backtested and calibrated."""
    data = read_load(table, **reading)
    day = steps_a_day(data)
    parts = split_history(data, day, 7 * day, 0.1, test)
    one = run_backtest(SeasonalNaiveWeek(day), data, parts, COVERAGES)
    calibrate(one, data, parts, COVERAGES)
    return Case(one, data, parts)


@pytest.fixture(scope="module")
def year(simulated: Callable[..., pd.DataFrame]) -> Case:
    """A year with a rare holiday, a gap in the test part, and two targets."""
    table = simulated(days=400, step="6h")
    table["heat"] = 500 + 3 * table.load + np.random.default_rng(1).normal(0, 5, len(table))
    table["temperature"] += np.random.default_rng(2).normal(0, 1, len(table))
    table["holiday"] = table.time.dt.dayofyear % 29 == 0
    table.loc[table.index[-50], "load"] = np.nan
    return backtested(table, 0.49, targets=("load", "heat"), future_covariates=("temperature", "holiday"), max_gap="6h")


@pytest.fixture(scope="module")
def table(year: Case) -> pd.DataFrame:
    return breakdown(*year, COVERAGES)


def test_the_total_is_that_of_the_metrics(year: Case, table: pd.DataFrame) -> None:
    one = year.one
    truth, real = truth_at(year.data, year.parts.test_origins, 4)
    total = table[(table.by == "all") & (table.target == "load")].iloc[0]
    kept, point, quantiles = real[..., 0], one.test[..., 0], one.quantiles[..., 0, :]
    assert total["count"] == kept.sum() < kept.size
    low, high = quantiles[..., 0], quantiles[..., -1]
    wanted = [
        mae(truth[..., 0], point, kept),
        mape(truth[..., 0], point, kept),
        crps_from_quantiles(truth[..., 0], quantiles, levels_of(COVERAGES), kept),
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
    found = breakdown(*backtested(simulated(days=70), targets="load"), COVERAGES)
    assert set(found.by) == {"all", "hour", "season", "day"}


def test_shares_below_rise_with_the_level_and_come_near_it(year: Case) -> None:
    found = shares_below(*year)
    assert found.shape == (2, 5)
    assert (np.diff(found, axis=1) >= 0).all()
    assert np.abs(found - np.array(levels_of(COVERAGES))).max() < 0.1
