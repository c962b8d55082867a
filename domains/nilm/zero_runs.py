"""Mains of exactly nothing for over an hour: a meter that was out and a gap that was filled with zeros."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.reading.gaps import runs
from ...shared.reading.grid import say_duration, say_time
from ...shared.reading.table import plural

LONGEST = pd.Timedelta("60min")  # a house draws nothing for so long only when nobody measures


def zero_runs(
    times: pd.DatetimeIndex, mains_w: NDArray[np.float64], usual: pd.Timedelta, longest: pd.Timedelta = LONGEST
) -> tuple[NDArray[np.bool_], list[str]]:
    """Rows in runs of exactly 0 W of more than `longest`: -> ((row,) bool, what to say).

    Rows without a value neither end a run nor belong to one: a logger that drops cells during an outage hides nothing.

    times    (row,) start of each reading, in order
    mains_w  (row,) W, NaN where nothing was read
    usual    how long one reading lasts, for the last of a run before a gap
    """
    real = np.isfinite(mains_w)
    if not real.all():
        out = np.zeros(len(mains_w), bool)
        out[real], said = zero_runs(times[real], mains_w[real], usual, longest)
        return out, said
    found = runs(mains_w == 0)
    if not len(found):
        return np.zeros(len(mains_w), bool), []
    first, last = found[:, 0], found.sum(axis=1) - 1
    until = np.append(np.minimum(times.asi8[1:], times.asi8[:-1] + usual.value), times.asi8[-1] + usual.value)
    lasting = until[last] - times.asi8[first]
    long = lasting > longest.value
    out = np.zeros(len(mains_w) + 1, np.int64)
    out[first[long]], out[last[long] + 1] = 1, -1
    if not long.any():
        return out[:-1] > 0, []
    total, most = (
        pd.Timedelta(int(length), "ns").round("min") for length in (lasting[long].sum(), lasting[long].max())
    )
    return np.cumsum(out[:-1]) > 0, [
        f"{plural(int(long.sum()), 'run')} of exactly 0 W mains over {say_duration(longest)} taken as missing "
        f"({say_duration(total)} in all, the longest {say_duration(most)}), first {say_time(times[first[long][0]])}"
    ]
