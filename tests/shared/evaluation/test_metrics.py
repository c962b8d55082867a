from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from labformer.shared.errors import InputError
from labformer.shared.evaluation import metrics

RNG = np.random.default_rng(0)
TRUTH, FORECAST = RNG.normal(10, 2, (5, 7)), RNG.normal(10, 2, (5, 7))


def test_point_errors_agree_with_a_plain_loop() -> None:
    pairs = [(t, f) for t, f in zip(TRUTH.ravel().tolist(), FORECAST.ravel().tolist(), strict=True)]
    count = len(pairs)
    assert metrics.mae(TRUTH, FORECAST) == pytest.approx(sum(abs(t - f) for t, f in pairs) / count, rel=1e-12)
    assert metrics.mse(TRUTH, FORECAST) == pytest.approx(sum((t - f) ** 2 for t, f in pairs) / count, rel=1e-12)
    assert metrics.rmse(TRUTH, FORECAST) == pytest.approx(metrics.mse(TRUTH, FORECAST) ** 0.5, rel=1e-12)
    assert metrics.mape(TRUTH, FORECAST) == pytest.approx(
        100 * sum(abs(t - f) / abs(t) for t, f in pairs) / count, rel=1e-12
    )
    assert metrics.smape(TRUTH, FORECAST) == pytest.approx(
        200 * sum(abs(t - f) / (abs(t) + abs(f)) for t, f in pairs) / count, rel=1e-12
    )


@pytest.mark.parametrize("metric", [metrics.mae, metrics.rmse, metrics.mape, metrics.smape])
def test_entries_that_are_not_real_change_nothing(metric) -> None:
    real = RNG.random(TRUTH.shape) < 0.6
    spoilt = np.where(real, TRUTH, np.nan)
    assert metric(spoilt, FORECAST, real) == pytest.approx(metric(TRUTH[real], FORECAST[real]), rel=1e-12)


def test_scale_moves_errors_in_the_unit_of_the_data_and_leaves_relative_ones() -> None:
    for metric in (metrics.mae, metrics.rmse, partial(metrics.pinball, level=0.8)):
        assert metric(3 * TRUTH, 3 * FORECAST) == pytest.approx(3 * metric(TRUTH, FORECAST), rel=1e-12)
    for metric in (metrics.mape, metrics.smape):
        assert metric(3 * TRUTH, 3 * FORECAST) == pytest.approx(metric(TRUTH, FORECAST), rel=1e-12)


def test_a_value_that_is_not_finite_is_refused_and_a_mask_is_named() -> None:
    spoilt = TRUTH.copy()
    spoilt[0, 0] = np.nan
    with pytest.raises(InputError, match="1 of 35 values of truth.*real=np.isfinite"):
        metrics.mae(spoilt, FORECAST)
    with pytest.raises(InputError, match="of forecast are not finite"):
        metrics.mae(TRUTH, spoilt)
    with pytest.raises(InputError, match="no real value"):
        metrics.mae(TRUTH, FORECAST, np.zeros(TRUTH.shape, dtype=bool))
    with pytest.raises(InputError, match="must be the same"):
        metrics.mae(TRUTH, FORECAST[:, :3])


def test_zero_denominators_are_an_error_or_a_defined_value() -> None:
    with pytest.raises(InputError, match="1 of 2 true values are zero"):
        metrics.mape([0.0, 1.0], [1.0, 1.0])
    assert metrics.mape([0.0, 1.0], [1.0, 1.5], [False, True]) == pytest.approx(50)
    assert metrics.smape([0.0, 0.0], [0.0, 1.0]) == pytest.approx(100)
    with pytest.raises(InputError, match="repeats itself exactly every 2"):
        metrics.seasonal_scale([1.0, 2.0] * 5, season=2)
    with pytest.raises(InputError, match="reference"):
        metrics.skill(1.0, 0.0)


def test_the_seasonal_naive_forecast_of_the_training_part_has_a_mase_of_one() -> None:
    history = RNG.normal(size=(50, 3))
    scale = metrics.seasonal_scale(history, season=4)
    assert scale.shape == (3,)
    assert metrics.mase(history[4:], history[:-4], scale) == pytest.approx(1, rel=1e-12)
    single = metrics.seasonal_scale(history[:, 0], season=4)
    assert metrics.mase(history[4:, 0], history[:-4, 0], single) == pytest.approx(1, rel=1e-12)


def test_the_scale_of_mase_leaves_out_gaps_and_refuses_what_it_cannot_use() -> None:
    history = np.array([1.0, 2, 4, 8, 16, 32])
    real = np.array([True, True, True, False, True, True])
    expected = np.mean([1, 2, 16])  # 1->2, 2->4, 16->32; both pairs with the gap are out
    assert metrics.seasonal_scale(np.where(real, history, np.nan), 1, real) == pytest.approx(expected)
    with pytest.raises(InputError, match="not finite"):
        metrics.seasonal_scale(np.where(real, history, np.nan), 1)
    with pytest.raises(InputError, match="longer history"):
        metrics.seasonal_scale(history, 6)
    with pytest.raises(InputError, match="above zero"):
        metrics.mase(history, history, 0.0)


def test_pinball_is_smallest_at_the_quantile_and_half_the_absolute_error_at_the_median() -> None:
    truth = RNG.normal(size=1001)
    for level in (0.1, 0.5, 0.9):
        best = metrics.pinball(truth, np.full(1001, np.quantile(truth, level, method="inverted_cdf")), level)
        for other in np.linspace(-2, 2, 9):
            assert best <= metrics.pinball(truth, np.full(1001, other), level)
    assert metrics.pinball(TRUTH, FORECAST, 0.5) == pytest.approx(metrics.mae(TRUTH, FORECAST) / 2, rel=1e-12)
    with pytest.raises(InputError, match="between 0 and 1"):
        metrics.pinball(TRUTH, FORECAST, 1.0)


def test_crps_from_many_midpoint_quantiles_is_that_of_the_normal_distribution() -> None:
    levels = (np.arange(2000) + 0.5) / 2000
    truth = np.array([-1.5, 0.0, 0.7])
    closed = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)  # Gneiting & Raftery 2007
    quantiles = np.broadcast_to(norm.ppf(levels), (3, 2000))
    assert metrics.crps_from_quantiles(truth, quantiles, levels.tolist()) == pytest.approx(closed.mean(), abs=1e-3)
    with pytest.raises(InputError, match="last axis is the level"):
        metrics.crps_from_quantiles(truth, quantiles, [0.5])


def test_crps_of_a_sure_forecast_is_its_absolute_error() -> None:
    sure = np.repeat(FORECAST[..., None], 9, axis=-1)
    levels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert metrics.crps_from_quantiles(TRUTH, sure, levels) == pytest.approx(metrics.mae(TRUTH, FORECAST), rel=1e-12)


def test_coverage_counts_closed_intervals_and_width_is_their_mean() -> None:
    truth, low, high = [1.0, 2.0, 3.0, np.nan], [1.0, 0.0, 4.0, 0.0], [2.0, 1.0, 9.0, 1.0]
    real = np.isfinite(truth)
    assert metrics.coverage(truth, low, high, real) == pytest.approx(1 / 3)
    assert metrics.width(low, high, real) == pytest.approx(7 / 3)


def test_skill_is_one_minus_the_ratio() -> None:
    assert metrics.skill(3.0, 4.0) == pytest.approx(0.25)
    assert metrics.skill(5.0, 4.0) == pytest.approx(-0.25)


def test_scores_along_an_axis_average_to_the_score_of_all() -> None:
    by_step = metrics.along(1, metrics.mae, TRUTH, FORECAST)
    assert by_step.shape == (7,)
    assert by_step.mean() == pytest.approx(metrics.mae(TRUTH, FORECAST), rel=1e-12)
    real = RNG.random(TRUTH.shape) < 0.9
    by_window = metrics.along(0, metrics.coverage, TRUTH, FORECAST - 1, FORECAST + 1, real=real)
    assert np.average(by_window, weights=real.sum(1)) == pytest.approx(
        metrics.coverage(TRUTH, FORECAST - 1, FORECAST + 1, real), rel=1e-12
    )
