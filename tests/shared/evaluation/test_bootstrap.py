import numpy as np
import pytest

from labformer.shared.errors import InputError
from labformer.shared.evaluation.bootstrap import (
    Blocks,
    difference_interval,
    mean_interval,
    resampled_means,
    skill_interval,
)


def correlated(rng: np.random.Generator, windows: int, repetitions: int, correlation: float) -> np.ndarray:
    noise = rng.standard_normal((repetitions, windows))
    for now in range(1, windows):
        noise[:, now] = correlation * noise[:, now - 1] + (1 - correlation**2) ** 0.5 * noise[:, now]
    return noise


@pytest.mark.parametrize("circular", [True, False])
def test_a_draw_is_the_mean_of_as_many_windows_taken_in_whole_blocks(circular: bool) -> None:
    values = np.arange(11.0)[:, None]
    blocks = Blocks(block=4, draws=500, circular=circular)
    possible = [[(first + i) % 11 for i in range(4)] for first in range(11 if circular else 8)]
    sums = {sum(a) + sum(b) + sum(c[:3]) for a in possible for b in possible for c in possible}
    found = {round(total) for total in 11 * resampled_means(values, blocks)[:, 0]}
    assert found <= sums
    assert len(found) > 10


def test_circular_blocks_weigh_all_windows_alike() -> None:
    spike = np.zeros((12, 2))
    spike[0, 0] = spike[6, 1] = 1
    edge, middle = resampled_means(spike, Blocks(block=4, draws=40_000)).mean(0)
    assert edge == pytest.approx(1 / 12, abs=4 * (1 / 12 / 40_000) ** 0.5)
    assert middle == pytest.approx(1 / 12, abs=4 * (1 / 12 / 40_000) ** 0.5)
    edge, middle = resampled_means(spike, Blocks(block=4, draws=40_000, circular=False)).mean(0)
    assert edge < middle


def test_the_interval_of_a_mean_covers_the_true_mean_as_often_as_it_says() -> None:
    series = np.exp(correlated(np.random.default_rng(0), 60, 300, 0.0) / 2)
    hits = [mean_interval(row, Blocks(draws=400)).covers(np.exp(1 / 8)) for row in series]
    assert np.mean(hits) == pytest.approx(0.9, abs=4 * (0.09 / 300) ** 0.5)


def test_blocks_see_the_correlation_in_time_that_single_windows_miss() -> None:
    series = correlated(np.random.default_rng(1), 200, 200, 0.7)
    single, blocked = (
        np.mean([mean_interval(row, Blocks(block, draws=300)).covers(0) for row in series]) for block in (1, 20)
    )
    assert single < 0.65
    assert blocked > 0.8


def test_pairing_removes_what_two_models_share() -> None:
    rng = np.random.default_rng(2)
    day = rng.gamma(2, size=50)  # hard and easy days, the same for both
    worse, better = day * 1.1, day
    result = skill_interval(better, worse)
    assert result == pytest.approx((1 - 1 / 1.1,) * 3, rel=1e-9)
    assert mean_interval(better).covers(worse.mean())  # unpaired, nothing could be told
    gap = difference_interval(better, worse)
    assert gap.high < 0
    assert gap.value == pytest.approx(-0.1 * day.mean())


def test_the_same_seed_gives_the_same_interval_and_another_one_does_not() -> None:
    errors = np.random.default_rng(3).gamma(2, size=40)
    assert mean_interval(errors, Blocks(seed=5)) == mean_interval(errors, Blocks(seed=5))
    assert mean_interval(errors, Blocks(seed=5)) != mean_interval(errors, Blocks(seed=6))


def test_what_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(InputError, match="3 windows do not hold two blocks of 2"):
        mean_interval(np.ones(3), Blocks(block=2))
    with pytest.raises(InputError, match="not finite"):
        mean_interval(np.array([1.0, np.nan, 2.0, 3.0]))
    with pytest.raises(InputError, match="same windows"):
        skill_interval(np.ones(5), np.ones(6))
    with pytest.raises(InputError, match="error above zero"):
        skill_interval(np.ones(5), np.zeros(5))
