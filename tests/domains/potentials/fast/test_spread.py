import numpy as np
import pytest

from labformer.domains.potentials.fast.solve import spread_of
from labformer.domains.potentials.uncertainty import grouped_quantile

KINDS = np.array([0, *[1] * 12], np.int8)


def covariance(seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).standard_normal((13, 13))
    return root @ root.T


def test_many_draws_tell_the_exact_spread_and_few_scatter_around_it():
    maker = np.random.default_rng(0)
    exact = spread_of(covariance(1), KINDS, 0, maker)
    assert exact.shape == (4,)
    np.testing.assert_allclose(exact**2, covariance(1).diagonal()[1:].reshape(4, 3).sum(1))
    np.testing.assert_allclose(spread_of(covariance(1), KINDS, 40_000, maker), exact, rtol=0.02)
    few = np.array([spread_of(covariance(1), KINDS, 6, maker) / exact for _ in range(300)])
    assert 0.1 < np.log(few).std() < 0.4
    assert (few**2).mean() == pytest.approx(1, abs=0.05)


def test_radii_hold_what_they_promise_only_when_calibrated_on_doubts_as_sure_as_their_own():
    maker = np.random.default_rng(0)
    wide = np.exp(maker.normal(0, 0.5, (4000, 1)))  # of the errors of a frame's atoms
    errors = np.linalg.norm(wide[..., None] * maker.standard_normal((4000, 4, 3)), axis=2)
    drawn = wide * np.sqrt((maker.standard_normal((4000, 4, 3, 6)) ** 2).sum(2).mean(2))
    exact = np.broadcast_to(3**0.5 * wide, drawn.shape)

    def held(calibrated_on: np.ndarray) -> float:
        factor = grouped_quantile(list(errors[:2000] / calibrated_on[:2000]), 0.9)
        return float((errors[2000:] <= factor * drawn[2000:]).mean())

    assert held(drawn) == pytest.approx(0.9, abs=0.015)
    assert held(exact) < 0.885
