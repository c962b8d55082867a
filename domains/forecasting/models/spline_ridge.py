"""Spline ridge: weather bent by splines, one ridge regression for each time of day, inputs clipped.

The additive semi-parametric load model (Fan and Hyndman 2012, "Short-Term Load Forecasting Based on a Semi-Parametric
Additive Model") with a ridge penalty in place of variable selection. Standardised inputs are clipped: a column that was
almost constant in training would otherwise multiply rare weather into any number, at an unremarkable validation score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..surroundings import Columns

Floats = NDArray[np.float64]
KINDS = ("onehot", "season", "flag", "trend", "load", "product")
LEAST_ROWS = 14  # a time of day with fewer is left to the regression of all rows


@dataclass
class SplineRidge:
    """A ridge regression for each key (time of day), solved exactly; `clip` in standard deviations of training."""

    knots: int = 6
    clip: float = 4.0
    penalty: float = 1.0
    knots_: Floats = field(init=False)  # (knot, weather column)
    keys_: NDArray[np.int64] = field(init=False)  # (design,), the last is -1: every key that training hardly saw
    mean_: Floats = field(init=False)  # (design, feature)
    scale_: Floats = field(init=False)  # (design, feature), infinite where training hardly varied
    weight_: Floats = field(init=False)  # (design, feature)
    level_: Floats = field(init=False)  # (design,)

    def fit(self, columns: Columns, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""
        weather = columns.of("weather").values
        low, reach = weather.min(0), np.ptp(weather, axis=0)
        self.knots_ = low + np.linspace(0.0, 1.0, self.knots)[:, None] * np.where(reach > 0, reach, 1.0)
        table = self._features(columns)
        found, counts = np.unique(keys, return_counts=True)
        self.keys_ = np.append(found[counts >= LEAST_ROWS], -1)
        solved = [self._solve(table[rows], truth[rows]) for key in self.keys_.tolist() if len(rows := _rows(keys, key))]
        self.mean_, self.scale_, self.weight_ = (np.stack([one[i] for one in solved]) for i in range(3))
        self.level_ = np.array([one[3] for one in solved])
        return self

    def predict(self, columns: Columns, keys: NDArray[np.int64]) -> Floats:
        """(row, column), (row,) -> (row,)."""
        table, answer = self._features(columns), np.empty(len(keys))
        known = dict(zip(self.keys_.tolist(), range(len(self.keys_)), strict=True))
        for key in np.unique(keys):
            rows, at = keys == key, known.get(int(key), len(self.keys_) - 1)
            answer[rows] = self._scaled(table[rows], at) @ self.weight_[at] + self.level_[at]
        return answer

    def parameters(self) -> int:
        """Weights and levels."""
        return int(np.isfinite(self.scale_).sum() + self.level_.size)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learnt, by name."""
        return {name: getattr(self, f"{name}_") for name in ("knots", "keys", "mean", "scale", "weight", "level")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], clip: float = 4.0) -> Self:
        """The inverse of `to_arrays`."""
        made = cls(len(arrays["knots"]), clip)
        for name, array in arrays.items():
            setattr(made, f"{name}_", array)
        return made

    def _solve(self, table: Floats, truth: Floats) -> tuple[Floats, Floats, Floats, float]:
        mean, scale = table.mean(0), table.std(0)
        scale = np.where(scale > 1e-9 * np.maximum(np.abs(mean), 1.0), scale, np.inf)
        clipped = np.clip((table - mean) / scale, -self.clip, self.clip)
        level = float(truth.mean())
        gram = clipped.T @ clipped
        gram[np.diag_indices_from(gram)] += self.penalty
        return mean, scale, np.linalg.solve(gram, clipped.T @ (truth - level)), level

    def _scaled(self, table: Floats, at: int) -> Floats:
        return np.asarray(np.clip((table - self.mean_[at]) / self.scale_[at], -self.clip, self.clip))

    def _features(self, columns: Columns) -> Floats:
        return np.hstack([columns.of(*KINDS).values, quadratic_splines(columns.of("weather").values, self.knots_)])


def quadratic_splines(x: Floats, knots: Floats) -> Floats:
    """Quadratic B-splines of each column on its own equally spaced knots, straight lines beyond them.

    (row, column), (knot, column) -> (row, column * knot). They sum to one, so the last of a column is left out; what is
    left is scikit-learn's `SplineTransformer(2, extrapolation="linear", include_bias=False)`, without its slow import.
    """
    u = (x - knots[0]) / (knots[-1] - knots[0]) * (len(knots) - 1)
    cell = np.clip(np.floor(u), 0, len(knots) - 2)
    t = np.clip(u - cell, 0.0, 1.0)
    beyond = u - cell - t  # 0 between the knots
    pieces = (
        (1 - t) ** 2 / 2 - beyond * (1 - t),
        0.5 + t * (1 - t) + beyond * (1 - 2 * t),
        t**2 / 2 + beyond * t,
    )
    place = np.arange(len(knots)) - cell[..., None]
    made = sum(np.where(place == at, piece[..., None], 0.0) for at, piece in enumerate(pieces))
    return np.asarray(made).reshape(len(x), -1)


def _rows(keys: NDArray[np.int64], key: int) -> NDArray[np.int64]:
    return np.arange(len(keys)) if key < 0 else np.flatnonzero(keys == key)
