"""Boosted trees as plain arrays: what scikit-learn fitted, saved without a pickle and answered without scikit-learn."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ROWS = 4096  # answered at once: more would leave the cache


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
        """Read a fitted HistGradientBoosting regressor or classifier of two classes, of no categories.

        A classifier's sum is the logit of its second class.
        """
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

    @classmethod
    def of_lightgbm(cls, booster: Any) -> Self:
        """Read a fitted lightgbm.Booster of one output, without categories or missing values."""
        nodes: list[tuple[int, float, int, int, float]] = []

        def add(node: dict[str, Any]) -> int:
            here = len(nodes)
            nodes.append((0, 0.0, here, here, float(node.get("leaf_value", 0.0))))
            if "left_child" in node:
                left, right = add(node["left_child"]), add(node["right_child"])
                nodes[here] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
            return here

        roots = [add(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
        feature, threshold, left, right, value = (np.array(column) for column in zip(*nodes, strict=True))
        return cls(np.array(roots), feature, threshold, left, right, value, np.zeros(1))

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """(row, column), finite -> (row,); by scikit-learn's compiled walk, which `predict_plainly` tells in full."""
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        nodes = np.zeros(len(self.value), PREDICTOR_RECORD_DTYPE)
        here = np.arange(len(nodes))
        shift = np.repeat(self.root, np.diff(self.root, append=len(nodes)))
        leaf = self.left == here
        nodes["feature_idx"], nodes["num_threshold"] = self.feature, self.threshold
        nodes["left"], nodes["right"] = np.where(leaf, 0, self.left - shift), np.where(leaf, 0, self.right - shift)
        nodes["is_leaf"], nodes["value"] = leaf, self.value
        no_sets, no_map = np.zeros((0, 8), np.uint32), np.zeros(0, np.uint32)
        trees = [TreePredictor(tree, no_sets, no_sets) for tree in np.split(nodes, self.root[1:])]
        total = np.full(len(X), self.start[0])
        for start in range(0, len(X), ROWS):
            part = np.ascontiguousarray(X[start : start + ROWS], dtype=np.float64)
            for tree in trees:
                total[start : start + ROWS] += tree.predict(part, no_sets, no_map, 1)
        return total

    def predict_plainly(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """What `predict` computes, all trees a level at a time."""
        node = np.broadcast_to(self.root, (len(X), len(self.root))).copy()
        row = np.arange(len(X))[:, None]
        while True:
            down = np.where(X[row, self.feature[node]] <= self.threshold[node], self.left[node], self.right[node])
            if np.array_equal(down, node):
                return np.asarray(self.start[0] + self.value[node].sum(1))
            node = down

    def rounded(self) -> "Trees":
        """The same trees with thresholds and values that single precision holds, as `to_small_arrays` stores them."""
        single = {name: getattr(self, name).astype(np.float32).astype(np.float64) for name in ("threshold", "value")}
        return self._replace(**single)

    def to_small_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """A third of `to_arrays` or less; exact for trees that were `rounded`."""
        here = np.arange(len(self.value))
        return {
            f"{prefix}.root": _smallest(self.root),
            f"{prefix}.feature": _smallest(self.feature),
            f"{prefix}.threshold": self.threshold.astype(np.float32),
            f"{prefix}.left": _smallest(self.left - here),
            f"{prefix}.right": _smallest(self.right - here),
            f"{prefix}.value": self.value.astype(np.float32),
            f"{prefix}.start": self.start,
        }

    @classmethod
    def from_small_arrays(cls, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_small_arrays`."""
        found = {name: np.asarray(arrays[f"{prefix}.{name}"]) for name in cls._fields}
        here = np.arange(len(found["value"]))
        whole: dict[str, NDArray[Any]] = {
            name: one.astype(np.int64 if one.dtype.kind == "i" else np.float64) for name, one in found.items()
        }
        return cls(**{**whole, "left": whole["left"] + here, "right": whole["right"] + here})

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Named arrays for a safetensors file."""
        return {f"{prefix}.{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(*(arrays[f"{prefix}.{name}"] for name in cls._fields))


def _smallest(whole: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in the smallest signed kind that holds them all."""
    kinds = (np.int8, np.int16, np.int32)
    held = (
        one for one in kinds if not len(whole) or -np.iinfo(one).max <= whole.min() <= whole.max() <= np.iinfo(one).max
    )
    return whole.astype(next(held, np.int64))
