"""The simplest forecasts, which every other model has to beat: the last value, yesterday, last week."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, Rows, Saved, gather


@dataclass
class LastValue:
    """Tomorrow is like now."""

    horizon: int
    name: ClassVar[str] = "last-value"
    is_transformer: ClassVar[bool] = False
    uses_covariates: ClassVar[bool] = False

    def needs(self, data: LoadData) -> int:
        """One row."""
        return 1

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Nothing to learn."""

    def refit(self, data: LoadData, rows: slice) -> None:
        """Nothing to learn."""

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        return np.repeat(gather(data.targets, origins, -1, 0), self.horizon, axis=1)

    def parameters(self) -> int:
        """None."""
        return 0

    def saved(self) -> Saved:
        """Nothing but its horizon."""
        return Saved({}, {})

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Nothing to restore."""


@dataclass
class SeasonalNaiveDay(LastValue):
    """Each step is like the same step of the last days that are known whole."""

    name: ClassVar[str] = "seasonal-naive-day"
    days: ClassVar[int] = 1

    def needs(self, data: LoadData) -> int:
        """One season."""
        return steps_a_day(data) * self.days

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """The last season before the origin, repeated over the horizon."""
        season = self.needs(data)
        back = gather(data.targets, origins, -season, 0)
        return np.asarray(back[:, np.arange(self.horizon) % season])


@dataclass
class SeasonalNaiveWeek(SeasonalNaiveDay):
    """Each step is like the same step of the last week."""

    name: ClassVar[str] = "seasonal-naive-week"
    days: ClassVar[int] = 7
