"""What every candidate of a load forecast obeys, whatever it learns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.load_model import LoadModel
from labformer.domains.forecasting.registry import LOAD_MODELS, Size, load_model
from labformer.shared.learning.config import TrainingConfig

DAY = 24
TRAIN, VALIDATION, KNOWN = slice(0, 56 * DAY), slice(56 * DAY, 64 * DAY), 72 * DAY
ORIGINS = np.array([64 * DAY, 67 * DAY + 5, 70 * DAY])
HORIZONS = {"6h": 6, "1D": 24, "2D": 48}


def simulated() -> LoadData:
    """Ten weeks of two loads with a daily and a weekly rhythm that answer to temperature, price and holidays."""
    times = pd.date_range("2024-02-01", periods=KNOWN + 2 * DAY, freq="1h", tz="UTC")
    rng, steps = np.random.default_rng(0), np.arange(KNOWN + 2 * DAY)
    temperature = 8 + 6 * np.sin(2 * np.pi * steps / DAY) + np.cumsum(rng.normal(0, 0.3, len(steps)))
    holiday = np.isin(steps // DAY, (5, 18, 33, 47, 58, 66, 73)).astype(float)
    price = 50 + 10 * np.sin(2 * np.pi * steps / (7 * DAY)) + rng.normal(0, 3, len(steps))
    week = 40 * np.sin(2 * np.pi * (steps / DAY - 0.3)) - 20 * (steps // DAY % 7 > 4) - 30 * holiday
    load = 500 + week - 3 * temperature + 0.5 * np.roll(price, DAY) + rng.normal(0, 4, len(steps))
    heat = 90 - 4 * temperature + 0.1 * week + rng.normal(0, 2, len(steps))
    columns = {"load": load, "heat": heat, "price": price, "temperature": temperature, "holiday": holiday}
    frame = pd.DataFrame({"time": times, **columns})
    frame.loc[KNOWN:, ["load", "heat", "price"]] = np.nan
    return read_load(
        frame,
        targets=["load", "heat"],
        past_covariates="price",
        future_covariates=["temperature", "holiday"],
        zone="Europe/London",
    )


def small(name: str, horizon: int, lookback: int | None = 2 * DAY) -> Any:
    """The candidate as the registry makes it, with less training."""
    model: Any = load_model(name, Size(horizon, lookback, seed=1))
    if hasattr(model, "training"):
        model.training = TrainingConfig(2, 64, 2e-3, "adam", schedule="halved", patience=1)
    if hasattr(model, "width"):
        model.width = 16
    for setting in ("rounds", "epochs"):
        if hasattr(model, setting):
            setattr(model, setting, 4)
    if name == "blend":
        model.members = [small("nlinear-ridge", horizon, lookback), small("spline-ridge", horizon)]
        model.weights = np.repeat([[0.25], [0.75]], horizon, axis=1)
    return model


@pytest.fixture(scope="module")
def data() -> LoadData:
    return simulated()


@pytest.fixture(scope="module")
def fitted(data: LoadData) -> Callable[[str, str], LoadModel]:
    made: dict[tuple[str, str], LoadModel] = {}

    def get(name: str, horizon: str = "1D") -> LoadModel:
        if (name, horizon) not in made:
            made[name, horizon] = small(name, HORIZONS[horizon])
            made[name, horizon].fit(data, TRAIN, VALIDATION)
        return made[name, horizon]

    return get


Fitted = Callable[..., LoadModel]
every_model = pytest.mark.parametrize("name", LOAD_MODELS)


@every_model
@pytest.mark.parametrize("horizon", HORIZONS)
def test_a_forecast_is_finite_for_every_origin_step_and_target(
    name: str, horizon: str, data: LoadData, fitted: Fitted
) -> None:
    model, steps = fitted(name, horizon), HORIZONS[horizon]
    last = np.array([*ORIGINS, data.known])
    forecast = model.predict(data, last)
    assert forecast.shape == (4, steps, 2)
    assert forecast.dtype == np.float64
    assert np.isfinite(forecast).all()
    assert abs(forecast[..., 0].mean() - 500) < 100  # in the units of the load
    assert model.parameters() >= 0


@every_model
@pytest.mark.parametrize("horizon", HORIZONS)
def test_whatever_comes_after_the_origin_changes_nothing(
    name: str, horizon: str, data: LoadData, fitted: Fitted
) -> None:
    model, steps = fitted(name, horizon), HORIZONS[horizon]
    for origin in ORIGINS:
        expected = model.predict(data, np.array([origin]))
        for value in (np.nan, 1e6):
            told = {name: getattr(data, name).copy() for name in ("targets", "past", "future")}
            told["targets"][origin:] = value
            told["past"][origin:] = value
            told["future"][origin + steps :, 0] = value
            # calendars are known: the holiday of the day after the horizon tells the eve of it
            told["future"][origin + steps + DAY :, 1] = value
            # products of matrices with other numbers of rows round in another order
            np.testing.assert_allclose(model.predict(replace(data, **told), np.array([origin])), expected, rtol=1e-9)


@every_model
def test_rows_that_do_not_exist_yet_are_not_missed(name: str, data: LoadData, fitted: Fitted) -> None:
    model, origin = fitted(name), int(ORIGINS[0])
    # other tables take other paths through vectorised sums: equal up to rounding in float32
    np.testing.assert_allclose(
        model.predict(data.until(origin, 24), np.array([origin])), model.predict(data, np.array([origin])), rtol=1e-5
    )


@every_model
def test_rows_of_later_parts_are_never_learnt_from(name: str, data: LoadData) -> None:
    told = {part: getattr(data, part).copy() for part in ("targets", "past", "future")}
    for values in told.values():
        values[VALIDATION.stop :] = np.nan
    blind, origins = replace(data, **told), np.array([60 * DAY])
    one, other = small(name, DAY), small(name, DAY)
    one.fit(data, TRAIN, VALIDATION)
    other.fit(blind, TRAIN, VALIDATION)
    np.testing.assert_allclose(one.predict(data, origins), other.predict(data, origins), rtol=1e-9)
    one.refit(data, slice(0, VALIDATION.stop))
    other.refit(blind, slice(0, VALIDATION.stop))
    np.testing.assert_allclose(one.predict(data, origins), other.predict(data, origins), rtol=1e-9)


@every_model
def test_many_origins_at_once_are_each_by_itself(name: str, data: LoadData, fitted: Fitted) -> None:
    model = fitted(name)
    together = model.predict(data, ORIGINS)
    for row, origin in enumerate(ORIGINS):
        np.testing.assert_allclose(model.predict(data, np.array([origin]))[0], together[row], rtol=1e-5)
    np.testing.assert_allclose(model.predict(data, ORIGINS[::-1])[::-1], together, rtol=1e-5)


# by training in float32 rounding grows; a tree may cut a tie between two thresholds otherwise
TOLERANCE = {
    "nlinear-ridge": 1e-5, "dlinear": 1e-3, "itransformer": 1e-3, "load-network": 1e-3, "blend": 1e-5,
    "boosting": 1e-6, "hourly-boosting": 1e-6,
}  # fmt: skip
# these take the logarithm of a load that is positive: they know its units, but not a load from another zero
LOGARITHMIC = ("spline-ridge", "hourly-boosting", "boosting", "load-network", "blend")


@every_model
def test_in_other_units_and_from_another_zero_the_forecast_is_the_same_load(
    name: str, data: LoadData, fitted: Fitted
) -> None:
    factor = np.array([1e-3, 250.0])
    shift = np.array([0.0, 0.0]) if name in LOGARITHMIC else np.array([7.0, -3e4])
    told = replace(data, targets=data.targets * factor + shift)
    model = small(name, DAY)
    model.fit(told, TRAIN, VALIDATION)
    here, there = fitted(name).predict(data, ORIGINS), (model.predict(told, ORIGINS) - shift) / factor
    spread = data.targets[:KNOWN].std(0)
    np.testing.assert_allclose(there / spread, here / spread, rtol=0, atol=TOLERANCE.get(name, 1e-9))


@every_model
def test_the_same_seed_learns_the_same(name: str, data: LoadData, fitted: Fitted) -> None:
    again = small(name, DAY)
    again.fit(data, TRAIN, VALIDATION)
    np.testing.assert_array_equal(again.predict(data, ORIGINS), fitted(name).predict(data, ORIGINS))


@every_model
def test_the_answer_changes_with_the_history(name: str, data: LoadData, fitted: Fitted) -> None:
    targets = data.targets.copy()
    targets[ORIGINS[0] - 7 * DAY : ORIGINS[0]] += 50.0
    changed = fitted(name).predict(replace(data, targets=targets), ORIGINS[:1])
    assert np.abs(changed - fitted(name).predict(data, ORIGINS[:1])).max() > 1.0


HEARD = [
    (name, covariate)
    for name in ("spline-ridge", "hourly-boosting", "boosting", "load-network", "itransformer")
    for covariate in ("price", "temperature", "holiday")
    if (name, covariate) not in (("hourly-boosting", "price"), ("hourly-boosting", "holiday"))  # few days an hour
]


@pytest.mark.parametrize(("name", "covariate"), HEARD)
def test_covariates_are_heard(name: str, covariate: str, data: LoadData, fitted: Fitted) -> None:
    """A past one by its last day, one that is known ahead by its values over the horizon alone."""
    origin, told = int(ORIGINS[0]), {"past": data.past.copy(), "future": data.future.copy()}
    if covariate == "price":
        told["past"][origin - DAY : origin] += 20.0
    else:
        told["future"][origin : origin + DAY, ("temperature", "holiday").index(covariate)] += 8.0
    changed = fitted(name).predict(replace(data, **told), ORIGINS[:1])
    assert np.abs(changed - fitted(name).predict(data, ORIGINS[:1])).max() > 1e-3
