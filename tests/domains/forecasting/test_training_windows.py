from collections.abc import Callable

import numpy as np
import pytest
import torch

from labformer.domains.forecasting.models.itransformer import ITransformer, ITransformerConfig
from labformer.domains.forecasting.models.linear import LinearConfig, NLinear
from labformer.domains.forecasting.training import (
    ForecastWindows,
    as_long_as,
    fit_by_gradient,
    forecast,
    forecast_all,
    mean_absolute,
    mean_square,
    validation_error,
)
from labformer.shared.errors import InputError
from labformer.shared.learning.config import TrainingConfig

ROWS, LOOKBACK, HORIZON = 30, 6, 3


def table(columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, columns)).astype(np.float32).astype(np.float64)


def test_windows_are_the_rows_they_say() -> None:
    values, marks, known = table(2), table(4, 1), table(3, 2)
    windows = ForecastWindows(values, LOOKBACK, HORIZON, marks, known)
    assert len(windows) == ROWS - LOOKBACK - HORIZON + 1
    batch = windows.batch(torch.tensor([0, 21, 5]))
    for row, start in enumerate((0, 21, 5)):
        middle, end = start + LOOKBACK, start + LOOKBACK + HORIZON
        np.testing.assert_array_equal(batch.past[row].T, values[start:middle])
        np.testing.assert_array_equal(batch.future[row].T, values[middle:end])
        np.testing.assert_array_equal(batch.marks[row].T, marks[start:middle])  # type: ignore[index]
        np.testing.assert_array_equal(batch.known[row].T, known[start:end])  # type: ignore[index]


def test_starts_choose_windows_and_nothing_is_copied_before_a_batch() -> None:
    values = table(2)
    windows, all_windows = ForecastWindows(values, 6, 3, starts=np.array([4, 9])), ForecastWindows(values, 6, 3)
    assert len(windows) == 2
    torch.testing.assert_close(windows.batch(torch.arange(2)), all_windows.batch(torch.tensor([4, 9])))
    assert windows.values is not None
    assert windows.values.untyped_storage().size() == 2 * ROWS * 4


@pytest.mark.parametrize("size", [(25, 6), (6, 25), (30, 1)])
def test_too_few_rows_are_refused_in_words(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"30 rows are too few for a lookback of {size[0]} and a horizon of {size[1]}"):
        ForecastWindows(table(2), *size)


def test_a_window_before_the_first_row_or_past_the_last_is_an_error() -> None:
    for start in (-1, ROWS - LOOKBACK - HORIZON + 1):
        with pytest.raises((IndexError, RuntimeError)):
            ForecastWindows(table(2), LOOKBACK, HORIZON, starts=np.array([start])).batch(torch.arange(1))


def test_validation_error_counts_every_window_once_however_it_is_batched() -> None:
    windows, model = ForecastWindows(table(2), LOOKBACK, HORIZON), NLinear(LinearConfig(LOOKBACK, HORIZON))
    whole = mean_square(model, windows.batch(torch.arange(len(windows)))).item()
    for size in (1, 5, 21, 100):
        assert validation_error(model, windows, size) == pytest.approx(whole, rel=1e-5)
        assert forecast_all(model, windows, size).shape == (22, 2, HORIZON)


def test_all_forecasts_are_made_without_dropout_and_in_order() -> None:
    torch.manual_seed(0)
    model = ITransformer(ITransformerConfig(LOOKBACK, HORIZON, 16, 16, 2, 1, 0.5, known=True)).train()
    windows = ForecastWindows(table(2), LOOKBACK, HORIZON, table(4, 1), table(3, 2))
    all_of_them = forecast_all(model, windows, size=7)
    torch.testing.assert_close(all_of_them, forecast_all(model, windows, size=22))
    with torch.inference_mode():
        torch.testing.assert_close(all_of_them[[8]], forecast(model, windows.batch(torch.tensor([8]))))


def test_training_keeps_the_best_epoch_and_refitting_runs_as_long() -> None:
    steps = np.arange(400)[:, None]
    values = np.sin(2 * np.pi * steps / 12) + 0.3 * np.random.default_rng(0).normal(size=(400, 2))
    train, check = ForecastWindows(values[:300], 12, 3), ForecastWindows(values[288:], 12, 3)
    config = TrainingConfig(6, 32, 3e-2, "adam", patience=2, seed=1)
    torch.manual_seed(0)
    model = NLinear(LinearConfig(12, 3))
    outcome = fit_by_gradient(model, train, check, config, progress=False)
    best = min(epoch.validation for epoch in outcome.history if epoch.validation is not None)
    assert outcome.best_validation == best
    assert validation_error(model, check) == pytest.approx(best, rel=1e-6)
    again = as_long_as(config, outcome)
    assert (again.epochs, again.patience) == (outcome.best_epoch, 0)
    torch.manual_seed(0)
    twin = NLinear(LinearConfig(12, 3))
    fit_by_gradient(twin, train, None, again, progress=False)
    torch.testing.assert_close(twin.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_another_loss_learns_another_forecast_the_median_instead_of_the_mean() -> None:
    values = np.tile([[0.0], [0.0], [3.0]], (100, 1))  # of every three rows the mean is 1 and the median 0

    def learned(loss: Callable[..., torch.Tensor]) -> float:
        model = NLinear(LinearConfig(LOOKBACK, 1))
        torch.nn.init.zeros_(model.to_future.weight).requires_grad_(False)
        data = ForecastWindows(values, LOOKBACK, 1)
        data.values = data.values * (torch.arange(LOOKBACK + 1) == LOOKBACK)  # nothing is known before
        fit_by_gradient(model, data, None, TrainingConfig(40, 32, 5e-2, "adam"), loss=loss, progress=False)
        return model.to_future.bias.item()

    assert learned(mean_square) == pytest.approx(1.0, abs=0.1)
    assert learned(mean_absolute) == pytest.approx(0.0, abs=0.1)
