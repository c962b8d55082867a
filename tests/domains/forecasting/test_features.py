from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.features import Known, LookAhead, lag_days, steps_a_day
from labformer.shared.errors import InputError

DAY = 24


def at(*origins: int) -> np.ndarray:
    return np.array(origins, dtype=np.int64)


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


def test_a_day_is_a_whole_number_of_steps() -> None:
    def hours(step: str) -> LoadData:
        times = pd.date_range("2024-01-01", periods=40, freq=step)
        return read_load(pd.DataFrame({"time": times, "load": np.arange(40.0)}), targets="load")

    assert [steps_a_day(hours(step)) for step in ("15min", "30min", "1h", "1D")] == [96, 48, 24, 1]
    with pytest.raises(InputError, match="resample"):
        steps_a_day(hours("7h"))
    with pytest.raises(InputError, match="resample"):
        steps_a_day(replace(hours("1D"), step=pd.Timedelta("2D")))
