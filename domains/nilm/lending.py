"""Simulated households beside the real ones: other machines and habits than those that were metered."""

import numpy as np
import pandas as pd

from .house import House
from .simulate import TICK_S, simulate

DAYS = 40  # of a simulated household, at most


def lenders(step: pd.Timedelta, seed: int, count: int = 1, days: int = DAYS) -> list[House]:
    """So many households of so many days, others for each seed; none where the simulator knows no such step."""
    if not count or step % pd.Timedelta(seconds=TICK_S):
        return []
    drawn = np.random.default_rng([seed, 3]).integers(0, 2**31, count)
    return [simulate(max(min(days, DAYS), 1), int(one), str(step)) for one in drawn]
