import numpy as np
import pytest

from labformer.domains.forecasting.many.fit import Split, backwards, fit_shared, pooled_gram, split_steps
from labformer.domains.forecasting.models.closed_form import window_gram_plainly
from labformer.shared.errors import InputError


@pytest.mark.parametrize(("series", "steps", "length"), [(3, 20, 5), (1, 9, 9), (600, 12, 4), (2, 7, 1)])
def test_the_pooled_gram_is_that_of_every_window_of_every_series(series: int, steps: int, length: int) -> None:
    values = np.random.default_rng(0).normal(size=(series, steps))
    gram, count = pooled_gram(values, length)
    plain, plain_count = window_gram_plainly(values.T, length)
    assert count == plain_count
    np.testing.assert_allclose(gram, plain, atol=1e-9 * series * steps)


def test_parts_follow_one_another_and_end_with_the_last_step() -> None:
    split = split_steps(336, 24, 24, 1 / 6, 1 / 6)
    assert split == Split(validation=(240, 264), test=(288, 312), train=240)
    for steps, horizon, stride in ((500, 48, 24), (500, 12, 24), (97, 3, 1)):
        split = split_steps(steps, horizon, stride, 0.2, 0.1)
        assert split.test[-1] + horizon == steps
        assert split.validation[-1] + horizon <= split.test[0]
        assert split.train == split.validation[0]


def test_a_long_history_is_judged_by_its_last_four_weeks() -> None:
    split = split_steps(24 * 365, 24, 24, 1 / 6, 1 / 6)
    assert len(split.validation) == len(split.test) == 28
    assert split.train == 24 * (365 - 56)


def test_origins_go_backwards_by_the_stride() -> None:
    assert backwards(100, 10, 20, 3) == (50, 70, 90)
    assert backwards(100, 10, 20, 0) == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((60, 24, 24, 0.2, 0.2), "60 steps are too few"), ((336, 24, 24, 0.6, 0.5), "leave some to fit"),
     ((336, 24, 24, 0.0, 0.5), "are shares")],
)  # fmt: skip
def test_parts_that_leave_nothing_are_refused(arguments: tuple[int, int, int, float, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        split_steps(*arguments)


def rhythms(series: int, steps: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clock = np.arange(steps) + rng.integers(0, 24, (series, 1))
    return 5 + 2 * np.sin(2 * np.pi * clock / 24) + 0.1 * rng.normal(size=(series, steps))


def test_a_series_weighs_the_same_in_any_unit_and_at_any_level() -> None:
    values, split = rhythms(20, 336), split_steps(336, 24, 24, 1 / 6, 1 / 6)
    one = fit_shared(values, 24, split, (48, 72))
    scale = np.random.default_rng(1).uniform(0.1, 1000, (20, 1))
    other = fit_shared(values * scale - 3 * scale, 24, split, (48, 72))
    assert (one.lookback, one.penalty) == (other.lookback, other.penalty)
    np.testing.assert_allclose(one.weight, other.weight, atol=1e-8)


def test_the_map_learns_nothing_from_the_test_part() -> None:
    values, split = rhythms(20, 336), split_steps(336, 24, 24, 1 / 6, 1 / 6)
    one = fit_shared(values, 24, split, (48,))
    values[:, split.test[0] :] = np.random.default_rng(1).normal(size=values[:, split.test[0] :].shape)
    np.testing.assert_array_equal(one.weight, fit_shared(values, 24, split, (48,)).weight)


def test_a_lookback_that_does_not_fit_is_not_tried_and_none_is_an_error() -> None:
    values, split = rhythms(5, 336), split_steps(336, 24, 24, 1 / 6, 1 / 6)
    assert fit_shared(values, 24, split, (48, 1000)).lookback == 48
    with pytest.raises(InputError, match="240 training steps are too few for a lookback of 1000"):
        fit_shared(values, 24, split, (1000,))
    with pytest.raises(InputError, match="no series changes"):
        fit_shared(np.ones((3, 336)), 24, split, (48,))
