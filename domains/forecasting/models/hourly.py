"""Hourly-binned regression (specification: one regression model for each hour of the day; PG&E challenge 2025).

Load at 3 in the morning and at 6 in the evening answer to weather and weekday in different ways, so each hour of the
day has a model of its own. Any scikit-learn regressor serves; weather columns of many sites are first brought down to a
few principal components, learnt from the training rows of that hour alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from ....shared.errors import InputError

Floats = NDArray[np.float64]
LEAST_ROWS = 14  # an hour with fewer is left to the regressor of all rows


class WeatherComponents:
    """Principal components of standardised columns; columns that are constant in training are left out."""

    def __init__(self, components: int) -> None:
        self.components = components

    def fit(self, values: Floats) -> Self:
        """Learn from training rows (row, column)."""
        self.mean_, scale = values.mean(0), values.std(0)
        # irradiance at night: a column without variance says nothing about this hour
        self.kept_ = np.flatnonzero(scale > 1e-9 * np.maximum(np.abs(self.mean_), 1.0))
        self.scale_ = scale[self.kept_]
        count = min(self.components, len(self.kept_), len(values))
        self.axes_ = np.empty((0, len(self.kept_)))
        if count:
            self.axes_ = PCA(count, svd_solver="full").fit(self._scaled(values)).components_
        return self

    def transform(self, values: Floats) -> Floats:
        """(row, column) -> (row, component), as many as were found in training, possibly none."""
        return np.asarray(self._scaled(values) @ self.axes_.T)

    def _scaled(self, values: Floats) -> Floats:
        scaled: Floats = (values - self.mean_)[:, self.kept_] / self.scale_
        return scaled


class HourlyBinnedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One regressor for each hour of the day.

    regressor   any scikit-learn regressor; None means gradient boosting
    hour        the column that holds the hour of the day (0 to 24, fractions allowed: 13.5 is in the bin of 13)
    weather     columns by block, each block replaced by `components` principal components: {"temperature": [1, 2]}
    components  per block

    After `fit`: `regressors_` by hour, `hours_`, `rows_` (training rows of each hour). An hour that training hardly
    saw is answered by a regressor fitted on all rows.
    """

    def __init__(
        self,
        regressor: Any = None,
        hour: int = 0,
        weather: Mapping[str, Sequence[int]] | None = None,
        components: int = 2,
    ) -> None:
        self.regressor = regressor
        self.hour = hour
        self.weather = weather
        self.components = components

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit on a table (row, column) and its target (row,); NaN is refused."""
        checked = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        table, truth = np.asarray(checked[0], dtype=np.float64), np.asarray(checked[1])
        self._check_columns(table.shape[1])
        made = default_regressor() if self.regressor is None else self.regressor
        bins = self._bins(table)
        self.hours_, self.rows_ = np.unique(bins, return_counts=True)
        self.components_, self.regressors_ = {}, {}
        rich = self.hours_[self.rows_ >= LEAST_ROWS].tolist()
        # the model of all rows answers hours that training hardly saw; with 24 rich hours nothing is left for it
        for hour in rich if len(rich) == 24 else [*rich, None]:
            rows = slice(None) if hour is None else bins == hour
            self.components_[hour] = [
                WeatherComponents(self.components).fit(table[rows][:, list(block)])
                for block in (self.weather or {}).values()
            ]
            self.regressors_[hour] = clone(made).fit(self._features(table[rows], hour), truth[rows])
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """(row, column) -> (row,), in the order of the rows."""
        check_is_fitted(self)
        table = np.asarray(validate_data(self, X, dtype=np.float64, reset=False), dtype=np.float64)
        bins, answer = self._bins(table), np.empty(len(table))
        for hour in np.unique(bins):
            rows = bins == hour
            key = hour if hour in self.regressors_ else None
            answer[rows] = self.regressors_[key].predict(self._features(table[rows], key))
        return answer

    def _features(self, X: Floats, hour: int | None) -> Floats:
        blocks = self.weather or {}
        used = {column for block in blocks.values() for column in block}
        plain = X[:, [column for column in range(X.shape[1]) if column not in used]]
        made = zip(self.components_[hour], blocks.values(), strict=True)
        return np.hstack([plain, *(part.transform(X[:, list(block)]) for part, block in made)])

    def _bins(self, X: Floats) -> NDArray[np.int64]:
        return np.floor(X[:, self.hour]).astype(np.int64) % 24

    def _check_columns(self, count: int) -> None:
        asked = {self.hour, *(column for block in (self.weather or {}).values() for column in block)}
        if beyond := sorted(column for column in asked if not 0 <= column < count):
            raise InputError(f"columns {beyond} are asked for, but the table has {count}: 0 to {count - 1}.")


def default_regressor(seed: int = 0) -> HistGradientBoostingRegressor:
    """Gradient boosting of shallow trees, slow and subsampled: an hour of the day has few rows."""
    return HistGradientBoostingRegressor(
        max_iter=200, learning_rate=0.06, max_leaf_nodes=12, min_samples_leaf=8, max_features=0.5, random_state=seed
    )
