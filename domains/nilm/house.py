"""A house on one regular grid in time: what its mains took and, where they were metered, what its appliances took."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Watts = NDArray[np.float32]


@dataclass(frozen=True)
class House:
    """Mean power in each step; NaN stands where there is no reading, never a made-up zero."""

    name: str
    times: pd.DatetimeIndex  # (time,) start of each step, aware, in UTC, `step` apart without a hole
    step: pd.Timedelta
    mains_w: Watts  # (time,) W
    appliances_w: Mapping[str, Watts] = field(default_factory=dict)  # by name, each (time,) W
    zone: str | None = None  # IANA zone of the local clock; None: the stamps stand as written
    repairs: tuple[str, ...] = ()  # what reading changed, a sentence each
    odd: tuple[str, ...] = ()  # what reading found strange and left as it is, a sentence each
    apart: pd.Timedelta | None = None  # usual time between the readings it was made of, where these came from a file

    def local(self) -> pd.DatetimeIndex:
        """The times on the local clock, for calendar features; naive when no zone is known; (time,)."""
        return self.times.tz_localize(None) if self.zone is None else self.times.tz_convert(self.zone)

    def rows(self, part: slice) -> "House":
        """The same house over some of its rows, as views."""
        cut = {name: power[part] for name, power in self.appliances_w.items()}
        return replace(self, times=self.times[part], mains_w=self.mains_w[part], appliances_w=cut)

    def per_day(self) -> int:
        """Steps in a day; steps divide the day."""
        return int(pd.Timedelta(days=1) / self.step)

    def stretches(self) -> list[slice]:
        """Runs of rows with mains readings, in order."""
        real = np.r_[False, np.isfinite(self.mains_w), False]
        edges = np.flatnonzero(real[1:] != real[:-1])
        return [slice(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


class Estimate(NamedTuple):
    """What a model says of one appliance; NaN where the mains have no reading."""

    power_w: Watts  # (time,) W
    on: NDArray[np.float32]  # (time,) probability that the appliance runs
    mean_w: Watts | None = None  # (time,) W to be expected, of a model that learnt that for itself
