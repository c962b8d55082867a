"""One thread, no screen, and one simulated load for the tests that need a file of a user."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pandas as pd


def pytest_configure() -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}  # for processes that tests start
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def simulated() -> Callable[..., "pd.DataFrame"]:
    """Load in MW that follows hour, weekday and temperature; `ahead` rows at the end have no load yet."""
    import numpy as np
    import pandas as pd

    def table(
        days: int = 84, step: str = "3h", start: str = "2023-01-02", zone: str = "UTC", ahead: int = 0, seed: int = 0
    ) -> pd.DataFrame:
        rng, width = np.random.default_rng(seed), pd.Timedelta(step)
        count = days * int(pd.Timedelta("1D") / width)
        times = pd.date_range(start, periods=count + ahead, freq=width, tz=zone)
        hour, weekend = 2 * np.pi * times.hour.to_numpy() / 24, times.dayofweek.to_numpy() >= 5
        temperature = 12 + 6 * np.sin(hour - 2) + np.cumsum(rng.normal(0, 0.5, len(times))).clip(-8, 8)
        load = 1000 + 150 * np.sin(hour - 1) + 40 * np.cos(2 * hour) - 120 * weekend - 9 * temperature
        load += rng.normal(0, 8, len(times))
        load[count:] = np.nan
        return pd.DataFrame({"time": times, "load": load, "temperature": temperature, "weekend": weekend})

    return table
