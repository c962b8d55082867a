"""How a fitted model stands on newer history: what its intervals learn, and when it says that it has drifted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.forecasts import write_dataset
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.domains.forecasting.standing import RECENT, Usual

DAY, FITTED = 8, 84
Simulated = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def table(simulated: Simulated) -> pd.DataFrame:
    """Four weeks more than the model is fitted on."""
    return simulated(days=FITTED + 28)[["time", "load"]]


@pytest.fixture
def fitted(table: pd.DataFrame) -> LoadForecaster:
    return LoadForecaster(models=["seasonal-naive-week"]).fit(table[: FITTED * DAY], targets="load")


def changed(table: pd.DataFrame, by: float) -> pd.DataFrame:
    """Errors grow: what is added has another value each day."""
    shift = np.random.default_rng(0).normal(0, by, len(table) // DAY).repeat(DAY)
    return table.assign(load=table["load"] + np.where(np.arange(len(table)) < FITTED * DAY, 0.0, shift))


def test_a_model_on_load_like_before_has_not_drifted(fitted: LoadForecaster, table: pd.DataFrame) -> None:
    stands = fitted.standing(table)
    assert (stands.learnt, stands.judged, stands.drifted) == (0, RECENT, False)
    assert 0 < stands.ratio < stands.limit < 3
    assert "inside its band" in str(stands)


def test_a_model_on_load_of_another_kind_has_drifted(fitted: LoadForecaster, table: pd.DataFrame) -> None:
    stands = fitted.standing(changed(table, 400.0))
    assert stands.drifted
    assert stands.ratio > 2 * stands.limit
    assert "fit the model again" in str(stands)


def test_too_little_newer_history_is_not_judged(fitted: LoadForecaster, table: pd.DataFrame) -> None:
    stands = fitted.standing(table[: (FITTED + RECENT - 1) * DAY])
    assert (stands.judged, stands.drifted) == (0, False)
    assert "too few" in str(stands)


def test_intervals_learn_each_forecast_once_in_whatever_portions_it_comes(
    fitted: LoadForecaster, table: pd.DataFrame
) -> None:
    other = LoadForecaster(models=["seasonal-naive-week"]).fit(table[: FITTED * DAY], targets="load")
    assert fitted.update(table).learnt == 28
    assert fitted.update(table).learnt == 0
    learnt = [other.update(table[: (FITTED + days) * DAY]).learnt for days in (3, 4, 20, 28)]
    assert learnt == [3, 1, 16, 8]
    np.testing.assert_array_equal(other.intervals_.factors(), fitted.intervals_.factors())


def test_a_stream_with_larger_errors_widens_the_interval_and_is_covered_again(
    fitted: LoadForecaster, table: pd.DataFrame
) -> None:
    def width(forecast: xr.Dataset) -> float:
        return float((forecast.forecast.isel(quantile=-1) - forecast.forecast.isel(quantile=0)).mean())

    wild = changed(table, 150.0)
    before = width(fitted.predict(wild))
    fitted.update(wild)
    assert width(fitted.predict(wild)) > 2 * before


def test_what_was_learnt_is_saved(fitted: LoadForecaster, table: pd.DataFrame, tmp_path: Path) -> None:
    fitted.update(table[: (FITTED + 10) * DAY])
    fitted.save_pretrained(tmp_path / "model")
    again = LoadForecaster.from_pretrained(tmp_path / "model")
    xr.testing.assert_identical(again.predict(table), fitted.predict(table))
    assert again.update(table).learnt == fitted.update(table).learnt == 18
    np.testing.assert_array_equal(again.intervals_.factors(), fitted.intervals_.factors())
    assert again.standing(table) == fitted.standing(table)


def test_learning_later_truth_does_not_reach_back(fitted: LoadForecaster, table: pd.DataFrame) -> None:
    """A day whose truth is not whole yet teaches nothing."""
    cut = table[: (FITTED + 5) * DAY + 3]
    odd = cut.assign(load=cut["load"].where(np.arange(len(cut)) < (FITTED + 5) * DAY, 1e5))
    assert fitted.update(odd).learnt == 5


def test_the_limit_is_the_end_of_the_usual_band() -> None:
    usual = Usual(np.linspace(1.0, 2.0, 101), np.ones(1))
    assert usual.limit == pytest.approx(1.99)


def test_scenarios_stand_beside_the_forecast_and_come_back_from_a_file(
    fitted: LoadForecaster, table: pd.DataFrame, tmp_path: Path
) -> None:
    found = fitted.scenarios(40, table, seed=3)
    assert found.path.dims == ("scenario", "time", "target")
    assert found.path.shape == (40, DAY, 1)
    xr.testing.assert_identical(found.drop_vars("path"), fitted.predict(table))
    xr.testing.assert_identical(found, fitted.scenarios(40, table, seed=3))
    write_dataset(found, tmp_path / "paths.nc")
    with xr.open_dataset(tmp_path / "paths.nc") as opened:
        assert {"point", "forecast", "path"} <= set(opened.data_vars)
        np.testing.assert_array_equal(opened.path, found.path)
