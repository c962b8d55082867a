import numpy as np
import pytest
import torch
from torch import Tensor

from labformer.domains.forecasting.models.linear import DLinear, LinearConfig, NLinear, moving_average, solve_linear
from labformer.domains.forecasting.training import ForecastWindows, fit_by_gradient, forecast_all, validation_error
from labformer.shared.learning.config import TrainingConfig

SMALL = LinearConfig(lookback=40, horizon=7)


def made(kind: type, config: LinearConfig = SMALL) -> torch.nn.Module:
    torch.manual_seed(0)
    return kind(config).double()


def test_moving_average_is_the_mean_of_25_with_the_ends_repeated() -> None:
    x = torch.randn(2, 3, 40, dtype=torch.float64)
    expected = torch.empty_like(x)
    for step in range(40):
        around = [min(max(step + shift, 0), 39) for shift in range(-12, 13)]
        expected[..., step] = x[..., around].mean(-1)
    torch.testing.assert_close(moving_average(x, 25), expected)


def test_moving_average_keeps_a_constant_and_one_step_is_the_identity() -> None:
    x = torch.randn(2, 3, 30, dtype=torch.float64)
    torch.testing.assert_close(moving_average(x, 1), x)
    torch.testing.assert_close(moving_average(torch.full_like(x, 2.5), 25), torch.full_like(x, 2.5))


def test_nlinear_shifts_with_its_window_and_without_bias_scales_with_it() -> None:
    model, past = made(NLinear), torch.randn(4, 3, 40, dtype=torch.float64)
    torch.testing.assert_close(model(past + 11.0), model(past) + 11.0)
    torch.nn.init.zeros_(model.to_future.bias)  # as the closed form leaves it
    torch.testing.assert_close(model(-3.0 * past + 11.0), -3.0 * model(past) + 11.0)


def test_dlinear_is_one_linear_map() -> None:
    model, past = made(DLinear), torch.randn(4, 3, 40, dtype=torch.float64)
    average = moving_average(torch.eye(40, dtype=torch.float64), 25).T
    both = model.from_remainder.weight @ (torch.eye(40) - average) + model.from_trend.weight @ average
    bias = model.from_remainder.bias + model.from_trend.bias
    torch.testing.assert_close(model(past), past @ both.T + bias)


@pytest.mark.parametrize("kind", [NLinear, DLinear])
def test_series_are_forecast_by_themselves(kind: type) -> None:
    model, past = made(kind), torch.randn(4, 3, 40, dtype=torch.float64)
    torch.testing.assert_close(model(past)[:, [2, 0]], model(past[:, [2, 0]]))


@pytest.mark.parametrize(("kind", "count"), [(NLinear, 32_352), (DLinear, 64_704)])
def test_sizes_are_those_of_the_paper(kind: type, count: int) -> None:
    assert sum(parameter.numel() for parameter in kind(LinearConfig(336, 96)).parameters()) == count


@pytest.mark.parametrize("wrong", [{"lookback": 1}, {"horizon": 0}, {"kernel": 4}, {"kernel": 0}])
def test_impossible_sizes_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LinearConfig(**wrong)


def seasonal(rows: int = 700) -> np.ndarray:
    rng = np.random.default_rng(0)
    steps = np.arange(rows)[:, None]
    wave = np.sin(2 * np.pi * (steps / 12 + np.array([0.0, 0.3]))) + 0.5 * np.sin(2 * np.pi * steps / 7)
    return wave + 0.2 * rng.normal(size=wave.shape)


@pytest.mark.parametrize("kind", [NLinear, DLinear])
def test_training_goes_to_the_closed_form(kind: type) -> None:
    values = seasonal()
    config = LinearConfig(24, 6, kernel=7)
    train, check = values[:500], values[500 - 24 :]
    solved = solve_linear(kind, config, train, check)
    torch.manual_seed(0)
    model = kind(config)
    windows, checks = ForecastWindows(train, 24, 6), ForecastWindows(check, 24, 6)
    before = validation_error(model, checks)
    fit_by_gradient(model, windows, checks, TrainingConfig(60, 32, 1e-2, "adam", schedule="cosine"), progress=False)
    after = validation_error(model, checks)
    assert validation_error(solved.model, checks) == pytest.approx(solved.validation_mse, rel=1e-5)
    assert before > 5 * solved.validation_mse
    assert after == pytest.approx(solved.validation_mse, rel=0.05)
    close = (forecast_all(model, checks) - forecast_all(solved.model, checks)).square().mean()
    assert close < 0.1 * solved.validation_mse


@pytest.mark.parametrize("kind", [NLinear, DLinear])
def test_closed_form_forecasts_shift_with_the_whole_series(kind: type) -> None:
    values = seasonal(300)

    def forecast(shift: float) -> Tensor:
        solved = solve_linear(kind, LinearConfig(24, 6, kernel=7), values[:200] + shift, values[176:250] + shift)
        return forecast_all(solved.model.double(), _double(values[250:] + shift)) - shift

    torch.testing.assert_close(forecast(3.0), forecast(0.0), atol=1e-5, rtol=0)  # weights are float32


def _double(values: np.ndarray) -> ForecastWindows:
    windows = ForecastWindows(values, 24, 6)
    windows.values = torch.from_numpy(values.T.copy()).unfold(1, 30, 1).transpose(0, 1)
    return windows
