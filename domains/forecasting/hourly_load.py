"""Hourly-binned boosting for load: one ensemble of trees for each hour of the day, on what is known at the origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...shared.datasets.scaler import StandardScaler
from ...shared.errors import InputError
from .data import LoadData
from .features import (
    Columns,
    calendar_columns,
    flag_columns,
    joined,
    load_columns,
    past_columns,
    rows_needed,
    steps_a_day,
    weather_columns,
)
from .load_model import Floats, Rows, Saved, origins_in
from .models.hourly import HourlyBinnedRegressor, WeatherComponents, default_regressor
from .models.trees import Trees

MOST_COMPONENTS = 4  # weather columns beyond so many are brought down to principal components


@dataclass
class HourlyBoosting:
    """One regressor a target and an hour of the day.

    Any scikit-learn regressor may be given; only the default, gradient boosting, can be saved, since what it learnt
    is plain arrays.
    """

    horizon: int
    regressor: Any = None
    seed: int = 0
    scaler: StandardScaler = field(init=False)
    weather: WeatherComponents = field(init=False)
    flags: tuple[int, ...] = field(init=False)  # columns of the future covariates that are only ever 0 or 1
    fitted: list[dict[int | None, Any]] = field(init=False)  # by target, then by hour; None answers unseen hours
    feature_names: tuple[str, ...] = field(default=(), init=False)
    name: ClassVar[str] = "hourly-boosting"
    is_transformer: ClassVar[bool] = False

    def needs(self, data: LoadData) -> int:
        """Four weeks, or the first whole days that are known over the horizon."""
        return rows_needed(steps_a_day(data), self.horizon)

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Fit on forecasts that start at the same time of day as the last one will; nothing is chosen on validation."""
        self.refit(data, train)

    def refit(self, data: LoadData, rows: slice) -> None:
        """Fit on all forecasts whose horizon lies in the rows."""
        day = steps_a_day(data)
        origins = origins_in(rows, self.horizon, min(day, self.horizon), data.known % day, self.needs(data))
        if len(origins) < 14:
            raise InputError(
                f"{len(origins)} days to learn from are too few for a model of each hour of the day; give a longer "
                f"history, a shorter horizon, or leave {self.name} out of the models."
            )
        self.scaler = StandardScaler.fit(data.targets[rows])
        # columns that are only ever 0 or 1 are flags (holidays), the others weather; decided once, on these rows
        self.flags = tuple(np.flatnonzero(np.isin(data.future[rows], (0.0, 1.0)).all(0)).tolist())
        self.weather = WeatherComponents(MOST_COMPONENTS).fit(self._weather(data)[rows])
        truth = data.targets[origins[:, None] + np.arange(self.horizon)]
        self.fitted = []
        for target in range(len(data.target_names)):
            columns = self._columns(data, target, origins)
            self.feature_names = columns.names
            table = columns.values.reshape(-1, len(columns.names))
            hours = HourlyBinnedRegressor(
                default_regressor(self.seed) if self.regressor is None else self.regressor,
                hour=columns.names.index("hour"),
            )
            hours.fit(table, (truth[..., target].ravel() - self.scaler.mean[target]) / self.scaler.scale[target])
            self.fitted.append({hour: _plain(model) for hour, model in hours.regressors_.items()})

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        answer = np.empty((len(origins), self.horizon, len(data.target_names)))
        for target, models in enumerate(self.fitted):
            columns = self._columns(data, target, origins)
            table = columns.values.reshape(-1, len(columns.names))
            bins = np.floor(table[:, columns.names.index("hour")]).astype(np.int64)
            scaled = np.empty(len(table))
            for hour in np.unique(bins):
                rows = bins == hour
                scaled[rows] = models.get(int(hour), models.get(None)).predict(table[rows])  # type: ignore[union-attr]
            answer[..., target] = scaled.reshape(answer.shape[:2])
        return self.scaler.decode(answer)

    def parameters(self) -> int:
        """Splits and leaf values of all trees; -1 for a regressor that does not tell."""
        models = [model for by_hour in self.fitted for model in by_hour.values()]
        return sum(len(model.value) for model in models) if all(isinstance(m, Trees) for m in models) else -1

    def saved(self) -> Saved:
        """All trees as arrays; raises InputError for a regressor that only a pickle could hold."""
        arrays: dict[str, NDArray[Any]] = {}
        for target, by_hour in enumerate(self.fitted):
            for hour, model in by_hour.items():
                if not isinstance(model, Trees):
                    raise InputError(
                        f"a {type(model).__name__} cannot be saved without a pickle, which this suite never writes; "
                        "use the default regressor to save the model."
                    )
                arrays |= model.to_arrays(f"{target}.{'any' if hour is None else hour}")
        arrays |= {f"weather.{name}": array for name, array in self.weather.to_arrays().items()}
        config = {"scaler": self.scaler.to_dict(), "features": list(self.feature_names), "flags": list(self.flags)}
        return Saved(config, arrays)

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""
        self.scaler, self.feature_names = StandardScaler.from_dict(config["scaler"]), tuple(config["features"])
        self.flags = tuple(config["flags"])
        weather = {
            name.removeprefix("weather."): array for name, array in arrays.items() if name.startswith("weather.")
        }
        self.weather = WeatherComponents.from_arrays(weather)
        keys = {tuple(name.split(".")[:2]) for name in arrays if not name.startswith("weather.")}
        self.fitted = [{} for _ in {target for target, _ in keys}]
        for target, hour in keys:
            found = Trees.from_arrays(f"{target}.{hour}", arrays)
            self.fitted[int(target)][None if hour == "any" else int(hour)] = found

    def _columns(self, data: LoadData, target: int, origins: Rows) -> Columns:
        components = self.weather.transform(self._weather(data))
        names = tuple(f"weather_{index + 1}" for index in range(components.shape[1]))
        return joined(
            load_columns(data, target, origins, self.horizon),
            past_columns(data, origins, self.horizon),
            calendar_columns(data, origins, self.horizon),
            weather_columns(data, components, names, origins, self.horizon),
            flag_columns(data, self.flags, origins, self.horizon),
        )

    def _weather(self, data: LoadData) -> Floats:
        return np.delete(data.future, self.flags, axis=1)


def _plain(model: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return Trees.of(model) if type(model) is HistGradientBoostingRegressor else model
