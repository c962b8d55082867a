from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.features import (
    Columns,
    Known,
    LookAhead,
    calendar_columns,
    flag_columns,
    joined,
    lag_days,
    load_columns,
    past_columns,
    rows_needed,
    steps_a_day,
    weather_columns,
)
from labformer.shared.errors import InputError

DAY = 24


def simulated(step: str = "1h", days: int = 36, start: str = "2024-01-01") -> LoadData:
    day = round(pd.Timedelta("1D") / pd.Timedelta(step))
    times = pd.date_range(start, periods=days * day, freq=step, tz="UTC")
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=len(times)) for name in ("load", "heat", "price", "temperature")}
    flag = (times.dayofyear % 9 == 0).astype(float)
    frame = pd.DataFrame({"time": times, **values, "holiday": flag})
    return read_load(
        frame,
        targets=["load", "heat"],
        past_covariates="price",
        future_covariates=["temperature", "holiday"],
        zone="Europe/London",
    )


def at(*origins: int) -> np.ndarray:
    return np.array(origins, dtype=np.int64)


def column(columns: Columns, name: str) -> np.ndarray:
    return columns.values[..., columns.names.index(name)]


def weather(data: LoadData, origins: np.ndarray, horizon: int) -> Columns:
    return weather_columns(data, data.future[:, :1], ("weather_1",), origins, horizon)


MAKERS: dict[str, Callable[[LoadData, np.ndarray, int], Columns]] = {
    "load": lambda data, origins, horizon: load_columns(data, 1, origins, horizon),
    "past": past_columns,
    "calendar": calendar_columns,
    "weather": weather,
    "flag": lambda data, origins, horizon: flag_columns(data, (1,), origins, horizon),
}


def test_known_gives_the_past_and_nothing_else() -> None:
    known = Known(np.arange(10.0), at(4, 8))
    np.testing.assert_array_equal(known.at(np.array([[3, 0], [7, 2]])), [[3.0, 0.0], [7.0, 2.0]])
    for row in (8, 9):
        with pytest.raises(LookAhead, match="1 values lie at or after the origin"):
            known.at(np.array([[3, 0], [row, 2]]))
    with pytest.raises(LookAhead, match="before the first row"):
        known.at(np.array([[3, -1], [7, 2]]))


@pytest.mark.parametrize("horizon", [1, 6, 24, 30, 48, 10 * 24])
def test_every_lag_is_a_whole_number_of_days_known_over_the_whole_horizon(horizon: int) -> None:
    days = lag_days(DAY, horizon)
    assert list(days) == sorted(set(days))
    assert days[0] * DAY >= horizon > (days[0] - 1) * DAY
    assert rows_needed(DAY, horizon) == max(days[-1], 7) * DAY


@pytest.mark.parametrize("horizon", [6, 24, 48])
@pytest.mark.parametrize("kind", MAKERS)
def test_no_column_holds_what_comes_after_its_origin(kind: str, horizon: int) -> None:
    data, make = simulated(), MAKERS[kind]
    for origin in (30 * DAY, 31 * DAY + 7):
        future = data.future.copy()
        future[origin + horizon :] = np.nan
        blind = replace(data.until(origin, len(data.times) - origin), future=future)
        assert np.isnan(blind.targets[origin:]).all()
        assert np.isnan(blind.past[origin:]).all()
        found = make(blind, at(origin), horizon)
        assert found.values.shape == (1, horizon, len(found.names))
        assert np.isfinite(found.values).all()
        np.testing.assert_array_equal(found.values, make(data, at(origin), horizon).values)


@pytest.mark.parametrize("kind", MAKERS)
def test_columns_of_several_origins_are_those_of_each(kind: str) -> None:
    data, make = simulated(), MAKERS[kind]
    both = make(data, at(30 * DAY, 32 * DAY + 5), 24)
    for row, origin in enumerate((30 * DAY, 32 * DAY + 5)):
        np.testing.assert_array_equal(both.values[row], make(data, at(origin), 24).values[0])


def test_load_columns_are_what_their_names_say() -> None:
    data, origin = simulated(), 30 * DAY
    found, load = load_columns(data, 0, at(origin), 30), data.targets[:, 0]
    for step in (0, 23, 29):
        here = {name: column(found, name)[0, step] for name in found.names}
        weeks = [load[origin + step - days * DAY] for days in (7, 14, 21, 28)]
        assert here["load_2d_ago"] == load[origin + step - 48]
        assert here["load_7d_ago"] == weeks[0]
        assert here["load_mean_of_weeks"] == pytest.approx(np.mean(weeks))
        assert here["last_load"] == load[origin - 1]
        assert here["last_day_load"] == pytest.approx(load[origin - DAY : origin].mean())
        change = load[origin - DAY : origin].mean() - load[origin - 7 * DAY : origin - 6 * DAY].mean()
        assert here["last_day_over_week_before"] == pytest.approx(change)
    assert "load_1d_ago" not in found.names


def test_load_columns_name_the_rows_they_lack() -> None:
    data, needs = simulated(), rows_needed(DAY, 24)
    assert np.isfinite(load_columns(data, 0, at(needs), 24).values).all()
    with pytest.raises(LookAhead, match="before the first row"):
        load_columns(data, 0, at(needs - 1), 24)


def test_past_columns_are_the_last_value_and_the_first_known_day() -> None:
    data, origin = simulated(), 30 * DAY
    found, price = past_columns(data, at(origin), 24), data.past[:, 0]
    np.testing.assert_array_equal(column(found, "price_last")[0], np.repeat(price[origin - 1], 24))
    np.testing.assert_array_equal(column(found, "price_1d_ago")[0], price[origin - 24 : origin])


def test_calendar_is_the_local_clock() -> None:
    data = simulated(start="2024-03-20")
    origin = 11 * DAY  # 31 March 2024 00:00 UTC, an hour before summer time in London
    found = calendar_columns(data, at(origin), 4)
    np.testing.assert_array_equal(column(found, "hour")[0], [0, 2, 3, 4])
    np.testing.assert_array_equal(column(found, "weekday")[0], [6, 6, 6, 6])
    np.testing.assert_array_equal(column(found, "day_of_year")[0], [91, 91, 91, 91])
    np.testing.assert_array_equal(column(found, "step")[0], [0, 1, 2, 3])


def test_weather_is_now_earlier_and_on_average() -> None:
    data, origin = simulated(), 30 * DAY
    found, heat = weather(data, at(origin), 24), data.future[:, 0]
    for step in (0, 23):
        row = origin + step
        here = {name: column(found, name)[0, step] for name in found.names}
        assert here["weather_1"] == heat[row]
        assert (here["weather_1_3h_ago"], here["weather_1_24h_ago"]) == (heat[row - 3], heat[row - 24])
        assert here["weather_1_mean_24h"] == pytest.approx(heat[row - 23 : row + 1].mean())
        assert here["weather_1_mean_72h"] == pytest.approx(heat[row - 71 : row + 1].mean())


def test_weather_before_the_first_row_is_left_out_of_its_means() -> None:
    data = simulated()
    found, heat = weather(data, at(10), 24), data.future[:, 0]
    assert column(found, "weather_1_mean_24h")[0, 0] == pytest.approx(heat[:11].mean())
    assert column(found, "weather_1_mean_72h")[0, 23] == pytest.approx(heat[:34].mean())


def test_flags_are_of_today_and_yesterday() -> None:
    data, origin = simulated(), 30 * DAY
    found, flag = flag_columns(data, (1,), at(origin), 24), data.future[:, 1]
    np.testing.assert_array_equal(column(found, "holiday")[0], flag[origin : origin + 24])
    np.testing.assert_array_equal(column(found, "holiday_yesterday")[0], flag[origin - 24 : origin])


def test_columns_are_joined_side_by_side_and_none_at_all_is_a_table_without_columns() -> None:
    data, origins = simulated(), at(30 * DAY, 31 * DAY)
    calendar, none = calendar_columns(data, origins, 24), flag_columns(data, (), origins, 24)
    assert none.values.shape == (2, 24, 0)
    both = joined(calendar, none, weather(data, origins, 24))
    assert both.names == calendar.names + weather(data, origins, 24).names
    assert both.values.shape == (2, 24, len(both.names))


def test_a_day_is_a_whole_number_of_steps() -> None:
    assert [steps_a_day(simulated(step)) for step in ("15min", "30min", "1h", "1D")] == [96, 48, 24, 1]
    with pytest.raises(InputError, match="resample"):
        steps_a_day(simulated("7h"))
    with pytest.raises(InputError, match="resample"):
        steps_a_day(replace(simulated("1D"), step=pd.Timedelta("2D")))
