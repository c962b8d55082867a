"""Simulated households that lend their appliances to made-up houses: other machines than those that were metered."""

import numpy as np
import pandas as pd

from .house import House
from .simulate import TICK_S, simulate

DAYS = 40  # of a household that lends


def lenders(step: pd.Timedelta, seed: int, count: int = 1) -> list[House]:
    """So many households, others for each seed; none where the simulator knows no such step."""
    if not count or step % pd.Timedelta(seconds=TICK_S):
        return []
    drawn = np.random.default_rng([seed, 3]).integers(0, 2**31, count)
    return [simulate(DAYS, int(one), str(step)) for one in drawn]
