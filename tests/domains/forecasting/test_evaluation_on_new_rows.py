from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.evaluation import evaluate_on
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.shared.errors import InputError

DAY, FITTED, NEW = 8, 70, 12


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    return read_load(simulated(days=FITTED + NEW), targets="load", units={"load": "MW"})


@pytest.fixture(scope="module")
def fitted(data: LoadData) -> LoadForecaster:
    return LoadForecaster(models=["nlinear-ridge"], lookback="2D").fit(data.until(FITTED * DAY))


def test_each_new_day_is_scored_once_as_it_would_have_been_forecast(fitted: LoadForecaster, data: LoadData) -> None:
    found = evaluate_on(fitted, data)
    assert found.windows == NEW
    (row,) = (row for row in found.rows if row.model == fitted.chosen_)
    days = [fitted.predict(data.until(origin)) for origin in range(FITTED * DAY, data.known, DAY)]
    forecast = np.concatenate([day.forecast.values[:, 0] for day in days])
    truth = data.targets[FITTED * DAY :]
    assert row.value == pytest.approx(np.abs(forecast[:, 3] - truth[:, 0]).mean())
    inside = (forecast[:, :1] <= truth) & (truth <= forecast[:, -1:])
    assert row.others["coverage %"] == pytest.approx(100 * inside.mean())
    assert {row.model for row in found.rows} == {
        "last-value", "seasonal-naive-day", "seasonal-naive-week", "nlinear-ridge",
    }  # fmt: skip
    assert found.to_dict()["rows"][0]["validation"] is None  # type: ignore[index]


def test_a_saved_model_is_scored_the_same(fitted: LoadForecaster, data: LoadData, tmp_path: Path) -> None:
    fitted.save_pretrained(tmp_path / "model")
    one, two = (evaluate_on(made, data) for made in (fitted, LoadForecaster.from_pretrained(tmp_path / "model")))
    told = [found.to_dict() for found in (one, two)]
    for row in (*told[0]["rows"], *told[1]["rows"]):  # type: ignore[misc]
        del row["seconds_predict"]
    assert told[0] == told[1]


def test_no_score_is_made_on_rows_the_model_was_fitted_on(fitted: LoadForecaster, data: LoadData) -> None:
    """What it was fitted on may be told differently: beyond what new forecasts look back on, no score moves."""
    other = data.targets.copy()
    other[: (FITTED - 8) * DAY] += np.random.default_rng(0).normal(0, 300, ((FITTED - 8) * DAY, 1))
    one, two = (evaluate_on(fitted, version) for version in (data, replace(data, targets=other)))
    assert [row.value for row in one.rows] == [row.value for row in two.rows]


@pytest.mark.parametrize("newer", [-3, 0, 6])
def test_a_file_without_enough_newer_rows_is_refused(fitted: LoadForecaster, data: LoadData, newer: int) -> None:
    with pytest.raises(InputError, match=rf"^{max(0, newer)} forecasts fit in the rows after .*at least 7.*newer rows"):
        evaluate_on(fitted, data.until((FITTED + newer) * DAY))


def test_a_file_that_begins_after_training_is_scored_where_it_can_look_back(
    fitted: LoadForecaster, simulated: Callable[..., pd.DataFrame]
) -> None:
    later = read_load(simulated(days=FITTED + 30).iloc[(FITTED + 5) * DAY + 3 :], targets="load")
    found = evaluate_on(fitted, later)
    # 24 days and 15 hours: the weekly naive looks back on seven days, then the hour of the day is waited for
    assert found.windows == 30 - 5 - 8
