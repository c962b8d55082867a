"""Runs of exact zero, negative power and bursts: found, said, and never more than that taken away."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labformer.domains.nilm.faults import without_faults
from labformer.domains.nilm.zero_runs import zero_runs
from labformer.shared.errors import InputError

MINUTE = pd.Timedelta("1min")


def clock(rows: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, freq="1min", tz="UTC")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 150)), min_size=1, max_size=12))
def test_just_the_runs_of_zero_over_an_hour_are_taken(blocks: list[tuple[int, int]]) -> None:
    power = np.concatenate([np.r_[np.full(alive, 90.0), np.zeros(dead)] for alive, dead in blocks])
    expected = np.concatenate([np.r_[np.zeros(alive), np.full(dead, dead > 60)] for alive, dead in blocks]).astype(bool)
    out, said = zero_runs(clock(len(power)), power, MINUTE)
    np.testing.assert_array_equal(out, expected)
    count = sum(dead > 60 for _, dead in blocks)
    assert said == [] if not count else said[0].startswith(f"{count} run")


def test_a_run_is_as_long_as_time_says_and_not_as_rows_do() -> None:
    times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:10", "2024-01-01 00:20"], tz="UTC")
    power = np.zeros(3)
    assert not zero_runs(times, power, pd.Timedelta("10min"))[0].any()
    assert zero_runs(times, power, pd.Timedelta("45min"))[0].all()


def test_small_values_are_no_zeros() -> None:
    assert not zero_runs(clock(500), np.full(500, 0.01), MINUTE)[0].any()


def test_noise_around_zero_is_zero_and_a_deep_value_is_missing() -> None:
    power = np.full(1000, 200.0)
    power[[3, 4, 9]] = -1.0, -50.0, -51.0
    clean, said = without_faults(power, clock(1000), "mains", "f")
    assert clean[[3, 4]].tolist() == [0, 0] and np.isnan(clean[9]) and len(said) == 2
    np.testing.assert_array_equal(np.delete(clean, [3, 4, 9]), 200.0)
    assert power[9] == -51.0  # the caller's array stays


def test_bursts_beyond_a_connection_are_missing_and_what_is_below_stays() -> None:
    power = np.full(1000, 200.0)
    power[[3, 4]] = 49_999.0, 50_001.0
    clean, said = without_faults(power, clock(1000), "mains", "f")
    assert clean[3] == 49_999.0 and np.isnan(clean[4]) and "over 50 kW" in said[0] and "2024-01-01 00:04" in said[0]


@pytest.mark.parametrize(
    ("power", "said"),
    [
        (
            np.where(np.arange(1000) < 300, -800.0, 200.0),
            "30% of 'mains' lies below zero, down to -800 W: the house exp",
        ),
        (np.full(1000, -300.0), "counts the other way round"),
        (np.full(1000, 3e5), "over 50 kW.* in another unit"),
    ],
)
def test_what_is_no_exception_is_refused(power: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        without_faults(power, clock(1000), "mains", "f")


def test_missing_stays_missing() -> None:
    power = np.array([np.nan, 5.0, np.nan, 0.0])
    clean, said = without_faults(power, clock(4), "mains", "f")
    np.testing.assert_array_equal(clean, power)
    assert said == [] and not zero_runs(clock(4), power, MINUTE)[0].any()
