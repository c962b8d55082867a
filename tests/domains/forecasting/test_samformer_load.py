import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.gradient_load import SAMformerLoad
from labformer.shared.learning.config import TrainingConfig

DAY, DAYS = 8, 60  # rows of three hours
TRAIN, VALIDATION = slice(0, 40 * DAY), slice(40 * DAY, 50 * DAY)
ORIGINS = np.array([50 * DAY, 54 * DAY])


def simulated(level: float = 0.0, price: bool = True) -> LoadData:
    times = pd.date_range("2024-01-01", periods=DAYS * DAY, freq="3h", tz="UTC")
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * np.arange(len(times)) / DAY)
    load = 100 + level + 20 * wave + rng.normal(size=len(times))
    frame = pd.DataFrame({"time": times, "load": load, "heat": 5 - wave, "price": np.roll(load, 1)})
    past = ["price"] if price else []
    return read_load(frame, targets=["load", "heat"], past_covariates=past, future_covariates=[], zone="Europe/London")


def fitted(data: LoadData) -> SAMformerLoad:
    model = SAMformerLoad(DAY, 3 * DAY, seed=1)
    model.training = TrainingConfig(8, 32, 1e-2, "adam", schedule="restarts", patience=5, sam_rho=0.2)
    model.fit(data, TRAIN, VALIDATION)
    return model


def test_it_learns_the_day_of_every_target_and_past_covariates_are_variates() -> None:
    data = simulated()
    model = fitted(data)
    answer = model.predict(data, ORIGINS)
    truth = np.stack([data.targets[origin : origin + DAY] for origin in ORIGINS])
    assert answer.shape == (2, DAY, 2)
    assert np.abs(answer - truth)[..., 0].mean() < 5  # the wave is 20 high
    assert len(model.scaler.mean) == 3
    assert len(fitted(simulated(price=False)).scaler.mean) == 2


def test_forecasts_shift_with_the_level_of_the_load_and_do_not_see_what_comes_after_the_origin() -> None:
    data = simulated()
    plain = fitted(data).predict(data, ORIGINS[:1])
    high = fitted(simulated(1000.0, True)).predict(simulated(1000.0, True), ORIGINS[:1])
    np.testing.assert_allclose(high[..., 0] - 1000.0, plain[..., 0], atol=0.05)
    spoilt = simulated()
    spoilt.targets[ORIGINS[0] :] = 0.0
    spoilt.past[ORIGINS[0] :] = 0.0
    np.testing.assert_array_equal(fitted(data).predict(spoilt, ORIGINS[:1]), plain)


def test_it_comes_back_from_what_it_saved_and_a_refit_trains_as_long_as_was_best() -> None:
    data = simulated()
    model = fitted(data)
    saved = model.saved()
    other = SAMformerLoad(DAY)
    other.load(saved.config, saved.arrays)
    np.testing.assert_array_equal(other.predict(data, ORIGINS), model.predict(data, ORIGINS))
    before = model.predict(data, ORIGINS)
    model.refit(data, slice(0, VALIDATION.stop))
    assert model.refitting.sam_rho == pytest.approx(0.2)
    assert np.abs(model.predict(data, ORIGINS) - before).max() > 1e-6
