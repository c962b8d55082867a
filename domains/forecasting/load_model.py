"""What every candidate for a load forecast promises: fit on a part, choose on the next, forecast from any origin."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .data import LoadData

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Saved(NamedTuple):
    """A fitted model as plain values and arrays."""

    config: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class LoadModel(Protocol):
    """A forecaster of all targets of a `LoadData`, `horizon` steps from an origin.

    The origin is the row of the first forecast step: targets and past covariates are known before it, future
    covariates to the end of the horizon. A model sees nothing else.

    A model may have quantiles of its own too: `quantiles(data, origins, levels)` -> (origin, horizon, target, level).
    """

    name: ClassVar[str]
    is_transformer: ClassVar[bool]

    @property
    def uses_covariates(self) -> bool:
        """Whether any covariate changes the forecast."""

    def needs(self, data: LoadData) -> int:
        """History rows that one forecast looks back on."""

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Learn from rows `train`; choose whatever is to be chosen on forecasts of the rows `validation`."""

    def refit(self, data: LoadData, rows: slice) -> None:
        """Learn again from other rows with everything chosen by `fit`."""

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """Forecast in the units of the data; origins (origin,) -> (origin, horizon, target)."""

    def parameters(self) -> int:
        """Numbers that were learnt."""

    def saved(self) -> Saved:
        """Everything `load` needs."""

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""


def origins_in(rows: slice, horizon: int, stride: int, phase: int, needs: int) -> Rows:
    """Origins whose whole horizon lies in the rows, `stride` apart and in step with row `phase`.

    At least `needs` rows lie before the first; -> (origin,), rising, empty when none fits.
    """
    first = max(rows.start, needs)
    first += (phase - first) % stride
    return np.arange(first, rows.stop - horizon + 1, stride, dtype=np.int64)


def unbridged(data: LoadData, origins: Rows) -> Rows:
    """Origins whose last row was measured: a gap filled across an origin has seen the value behind it."""
    return origins[~data.filled[origins - 1].any(axis=1)]


def gather(values: Floats, origins: Rows, start: int, stop: int) -> Floats:
    """Rows [origin + start, origin + stop) of each origin; (time, column) -> (origin, stop - start, column).

    Raises ValueError for a row before the first, which as a negative index would be one of the future.
    """
    if (origins + start < 0).any():
        raise ValueError(f"{-start} rows before row {origins.min()} begin before the first row.")
    view = np.lib.stride_tricks.sliding_window_view(values, stop - start, axis=0)
    return np.asarray(view[origins + start].swapaxes(1, 2))
