"""Laws of Mondrian bands: covering in every bin, borrowed where scores are few, the same after JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labformer.domains.nilm.intervals import (
    MINUTE_EDGES,
    MINUTE_FLOOR,
    Bands,
    around,
    calibrate,
    energy_edges,
    energy_floor,
    tails,
)


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("scores", [9, 12, 19, 40, 200])
def test_tails_hold_a_new_value_at_least_as_often_as_was_asked(scores: int, skewed: bool) -> None:
    rng = np.random.default_rng(scores)
    held = []
    for _ in range(3000):
        values = rng.lognormal(size=scores + 1) * (rng.random(scores + 1) < 0.7 if skewed else 1)
        low, high = tails(values[:-1], 0.9)
        held.append(low <= values[-1] <= high)
    assert np.mean(held) > 0.9 - 0.015  # nearly three standard errors


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 100), min_size=19, max_size=60))
def test_tails_cut_the_same_number_off_both_ends(values: list[float]) -> None:
    low, high = tails(np.array(values), 0.9)
    ordered = sorted(values)
    cut = (len(values) + 1) // 20 - 1
    assert (low, high) == (ordered[cut], ordered[len(values) - 1 - cut])


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_every_bin_covers_what_was_asked_of_new_exchangeable_data(coverage: float) -> None:
    rng = np.random.default_rng(3)

    def drawn(count: int) -> tuple[np.ndarray, ...]:
        """A minute runs as often as its probability says, else it is nothing; the spread grows with it."""
        key = rng.random(count)
        runs = rng.random(count) < key
        return runs * 2000 * rng.lognormal(0, 0.1 + 0.3 * key), key, np.full(count, 2000.0)

    bands = calibrate(*drawn(40_000), MINUTE_EDGES, coverage, MINUTE_FLOOR)
    truth, key, predicted = drawn(40_000)
    low, high = bands.interval(key, predicted)
    held = (low <= truth) & (truth <= high)
    at = np.searchsorted(MINUTE_EDGES, key, side="right")
    by_bin = [held[at == place].mean() for place in range(len(MINUTE_EDGES) + 1)]
    assert min(by_bin) > coverage - 0.03  # three standard errors of a bin of 2 800
    assert high[at == 0].max() == 0  # nothing runs there
    assert low[at == len(MINUTE_EDGES)].min() > 500


def test_bounds_are_ratios_to_prediction_and_floor_but_in_the_lowest_bin() -> None:
    truth = np.r_[np.full(20, 3.0), np.full(20, 220.0)]
    bands = calibrate(truth, np.repeat([0.0, 0.5], 20), np.full(40, 100.0), [0.1], 0.9, 10)
    low, high = bands.interval([0.0, 0.5, 0.5], [100, 100, 1000])
    np.testing.assert_allclose(low, [3, 220, 2020])
    np.testing.assert_allclose(high, [3, 220, 2020])


def test_a_key_on_an_edge_lies_above_it_and_shapes_stay() -> None:
    bands = Bands(0.9, 0.0, np.array([0.5]), np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([9, 9]))
    low, high = bands.interval(np.array([[0.49, 0.5]]), np.array([[10.0, 10.0]]))
    np.testing.assert_array_equal(low, [[1, 20]])
    np.testing.assert_array_equal(high, [[1, 30]])


def test_a_bin_of_few_scores_borrows_from_below_but_never_from_the_lowest() -> None:
    truth = np.r_[np.full(30, 5.0), np.linspace(80, 120, 30), 200.0]
    key = np.repeat([0.0, 0.3, 0.8], [30, 30, 1])
    bands = calibrate(truth, key, np.full(61, 100.0), [0.1, 0.5], 0.9)
    np.testing.assert_array_equal(bands.scores, [30, 30, 31])
    assert bands.low[2] >= 0.8
    alone = calibrate(truth[:33], key[:33], np.full(33, 100.0), [0.1, 0.5], 0.9)
    np.testing.assert_array_equal(alone.scores, [30, 3, 3])


def test_missing_truth_calibrates_nothing() -> None:
    truth = np.r_[np.full(20, 100.0), np.full(20, np.nan)]
    bands = calibrate(truth, np.full(40, 0.7), np.full(40, 100.0), [0.5], 0.9)
    np.testing.assert_array_equal(bands.scores, [0, 20])
    np.testing.assert_allclose(bands.high[1], 1)
    assert bands.low[0] == 0
    assert bands.high[0] > 1e6  # nothing is known of it, so nothing is ruled out


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=8), st.floats(0, 3), st.floats(0, 3))
def test_energies_lie_within_their_own_interval(predicted: list[float], low: float, high: float) -> None:
    bands = Bands(0.9, 0.1, np.array([1e-9]), np.array([0, low]), np.array([0, low + high]), np.array([9, 9]))
    below, above = around(bands, predicted)
    assert (below <= predicted).all()
    assert (above >= predicted).all()
    plainly = bands.interval(predicted, predicted)
    assert (below <= plainly[0]).all()
    assert (above >= plainly[1]).all()


def test_bands_are_the_same_after_json() -> None:
    rng = np.random.default_rng(0)
    bands = calibrate(rng.random(500), rng.random(500), rng.random(500), MINUTE_EDGES, 0.9, 2.5)
    again = Bands.from_dict(json.loads(json.dumps(bands.to_dict())))
    key, predicted = rng.random((2, 50))
    np.testing.assert_array_equal(bands.interval(key, predicted), again.interval(key, predicted))
    assert again.to_dict() == bands.to_dict()


def test_energies_fall_into_nothing_little_and_much() -> None:
    edges = energy_edges([0, 0, 1, 2, 3])
    np.testing.assert_allclose(edges, [1e-9, 2])
    np.testing.assert_array_equal(np.searchsorted(edges, [0, 0.5, 2, 9], side="right"), [0, 1, 2, 2])
    assert energy_floor([0, 0, 1, 2, 3]) == pytest.approx(0.2)
    np.testing.assert_array_equal(energy_edges([0, 0]), [1e-9])
    assert energy_floor([]) == 0
