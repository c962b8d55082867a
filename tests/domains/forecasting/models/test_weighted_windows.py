import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from labformer.domains.forecasting.models import weighted
from labformer.domains.forecasting.models.linear import DLinear, LinearConfig, NLinear, refit_linear, solve_linear
from labformer.domains.forecasting.models.weighted import variance_weights, weighted_normal

LOOKBACK, HORIZON = 6, 3


def walk(rows: int = 90, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 2)).cumsum(0) * np.linspace(0.1, 3, rows)[:, None] + 40.0


def test_a_window_counts_by_its_variance_and_all_by_1_in_the_mean() -> None:
    x = walk()[:, 0]
    found = variance_weights(x, LOOKBACK, len(x) - 8)
    expected = (sliding_window_view(x, LOOKBACK)[: len(found)].var(1) + 0.01) ** -0.5
    np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-7)
    flat = variance_weights(np.full(30, 1e6), LOOKBACK, 20)
    np.testing.assert_allclose(flat, 1.0)


@pytest.mark.parametrize("block", [7, 2048])
def test_sums_are_those_of_every_weighted_window(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighted, "BLOCK", block)
    values = walk()
    found = weighted_normal(values, LOOKBACK, HORIZON)
    xx, xy, yy = 0.0, 0.0, 0.0
    for x in values.T:
        rows = sliding_window_view(x, LOOKBACK + HORIZON)
        past, future = np.split(rows - rows[:, [LOOKBACK - 1]], [LOOKBACK], axis=1)
        by = variance_weights(x, LOOKBACK, len(rows))[:, None]
        xx, xy, yy = xx + (past * by).T @ past, xy + (past * by).T @ future, yy + (future**2 * by).sum()
    np.testing.assert_allclose(found.xx, xx[:-1, :-1], rtol=1e-4, atol=1e-4 * np.abs(xx).max())
    np.testing.assert_allclose(found.xy, xy[:-1], rtol=1e-4, atol=1e-4 * np.abs(xy).max())
    assert found.yy == pytest.approx(yy, rel=1e-4)
    assert found.windows == 2 * (90 - 9 + 1)


def test_windows_of_equal_variance_give_the_plain_ridge() -> None:
    wave = np.sin(2 * np.pi * np.arange(80) / LOOKBACK)[:, None]  # every window holds one period
    solved = [solve_linear(NLinear, LinearConfig(LOOKBACK, HORIZON), wave, wave, flag) for flag in (False, True)]
    assert solved[0].penalty == solved[1].penalty
    plain, by_variance = (one.model.to_future.weight.detach() for one in solved)
    torch.testing.assert_close(plain, by_variance, atol=1e-3, rtol=0)


def test_weighted_forecasts_do_not_change_with_the_level_and_a_wild_stretch_counts_less() -> None:
    rng = np.random.default_rng(1)
    calm = np.sin(np.arange(200) / 2) + 0.01 * rng.normal(size=200)
    wild = 30 * np.sin(np.arange(60) / 5) + rng.normal(size=60)
    values, check = np.concatenate([calm, wild])[:, None], calm[:60, None]
    errors = [
        solve_linear(NLinear, LinearConfig(LOOKBACK, HORIZON), values + level, check + level, flag).validation_mse
        for level, flag in ((0.0, False), (0.0, True), (100.0, True))
    ]
    assert errors[1] < 0.9 * errors[0]
    assert errors[2] == pytest.approx(errors[1], rel=0.05)


def test_a_refit_keeps_the_weighting_and_dlinear_has_none() -> None:
    solved = solve_linear(NLinear, LinearConfig(LOOKBACK, HORIZON), walk(), walk(40, 1), weighted=True)
    again = refit_linear(solved, walk())
    torch.testing.assert_close(again.model.to_future.weight, solved.model.to_future.weight, atol=1e-4, rtol=1e-3)
    with pytest.raises(ValueError, match="only windows of NLinear"):
        solve_linear(DLinear, LinearConfig(LOOKBACK, HORIZON), walk(), walk(40, 1), weighted=True)
    with pytest.raises(ValueError, match="8 rows hold no window of 9"):
        weighted_normal(walk(8), LOOKBACK, HORIZON)
