"""Gradient boosting on tables of load: one ensemble of trees for all hours, or one for each hour of the day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ....shared.learning.trees import Trees
from ..surroundings import Columns

Floats = NDArray[np.float64]
KINDS = ("number", "flag", "trend", "weather", "memory", "load")


@dataclass
class BoostedTrees:
    """scikit-learn's histogram gradient boosting on all rows, kept as plain arrays."""

    seed: int = 0
    rounds: int = 400
    trees_: Trees = field(init=False)

    def fit(self, columns: Columns, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        boosting = HistGradientBoostingRegressor(
            max_iter=self.rounds, learning_rate=0.08, max_leaf_nodes=31, min_samples_leaf=30, max_features=0.4,
            early_stopping=False, random_state=self.seed,
        )  # fmt: skip
        self.trees_ = Trees.of(boosting.fit(columns.of(*KINDS).values, truth))
        return self

    def predict(self, columns: Columns, keys: NDArray[np.int64]) -> Floats:
        """(row, column), (row,) -> (row,)."""
        return self.trees_.predict(columns.of(*KINDS).values)

    def parameters(self) -> int:
        """Splits and leaves."""
        return len(self.trees_.value)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The trees."""
        return self.trees_.to_arrays("trees")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        made.trees_ = Trees.from_arrays("trees", arrays)
        return made


@dataclass
class HourlyTrees:
    """One ensemble for each hour of the day (the hourly-binned regression of `hourly.py`), kept as plain arrays."""

    seed: int = 0
    rounds: int = 200
    trees_: dict[int | None, Trees] = field(init=False)  # None answers hours that training hardly saw

    def fit(self, columns: Columns, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""
        from .hourly import HourlyBinnedRegressor, default_regressor

        table = columns.of(*KINDS)
        hours = HourlyBinnedRegressor(
            default_regressor(self.seed).set_params(max_iter=self.rounds), hour=table.names.index("hour")
        )
        hours.fit(table.values, truth)
        self.trees_ = {
            None if hour is None else int(hour): Trees.of(model) for hour, model in hours.regressors_.items()
        }
        return self

    def predict(self, columns: Columns, keys: NDArray[np.int64]) -> Floats:
        """(row, column), (row,) -> (row,)."""
        table = columns.of(*KINDS)
        bins, answer = np.floor(table.named("hour")).astype(np.int64), np.empty(len(keys))
        for hour in np.unique(bins):
            rows = bins == hour
            trees = self.trees_.get(int(hour)) or self.trees_[None]
            answer[rows] = trees.predict(table.values[rows])
        return answer

    def parameters(self) -> int:
        """Splits and leaves."""
        return sum(len(trees.value) for trees in self.trees_.values())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All trees, by hour."""
        found: dict[str, NDArray[Any]] = {}
        for hour, trees in self.trees_.items():
            found |= trees.to_arrays("any" if hour is None else str(hour))
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        hours = {name.split(".")[0] for name in arrays}
        made.trees_ = {None if hour == "any" else int(hour): Trees.from_arrays(hour, arrays) for hour in hours}
        return made
