"""The regular steps in time that all series of a file share."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError


def regular_steps(stamps: NDArray[np.int64], where: str) -> pd.DatetimeIndex:
    """Span times with steps of equal length: the difference between neighbours that occurs most often.

    stamps  (time,) nanoseconds since 1970, in any order, each once
    Raises InputError, naming the first time at fault, when one falls between two steps or there are fewer than two.
    """
    if len(stamps) < 2:
        raise InputError(f"{where} has {len(stamps)} time(s); series need two at least, forecasts many more.")
    stamps = np.sort(stamps)
    apart = np.diff(stamps)
    found, count = np.unique(apart, return_counts=True)
    step = int(found[count.argmax()])
    if (off := (stamps - stamps[0]) % step != 0).any():
        raise InputError(
            f"{where}: {off.sum():,} of {len(stamps):,} times are no whole number of steps of {pd.Timedelta(step)} "
            f"after {pd.Timestamp(stamps[0])}, the first {pd.Timestamp(stamps[off.argmax()])}; "
            "all series share one grid of equal steps: resample them to it."
        )
    length = int((stamps[-1] - stamps[0]) // step) + 1
    if length > 10 * len(stamps) + 1000:
        jump = int(apart.argmax())
        raise InputError(
            f"{where}: {len(stamps):,} times at steps of {pd.Timedelta(step)} spread over {length:,} steps; nothing "
            f"stands between {pd.Timestamp(stamps[jump])} and {pd.Timestamp(stamps[jump + 1])}. Is a date mistyped?"
        )
    return pd.date_range(pd.Timestamp(stamps[0]), periods=length, freq=pd.Timedelta(step), unit="ns", name="time")
