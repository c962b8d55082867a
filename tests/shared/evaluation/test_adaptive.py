import json
import math

import numpy as np
import pytest

from labformer.shared.errors import InputError
from labformer.shared.evaluation.adaptive import AdaptiveConformal
from labformer.shared.evaluation.conformal import split_conformal

STEPS = 40  # independent steps serve as repetitions


def test_coverage_holds_on_exchangeable_data() -> None:
    truth = np.random.default_rng(0).standard_t(4, (330, STEPS))
    adaptive = AdaptiveConformal(STEPS, 0.9)
    adaptive.remember(truth[:30], 0 * truth[:30])
    low, high = adaptive.follow(truth[30:], 0 * truth[30:])
    inside = ((low <= truth[30:]) & (truth[30:] <= high)).mean()
    assert inside == pytest.approx(0.9, abs=4 * (0.09 / (300 * STEPS)) ** 0.5)


@pytest.mark.parametrize("gammas", [(0.05,), (0.008, 0.016, 0.032, 0.064, 0.128)])
def test_coverage_comes_back_after_a_level_shift_where_split_conformal_fails(gammas: tuple[float, ...]) -> None:
    truth = np.random.default_rng(1).standard_normal((300, STEPS))
    truth[100:] += 3
    point = np.zeros_like(truth)
    low, high = split_conformal(truth[:60], point[:60], 0.9).interval(point[200:])
    assert ((low <= truth[200:]) & (truth[200:] <= high)).mean() < 0.2
    adaptive = AdaptiveConformal(STEPS, 0.9, gammas)
    adaptive.remember(truth[:60], point[:60])
    low, high = adaptive.follow(truth[60:], point[60:])
    inside = (low <= truth[60:]) & (truth[60:] <= high)
    assert inside[-100:].mean() == pytest.approx(0.9, abs=0.03)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)  # over all windows, the days after the shift among them


def test_the_share_of_misses_is_kept_while_errors_grow_without_end() -> None:
    # memory never forgets, so only the level can answer: the long-run law of Gibbs & Candès 2021, proposition 4.1
    rounds, gamma = 400, 0.05
    truth = np.random.default_rng(2).standard_normal((rounds, STEPS)) * np.linspace(1, 6, rounds)[:, None]
    adaptive = AdaptiveConformal(STEPS, 0.9, (gamma,), memory=rounds)
    adaptive.remember(truth[:20], 0 * truth[:20])
    low, high = adaptive.follow(truth[20:], 0 * truth[20:])
    misses = 1 - ((low <= truth[20:]) & (truth[20:] <= high)).mean(0)
    moved = 0.1 - adaptive.alpha[0]
    np.testing.assert_allclose(misses - 0.1, moved / (gamma * (rounds - 20)), atol=1e-9)
    assert abs(misses - 0.1).max() < 0.05


@pytest.mark.parametrize("gammas", [(0.02,), (0.01, 0.05)])
def test_it_agrees_with_the_plain_recursion_of_the_papers(gammas: tuple[float, ...]) -> None:
    rng, target, span = np.random.default_rng(3), 0.2, 500
    truth, alphas, weights = rng.standard_normal(60), [target] * len(gammas), [1 / len(gammas)] * len(gammas)
    eta = math.sqrt(3 / span * (math.log(len(gammas) * span) + 2) / (0.64 * target**3 + target**2 * 0.8**3))
    adaptive = AdaptiveConformal(1, 1 - target, gammas, memory=100)
    adaptive.remember(truth[:20, None], np.zeros((20, 1)))
    for now in range(20, 60):
        scores, score = sorted(abs(truth[:now])), abs(truth[now])
        margins = [scores[math.ceil((now + 1) * (1 - alpha)) - 1] for alpha in alphas]
        mean = sum(weight * alpha for weight, alpha in zip(weights, alphas, strict=True))
        margin = scores[math.ceil((now + 1) * (1 - mean)) - 1]
        np.testing.assert_allclose(adaptive.interval(np.zeros(1)), [[-margin], [margin]])
        adaptive.update(truth[now : now + 1], np.zeros(1))
        beta = 1 - sum(old < score for old in scores) / (now + 1)
        loss = [target * (beta - alpha) - min(0, beta - alpha) for alpha in alphas]
        raw = [weight * math.exp(-eta * one) for weight, one in zip(weights, loss, strict=True)]
        weights = [(1 - 1 / (2 * span)) * one / sum(raw) + 1 / (2 * span * len(raw)) for one in raw]
        alphas = [a + g * (target - (score > m)) for a, g, m in zip(alphas, gammas, margins, strict=True)]
    np.testing.assert_allclose(adaptive.alpha[:, 0], alphas, rtol=1e-12)
    np.testing.assert_allclose(adaptive.weight[:, 0], weights, rtol=1e-12)


def test_experts_share_one_unit_of_weight_and_the_quick_one_gains_it_after_a_shift() -> None:
    truth = np.random.default_rng(4).standard_normal((120, STEPS))
    adaptive = AdaptiveConformal(STEPS, 0.9, (0.001, 0.128), memory=500)
    adaptive.remember(truth[:60], 0 * truth[:60])
    adaptive.follow(truth[60:] * 4, 0 * truth[60:])
    np.testing.assert_allclose(adaptive.weight.sum(0), 1, rtol=1e-12)
    assert (adaptive.weight[1] > 0.5).all()


def test_intervals_stay_finite_and_grow_while_every_window_is_a_miss() -> None:
    adaptive = AdaptiveConformal(1, 0.9, (0.1,), memory=1000)
    adaptive.remember(np.ones((5, 1)), np.zeros((5, 1)))
    widths = []
    for truth in 1.01 ** np.arange(600.0):  # each error is the largest so far
        low, high = adaptive.interval(np.zeros(1))
        widths.append(high[0] - low[0])
        adaptive.update(np.array([truth]), np.zeros(1))
    assert np.isfinite(widths).all()
    assert (np.array(widths) >= 2 * 1.01 ** np.arange(600)).mean() == pytest.approx(0.9, abs=0.03)


def test_a_band_of_quantiles_is_widened_or_narrowed_as_needed() -> None:
    rng = np.random.default_rng(5)
    truth = rng.standard_normal((260, STEPS))
    for half in (0.5, 4.0):
        band = np.full(truth.shape, half)
        adaptive = AdaptiveConformal(STEPS, 0.9)
        adaptive.remember(truth[:60], -band[:60], band[:60])
        low, high = adaptive.follow(truth[60:], -band[60:], band[60:])
        assert ((low <= truth[60:]) & (truth[60:] <= high)).mean() == pytest.approx(0.9, abs=0.02)


def test_steps_that_are_not_real_leave_their_state_alone() -> None:
    rng = np.random.default_rng(6)
    truth = rng.standard_normal((20, 3))
    adaptive = AdaptiveConformal(3)
    adaptive.remember(truth, 0 * truth)
    before, margin = adaptive.alpha.copy(), adaptive.interval(np.zeros(3))[1]
    adaptive.update(np.array([np.nan, 0.0, 9.0]), np.zeros(3), real=[False, True, True])
    np.testing.assert_array_equal(adaptive.alpha[:, 0], before[:, 0])
    assert (adaptive.alpha[:, 1] > before[:, 1]).all()
    assert (adaptive.alpha[:, 2] < before[:, 2]).all()
    assert adaptive.interval(np.zeros(3))[1][0] == margin[0]


def test_memory_forgets_the_oldest_window_first() -> None:
    adaptive = AdaptiveConformal(1, memory=3)
    for value in (9.0, 1.0, 2.0, 3.0):
        adaptive.update(np.array([value]), np.zeros(1))
    np.testing.assert_array_equal(adaptive.scores, [[1.0], [2.0], [3.0]])


def test_a_saved_state_goes_on_exactly_where_it_stood() -> None:
    truth = np.random.default_rng(7).standard_normal((60, 4))
    adaptive = AdaptiveConformal(4, 0.8, memory=30, pool=1, circular=True)
    adaptive.remember(truth[:20], 0 * truth[:20])
    adaptive.update(truth[20], 0 * truth[20], real=[True, True, False, True])
    again = AdaptiveConformal.from_dict(json.loads(json.dumps(adaptive.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(adaptive.follow(truth[21:], 0 * truth[21:]), again.follow(truth[21:], 0 * truth[21:]))
    np.testing.assert_array_equal(adaptive.weight, again.weight)


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(InputError, match="no score at some step"):
        AdaptiveConformal(2).interval(np.zeros(2))
    with pytest.raises(InputError, match="coverage between 0 and 1"):
        AdaptiveConformal(2, 1.0)
    adaptive = AdaptiveConformal(2)
    with pytest.raises(InputError, match="a window has 2 steps"):
        adaptive.update(np.zeros(3), np.zeros(3))
    with pytest.raises(InputError, match="not finite"):
        adaptive.update(np.array([0.0, np.nan]), np.zeros(2))
