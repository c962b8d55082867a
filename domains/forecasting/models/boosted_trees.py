"""Gradient boosting on tables of load: one ensemble of trees for each time of day, or one for all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..surroundings import Columns
from .trees import Trees

Floats = NDArray[np.float64]
KINDS = ("number", "flag", "trend", "weather", "memory", "load")


@dataclass
class BoostedTrees:
    """scikit-learn's histogram gradient boosting on all rows, kept as plain arrays."""

    seed: int = 0
    trees_: Trees = field(init=False)

    def fit(self, columns: Columns, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        boosting = HistGradientBoostingRegressor(
            max_iter=400, learning_rate=0.08, max_leaf_nodes=31, min_samples_leaf=30, max_features=0.4,
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
