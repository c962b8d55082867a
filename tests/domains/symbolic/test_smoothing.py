"""Noise levels and smooth curves."""

import numpy as np
import pytest

from labformer.domains.symbolic.hybrid.smoothing import estimate_noise, smooth, spreads
from labformer.domains.symbolic.trajectory import Trajectory

TIMES = np.linspace(0, 10, 400)
CLEAN = np.stack([2 + np.sin(TIMES), np.exp(-0.7 * TIMES)], 1)


@pytest.mark.parametrize("keep", [1, 2], ids=["all", "half"])
def test_multiplicative_noise_is_measured(keep):
    draw = np.random.default_rng(0)
    kept = np.sort(draw.permutation(400)[: 400 // keep])
    noisy = (CLEAN * (1 + 0.05 * draw.standard_normal(CLEAN.shape)))[kept]
    run = Trajectory(TIMES[kept], noisy)
    noise = estimate_noise([run])
    assert noise.multiplicative
    np.testing.assert_allclose(noise.level, 0.05, rtol=0.25)
    curve = smooth(run, noise, spreads([run]))
    truth = np.stack([2 + np.sin(curve.times), np.exp(-0.7 * curve.times)], 1)
    assert (np.sqrt(((curve.states - truth) ** 2).mean(0)) < 0.03 * CLEAN.std(0)).all()


def test_additive_noise_is_told_from_multiplicative():
    noisy = CLEAN + 0.02 * np.random.default_rng(1).standard_normal(CLEAN.shape)
    noise = estimate_noise([Trajectory(TIMES, noisy)])
    assert not noise.multiplicative
    np.testing.assert_allclose(noise.level, 0.02, rtol=0.25)


def test_clean_data_are_interpolated():
    run = Trajectory(TIMES, CLEAN)
    curve = smooth(run, estimate_noise([run]), spreads([run]))
    np.testing.assert_allclose(curve.states[:, 0], 2 + np.sin(curve.times), atol=1e-7)
    np.testing.assert_allclose(curve.slopes[5:-5, 0], np.cos(curve.times[5:-5]), atol=1e-5)


def test_the_scale_of_a_state_does_not_matter():
    noisy = CLEAN * (1 + 0.05 * np.random.default_rng(0).standard_normal(CLEAN.shape))
    one, other = Trajectory(TIMES, noisy), Trajectory(1e3 * TIMES, 1e-6 * noisy)
    first, second = (smooth(run, estimate_noise([run]), spreads([run])) for run in (one, other))
    np.testing.assert_allclose(second.states, 1e-6 * first.states, rtol=0, atol=2e-9)  # of a spread of 5e-7
