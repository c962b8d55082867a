"""Laws of calibrated quantiles: they learn in time, never cross, follow the model's own spread, survive saving."""

import json

import numpy as np
import pytest

from labformer.domains.forecasting.intervals import AdaptiveQuantiles, edges, follow, levels_of, own_distances

COVERAGES = (0.5, 0.8, 0.9)


def intervals(steps: int = 3, targets: int = 2) -> AdaptiveQuantiles:
    """Coverages that calibrate, after 12 windows."""
    found = AdaptiveQuantiles(steps, targets, COVERAGES, memory=30, pool=0)
    rng = np.random.default_rng(1)
    for truth in rng.normal(size=(12, steps, targets)):
        found.learn(truth, np.zeros_like(truth), alike(truth), np.ones(truth.shape, bool))
    return found


def alike(truth: np.ndarray) -> np.ndarray:
    """Distances of a model that has no quantiles."""
    return np.ones((*truth.shape, 3, 2))


def followed(truth: np.ndarray, delay: int = 1, real: np.ndarray | None = None) -> np.ndarray:
    real = np.ones(truth.shape, bool) if real is None else real
    return follow(intervals(), truth, np.zeros_like(truth), alike(truth), real, delay)


def test_levels_are_the_edges_of_nested_intervals_and_the_median() -> None:
    assert levels_of(COVERAGES) == (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def test_quantiles_are_the_scaled_distances_around_the_point() -> None:
    distance = np.array([[[[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]]])
    found = edges(np.array([[10.0]]), distance, np.array([[[1.0, 1.0, 0.5]]]))
    # the outer interval would lie inside the one before it: it is at least as wide
    np.testing.assert_array_equal(found[0, 0], [8, 8, 9, 10, 12, 14, 14])


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_quantiles_learn_from_a_forecast_only_once_its_truth_is_whole(delay: int) -> None:
    truth = np.random.default_rng(2).normal(size=(10, 3, 2))
    before = followed(truth, delay)
    assert before.shape == (10, 3, 2, 7)
    for changed in range(10):
        other = truth.copy()
        other[changed] += 50.0
        after = followed(other, delay)
        np.testing.assert_array_equal(after[: changed + delay], before[: changed + delay])
        if changed + delay < 10:
            assert (after[changed + delay, ..., -1] > before[changed + delay, ..., -1]).all()


def test_after_following_the_intervals_have_learnt_from_all() -> None:
    truth = np.random.default_rng(3).normal(size=(10, 3, 2))
    point, real = np.zeros_like(truth), np.ones(truth.shape, bool)
    slow, fast = intervals(), intervals()
    follow(slow, truth, point, alike(truth), real, delay=3)
    follow(fast, truth, point, alike(truth), real, delay=1)
    np.testing.assert_array_equal(slow.factors(), fast.factors())


def test_quantiles_never_cross() -> None:
    truth = np.random.default_rng(4).standard_t(2, size=(60, 3, 2)) * np.repeat([0.1, 5, 0.01], 20)[:, None, None]
    assert (np.diff(followed(truth), axis=-1) >= 0).all()


def test_what_was_not_measured_moves_nothing() -> None:
    truth = np.random.default_rng(5).normal(size=(10, 3, 2))
    real = np.random.default_rng(6).random(truth.shape) > 0.3
    np.testing.assert_array_equal(followed(truth, real=real), followed(np.where(real, truth, 1e9), real=real))


def test_an_interval_is_as_wide_as_the_model_is_unsure_and_holds_on_either_kind_of_day() -> None:
    """Calm and wild days in turn; an own spread that knows them makes each kind covered, and calm days narrow."""
    rng, days, steps = np.random.default_rng(7), 600, 4
    spread = np.where(np.arange(days) % 2, 5.0, 1.0)[:, None, None]
    truth = rng.normal(size=(days, steps, 1)) * spread
    own = np.broadcast_to(spread[..., None, None], (days, steps, 1, 1, 2)) * 0.3  # right in shape, wrong in size
    made = AdaptiveQuantiles(steps, 1, (0.9,), pool=1)
    start = 40
    for window in zip(truth[:start], np.zeros_like(truth[:start]), own[:start], strict=True):
        made.learn(*window, np.ones((steps, 1), bool))
    rest = truth[start:]
    found = follow(made, rest, np.zeros_like(rest), own[start:], np.ones(rest.shape, bool), delay=1)
    inside = (found[..., 0] <= rest) & (rest <= found[..., -1])
    # 280 days of 4 independent steps each: standard error below 0.012 with that of the memory
    for kind in (0, 1):
        assert abs(inside[kind::2].mean() - 0.9) < 0.035
    assert np.allclose(np.ptp(found[1::2], axis=-1).mean() / np.ptp(found[0::2], axis=-1).mean(), 5.0, rtol=0.05)


def test_a_model_may_be_surer_on_one_side() -> None:
    class Lopsided:
        def quantiles(self, data: object, origins: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
            return np.broadcast_to(np.array([-3.0, 0.0, 1.0]), (len(origins), 2, 1, 3))

    point = np.zeros((5, 2, 1))
    found = own_distances(Lopsided(), None, np.arange(5), point, (0.9,))  # type: ignore[arg-type]
    np.testing.assert_array_equal(found[..., 0, 0], np.full((5, 2, 1), 3.0))
    np.testing.assert_array_equal(found[..., 0, 1], np.full((5, 2, 1), 1.0))


def test_saved_and_brought_back_they_go_on_as_before() -> None:
    made, truth = intervals(), np.random.default_rng(8).normal(size=(3, 2))
    plain, arrays = made.state()
    again = AdaptiveQuantiles.from_state(json.loads(json.dumps(plain)), {k: v.copy() for k, v in arrays.items()})
    for one in (made, again):
        one.learn(truth, 0 * truth, alike(truth), np.ones(truth.shape, bool))
    np.testing.assert_array_equal(again.factors(), made.factors())
    np.testing.assert_array_equal(again.errors, made.errors)
