"""Laws of the blend that a forecaster builds from the backtests of its candidates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.backtest import Backtest, Parts, truth_at
from labformer.domains.forecasting.blend_load import BlendLoad, blend_of
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.domains.forecasting.scoring import normalised_error

DAY = 8
PARTS = Parts(
    slice(0, 40 * DAY), slice(40 * DAY, 60 * DAY), slice(60 * DAY, 84 * DAY),
    np.arange(40, 60) * DAY, np.arange(60, 84) * DAY,
)  # fmt: skip
Simulated = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def data(simulated: Simulated) -> LoadData:
    return read_load(simulated(), targets="load")


def member(data: LoadData, spread: float, seed: int) -> Backtest:
    """A model whose errors are its own."""
    rng = np.random.default_rng(seed)
    found = [truth_at(data, origins, DAY)[0] for origins in (PARTS.validation_origins, PARTS.test_origins)]
    found = [truth + rng.normal(0, spread, truth.shape) for truth in found]
    model = SimpleNamespace(name=f"m{seed}", parameters=lambda: 3, uses_covariates=False)
    ones = [np.ones((*one.shape, 1, 2)) for one in found]
    return Backtest(model, *found, 1.0, 0.5, 3, *ones)  # type: ignore[arg-type]


def error(forecast: np.ndarray, data: LoadData, origins: np.ndarray) -> float:
    return float(np.abs(forecast - truth_at(data, origins, DAY)[0]).mean())


def test_models_that_err_apart_are_better_together(data: LoadData) -> None:
    members = {f"m{seed}": member(data, 10.0, seed) for seed in (1, 2, 3)}
    found = blend_of(members, list(members), data, PARTS, np.ones(1))
    assert found is not None
    alone = min(error(one.test, data, PARTS.test_origins) for one in members.values())
    assert error(found.test, data, PARTS.test_origins) < 0.7 * alone  # 1 / sqrt(3) at best
    assert (found.seconds_fit, found.seconds_predict, found.parameters) == (3.0, 1.5, 9)
    assert sum(found.model.shares().values()) == pytest.approx(1.0)


def test_a_model_far_worse_than_the_best_is_left_out_and_one_alone_is_no_blend(data: LoadData) -> None:
    members = {"m1": member(data, 10.0, 1), "m2": member(data, 10.5, 2), "m3": member(data, 40.0, 3)}
    found = blend_of(members, list(members), data, PARTS, np.ones(1))
    assert found is not None
    assert set(found.model.shares()) == {"m1", "m2"}
    assert blend_of(members, ["m1", "m3"], data, PARTS, np.ones(1)) is None


def test_the_validation_score_is_that_of_weights_fitted_elsewhere(data: LoadData) -> None:
    """One member is right on the last quarter alone: weights that had seen it would have taken it there."""
    one, two = member(data, 10.0, 1), member(data, 10.0, 2)
    truth = truth_at(data, PARTS.validation_origins, DAY)[0]
    lucky = replace(two, validation=np.concatenate([two.validation[:15], truth[15:]]))
    found = blend_of({"a": one, "b": lucky}, ["a", "b"], data, PARTS, np.ones(1))
    assert found is not None
    late = slice(15, None)
    weight = (found.validation[late] - truth[late]) / (one.validation[late] - truth[late])
    early = blend_of({"a": one, "b": two}, ["a", "b"], data, PARTS, np.ones(1))
    assert early is not None
    assert np.median(weight) > 0.4  # by luck not yet seen, both count about the same


def test_test_forecasts_change_no_weight(data: LoadData) -> None:
    members = {f"m{seed}": member(data, 10.0, seed) for seed in (1, 2)}
    spoilt = {name: replace(one, test=one.test * np.nan) for name, one in members.items()}
    here, there = (blend_of(some, list(some), data, PARTS, np.ones(1)) for some in (members, spoilt))
    assert here is not None and there is not None
    np.testing.assert_array_equal(here.model.weights, there.model.weights)


def test_a_forecaster_blends_saves_and_answers_the_same(simulated: Simulated, tmp_path: Path) -> None:
    table = simulated(days=120, ahead=DAY)
    names = ("spline-ridge", "nlinear-ridge", "blend")
    made = LoadForecaster(models=names).fit(table, targets="load")
    blend = made.backtests_["blend"]
    assert isinstance(blend.model, BlendLoad)
    np.testing.assert_allclose(blend.model.weights.sum(0), 1.0)
    errors = {name: normalised_error(one.validation, made.data_, made.parts_) for name, one in made.backtests_.items()}
    assert made.chosen_ == min(names, key=lambda name: errors[name])
    made.chosen_, made.model_ = "blend", blend.model
    made.model_.refit(made.data_, slice(0, made.data_.known))
    made.save_pretrained(tmp_path / "model")
    again = LoadForecaster.from_pretrained(tmp_path / "model")
    xr.testing.assert_identical(again.predict(table), made.predict(table))
