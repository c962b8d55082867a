import numpy as np
import pytest

from labformer.domains.forecasting.intervals import DayAheadIntervals, follow


def intervals(steps: int = 3, targets: int = 2) -> DayAheadIntervals:
    """Coverages that calibrate, after 12 windows."""
    found = DayAheadIntervals(steps, targets, (0.5, 0.8, 0.9), memory=30, pool=0, circular=False)
    rng = np.random.default_rng(1)
    for truth in rng.normal(size=(12, steps, targets)):
        found.learn(truth, np.zeros_like(truth), np.ones(truth.shape, bool))
    return found


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_a_margin_learns_from_a_forecast_only_once_its_truth_is_whole(delay: int) -> None:
    truth = np.random.default_rng(2).normal(size=(10, 3, 2))
    point, real = np.zeros_like(truth), np.ones(truth.shape, bool)
    before = follow(intervals(), truth, point, real, delay)
    assert before.shape == (10, 3, 2, 3)
    for changed in range(10):
        other = truth.copy()
        other[changed] += 50.0
        after = follow(intervals(), other, point, real, delay)
        np.testing.assert_array_equal(after[: changed + delay], before[: changed + delay])
        if changed + delay < 10:
            assert (after[changed + delay, ..., -1] > before[changed + delay, ..., -1]).all()


def test_after_following_the_intervals_have_learnt_from_all() -> None:
    truth = np.random.default_rng(3).normal(size=(10, 3, 2))
    point, real = np.zeros_like(truth), np.ones(truth.shape, bool)
    slow, fast = intervals(), intervals()
    follow(slow, truth, point, real, delay=3)
    follow(fast, truth, point, real, delay=1)
    np.testing.assert_array_equal(slow.margins(), fast.margins())


def test_margins_grow_with_coverage_and_are_never_negative() -> None:
    truth = np.random.default_rng(4).standard_t(2, size=(60, 3, 2)) * np.repeat([0.1, 5, 0.01], 20)[:, None, None]
    margins = follow(intervals(), truth, np.zeros_like(truth), np.ones(truth.shape, bool), delay=1)
    assert (np.diff(margins, axis=-1, prepend=0.0) >= 0).all()


def test_what_was_not_measured_moves_no_margin() -> None:
    truth = np.random.default_rng(5).normal(size=(10, 3, 2))
    point, real = np.zeros_like(truth), np.random.default_rng(6).random(truth.shape) > 0.3
    other = np.where(real, truth, 1e9)
    one, two = (follow(intervals(), values, point, real, delay=1) for values in (truth, other))
    np.testing.assert_array_equal(one, two)
