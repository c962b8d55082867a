"""Energy of days and months from power: missing minutes are no zeros, and how much was seen is said."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Period = Literal["D", "M"]


class Energy(NamedTuple):
    """Energy of the minutes that were seen, period by period."""

    start: pd.DatetimeIndex  # (period,) first day on the local clock, naive
    kwh: NDArray[np.float64]  # (period,) or (period, appliance)
    covered: NDArray[np.float64]  # (period,) share of the whole period's time that has readings


def energy(local: pd.DatetimeIndex, power_w: ArrayLike, step: pd.Timedelta, period: Period = "D") -> Energy:
    """Sum power over calendar days or months of the local clock.

    local    (time,) starts of the steps
    power_w  (time,) or (time, appliance) W, NaN where there is no reading
    The share that is covered counts against the whole day (23 or 25 hours when clocks change) or month, so a day begun
    at noon is half.
    """
    power = np.asarray(power_w, dtype=np.float64)
    table = power[:, None] if power.ndim == 1 else power
    stamps = local.tz_localize(None).to_numpy().astype(f"datetime64[{period}]")
    starts, at = np.unique(stamps, return_inverse=True)
    real = np.isfinite(table)
    hours = step / pd.Timedelta(hours=1)
    kwh = np.stack(
        [np.bincount(at, np.where(real[:, j], table[:, j], 0.0), len(starts)) for j in range(table.shape[1])]
    )
    seen = np.bincount(at, real.any(1), len(starts))
    begin, end = (
        pd.DatetimeIndex(one.astype("datetime64[ns]")).tz_localize(
            local.tz, ambiguous=True, nonexistent="shift_forward"
        )
        for one in (starts, starts + 1)
    )
    covered = np.minimum(seen * (step / (end - begin)).to_numpy(np.float64), 1.0)
    total = kwh.T * hours / 1000
    return Energy(pd.DatetimeIndex(starts.astype("datetime64[ns]")), total[:, 0] if power.ndim == 1 else total, covered)
