"""Laws of a convex blend."""

import numpy as np
import pytest

from labformer.domains.forecasting.models.blend import blended, block_weights, convex_weights


def members(seed=0, count=4, samples=400):
    noise = np.random.default_rng(seed)
    truth = noise.normal(size=samples)
    spread = np.linspace(0.2, 1.0, count)[:, None]
    return truth + spread * noise.normal(size=(count, samples)), truth


def test_weights_lie_on_the_simplex():
    for seed in range(10):
        weights = convex_weights(*members(seed))
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_no_point_of_the_simplex_is_better():
    forecasts, truth = members()
    best = convex_weights(forecasts, truth, shrink=0.0)
    error = np.square(best @ forecasts - truth).mean()
    for other in np.random.default_rng(1).dirichlet(np.full(4, 0.5), 2000):
        assert error <= np.square(other @ forecasts - truth).mean() + 1e-9


def test_a_member_that_is_always_right_takes_all():
    forecasts, truth = members()
    forecasts[2] = truth
    assert convex_weights(forecasts, truth, shrink=0.0) == pytest.approx([0, 0, 1, 0], abs=1e-6)


def test_equal_members_share_equally():
    forecasts, truth = members()
    same = np.repeat(forecasts[:1], 3, axis=0)
    assert convex_weights(same, truth) == pytest.approx([1 / 3] * 3, abs=1e-9)


def test_unmeasured_samples_do_not_count():
    forecasts, truth = members()
    real = np.arange(len(truth)) % 3 > 0
    spoilt = np.where(real, truth, 1e9)
    assert convex_weights(forecasts, spoilt, real) == pytest.approx(convex_weights(forecasts[:, real], truth[real]))


def test_units_do_not_change_the_weights():
    forecasts, truth = members()
    assert convex_weights(forecasts * 1e6 + 5, truth * 1e6 + 5) == pytest.approx(convex_weights(forecasts, truth))


def test_each_block_finds_its_own_best_member():
    noise = np.random.default_rng(0)
    truth = noise.normal(size=(50, 10))
    forecasts = np.stack([truth + 3.0, truth - 0.5])
    forecasts[0, :, :5], forecasts[1, :, :5] = truth[:, :5] + 0.1, truth[:, :5] + 3.0
    weights = block_weights(forecasts, truth, blocks=2, shrink=0.0)
    assert (weights[0, :5] > 0.95).all() and (weights[1, 5:] > weights[0, 5:]).all()
    assert len(np.unique(weights[0])) == 2
    assert blended(forecasts, weights).shape == truth.shape


def test_a_forecast_that_is_missing_is_refused():
    forecasts, truth = members()
    forecasts[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        convex_weights(forecasts, truth)
