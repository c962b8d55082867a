"""The work on one chunk of series: bridge gaps, choose each series' model, calibrate, score, forecast.

Nothing passes from one series to another but the shared map, so any chunk on any machine gives the same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr
from numpy.typing import NDArray

from ....shared.evaluation.conformal import pool_steps, scores_needed, split_conformal
from ....shared.reading.gaps import runs
from ....shared.reading.grid import say_duration, say_time
from ....shared.scale.chunks import Field, Layout, Result

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Choice = NDArray[np.int64]  # (series,) places in MODELS

MODELS = ("nlinear-ridge", "last-value", "seasonal-naive-day", "seasonal-naive-week")
ENOUGH_WINDOWS = 60  # forecasts from which a step's own errors are enough for its margin


@dataclass(frozen=True)
class ChunkForecast:
    """A callable that `shared.scale` maps over chunks (series, time); plain arrays only, so that it travels.

    Each series takes the model with the least mean absolute error over the forecasts that start at `validation`. Its
    margins are split conformal on the errors of forecasts there, step by step of the horizon; with fewer of them than
    that needs, they are `margin` times the series' scale, the mean change from one season to the next.
    """

    weight: Floats  # (lookback - 1, horizon)
    season: int  # steps of a day, or one where a step is a day or does not divide it
    coverage: float
    max_gap: int  # steps that are bridged by a straight line
    validation: tuple[int, ...]  # first steps of forecasts to choose and calibrate on
    test: tuple[int, ...] = ()  # first steps of forecasts to score
    margin: Floats = field(default_factory=lambda: np.empty(0))  # (horizon,) in units of the scale

    def __call__(self, chunk: xr.DataArray) -> Result:
        """Forecast what follows the chunk; the arrays are those of `forecast`."""
        values, filled, status = bridged(chunk, self.max_gap)
        kept = np.array([not reason for reason in status])
        made = self.forecast(values[kept], filled[kept])
        return Result({name: _among(block, kept) for name, block in made.items()}, status)

    def forecast(self, values: Floats, filled: Bools) -> dict[str, NDArray[Any]]:
        """Forecast what follows, and score the forecasts of `test` if there are any.

        values  (series, time), finite; filled of the same shape, True where a gap was bridged
        ->      point (series, step), forecast (series, step, quantile), model (series,), and with a test mase,
                mase_naive (the best naive on validation) and covered (share of truth inside), each (series,)
        """
        means, chosen, errors = self.choose(values, filled)
        scale = self.scale(values)
        margin = self.margins(errors, scale)
        point = self.by_model(chosen, values, lambda model, rows: self.ahead(values[rows], values.shape[1], model))
        made: dict[str, NDArray[Any]] = {
            "point": point.astype(np.float32),
            "forecast": np.stack([point - margin, point, point + margin], -1).astype(np.float32),
            "model": chosen.astype(np.int8),
        }
        if self.test:
            naive = means[1:].argmin(0) + 1
            tested, plain = (self.backtest(values, filled, self.test, by) for by in (chosen, naive))
            ours, naives = (_mean(*(part.sum(-1) for part in _sums(errors))) for errors in (tested, plain))
            inside = (tested <= margin[:, None]).sum((1, 2))
            with np.errstate(divide="ignore", invalid="ignore"):  # a series that repeats itself has the scale 0
                made["mase"] = (ours / scale).astype(np.float32)
                made["mase_naive"] = (naives / scale).astype(np.float32)
                made["covered"] = (inside / np.isfinite(tested).sum((1, 2))).astype(np.float32)
        return made

    def choose(self, values: Floats, filled: Bools) -> tuple[Floats, Choice, Floats]:
        """Mean error of each model on validation, the model with the least, and errors to calibrate on.

        Those of a forecast are errors of the model that the *other* forecasts choose: the least of several errors
        flatters itself. The first of equals wins, and the shared map where there is nothing to compare.

        ->  (model, series), (series,), (series, window, step)
        """
        series, windows = np.arange(len(values))[:, None], np.arange(len(self.validation))
        errors = np.empty((len(MODELS), len(series), len(windows), self.weight.shape[1]))
        for model in range(len(MODELS)):
            self._errors(values, filled, self.validation, model, out=errors[model])
        sums, counts = _sums(errors)
        total, count = sums.sum(-1), counts.sum(-1)
        means = _mean(total, count, np.inf)
        apart = _mean(total[..., None] - sums, count[..., None] - counts, np.inf).argmin(0)
        return means, means.argmin(0), errors[apart, series, windows]

    def scale(self, values: Floats) -> Floats:
        """Mean change over a season before the first validation forecast, by which MASE divides; (series,)."""
        past = values[:, : self.validation[0] if self.validation else None]
        return np.asarray(np.abs(past[:, self.season :] - past[:, : -self.season]).mean(1))

    def margins(self, errors: Floats, scale: Floats) -> Floats:
        """Half the width of the interval; errors as of `choose` (series, window, step) -> (series, step)."""
        windows, steps = errors.shape[1:]
        made = scale[:, None] * (self.margin if self.margin.size else np.full(steps, np.nan))
        own = np.isfinite(errors).sum(1).min(1, initial=windows) >= scores_needed(self.coverage)
        if own.any():
            # neighbouring steps lend their errors: few windows of their own make margins too wide, see `conformal`
            radius = int(windows < ENOUGH_WINDOWS and steps > 2)
            lent = pool_steps(errors[own].reshape(-1, steps), radius, circular=steps % self.season == 0)
            scores = lent.reshape(own.sum(), -1, steps).swapaxes(0, 1).reshape(-1, own.sum() * steps)
            real = np.isfinite(scores)
            made[own] = split_conformal(scores, 0 * scores, self.coverage, real=real).above.reshape(-1, steps)
        return made

    def backtest(self, values: Floats, filled: Bools, starts: tuple[int, ...], chosen: Choice) -> Floats:
        """Absolute errors of each series' own model; (series, window, step)."""
        return self.by_model(
            chosen, values, lambda model, rows: self._errors(values[rows], filled[rows], starts, model), len(starts)
        )

    def by_model(self, chosen: Choice, values: Floats, make: Callable[[int, Bools], Floats], *windows: int) -> Floats:
        """What `make(model, rows)` gives for the rows of each model, put together; (series, *windows, step)."""
        made = np.empty((len(values), *windows, self.weight.shape[1]))
        for model in np.unique(chosen):
            rows = chosen == model
            made[rows] = make(int(model), rows)
        return made

    def _errors(
        self, values: Floats, filled: Bools, starts: tuple[int, ...], model: int, out: Floats | None = None
    ) -> Floats:
        """Absolute errors of one model, NaN where the truth or the last value before it was bridged."""
        made = np.empty((len(values), len(starts), self.weight.shape[1])) if out is None else out
        bridges = filled.any()
        for window, start in enumerate(starts):
            truth = slice(start, start + self.weight.shape[1])
            np.subtract(self.ahead(values, start, model), values[:, truth], out=made[:, window])
            if bridges:
                made[:, window][filled[:, truth] | filled[:, start - 1 : start]] = np.nan
        return np.abs(made, out=made)

    def ahead(self, values: Floats, start: int, model: int) -> Floats:
        """What a model forecasts from the steps before `start`, NaN where it needs more; (series, step)."""
        horizon, last = self.weight.shape[1], values[:, start - 1 : start]
        if model == 0:  # (past - last) @ weight + last, without a copy of the past
            made = values[:, start - len(self.weight) - 1 : start - 1] @ self.weight
            made += last * (1 - self.weight.sum(0))
            return np.asarray(made)
        season = (1, self.season, 7 * self.season)[model - 1]
        if start < season:
            return np.full((len(values), horizon), np.nan)
        return np.asarray(values[:, start - season + np.arange(horizon) % season])


def forecast_layout(times: pd.DatetimeIndex, step: pd.Timedelta, horizon: int, coverage: float, scored: bool) -> Layout:
    """Labels of the forecast that follows `times`, and the arrays of `ChunkForecast.forecast`, with CF attributes."""
    levels = [(1 - coverage) / 2, 0.5, (1 + coverage) / 2]
    ahead = pd.date_range(times[-1] + step, periods=horizon, freq=step, unit="ns")
    reference = {"standard_name": "forecast_reference_time", "long_name": "last time that was known"}
    labels = xr.Dataset(
        coords={
            "time": (
                "time",
                ahead,
                {"standard_name": "time", "long_name": "time in UTC or as in the data", "axis": "T"},
            ),
            "quantile": ("quantile", np.round(levels, 12), {"long_name": "quantile level", "units": "1"}),
            "origin": ((), times[-1], reference),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": "Forecasts of many series",
            "source": "one shared linear map or a seasonal naive forecast, chosen for each series",
            "calibration": f"split conformal, made to hold {coverage:.0%} of the truth",
        },
    )
    flags = {"flag_values": np.arange(len(MODELS), dtype=np.int8), "flag_meanings": " ".join(MODELS)}
    ratio = {"units": "1"}
    scores = {
        "mase": Field((), "float32", {"long_name": "MASE of the chosen model on the test part", **ratio}),
        "mase_naive": Field((), "float32", {"long_name": "MASE of the best naive there", **ratio}),
        "covered": Field((), "float32", {"long_name": "share of the test part inside the interval", **ratio}),
    }
    fields = {
        "point": Field(("time",), "float32", {"long_name": "point forecast in the unit of the series"}),
        "forecast": Field(("time", "quantile"), "float32", {"long_name": "quantile of the forecast"}),
        "model": Field((), "int8", {"long_name": "model chosen for the series; -1: none", **flags}),
    }
    return Layout(labels, {**fields, **(scores if scored else {})})


def forecast_rows(results: xr.Dataset) -> pa.Table:
    """Lay forecasts out as rows of (series, time) with columns point, q0.05, ..., model and status."""
    series, steps = results["point"].shape

    def each(values: pa.Array) -> pa.Array:
        return values.dictionary_encode().take(pa.array(np.repeat(np.arange(series), steps)))

    columns = {
        "series": each(pa.array(results["series"].values.tolist(), pa.string())),
        "time": pa.array(np.tile(results["time"].values, series)),
        "point": pa.array(results["point"].values.ravel()),
        **{
            f"q{level:g}": pa.array(results["forecast"].values[..., i].ravel())
            for i, level in enumerate(results["quantile"].values)
        },
        "model": each(pa.array([*MODELS, None]).take(pa.array(results["model"].values % (len(MODELS) + 1)))),
        "status": each(pa.array(results["status"].values.tolist(), pa.string())),
    }
    return pa.table(columns)


def bridged(chunk: xr.DataArray, max_gap: int) -> tuple[Floats, Bools, list[str]]:
    """Values with short gaps bridged by a straight line, the cells that were, and why a series cannot be used.

    chunk  (series, time), NaN where missing  ->  (series, time), (series, time), (series,)
    """
    values = np.array(chunk.values, dtype=np.float64, order="C")
    missing = np.isnan(values)
    status = [""] * len(values)
    times = pd.DatetimeIndex(chunk["time"].values)
    doubtful = ~np.isfinite(values).all(1) | (values[:, :1] == values).all(1)
    for row in np.flatnonzero(doubtful):
        status[row] = _fault(values[row], missing[row], times, max_gap)
        if not status[row]:
            at, known = np.flatnonzero(missing[row]), np.flatnonzero(~missing[row])
            values[row, at] = np.interp(at, known, values[row, known])
    return values, missing, status


def _fault(values: Floats, missing: Bools, times: pd.DatetimeIndex, max_gap: int) -> str:
    known = values[~missing]
    if not len(known):
        return "it has no values"
    if (infinite := np.isinf(values)).any():
        return f"it is infinite at {say_time(times[infinite.argmax()])}"
    for start, length in runs(missing):
        if length > max_gap:
            ends = f"{say_time(times[start])} to {say_time(times[start + length - 1])}"
            span = say_duration(length * (times[1] - times[0]))
            return f"it has no values from {ends} ({length} steps, {span}; up to {max_gap} steps are bridged)"
    if (known == known[0]).all():
        return f"it is constant, always {known[0]:g}"
    return ""


def _among(block: NDArray[Any], kept: Bools) -> NDArray[Any]:
    """The rows of a block at the places that were kept; NaN or -1 between them."""
    whole = np.full((len(kept), *block.shape[1:]), np.nan if block.dtype.kind == "f" else -1, block.dtype)
    whole[kept] = block
    return whole


def _sums(errors: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Sum over steps that are real, and their number; (..., step) -> (...), (...)."""
    sums = errors.sum(-1)
    if not np.isnan(sums).any():
        return sums, np.full(sums.shape, errors.shape[-1])
    real = np.isfinite(errors)
    return np.where(real, errors, 0.0).sum(-1), real.sum(-1)


def _mean(sums: Floats, counts: NDArray[np.int64], without: float = np.nan) -> Floats:
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, without), where=counts > 0))
