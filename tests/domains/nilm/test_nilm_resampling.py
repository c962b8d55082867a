"""Resampling keeps energy, leaves alone what is on its grid, and moves with the file."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labformer.domains.nilm.house import House
from labformer.domains.nilm.resampling import coarsen, grid_of, held, resample
from labformer.shared.errors import InputError

START = pd.Timestamp("2024-02-01", tz="UTC")
RATES = st.sampled_from(["1s", "7s", "10s", "45s", "1min", "90s", "7min", "10min", "30min"])
STEPS = st.sampled_from(["10s", "1min", "5min", "10min", "30min", "1h"])


def readings(
    every: str, seed: int = 0, hours: int = 3, start: pd.Timestamp = START
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    times = pd.date_range(start, periods=int(pd.Timedelta(hours, "h") / pd.Timedelta(every)), freq=every)
    return times, np.random.default_rng(seed).uniform(0, 5000, len(times)).round(1)


def joules(times: pd.DatetimeIndex, power_w: np.ndarray, every: str) -> float:
    return float(np.nansum(power_w.astype(float)) * pd.Timedelta(every).total_seconds())


@settings(max_examples=60, deadline=None)
@given(RATES, STEPS, st.integers(0, 2**20))
def test_energy_is_conserved_at_any_rate(every: str, step: str, seed: int) -> None:
    times, power = readings(every, seed, hours=7)  # 25,200 s are whole numbers of all rates and steps
    grid, mean = resample(times, power, step)
    assert joules(grid, mean, step) == pytest.approx(joules(times, power, every), rel=1e-6)
    assert len(grid) == pd.Timedelta("7h") // pd.Timedelta(step)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 170), min_size=2, max_size=200), STEPS, st.integers(0, 2**20))
def test_energy_of_uneven_readings_is_what_they_hold(gaps: list[int], step: str, seed: int) -> None:
    seconds = np.cumsum([0, *gaps])
    times = START + pd.to_timedelta(seconds, unit="s")
    power = np.random.default_rng(seed).uniform(0, 5000, len(times))
    lasting = held(times, pd.Timedelta("10s"), pd.Timedelta("3min")) / 1e9
    grid, fine = resample(times, power, "1s", usual=pd.Timedelta("10s"))
    assert joules(grid, fine, "1s") == pytest.approx((power * lasting).sum(), rel=1e-6)
    steps = grid_of(grid[0], grid[-1], pd.Timedelta(step))
    direct = resample(times, power, step, usual=pd.Timedelta("10s"), grid=steps)[1]
    twice = resample(grid, fine.astype(float), step, max_gap="1ns", grid=steps)[1]
    np.testing.assert_allclose(direct, twice, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(STEPS, st.integers(0, 2**20))
def test_readings_on_their_grid_are_left_alone(step: str, seed: int) -> None:
    times, power = readings(step, seed, hours=48)
    power[5:9] = np.nan
    grid, mean = resample(times, power, step, max_gap="1s")
    assert (grid == times).all()
    np.testing.assert_array_equal(mean, power.astype(np.float32))
    np.testing.assert_array_equal(resample(grid, mean.astype(float), step, max_gap="1s")[1], mean)


@settings(max_examples=30, deadline=None)
@given(RATES, STEPS, st.integers(-400, 400))
def test_a_shift_by_whole_days_shifts(every: str, step: str, days: int) -> None:
    times, power = readings(every)
    grid, mean = resample(times, power, step)
    moved, same = resample(times + pd.Timedelta(days, "d"), power, step)
    assert (moved == grid + pd.Timedelta(days, "d")).all()
    np.testing.assert_array_equal(mean, same)


def test_zeros_stay_exact_zeros_and_constants_stay() -> None:
    for level in (0.0, 123.4):
        times, power = readings("7s")
        assert set(resample(times, np.full_like(power, level), "1min")[1]) == {np.float32(level)}


def test_a_step_shorter_than_a_reading_has_its_power() -> None:
    times, power = readings("30min")
    np.testing.assert_array_equal(resample(times, power, "1min")[1], np.repeat(power, 30).astype(np.float32))


@pytest.mark.parametrize(("seconds", "known"), [(29, False), (30, True)])
def test_a_step_needs_half_of_its_time(seconds: int, known: bool) -> None:
    times, power = readings("1s", hours=1)
    power[60 + seconds : 600] = np.nan
    mean = resample(times, power, "1min", max_gap="1min")[1]
    assert np.isfinite(mean[1]) == known
    assert np.isnan(mean[2:10]).all() and np.isfinite(mean[10:]).all()


def test_a_reading_is_held_over_a_gap_up_to_the_limit_and_no_further() -> None:
    times, power = readings("1min")
    power[10:13], power[20:24] = np.nan, np.nan
    mean = resample(times, power, "1min", max_gap="3min")[1]
    assert set(mean[10:13]) == {np.float32(power[9])}
    assert np.isnan(mean[20:24]).all()
    assert np.isnan(mean).sum() == 4


def test_a_step_that_does_not_divide_a_day_is_refused() -> None:
    with pytest.raises(InputError, match="step=7 min does not divide a day"):
        resample(*readings("1min"), "7min")


def test_readings_that_cover_no_step_by_half_are_said() -> None:
    with pytest.raises(InputError, match="no step of 1 min is covered by half"):
        resample(*(part[:20] for part in readings("1s")), "1min")


def test_nothing_to_resample_is_said() -> None:
    times, power = readings("1min")
    with pytest.raises(InputError, match="no reading to resample"):
        resample(times, power * np.nan, "1min")
    grid, mean = resample(times, power * np.nan, "1min", grid=times)
    assert len(grid) == len(mean) and np.isnan(mean).all()


def test_two_readings_a_century_apart_are_a_mistyped_date() -> None:
    times = pd.DatetimeIndex(["1924-01-01", "2024-01-01", "2024-01-01 00:01"], tz="UTC")
    with pytest.raises(InputError, match="nothing stands between 1924-01-01 00:00 and 2024-01-01 00:00"):
        resample(times, np.ones(3), "1min")


def house(hours: int = 48) -> House:
    times, power = readings("1min", hours=hours)
    mains = power.astype(np.float32)
    mains[100:170] = np.nan
    return House("h", times, pd.Timedelta("1min"), mains, {"kettle": mains * 0.5}, "Europe/London")


def test_coarser_steps_conserve_energy_and_skip_what_is_missing() -> None:
    fine = house()
    coarse = coarsen(fine, "30min")
    assert coarse.step == pd.Timedelta("30min") and coarse.per_day() == 48 and len(coarse.times) == 96
    for before, after in ((fine.mains_w, coarse.mains_w), (fine.appliances_w["kettle"], coarse.appliances_w["kettle"])):
        blocks = before.reshape(-1, 30)
        enough = np.isfinite(blocks).sum(1) >= 15
        np.testing.assert_allclose(after[enough], np.nanmean(blocks[enough], axis=1), rtol=1e-5)
        assert np.isnan(after[~enough]).all() and (~enough).sum() == 3


def test_coarsening_agrees_with_resampling_and_is_idempotent() -> None:
    fine = house()
    coarse = coarsen(fine, "10min")
    resampled = resample(fine.times, fine.mains_w.astype(float), "10min", max_gap="1s")[1]
    np.testing.assert_allclose(coarse.mains_w, resampled, rtol=1e-5)
    np.testing.assert_array_equal(coarsen(coarse, "10min").mains_w, coarse.mains_w)


def test_steps_that_are_no_multiple_are_refused() -> None:
    with pytest.raises(InputError, match="45 s is not a multiple of the 1 min of h"):
        coarsen(house(), "45s")
