import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load, save

from labformer.domains.forecasting import gradient_load
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.gradient_load import DLinearLoad, ITransformerLoad
from labformer.domains.forecasting.linear_load import NLinearRidge
from labformer.domains.forecasting.load_model import gather, origins_in
from labformer.domains.forecasting.registry import LOAD_MODELS, Size, load_model
from labformer.domains.forecasting.training import ForecastWindows
from labformer.shared.errors import InputError
from labformer.shared.learning.config import TrainingConfig

DAY = 8  # rows of three hours
DAYS, TRAIN, VALIDATION = 70, slice(0, 50 * DAY), slice(50 * DAY, 60 * DAY)
ORIGINS = np.array([60 * DAY, 64 * DAY])


def simulated(sites: int = 1, flags: int = 1, past: bool = True, targets: int = 2) -> LoadData:
    """Load every three hours with a daily and a weekly rhythm, weather of some sites, holidays and a price."""
    times = pd.date_range("2024-01-01", periods=(DAYS + 1) * DAY, freq="3h", tz="UTC")
    rng, day = np.random.default_rng(0), np.arange(len(times)) / DAY
    weather = np.sin(2 * np.pi * day)[:, None] + rng.normal(size=(len(times), 6))
    columns = {f"temperature {site}": weather[:, site] for site in range(sites)}
    columns |= {f"flag {k}": (np.floor(day) % (9 + k) == 0).astype(float) for k in range(flags)}
    future = list(columns)
    load = 100 + 20 * np.sin(2 * np.pi * day) - 10 * (day % 7 > 5) + weather[:, 0] + rng.normal(size=len(times))
    columns |= {"load": load, "heat": 5 - load / 50 + 0.1 * rng.normal(size=len(times)), "price": load + 7}
    frame = pd.DataFrame({"time": times, **columns})
    frame.loc[DAYS * DAY :, ["load", "heat", "price"]] = np.nan
    return read_load(
        frame,
        targets=["load", "heat"][:targets],
        past_covariates=["price"] if past else (),
        future_covariates=future,
        zone="Europe/London",
    )


def quick(name: str, horizon: int = DAY, lookback: int | None = 3 * DAY) -> Any:
    model: Any = load_model(name, Size(horizon, lookback))
    if hasattr(model, "training"):
        model.training = TrainingConfig(3, 32, 5e-3, "adam", schedule="halved", patience=3)
    if hasattr(model, "width"):
        model.width = 16
    for setting, value in (("rounds", 20), ("epochs", 6)):
        if hasattr(model, setting):
            setattr(model, setting, value)
    if name == "blend":
        model.members = [quick("nlinear-ridge", horizon, lookback), quick("spline-ridge", horizon)]
        model.weights = np.repeat([[0.25], [0.75]], horizon, axis=1)
    return model


def fitted(name: str, data: LoadData, **size: Any) -> Any:
    model = quick(name, **size)
    model.fit(data, TRAIN, VALIDATION)
    return model


@pytest.fixture(scope="module")
def data() -> LoadData:
    return simulated()


LEARNERS = ["nlinear-ridge", "dlinear", "spline-ridge", "hourly-boosting", "boosting", "load-network", "itransformer"]
every_model = pytest.mark.parametrize("name", LOAD_MODELS)


@every_model
def test_a_saved_model_answers_with_the_same_numbers(name: str, data: LoadData) -> None:
    model = fitted(name, data)
    expected = model.predict(data, ORIGINS)
    config, arrays = model.saved()
    arrays = load(save({key: np.ascontiguousarray(array) for key, array in arrays.items()})) if arrays else {}
    again: Any = load_model(name, Size(DAY))
    again.load(json.loads(json.dumps(config)), arrays)
    np.testing.assert_array_equal(again.predict(data, ORIGINS), expected)
    assert again.parameters() == model.parameters()
    assert again.needs(data) <= model.needs(data)


@every_model
@pytest.mark.parametrize("shape", [{"sites": 0, "flags": 0, "past": False, "targets": 1}, {"sites": 2, "flags": 0}])
def test_covariates_may_be_missing(name: str, shape: dict[str, Any]) -> None:
    data = simulated(**shape)
    model = fitted(name, data)
    expected = model.predict(data, ORIGINS)
    assert expected.shape == (2, DAY, shape.get("targets", 2))
    again: Any = load_model(name, Size(DAY))
    again.load(*model.saved())
    np.testing.assert_array_equal(again.predict(data, ORIGINS), expected)


@every_model
def test_refitting_on_the_same_rows_gives_what_fitting_gave(name: str, data: LoadData) -> None:
    model = fitted(name, data)
    before = model.predict(data, ORIGINS)
    model.refit(data, TRAIN)
    np.testing.assert_allclose(model.predict(data, ORIGINS), before, rtol=1e-5)


@pytest.mark.parametrize("name", LEARNERS)
def test_refitting_on_more_rows_learns_from_them(name: str, data: LoadData) -> None:
    model = fitted(name, data)
    before = model.predict(data, ORIGINS)
    model.refit(data, slice(0, VALIDATION.stop))
    after = model.predict(data, ORIGINS)
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-3


@every_model
def test_each_says_how_much_history_it_needs(name: str, data: LoadData) -> None:
    model = fitted(name, data)
    needs = model.needs(data)
    assert np.isfinite(model.predict(data, np.array([needs]))).all()
    with pytest.raises((ValueError, IndexError, RuntimeError)):
        model.predict(data, np.array([needs - 1]))


@pytest.mark.parametrize("name", LEARNERS)
def test_too_little_to_learn_from_is_said(name: str, data: LoadData) -> None:
    with pytest.raises(InputError, match="too few"):
        quick(name).fit(data, slice(0, 3 * DAY), slice(3 * DAY, 20 * DAY))


def test_each_that_learns_beats_yesterday(data: LoadData) -> None:
    origins = np.arange(60 * DAY, 69 * DAY, DAY)
    truth = data.targets[origins[:, None] + np.arange(DAY)]

    def error(name: str) -> float:
        model = fitted(name, data, lookback=7 * DAY)
        return float((np.abs(model.predict(data, origins) - truth) / data.targets[: DAYS * DAY].std(0)).mean())

    naive = error("seasonal-naive-day")
    assert error("nlinear-ridge") < 0.9 * naive
    for name in ("spline-ridge", "hourly-boosting", "boosting", "load-network"):
        assert error(name) < 0.9 * naive, name


def test_an_unknown_model_is_named_beside_those_there_are() -> None:
    with pytest.raises(InputError, match="no model named 'oracle'; known: last-value, seasonal-naive-day"):
        load_model("oracle", Size(DAY))


@pytest.mark.parametrize("stride", [1, 3, 8])
@pytest.mark.parametrize("rows", [slice(5, 40), slice(20, 30), slice(0, 7)])
@pytest.mark.parametrize("phase", [0, 2, 45])
def test_origins_lie_in_their_rows_in_step_and_with_history(rows: slice, stride: int, phase: int) -> None:
    horizon, needs = 6, 9
    expected = [
        origin
        for origin in range(rows.start, rows.stop)
        if origin >= needs and origin + horizon <= rows.stop and origin % stride == phase % stride
    ]
    assert origins_in(rows, horizon, stride, phase, needs).tolist() == expected


def test_gathered_rows_are_those_around_each_origin_and_never_wrap() -> None:
    values, origins = np.random.default_rng(0).normal(size=(20, 2)), np.array([5, 16])
    found = gather(values, origins, -5, 2)
    for row, origin in enumerate(origins):
        np.testing.assert_array_equal(found[row], values[origin - 5 : origin + 2])
    with pytest.raises(ValueError, match="before the first row"):
        gather(values, np.array([16, 4]), -5, 0)
    with pytest.raises(IndexError):
        gather(values, np.array([19]), 0, 2)


def test_nlinear_chooses_its_lookback_on_validation_and_keeps_it(data: LoadData) -> None:
    model = NLinearRidge(DAY)
    assert model.needs(data) == 15 * DAY
    model.fit(data, TRAIN, VALIDATION)
    chosen = model.solved.model.config.lookback
    tried = {}
    for days in NLinearRidge.LOOKBACK_DAYS:
        one = NLinearRidge(DAY, days * DAY)
        one.fit(data, TRAIN, VALIDATION)
        tried[days * DAY] = one.solved.validation_mse
        assert one.solved.model.config.lookback == days * DAY == one.needs(data)
    assert chosen == min(tried, key=lambda lookback: tried[lookback])
    penalty = model.solved.penalty
    model.refit(data, slice(0, VALIDATION.stop))
    assert (model.solved.model.config.lookback, model.solved.penalty) == (chosen, penalty)


def test_nlinear_leaves_out_lookbacks_that_the_rows_cannot_teach(data: LoadData) -> None:
    model = NLinearRidge(DAY)
    model.fit(data, slice(0, 20 * DAY), slice(20 * DAY, 30 * DAY))
    assert model.solved.model.config.lookback == 2 * DAY


def test_nlinear_forecasts_a_pure_rhythm() -> None:
    times = pd.date_range("2024-01-01", periods=DAYS * DAY, freq="3h", tz="UTC")
    load = np.tile(np.random.default_rng(0).normal(size=7 * DAY), DAYS // 7)
    data, model = read_load(pd.DataFrame({"time": times, "load": load}), targets="load"), NLinearRidge(DAY, 7 * DAY)
    model.fit(data, TRAIN, VALIDATION)
    truth = data.targets[ORIGINS[:, None] + np.arange(DAY)]
    np.testing.assert_allclose(model.predict(data, ORIGINS), truth, atol=1e-3)


def test_boosting_answers_an_hour_that_summer_time_brings() -> None:
    """Training saw London in winter alone: from April on every hour of the clock is one that it never saw."""
    times = pd.date_range("2024-01-16", periods=80 * DAY, freq="3h", tz="UTC")
    load = 100 + np.random.default_rng(0).normal(size=len(times))
    data = read_load(pd.DataFrame({"time": times, "load": load}), targets="load", zone="Europe/London")
    model = quick("hourly-boosting")
    model.fit(data, TRAIN, VALIDATION)
    forecast = model.predict(data, np.array([78 * DAY]))
    assert np.abs(forecast - 100).max() < 5


def test_dlinear_sees_a_week_and_a_day_unless_told(data: LoadData) -> None:
    assert DLinearLoad(DAY).needs(data) == 8 * DAY
    assert DLinearLoad(DAY, 11).needs(data) == 11


def test_an_epoch_never_sees_more_windows_than_the_most(data: LoadData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_load, "MOST_WINDOWS", 50)
    model = quick("dlinear")
    model._prepare(data, TRAIN)
    windows = model._windows(data, TRAIN)
    assert len(windows) == 50
    assert (windows.starts[0], windows.starts[-1]) == (0, 50 * DAY - 4 * DAY)
    model.fit(data, TRAIN, VALIDATION)
    assert np.isfinite(model.predict(data, ORIGINS)).all()


def test_validation_windows_begin_at_the_border(data: LoadData, monkeypatch: pytest.MonkeyPatch) -> None:
    given, train = [], gradient_load.fit_by_gradient

    def spy(model: Any, rows: ForecastWindows, check: ForecastWindows | None, *rest: Any, **more: Any) -> Any:
        given.append((rows, check))
        return train(model, rows, check, *rest, **more)

    monkeypatch.setattr(gradient_load, "fit_by_gradient", spy)
    model = fitted("dlinear", data)
    ((rows, check),) = given
    assert len(rows) == 50 * DAY - 4 * DAY + 1
    assert len(check) == 10 * DAY - DAY + 1
    expected = model.scaler.encode(data.targets[VALIDATION])[:DAY]
    np.testing.assert_allclose(check.batch(torch.tensor([0])).future[0].T, expected, rtol=1e-6)


def test_refitting_trains_for_as_many_epochs_as_validation_found_best(data: LoadData) -> None:
    model = DLinearLoad(DAY, 2 * DAY, seed=5, training=TrainingConfig(8, 8, 0.3, "adam", patience=2))
    model.fit(data, TRAIN, VALIDATION)
    assert 1 <= model.refitting.epochs < 8
    assert (model.refitting.patience, model.refitting.seed) == (0, 5)


def test_itransformer_reads_future_covariates_in_any_units(data: LoadData) -> None:
    told = replace(data, future=data.future * [1e4, 1.0] + [3e5, 0.0])
    here, there = (fitted("itransformer", one).predict(one, ORIGINS) for one in (data, told))
    np.testing.assert_allclose(here, there, rtol=1e-3)
    assert isinstance(quick("itransformer"), ITransformerLoad)


def test_a_checkpoint_is_taken_up_for_the_same_data_and_never_for_other(data: LoadData, tmp_path: Any) -> None:
    """Other data of the same length must be learnt anew, though its checkpoint would have the same shapes."""

    def forecast(told: LoadData, kept: Any) -> np.ndarray:
        training = TrainingConfig(2, 32, 5e-3, "adam")
        model = DLinearLoad(DAY, 2 * DAY, run=gradient_load.Run(checkpoints=kept), training=training)
        model.fit(told, TRAIN, VALIDATION)
        return model.predict(told, ORIGINS)

    first, (folder,) = forecast(data, tmp_path), tmp_path.iterdir()
    written = (folder / "checkpoint.pt").stat().st_mtime_ns
    np.testing.assert_array_equal(forecast(data, tmp_path), first)
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == written
    other = replace(data, targets=data.targets + np.sin(np.arange(len(data.targets)))[:, None])
    np.testing.assert_array_equal(forecast(other, tmp_path), forecast(other, None))
    assert len(list(tmp_path.iterdir())) == 2
