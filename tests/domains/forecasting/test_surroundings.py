"""Laws of what is known ahead of load, and of what load itself says at an origin."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.recent import days_remembered
from labformer.domains.forecasting.surroundings import Surroundings, lagged, trailing_mean
from labformer.domains.forecasting.tables import LoadTable, time_of_day

DAY, DAYS = 24, 120
TRAIN = slice(0, 90 * DAY)


def simulated(zone: str = "Europe/London") -> LoadData:
    times = pd.date_range("2024-01-01", periods=DAYS * DAY, freq="1h", tz="UTC")
    rng = np.random.default_rng(0)
    day = np.arange(len(times)) // DAY
    frame = pd.DataFrame(
        {
            "time": times,
            "load": 500 + 50 * np.sin(np.arange(len(times)) * np.pi / 12) + rng.normal(0, 5, len(times)),
            "Site-1 Temp": rng.normal(10, 3, len(times)),
            "Site-2 Temp": rng.normal(12, 6, len(times)),
            "wind": rng.normal(5, 2, len(times)),
            "holiday": (day % 11 == 0).astype(float),
            "open": (day % 7 < 5).astype(float),
        }
    )
    return read_load(frame, targets="load", future_covariates=list(frame.columns[2:]), zone=zone)


@pytest.fixture(scope="module")
def data() -> LoadData:
    return simulated()


@pytest.fixture(scope="module")
def learnt(data: LoadData) -> Surroundings:
    return Surroundings.fit(data, TRAIN)


def test_sites_of_one_kind_are_grouped_and_flags_told_apart(learnt: Surroundings, data: LoadData) -> None:
    names = [(group.name, group.columns, group.widest) for group in learnt.groups]
    assert names == [("Site Temp", (0, 1), 1), ("wind", (2,), 2)]
    assert learnt.flags == (3, 4)
    assert learnt.rests == (3,)  # a flag of most days marks work, not rest
    found = learnt.columns(data)
    np.testing.assert_allclose(found.named("Site Temp_now"), data.future[:, :2].mean(1))
    np.testing.assert_allclose(found.named("Site Temp_widest_now"), data.future[:, 1])
    off = np.maximum(data.future[:, 3], data.local().dayofweek >= 5)
    np.testing.assert_array_equal(found.named("day_off"), off)


def test_a_trend_needs_years(data: LoadData, learnt: Surroundings) -> None:
    assert learnt.trend_from is None
    years = replace(data, times=pd.date_range("2010-01-01", periods=len(data.times), freq="24h", tz="UTC"))
    found = Surroundings.fit(years, slice(0, 1200)).columns(years).named("trend")
    np.testing.assert_allclose(np.diff(found), 1 / 365.25)


def test_what_comes_later_changes_no_column_but_the_eve_of_a_holiday(learnt: Surroundings, data: LoadData) -> None:
    row = 95 * DAY + 7
    told = data.future.copy()
    told[row:] += 1.0
    before, after = learnt.columns(data), learnt.columns(replace(data, future=told))
    same = [index for index, name in enumerate(before.names) if not name.endswith("_tomorrow")]
    np.testing.assert_allclose(after.values[:row, same], before.values[:row, same], atol=1e-9)
    eves = [index for index in range(len(before.names)) if index not in same]
    np.testing.assert_array_equal(after.values[: row - DAY, eves], before.values[: row - DAY, eves])


def test_means_and_lags_are_what_their_names_say() -> None:
    series = np.random.default_rng(0).normal(size=300) + 1e6
    mean = trailing_mean(series, 24)
    for row in (0, 5, 23, 24, 299):
        assert mean[row] == pytest.approx(series[max(0, row - 23) : row + 1].mean(), abs=1e-7)
    np.testing.assert_array_equal(lagged(series, 24)[24:], series[:-24])
    assert set(lagged(series, 24)[:24]) == {series[0]}


def test_the_trailing_extremes_are_of_the_last_day(learnt: Surroundings, data: LoadData) -> None:
    found, wind = learnt.columns(data), data.future[:, 2]
    for row in (50, 500):
        assert found.named("wind_max_24h")[row] == wind[row - 23 : row + 1].max()
        assert found.named("wind_min_24h")[row] == wind[row - 23 : row + 1].min()


def test_saved_and_brought_back_it_makes_the_same_columns(learnt: Surroundings, data: LoadData) -> None:
    again = Surroundings.from_dict(learnt.to_dict())
    assert again == learnt
    np.testing.assert_array_equal(again.columns(data).values, learnt.columns(data).values)


def test_the_time_of_day_is_that_of_people(data: LoadData) -> None:
    clock, local = time_of_day(data), data.local()
    np.testing.assert_array_equal(clock, local.hour)
    assert set(clock - data.times.hour) == {0, 1, -23}  # winter, summer, and past midnight


@pytest.mark.parametrize("horizon", [6, 24, 48])
def test_no_input_knows_load_at_or_after_its_origin(data: LoadData, horizon: int) -> None:
    made = LoadTable(horizon, 0, 2).fit(data, TRAIN)
    origins = np.array([95 * DAY, 100 * DAY + 5])
    before = made.table(data, origins)
    for row, origin in enumerate(origins):
        told = data.targets.copy()
        told[origin:] = np.nan
        after = made.table(replace(data, targets=told), origins[row : row + 1])
        np.testing.assert_array_equal(after.columns.values[0], before.columns.values[row])
        assert np.isfinite(after.columns.values).all()


@pytest.mark.parametrize("horizon", [24, 48])
def test_a_surprise_is_what_the_surroundings_do_not_explain(data: LoadData, horizon: int) -> None:
    made = LoadTable(horizon, 0, 2).fit(data, TRAIN)
    origins = np.array([95 * DAY])
    columns = made.table(data, origins).columns
    first = days_remembered(DAY, horizon, 2)[0]
    rows = origins[:, None] + np.arange(horizon) - first * DAY
    expected = made.alone.predict(made.surroundings.columns(data), time_of_day(data))
    surprise = made.scale.encode(data.targets[:, 0]) - expected
    np.testing.assert_allclose(columns.named(f"surprise_{first}d_ago"), surprise[rows])
    week = surprise[origins[0] - 7 * DAY : origins[0]].mean()
    np.testing.assert_allclose(columns.named("surprise_last_week"), week)
    np.testing.assert_allclose(columns.named("expected"), expected[origins[:, None] + np.arange(horizon)])


def test_a_longer_history_gives_the_same_inputs(data: LoadData) -> None:
    made = LoadTable(24, 0, 2).fit(data, TRAIN)
    origin, needs = 100 * DAY, made.needs(data)
    start = origin - needs
    parts = {name: getattr(data, name)[start:] for name in ("times", "targets", "past", "future", "filled")}
    short = replace(data, **parts, known=data.known - start)
    far, near = made.table(data, np.array([origin])), made.table(short, np.array([needs]))
    np.testing.assert_allclose(near.columns.values, far.columns.values, atol=1e-8)
    with pytest.raises(ValueError, match="1 rows before the first"):
        made.table(short, np.array([needs - 1]))
