"""Boosted trees as plain arrays: what scikit-learn fitted, saved without a pickle and answered without scikit-learn."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Trees(NamedTuple):
    """A sum of regression trees; nodes of all trees stand in one row of arrays."""

    root: NDArray[np.int64]  # (tree,), the first node of each
    feature: NDArray[np.int64]  # (node,), column that is compared
    threshold: NDArray[np.float64]  # (node,), go left at or below it
    left: NDArray[np.int64]  # (node,), a leaf points at itself
    right: NDArray[np.int64]
    value: NDArray[np.float64]  # (node,), added at a leaf
    start: NDArray[np.float64]  # (1,), what the sum starts from

    @classmethod
    def of(cls, boosting: Any) -> Self:
        """Read a fitted HistGradientBoostingRegressor (squared error, no categories)."""
        # scikit-learn offers no public view of its trees; a test holds this against its own predictions
        nodes = [stage[0].nodes for stage in boosting._predictors]
        sizes = np.array([len(tree) for tree in nodes], dtype=np.int64)
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        tree = np.concatenate(nodes)
        shift, here = np.repeat(root, sizes), np.arange(len(tree))
        leaf = tree["is_leaf"].astype(bool)
        return cls(
            root,
            tree["feature_idx"].astype(np.int64),
            tree["num_threshold"].astype(np.float64),
            np.where(leaf, here, tree["left"].astype(np.int64) + shift),
            np.where(leaf, here, tree["right"].astype(np.int64) + shift),
            np.where(leaf, tree["value"].astype(np.float64), 0.0),
            np.array([float(np.ravel(boosting._baseline_prediction)[0])]),
        )

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """(row, column), finite -> (row,)."""
        node = np.broadcast_to(self.root, (len(X), len(self.root))).copy()
        row = np.arange(len(X))[:, None]
        while True:
            down = np.where(X[row, self.feature[node]] <= self.threshold[node], self.left[node], self.right[node])
            if np.array_equal(down, node):
                return np.asarray(self.start[0] + self.value[node].sum(1))
            node = down

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays for a safetensors file."""
        return {f"{prefix}.{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(*(arrays[f"{prefix}.{name}"] for name in cls._fields))
