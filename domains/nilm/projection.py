"""Appliances never take more than the mains."""

from collections.abc import Mapping

import numpy as np

from .house import Watts


def within_mains(power_w: Mapping[str, Watts], mains_w: Watts) -> dict[str, Watts]:
    """Scale all appliances down together wherever their sum exceeds the mains; each (time,) W.

    NaN mains make NaN power. A millionth is kept free, so that the sum is never above, in single precision either.
    """
    total = np.sum([np.nan_to_num(one).astype(np.float64) for one in power_w.values()], axis=0)
    most = np.maximum(mains_w.astype(np.float64), 0) * (1 - 1e-6)
    share = np.where(total > most, most / np.maximum(total, 1e-9), 1.0)
    return {
        name: np.where(np.isnan(mains_w), np.nan, np.nan_to_num(one) * share).astype(np.float32)
        for name, one in power_w.items()
    }
