import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.baselines import LastValue, SeasonalNaiveDay, SeasonalNaiveWeek
from labformer.domains.forecasting.data import LoadData, read_load

DAY, WEEK = 48, 7 * 48


def half_hourly(days: int = 21) -> LoadData:
    """Two targets that say which row they are."""
    times = pd.date_range("2024-01-01", periods=days * DAY, freq="30min", tz="UTC")
    rows = np.arange(len(times), dtype=float)
    return read_load(pd.DataFrame({"time": times, "a": rows, "b": -rows}), targets=["a", "b"])


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (LastValue, lambda origin, step: origin - 1),
        (SeasonalNaiveDay, lambda origin, step: origin - DAY + step % DAY),
        (SeasonalNaiveWeek, lambda origin, step: origin - WEEK + step % WEEK),
    ],
)
@pytest.mark.parametrize("horizon", [1, 12, DAY, DAY + 5, WEEK + 3])
def test_each_repeats_its_season(kind: type[LastValue], row: object, horizon: int) -> None:
    data, model, origins = half_hourly(), kind(horizon), np.array([WEEK, WEEK + 100])
    forecast = model.predict(data, origins)
    expected = [[row(origin, step) for step in range(horizon)] for origin in origins]  # type: ignore[operator]
    np.testing.assert_array_equal(forecast, np.stack([expected, np.negative(expected)], axis=-1))


@pytest.mark.parametrize(("kind", "rows"), [(LastValue, 1), (SeasonalNaiveDay, DAY), (SeasonalNaiveWeek, WEEK)])
def test_each_needs_one_season_and_refuses_less(kind: type[LastValue], rows: int) -> None:
    data, model = half_hourly(), kind(DAY)
    assert model.needs(data) == rows
    assert np.isfinite(model.predict(data, np.array([rows]))).all()
    with pytest.raises(ValueError, match="before the first row"):
        model.predict(data, np.array([rows + 5, rows - 1]))


def test_a_perfect_week_is_forecast_perfectly() -> None:
    times = pd.date_range("2024-01-01", periods=21 * DAY, freq="30min", tz="UTC")
    load = np.tile(np.random.default_rng(0).normal(size=WEEK), 3)
    data = read_load(pd.DataFrame({"time": times, "load": load}), targets="load")
    origins = np.arange(WEEK, 21 * DAY - DAY, 17)
    truth = load[origins[:, None] + np.arange(DAY)]
    np.testing.assert_array_equal(SeasonalNaiveWeek(DAY).predict(data, origins)[..., 0], truth)
    assert np.abs(SeasonalNaiveDay(DAY).predict(data, origins)[..., 0] - truth).max() > 1
