"""Simulated households beside the real ones: other machines and habits than those that were metered."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .house import House
from .simulate import SIMULATED, TICK_S, simulate, simulate_alone

DAYS = 40  # of a simulated household, at most


@dataclass(frozen=True, slots=True)
class Lender:
    """A simulated household of which one appliance at a time is wanted: the others need not be simulated for it."""

    step: pd.Timedelta
    seed: int
    days: int

    def owns(self, name: str) -> bool:
        """Whether such an appliance can be had of it."""
        return name in SIMULATED

    def whole(self) -> House:
        """The household with all that it owns."""
        return simulate(self.days, self.seed, step=str(self.step))

    def only(self, name: str) -> House:
        """This appliance, as it is in the whole household, with nothing else in the mains."""
        return simulate_alone(name, self.days, self.seed, str(self.step))


def lenders(step: pd.Timedelta, seed: int, count: int = 1, days: int = DAYS) -> list[Lender]:
    """So many households of so many days, others for each seed; none where the simulator knows no such step."""
    if not count or step % pd.Timedelta(seconds=TICK_S):
        return []
    drawn = np.random.default_rng([seed, 3]).integers(0, 2**31, count)
    return [Lender(step, int(one), max(min(days, DAYS), 1)) for one in drawn]
