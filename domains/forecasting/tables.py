"""The table that regression models of load learn from: one row a forecast step, its inputs, its time of day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .data import LoadData
from .features import Rows, steps_a_day
from .load_scale import LoadScale
from .models.spline_ridge import SplineRidge
from .recent import days_remembered, recent_columns
from .surroundings import Columns, Surroundings, made, stacked


class Table(NamedTuple):
    """Inputs and keys of forecast steps."""

    columns: Columns  # (origin, step, column)
    keys: NDArray[np.int64]  # (origin, step), the time of day as a number of steps, plus whole days of the horizon

    def flat(self) -> "Table":
        """One row a step: (row, column), (row,)."""
        values = self.columns.values
        return Table(self.columns._replace(values=values.reshape(-1, values.shape[-1])), self.keys.ravel())


def time_of_day(data: LoadData) -> NDArray[np.int64]:
    """Steps since local midnight, which is what people live by in summer and in winter; (time,)."""
    local = data.local()
    minutes = (local.hour * 60 + local.minute).to_numpy(np.int64)
    return np.asarray(minutes // max(1, round(data.step.total_seconds() / 60)))


@dataclass
class LoadTable:
    """Makes the table for one target; learns the scale, and what the surroundings alone say about load."""

    horizon: int
    target: int
    weeks: int  # of load that one forecast looks back on
    scale: LoadScale = field(init=False)
    surroundings: Surroundings = field(init=False)
    alone: SplineRidge = field(init=False)  # load from the surroundings alone; how far it is off of late is an input

    def needs(self, data: LoadData) -> int:
        """History rows for the longest lag, with the memory of the weather before it."""
        day = steps_a_day(data)
        return (max(*days_remembered(day, self.horizon, self.weeks), 7) + 7) * day

    def fit(self, data: LoadData, rows: slice) -> Self:
        """Learn from training rows."""
        self.scale = LoadScale.fit(data.targets[rows, self.target])
        self.surroundings = Surroundings.fit(data, rows)
        around = self.surroundings.columns(data)
        known = np.arange(rows.start, rows.stop)
        truth = self.scale.encode(data.targets[known, self.target])
        self.alone = SplineRidge().fit(around.at(known), time_of_day(data)[known], truth)
        return self

    def table(self, data: LoadData, origins: Rows) -> Table:
        """Inputs of every step from each origin; raises ValueError for an origin with less history than it needs."""
        if (short := origins.min() - self.needs(data)) < 0:
            raise ValueError(f"{-short} rows before the first are asked for: the memory of an input begins before it.")
        around = self.surroundings.columns(data)
        clock = time_of_day(data)
        # rows beyond the given covariates are asked for nothing but their holidays
        given = np.flatnonzero(np.isfinite(around.values).all(1))
        expected = np.full(len(clock), np.nan)
        expected[given] = self.alone.predict(around.at(given), clock[given])
        load = self.scale.encode(data.targets[:, self.target])
        steps = origins[:, None] + np.arange(self.horizon)
        recent = recent_columns(data, load, load - expected, around, origins, self.horizon, self.weeks)
        columns = stacked(around.at(steps), made({"expected": expected[steps]}, "load"), recent)
        day = steps_a_day(data)
        return Table(columns, clock[steps] + np.arange(self.horizon) // day * day)

    def saved(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain values and arrays."""
        config = {"scale": self.scale.to_dict(), "surroundings": self.surroundings.to_dict()}
        return config, self.alone.to_arrays()

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become the table that was saved."""
        self.scale = LoadScale(**config["scale"])
        self.surroundings, self.alone = Surroundings.from_dict(config["surroundings"]), SplineRidge.from_arrays(arrays)
        return self
