import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.linear_model import Ridge

from labformer.domains.forecasting.models import hour_linear
from labformer.domains.forecasting.models.hour_linear import (
    HOURS,
    LOUD,
    SHRINKS,
    HourLinearConfig,
    hour_of,
    refit_hours,
    solve_hours,
)
from labformer.domains.forecasting.models.linear import LinearConfig, NLinear, solve_linear

CONFIG = HourLinearConfig(series=2, lookback=8, horizon=4)
HOUR = np.arange(600) % HOURS


def load(seed: int = 0) -> np.ndarray:
    """Two series whose next step depends on the hour, each in its own way, beyond what their windows tell."""
    rng = np.random.default_rng(seed)
    return np.stack([3 * (HOUR == 7), 2 * (HOUR == 19)], axis=1) + 0.3 * rng.normal(size=(len(HOUR), 2)).cumsum(0)


def solved() -> hour_linear.SolvedHours:
    values = load()
    return solve_hours(CONFIG, values[:400], HOUR[:400], values[400 - 8 :], HOUR[400 - 8 :])


def answer(model: hour_linear.HourLinear, values: np.ndarray, hours: np.ndarray) -> np.ndarray:
    past = torch.from_numpy(sliding_window_view(values, 8, axis=0)[:-4].copy()).float()
    marks = torch.from_numpy(sliding_window_view(hours / 23 - 0.5, 8)[:-4].copy()).float()[:, None]
    with torch.no_grad():
        return model(past, marks).numpy()


def truth(values: np.ndarray) -> np.ndarray:
    return sliding_window_view(values, 4, axis=0)[8:]


def test_the_hour_is_read_back_from_the_calendar_marks() -> None:
    marks = np.stack([np.arange(24) / 23 - 0.5, np.zeros(24)], axis=1)
    np.testing.assert_array_equal(hour_of(marks), np.arange(24))


def test_its_error_on_validation_is_told_and_beats_a_map_without_the_hour() -> None:
    values, found = load(), solved()
    check, hours = values[400 - 8 :], HOUR[400 - 8 :]
    error = np.square(answer(found.model, check, hours) - truth(check)).mean()
    assert abs(error - found.validation_mse) < 1e-4 * error
    without = solve_linear(NLinear, LinearConfig(8, 4), values[:400], check)
    assert found.validation_mse < 0.8 * without.validation_mse
    assert found.shrink in SHRINKS


def test_each_series_is_a_ridge_around_the_map_that_all_share() -> None:
    values, found = load(), solved()
    rows = values[:400]

    def design(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        window = sliding_window_view(x, 12)
        centred = window - window[:, [7]]
        now = np.eye(HOURS)[HOUR[7 : 7 + len(window)]] * LOUD
        return np.hstack([centred[:, :7], now]), centred[:, 8:]

    both = [design(x) for x in rows.T]
    count = len(both[0][0])
    X, Y = (np.concatenate(part) for part in zip(*both, strict=True))
    shared = Ridge(found.penalty * len(X), fit_intercept=False, solver="cholesky").fit(X, Y).coef_.T
    for series, (x, y) in enumerate(both):
        own = (
            shared + Ridge(found.shrink * count, fit_intercept=False, solver="cholesky").fit(x, y - x @ shared).coef_.T
        )
        np.testing.assert_allclose(found.model.to_future[series].detach(), own[:7], atol=1e-5)
        np.testing.assert_allclose(found.model.by_hour[:, series].detach(), LOUD * own[7:], atol=1e-5)


def test_a_strong_pull_leaves_the_shared_map(monkeypatch) -> None:
    monkeypatch.setattr(hour_linear, "SHRINKS", (1e12,))
    model = solved().model
    torch.testing.assert_close(model.to_future[0], model.to_future[1], atol=1e-5, rtol=0)


def test_forecasts_shift_with_the_series_and_a_refit_on_the_same_rows_changes_nothing() -> None:
    found, values = solved(), load()
    plain = answer(found.model, values, HOUR)
    np.testing.assert_allclose(answer(found.model, values + 50.0, HOUR), plain + 50.0, atol=1e-4)
    again = refit_hours(found, values[:400], HOUR[:400])
    np.testing.assert_allclose(answer(again.model, values, HOUR), plain, atol=1e-4)
