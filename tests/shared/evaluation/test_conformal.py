import json

import numpy as np
import pytest

from labformer.shared.errors import InputError
from labformer.shared.evaluation.conformal import (
    Margins,
    conformalised_quantiles,
    enough_pool,
    pool_steps,
    residual_quantiles,
    scores_needed,
    split_conformal,
)

STEPS = 4000  # independent steps serve as repetitions


def four_errors(share: float, count: int = STEPS) -> float:
    """Four standard errors of a share of `count` independent draws."""
    return 4 * (share * (1 - share) / count) ** 0.5


@pytest.mark.parametrize(("windows", "coverage"), [(9, 0.9), (14, 0.9), (60, 0.9), (39, 0.8), (99, 0.99)])
def test_coverage_on_exchangeable_data_is_the_rank_over_the_number_of_scores(windows: int, coverage: float) -> None:
    rng = np.random.default_rng(windows)
    truth = rng.standard_t(3, (windows + 1, STEPS)) * np.linspace(1, 5, STEPS)
    margins = split_conformal(truth[:-1], np.zeros((windows, STEPS)), coverage)
    low, high = margins.interval(np.zeros(STEPS))
    exact = np.ceil((windows + 1) * coverage - 1e-9) / (windows + 1)
    inside = ((low <= truth[-1]) & (truth[-1] <= high)).mean()
    assert exact >= coverage
    assert inside == pytest.approx(exact, abs=four_errors(exact))


def test_an_asymmetric_interval_misses_as_often_on_either_side_of_skewed_errors() -> None:
    rng = np.random.default_rng(1)
    truth = rng.exponential(size=(60, STEPS))
    low, high = split_conformal(truth[:-1], np.ones((59, STEPS)), 0.9, symmetric=False).interval(np.ones(STEPS))
    assert (truth[-1] < low).mean() == pytest.approx(0.05, abs=four_errors(0.05))
    assert (truth[-1] > high).mean() == pytest.approx(0.05, abs=four_errors(0.05))
    even, _ = split_conformal(truth[:-1], np.ones((59, STEPS)), 0.9).interval(np.ones(STEPS))
    assert (truth[-1] < even).mean() < 0.01  # the symmetric one spends all its misses above


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("stretch", [0.3, 3.0])
def test_quantiles_too_narrow_or_too_wide_are_brought_to_their_coverage(symmetric: bool, stretch: float) -> None:
    rng = np.random.default_rng(2)
    spread = rng.uniform(0.5, 2, (40, STEPS))  # known to the model, different in each window
    truth, band = spread * rng.standard_normal((40, STEPS)), 1.645 * stretch * spread
    margins = conformalised_quantiles(truth[:-1], -band[:-1], band[:-1], 0.9, symmetric=symmetric)
    low, high = margins.interval(-band[-1], band[-1])
    assert ((low <= truth[-1]) & (truth[-1] <= high)).mean() == pytest.approx(0.9, abs=four_errors(0.9))


def test_a_point_forecast_is_a_band_without_width() -> None:
    rng = np.random.default_rng(3)
    truth, point = rng.normal(size=(2, 30, 5))
    margins = split_conformal(truth, point, 0.8)
    rank = int(np.ceil(31 * 0.8))
    np.testing.assert_array_equal(margins.above, np.sort(np.abs(truth - point), axis=0)[rank - 1])
    np.testing.assert_array_equal(margins.below, margins.above)


def test_shift_and_scale_of_the_data_move_the_interval_with_it() -> None:
    rng = np.random.default_rng(4)
    truth, point = rng.normal(size=(2, 30, 5))
    for symmetric in (True, False):
        plain = split_conformal(truth, point, symmetric=symmetric).interval(point[0])
        moved = split_conformal(7 + 3 * truth, 7 + 3 * point, symmetric=symmetric).interval(7 + 3 * point[0])
        np.testing.assert_allclose(moved, 7 + 3 * np.stack(plain), rtol=1e-12)


def test_the_number_of_scores_needed_is_the_smallest_with_a_rank() -> None:
    assert [scores_needed(share) for share in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]


def test_too_few_windows_are_an_error_that_says_how_many_are_needed() -> None:
    truth = np.random.default_rng(5).normal(size=(12, 6))
    with pytest.raises(InputError, match="a coverage of 0.95 needs 19 calibration scores a step, and step 0 has 12"):
        split_conformal(truth, 0 * truth, 0.95)
    with pytest.raises(InputError, match="needs 19"):
        split_conformal(truth, 0 * truth, 0.9, symmetric=False)
    real = np.ones(truth.shape, dtype=bool)
    real[:5, 3] = False
    with pytest.raises(InputError, match="step 3 has 7"):
        split_conformal(truth, 0 * truth, 0.9, real=real)
    with pytest.raises(InputError, match="72 calibration scores over all 6 steps are too few: 99"):
        split_conformal(truth, 0 * truth, 0.99, pool=None)


def test_pooling_lends_each_step_its_neighbours_and_only_those() -> None:
    scores = np.arange(10.0).reshape(2, 5)
    assert sorted(pool_steps(scores, 1, circular=True)[:, 0]) == [0, 1, 4, 5, 6, 9]
    edge = pool_steps(scores, 1, circular=False)[:, 0]
    assert sorted(edge[np.isfinite(edge)]) == [0, 1, 5, 6]
    assert sorted(pool_steps(scores, 1, circular=False)[:, 2]) == [1, 2, 3, 6, 7, 8]
    np.testing.assert_array_equal(pool_steps(scores, 0, circular=True), scores)
    for radius, circular in ((-1, False), (3, True), (5, False)):
        with pytest.raises(InputError, match="does not fit 5 steps"):
            pool_steps(scores, radius, circular)


def test_the_pool_is_as_small_as_the_coverage_allows() -> None:
    scores = np.zeros((7, 24))
    assert enough_pool(scores, 0.8, circular=True) == 0
    assert enough_pool(scores, 0.9, circular=True) == 1  # 9 needed, 21 at hand
    assert enough_pool(scores, 0.95, circular=True) == 1  # 19 needed
    assert enough_pool(scores, 0.95, circular=False) == 2  # the first step has neighbours on one side only
    assert split_conformal(scores, scores, 0.95, pool=None, circular=True).scores == 21


@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0])
def test_pooled_coverage_keeps_its_floor_however_the_steps_depend(correlation: float) -> None:
    rng, windows, steps, repetitions = np.random.default_rng(6), 14, 24, 400
    noise = rng.standard_normal((repetitions, windows + 1, steps))
    for step in range(1, steps):
        noise[..., step] = correlation * noise[..., step - 1] + (1 - correlation**2) ** 0.5 * noise[..., step]
    inside = []
    for truth in noise:
        low, high = split_conformal(truth[:-1], 0 * truth[:-1], 0.9, pool=2, circular=True).interval(np.zeros(steps))
        inside.append(((low <= truth[-1]) & (truth[-1] <= high)).mean())
    floor = 0.9 * windows / (windows + 1)
    error = np.std(inside) / repetitions**0.5
    assert np.mean(inside) > floor - 4 * error
    if correlation == 0.0:
        assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_residual_quantiles_hold_the_asymmetric_intervals_and_do_not_cross() -> None:
    rng = np.random.default_rng(7)
    truth, point = rng.gumbel(size=(40, 6)), rng.normal(size=(40, 6))
    levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    offsets = residual_quantiles(truth, point, levels)
    assert offsets.shape == (6, 7)
    assert (np.diff(offsets, axis=-1) >= 0).all()
    margins = split_conformal(truth, point, 0.9, symmetric=False)
    np.testing.assert_array_equal(-margins.below, offsets[:, 0])
    np.testing.assert_array_equal(margins.above, offsets[:, -1])
    np.testing.assert_allclose(offsets[:, 3], np.median(truth - point, axis=0))
    assert residual_quantiles(truth[:9], point[:9], [0.05, 0.95], pool=None).shape == (6, 2)


def test_masked_entries_change_nothing_and_bad_ones_are_refused() -> None:
    rng = np.random.default_rng(8)
    truth = rng.normal(size=(30, 4))
    real = np.ones(truth.shape, dtype=bool)
    real[20:, 1] = False
    spoilt = np.where(real, truth, np.nan)
    found = split_conformal(spoilt, 0 * truth, real=real)
    assert found.scores == 20
    assert found.above[1] == split_conformal(truth[:20], 0 * truth[:20]).above[1]
    with pytest.raises(InputError, match="not finite"):
        split_conformal(spoilt, 0 * truth)
    with pytest.raises(InputError, match="one shape"):
        split_conformal(truth, truth[:, :2])
    with pytest.raises(InputError, match="4 calibrated steps"):
        found.interval(np.zeros(3))


def test_edges_that_would_cross_meet_in_their_middle() -> None:
    low, high = Margins(0.9, np.array([-3.0]), np.array([-3.0]), 9).interval(np.array([[1.0]]), np.array([[3.0]]))
    assert low == high == 2


def test_margins_survive_json_exactly() -> None:
    truth = np.random.default_rng(9).normal(size=(30, 4))
    margins = split_conformal(truth, 0 * truth, symmetric=False)
    again = Margins.from_dict(json.loads(json.dumps(margins.to_dict())))
    np.testing.assert_array_equal(again.interval(truth), margins.interval(truth))
    assert (again.coverage, again.scores) == (margins.coverage, margins.scores)
