"""Laws of energy from power: it is conserved, missing minutes are no zeros, days are as long as the clock says."""

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.energy import energy

MINUTE = pd.Timedelta(minutes=1)


def clock(start: str, days: float, zone: str | None = "UTC", step: str = "1min") -> pd.DatetimeIndex:
    count = int(days * pd.Timedelta("1D") / pd.Timedelta(step))
    return pd.date_range(start, periods=count, freq=step, tz=zone)


@pytest.mark.parametrize("step", ["10s", "1min", "15min", "1h"])
@pytest.mark.parametrize("period", ["D", "M"])
def test_energy_is_power_times_time_whatever_the_step_and_period(step: str, period: str) -> None:
    local = clock("2024-01-30 05:00", 3, step=step)
    power = np.random.default_rng(0).uniform(0, 3000, (len(local), 2))
    found = energy(local, power, pd.Timedelta(step), period)
    hours = pd.Timedelta(step) / pd.Timedelta("1h")
    np.testing.assert_allclose(found.kwh.sum(0), power.sum(0) * hours / 1000)
    assert found.kwh.shape == (len(found.start), 2)
    alone = energy(local, power[:, 0], pd.Timedelta(step), period)
    np.testing.assert_array_equal(alone.kwh, found.kwh[:, 0])
    assert len(found.start) == (4 if period == "D" else 2)


def test_missing_minutes_add_nothing_and_are_said() -> None:
    local = clock("2024-03-01", 2)
    power = np.full(2880, 1000.0)
    power[:360], power[1440:] = np.nan, np.nan
    found = energy(local, power, MINUTE)
    np.testing.assert_allclose(found.kwh, [18, 0])
    np.testing.assert_allclose(found.covered, [0.75, 0])
    month = energy(local, power, MINUTE, "M")
    np.testing.assert_allclose(month.covered, 0.75 / 31)


def test_a_day_begun_at_noon_is_half_covered() -> None:
    found = energy(clock("2024-03-01 12:00", 1.5), np.ones(2160), MINUTE)
    np.testing.assert_allclose(found.covered, [0.5, 1])
    assert list(found.start) == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-02")]
    assert found.start.tz is None


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25)])
def test_days_on_which_clocks_change_are_shorter_or_longer_and_whole(day: str, hours: int) -> None:
    start = pd.Timestamp(day, tz="Europe/London") - pd.Timedelta(days=1)
    local = pd.date_range(start.tz_convert("UTC"), periods=(48 + hours) * 60, freq="1min").tz_convert("Europe/London")
    found = energy(local, np.full(len(local), 1000.0), MINUTE)
    np.testing.assert_allclose(found.kwh, [24, hours, 24])
    np.testing.assert_allclose(found.covered, 1)
    assert energy(local[:-1440], np.ones(len(local) - 1440), MINUTE).covered[1] == pytest.approx(1)
    half = np.where(np.arange(len(local)) < 1440, 1000.0, np.nan)
    np.testing.assert_allclose(energy(local, half, MINUTE).covered, [1, 0, 0])


def test_a_naive_clock_is_taken_as_it_stands() -> None:
    found = energy(clock("2024-03-31", 1, None), np.full(1440, 500.0), MINUTE)
    np.testing.assert_allclose(found.kwh, 12)
    np.testing.assert_allclose(found.covered, 1)
