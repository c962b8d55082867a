import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.linear_model import Ridge

from labformer.domains.forecasting.models.closed_form import (
    PENALTIES,
    Normal,
    less_last_value,
    normal_equations,
    refit,
    solve,
    window_gram,
    window_gram_plainly,
)
from labformer.domains.forecasting.models.linear import DLinear, LinearConfig, NLinear, refit_linear, solve_linear

LOOKBACK, HORIZON = 6, 3
WINDOW = LOOKBACK + HORIZON


def walk(rows: int, series: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(rows)[:, None] / 3 + np.arange(series)) + 0.3 * rng.normal(size=(rows, series)).cumsum(0)


def windows(values: np.ndarray) -> np.ndarray:
    """Every window of every series with a 1 behind it, one a row."""
    rows = sliding_window_view(values, WINDOW, axis=0).reshape(-1, WINDOW)
    return np.hstack([rows, np.ones((len(rows), 1))])


def maps(free: int) -> tuple[np.ndarray, np.ndarray]:
    """Past values (and a free intercept) as features, the next values as targets."""
    identity = np.eye(WINDOW + 1)
    past = identity[:LOOKBACK] - 0.2 * identity[LOOKBACK - 1]
    return np.vstack([past, *[identity[-1:]] * free]), identity[LOOKBACK:WINDOW]


def normal(values: np.ndarray, free: int) -> Normal:
    return normal_equations(*window_gram(values, WINDOW), *maps(free))


@pytest.mark.parametrize(("rows", "length"), [(40, 7), (9, 9), (10, 9), (30, 1), (12, 8)])
def test_gram_by_running_sums_is_the_sum_over_windows(rows: int, length: int) -> None:
    values = walk(rows, 3) + 5.0
    (fast, count), (plain, same) = window_gram(values, length), window_gram_plainly(values, length)
    assert count == same == 3 * (rows - length + 1)
    np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-12 * np.abs(plain).max())


def test_gram_refuses_rows_without_a_window() -> None:
    with pytest.raises(ValueError, match="8 rows hold no window of 9"):
        window_gram(walk(8), 9)


def test_taking_the_last_value_out_of_a_gram_is_taking_it_out_of_every_window() -> None:
    values = walk(40) + 5.0
    found = less_last_value(*window_gram(values, WINDOW), LOOKBACK)
    rows = windows(values)[:, :WINDOW]
    past, future = np.split(rows - rows[:, [LOOKBACK - 1]], [LOOKBACK], axis=1)
    np.testing.assert_allclose(found.xx, (past.T @ past)[:-1, :-1], atol=1e-9)
    np.testing.assert_allclose(found.xy, (past.T @ future)[:-1], atol=1e-9)
    assert found.yy == pytest.approx(np.square(future).sum())
    assert found.windows == len(rows)


@pytest.mark.parametrize("free", [0, 1])
def test_solution_is_the_ridge_of_explicit_windows(free: int) -> None:
    train, check = walk(80), walk(40, seed=1)
    features, targets = maps(free)
    found = solve(normal(train, free), normal(check, free), free)
    X, Y = windows(train) @ features[:LOOKBACK].T, windows(train) @ targets.T
    peer = Ridge(alpha=found.penalty * len(X), fit_intercept=bool(free), solver="cholesky").fit(X, Y)
    np.testing.assert_allclose(found.weight[:LOOKBACK], peer.coef_.T, atol=1e-9)
    if free:
        np.testing.assert_allclose(found.weight[-1], peer.intercept_, atol=1e-9)


@pytest.mark.parametrize("free", [0, 1])
def test_refit_satisfies_the_normal_equations_and_agrees_with_solve(free: int) -> None:
    train = walk(80)
    features, targets = maps(free)
    found = solve(normal(train, free), normal(walk(40, seed=1), free), free)
    weight = refit(normal(train, free), found.penalty, free)
    Z, Y = windows(train) @ features.T, windows(train) @ targets.T
    shrink = np.array([found.penalty * len(Z)] * LOOKBACK + [0.0] * free)
    gradient = Z.T @ (Z @ weight - Y) + shrink[:, None] * weight
    np.testing.assert_allclose(gradient, 0.0, atol=1e-10 * np.abs(Z.T @ Y).max())
    np.testing.assert_allclose(found.weight, weight, atol=1e-9)


@pytest.mark.parametrize("free", [0, 1])
def test_penalty_is_the_best_on_the_check_windows_and_its_error_is_theirs(free: int) -> None:
    noise = np.random.default_rng(7).normal(size=(2, 40, 2))
    train, check = np.sin(np.arange(40) / 2)[:, None] + 0.5 * noise
    features, targets = maps(free)
    found = solve(normal(train, free), normal(check, free), free)

    def error(penalty: float) -> float:
        weight = refit(normal(train, free), penalty, free)
        return float(np.square(windows(check) @ (features.T @ weight - targets.T)).mean())

    errors = [error(penalty) for penalty in PENALTIES]
    assert found.penalty == PENALTIES[int(np.argmin(errors))]
    assert found.validation_mse == pytest.approx(min(errors), rel=1e-9)
    assert PENALTIES[0] < found.penalty < PENALTIES[-1]  # so the choice was one


def test_a_stronger_penalty_shrinks_the_map() -> None:
    sizes = [float(np.square(refit(normal(walk(60), 0), penalty)).sum()) for penalty in PENALTIES]
    assert (np.diff(sizes) < 0).all()


@pytest.mark.parametrize("kind", [NLinear, DLinear])
def test_solved_forecaster_is_the_ridge_of_its_own_features(kind: type) -> None:
    config = LinearConfig(LOOKBACK, HORIZON, kernel=3)
    train, check = walk(80), walk(40, seed=1)
    solved = solve_linear(kind, config, train, check)
    past, future = np.split(windows(train)[:, :WINDOW], [LOOKBACK], axis=1)
    test, last = windows(check)[:, :LOOKBACK], windows(check)[:, [LOOKBACK - 1]]
    if kind is NLinear:
        peer = Ridge(solved.penalty * len(past), fit_intercept=False, solver="cholesky")
        expected = peer.fit(past - past[:, -1:], future - past[:, -1:]).predict(test - last) + last
    else:
        peer = Ridge(solved.penalty * len(past), solver="cholesky")
        expected = peer.fit(_split(past), future).predict(_split(test))
    forecast = solved.model(torch.from_numpy(test).float()).detach().numpy()
    np.testing.assert_allclose(forecast, expected, atol=2e-6 * np.abs(expected).max())  # weights are float32
    error = np.square(expected - windows(check)[:, LOOKBACK:WINDOW]).mean()
    assert solved.validation_mse == pytest.approx(error, rel=1e-9)


def _split(past: np.ndarray) -> np.ndarray:
    """Remainder and trend, by a moving average of 3 with the ends repeated."""
    padded = np.hstack([past[:, :1], past, past[:, -1:]])
    trend = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
    return np.hstack([past - trend, trend])


@pytest.mark.parametrize("kind", [NLinear, DLinear])
def test_refitting_on_the_same_rows_changes_nothing(kind: type) -> None:
    train = walk(80)
    solved = solve_linear(kind, LinearConfig(LOOKBACK, HORIZON, kernel=3), train, walk(40, seed=1))
    again = refit_linear(solved, train)
    assert again.penalty == solved.penalty
    for one, other in zip(solved.model.parameters(), again.model.parameters(), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), atol=1e-6)
    other = refit_linear(solved, walk(80, seed=5)).model.state_dict()
    assert any((other[name] != value).any() for name, value in solved.model.state_dict().items())
