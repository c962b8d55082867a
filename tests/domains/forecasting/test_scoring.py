from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.backtest import Backtest, Parts, truth_at
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.scoring import compare_backtests, normalised_error, target_scale

DAY = 8
PARTS = Parts(
    slice(0, 40 * DAY), slice(40 * DAY, 60 * DAY), slice(60 * DAY, 84 * DAY),
    np.arange(40, 60) * DAY, np.arange(60, 84) * DAY,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    return read_load(simulated(), targets="load", units={"load": "MW"})


def off_by(data: LoadData, *errors: float, margin: float = 1.0) -> Backtest:
    """A model that is wrong by so much for each target, at every step of every forecast, with nested margins."""
    parts = [truth_at(data, origins, DAY)[0] + errors for origins in (PARTS.validation_origins, PARTS.test_origins)]
    quantiles = parts[1][..., None] + margin * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    quantiles = np.empty(0) if np.isnan(margin) else quantiles
    model = SimpleNamespace(is_transformer=False)
    return Backtest(model, *parts, 1.5, 0.25, 3, quantiles=quantiles)  # type: ignore[arg-type]


def compared(data: LoadData, **models: Backtest) -> Any:
    named = {name.replace("_", "-"): one for name, one in models.items()}
    return compare_backtests(named, data, PARTS, next(iter(named)), (0.5, 0.9))


def test_the_scale_is_the_weekly_change_of_measured_train_rows(data: LoadData) -> None:
    load, week = data.targets[: 40 * DAY, 0], 7 * DAY
    assert target_scale(data, PARTS) == pytest.approx([np.abs(load[week:] - load[:-week]).mean()])
    # what was filled counts for nothing, and rows after train do not either
    odd = data.targets.copy()
    odd[[100, 40 * DAY]] = 1e9
    filled = data.filled.copy()
    filled[100] = True
    kept = np.abs(load[week:] - load[:-week])[~np.isin(np.arange(len(load) - week), [100 - week, 100])]
    assert target_scale(replace(data, targets=odd, filled=filled), PARTS) == pytest.approx([kept.mean()])


def test_one_target_is_scored_in_its_unit(data: LoadData) -> None:
    found = compared(data, nlinear_ridge=off_by(data, 7.0), last_value=off_by(data, -10.0))
    assert (found.metric, found.unit, found.windows) == ("MAE", "MW", 24)
    best, worst = found.rows
    assert (best.model, worst.model) == ("nlinear-ridge", "last-value")
    assert best.value == pytest.approx(7.0)
    assert best.validation == pytest.approx(7.0)
    assert best.others["RMSE"] == pytest.approx(7.0)
    assert best.skill == pytest.approx(0.3)
    assert (best.role, worst.role) == ("simple", "baseline")
    assert (best.seconds_fit, best.seconds_predict, best.parameters) == (1.5, 0.25, 3)
    load = data.targets[60 * DAY :, 0]
    assert best.others["MAPE %"] == pytest.approx(100 * (7 / load).mean())


def test_several_targets_are_scored_by_the_error_of_last_week(data: LoadData) -> None:
    both = replace(
        data,
        targets=np.concatenate([data.targets, data.targets / 1000], axis=1),
        filled=np.repeat(data.filled, 2, axis=1),
        target_names=("load", "solar"),
    )
    scale = target_scale(both, PARTS)
    assert scale[1] == pytest.approx(scale[0] / 1000)
    found = compared(both, nlinear_ridge=off_by(both, scale[0], scale[1] / 2), last_value=off_by(both, *(2 * scale)))
    assert (found.metric, found.unit) == ("MASE", "")
    assert [row.value for row in found.rows] == pytest.approx([0.75, 2.0])
    assert [row.validation for row in found.rows] == pytest.approx([0.75, 2.0])
    error = normalised_error(off_by(both, scale[0], scale[1] / 2).validation, both, PARTS)
    assert error == pytest.approx(0.75)


@pytest.mark.parametrize(("margin", "inside"), [(6.9, 0.0), (7.1, 100.0)])
def test_the_interval_is_measured_where_truth_was_measured(data: LoadData, margin: float, inside: float) -> None:
    found = compared(data, nlinear_ridge=off_by(data, 7.0, margin=margin), last_value=off_by(data, 10.0))
    assert found.rows[0].others["coverage %"] == inside
    assert found.rows[0].others["width"] == pytest.approx(2 * margin)
    # CRPS from the levels 0.05, 0.25, 0.5, 0.75, 0.95 with quantiles 7 - m, 7 - m/2, 7, .. above the truth
    edges = 7 + margin * np.array([-1, -0.5, 0, 0.5, 1])
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    assert found.rows[0].others["CRPS"] == pytest.approx(
        2 * np.mean(np.where(edges > 0, (1 - levels) * edges, -levels * edges))
    )


def test_filled_values_are_not_scored(data: LoadData) -> None:
    """Wrong by 1e6 wherever a gap was filled, one whole day among them: every score stays."""
    filled = data.filled.copy()
    filled[61 * DAY : 62 * DAY] = filled[70 * DAY + 3] = filled[45 * DAY] = True
    gappy = replace(data, filled=filled)
    model = off_by(data, 7.0, margin=8.0)
    for part, origins in ((model.validation, PARTS.validation_origins), (model.test, PARTS.test_origins)):
        part[~truth_at(gappy, origins, DAY)[1]] += 1e6
    (best, _) = compared(gappy, nlinear_ridge=model, last_value=off_by(data, 10.0)).rows
    assert (best.value, best.validation, best.others["RMSE"]) == pytest.approx((7.0, 7.0, 7.0))
    assert best.others["coverage %"] == 100.0
    assert compared(gappy, last_value=model).windows == 23  # the day without any measurement is left out


def test_a_load_that_reaches_zero_has_no_percentage(data: LoadData) -> None:
    targets = data.targets.copy()
    targets[70 * DAY] = 0.0
    dark = replace(data, targets=targets)
    assert "MAPE %" not in compared(dark, last_value=off_by(dark, 7.0)).rows[0].others


def test_a_model_without_interval_is_scored_without_one(data: LoadData) -> None:
    found = compared(data, last_value=off_by(data, 7.0, margin=np.nan))
    assert set(found.rows[0].others) == {"RMSE", "MAPE %"}
