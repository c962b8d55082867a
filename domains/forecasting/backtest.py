"""Rolling-origin backtest: fit, choose on validation, refit, and forecast the test part as it would have been.

The parts follow each other in time. All forecasts start at the time of day at which the forecast after the last row
will start, so that what is measured is what will be used.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError
from .data import LoadData
from .features import steps_a_day
from .intervals import AdaptiveQuantiles, follow, own_distances
from .load_model import Floats, LoadModel, Rows, origins_in, unbridged


@dataclass(frozen=True)
class Parts:
    """Rows of each part and the origins of its forecasts."""

    train: slice
    validation: slice
    test: slice
    validation_origins: Rows
    test_origins: Rows


@dataclass
class Backtest:
    """What one model did."""

    model: LoadModel
    validation: Floats  # (origin, step, target), forecasts by the model fitted on train
    test: Floats  # (origin, step, target), forecasts by the model refitted on train and validation
    seconds_fit: float
    seconds_predict: float  # of the whole test part
    parameters: int
    # how far the model itself puts the edges of its intervals; (origin, step, target, coverage, side)
    validation_distance: Floats = field(default_factory=lambda: np.empty(0))
    test_distance: Floats = field(default_factory=lambda: np.empty(0))
    quantiles: Floats = field(default_factory=lambda: np.empty(0))  # (origin, step, target, level) on test, calibrated


def split_history(data: LoadData, horizon: int, needs: int, validation: float, test: float) -> Parts:
    """Cut history in train, validation and test, each of whole forecasts in step with the end of history.

    validation, test  their shares of history
    Raises InputError when a part would hold fewer than 7 forecasts or too little is left to train on.
    """
    stride = min(steps_a_day(data), horizon)
    phase = data.known % stride

    def start(share: float, stop: int) -> int:
        count = round(share * data.known / stride)
        return stop - (count - 1) * stride - horizon

    test_start = start(test, data.known)
    validation_start = start(validation, test_start)
    checking, testing = slice(validation_start, test_start), slice(test_start, data.known)
    if validation_start < 2 * horizon + steps_a_day(data):
        raise InputError(_too_short(data, "nothing is left to train on"))
    first, second = (unbridged(data, origins_in(rows, horizon, stride, phase, needs)) for rows in (checking, testing))
    if min(len(first), len(second)) < 7:
        raise InputError(_too_short(data, f"validation and test would hold {len(first)} and {len(second)} forecasts"))
    return Parts(slice(0, validation_start), checking, testing, first, second)


def _too_short(data: LoadData, why: str) -> str:
    return (
        f"{data.known} rows of {data.step} are too short a history: {why}, and at least 7 are needed in each to "
        "choose a model and to measure it; give a longer file, a shorter horizon, or larger shares validation and test."
    )


def run_backtest(model: LoadModel, data: LoadData, parts: Parts, coverages: Sequence[float]) -> Backtest:
    """Fit on train, forecast validation, refit on train and validation, forecast test."""
    started = time.perf_counter()
    model.fit(data, parts.train, parts.validation)
    validation = model.predict(data, parts.validation_origins)
    distance = own_distances(model, data, parts.validation_origins, validation, coverages)
    model.refit(data, slice(parts.train.start, parts.validation.stop))
    fitted = time.perf_counter()
    test = model.predict(data, parts.test_origins)
    spent = time.perf_counter() - fitted
    later = own_distances(model, data, parts.test_origins, test, coverages)
    return Backtest(model, validation, test, fitted - started, spent, model.parameters(), distance, later)


def calibrate(one: Backtest, data: LoadData, parts: Parts, coverages: Sequence[float]) -> AdaptiveQuantiles:
    """Intervals that know validation and test; `one` is given the quantiles of test, each before its truth."""
    steps, day = one.validation.shape[1], steps_a_day(data)
    # neighbouring steps share errors; a horizon of whole days ends where it begins on the clock
    intervals = AdaptiveQuantiles(steps, len(data.target_names), coverages, circular=steps % day == 0)
    truth, real = truth_at(data, parts.validation_origins, steps)
    for window in zip(truth, one.validation, one.validation_distance, real, strict=True):
        intervals.learn(*window)
    truth, real = truth_at(data, parts.test_origins, steps)
    one.quantiles = follow(intervals, truth, one.test, one.test_distance, real, delay=-(-steps // min(day, steps)))
    return intervals


def truth_at(data: LoadData, origins: Rows, horizon: int) -> tuple[Floats, NDArray[np.bool_]]:
    """True values and which of them were measured, not filled; (origin, step, target) each."""
    rows = origins[:, None] + np.arange(horizon)
    return data.targets[rows], ~data.filled[rows]
