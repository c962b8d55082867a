"""Scores of a forecast: point errors, quantile errors, interval coverage and width, and skill.

Every array is float64. `truth`, `forecast`, `low`, `high` share one shape, (window, step) or any other, and the score
is the mean over all of it; `along` gives the score of each step or each window. `real` has the shape of `truth` and
True means real: only those entries count. What it marks as real has to be finite, so a gap is said, never guessed.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Floats = NDArray[np.float64]


def mae(truth: ArrayLike, forecast: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean absolute error, in the unit of the data."""
    truth, forecast = _real_only(real, truth=truth, forecast=forecast)
    return float(np.abs(truth - forecast).mean())


def mse(truth: ArrayLike, forecast: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean squared error, in the squared unit of the data."""
    truth, forecast = _real_only(real, truth=truth, forecast=forecast)
    return float(np.square(truth - forecast).mean())


def rmse(truth: ArrayLike, forecast: ArrayLike, real: ArrayLike | None = None) -> float:
    """Root of the mean squared error, in the unit of the data."""
    return math.sqrt(mse(truth, forecast, real))


def mape(truth: ArrayLike, forecast: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean of |truth - forecast| / |truth|, in percent.

    Raises InputError where a real truth is zero: the score does not exist there.
    """
    truth, forecast = _real_only(real, truth=truth, forecast=forecast)
    if zeros := int((truth == 0).sum()):
        raise InputError(
            f"MAPE is not defined: {zeros} of {truth.size} true values are zero; use smape, mase or mae, or mask them."
        )
    return float(100 * np.abs((truth - forecast) / truth).mean())


def smape(truth: ArrayLike, forecast: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean of 2 |truth - forecast| / (|truth| + |forecast|), in percent from 0 to 200 (Makridakis 1993).

    Where both are zero the forecast is right and the term is 0.
    """
    truth, forecast = _real_only(real, truth=truth, forecast=forecast)
    size = np.abs(truth) + np.abs(forecast)
    return float(200 * np.divide(np.abs(truth - forecast), size, out=np.zeros_like(size), where=size > 0).mean())


def seasonal_scale(history: ArrayLike, season: int, real: ArrayLike | None = None) -> Floats:
    """Mean |y(t) - y(t - season)| over the training part: what `mase` divides by (Hyndman & Koehler 2006).

    history  (time,) or (time, series)
    ->       () or (series,); pairs with an entry that is not real are left out
    Raises InputError when the history is not longer than a season, or repeats itself exactly (the scale is zero).
    """
    history = np.asarray(history, dtype=np.float64)
    kept = np.ones(history.shape, dtype=bool) if real is None else np.asarray(real, dtype=bool)
    if not 1 <= season < len(history):
        raise InputError(f"a season of {season} steps needs a longer history than {len(history)} steps to scale by.")
    if not np.isfinite(history[kept]).all():
        raise InputError("the history has values that are not finite; mark them as not real (real=np.isfinite(...)).")
    change = np.where(kept[season:] & kept[:-season], np.abs(history[season:] - history[:-season]), np.nan)
    count = np.isfinite(change).sum(0)
    scale = np.nansum(change, 0) / np.maximum(count, 1)
    if not (scale > 0).all():
        raise InputError(
            f"the history repeats itself exactly every {season} steps (or has no real pair that far apart), "
            "so MASE has no scale; use mae, or another season."
        )
    return np.asarray(scale, dtype=np.float64)


def mase(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean absolute error over the error of the seasonal naive forecast in training; below 1 is better than it.

    scale  `seasonal_scale` of the training part: () for one series, (series,) when the last axis of truth is series
    """
    scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), np.shape(truth))
    if not (scale > 0).all():
        raise InputError("the scale of MASE must be above zero; take it from seasonal_scale(training, season).")
    truth, forecast, scale = _real_only(real, truth=truth, forecast=forecast, scale=scale)
    return float((np.abs(truth - forecast) / scale).mean())


def pinball(truth: ArrayLike, quantile: ArrayLike, level: float, real: ArrayLike | None = None) -> float:
    """Mean of max(level e, (level - 1) e), e = truth - quantile (Koenker & Bassett 1978), in the unit of the data.

    Smallest where `quantile` is the true quantile at `level`; at level 0.5 it is half the absolute error.
    """
    if not 0 < level < 1:
        raise InputError(f"a quantile level lies between 0 and 1, not {level}.")
    truth, quantile = _real_only(real, truth=truth, quantile=quantile)
    error = truth - quantile
    return float(np.maximum(level * error, (level - 1) * error).mean())


def crps_from_quantiles(
    truth: ArrayLike, quantiles: ArrayLike, levels: Sequence[float], real: ArrayLike | None = None
) -> float:
    """Continuous ranked probability score from quantiles, in the unit of the data (Gneiting & Ranjan 2011, eq. 14).

    truth      (...)
    quantiles  (..., level)
    The score is twice the integral of the pinball error over the levels 0 to 1; here twice the plain mean over
    `levels`: the midpoint rule, so the levels should be (i - 1/2) / n, i = 1..n, or at least evenly spread.
    """
    quantiles = np.asarray(quantiles, dtype=np.float64)
    if quantiles.shape != (*np.shape(truth), len(levels)) or not len(levels):
        raise InputError(
            f"quantiles of shape {quantiles.shape} do not fit {len(levels)} levels of a truth of shape "
            f"{np.shape(truth)}; the last axis is the level."
        )
    return float(2 * np.mean([pinball(truth, quantiles[..., i], level, real) for i, level in enumerate(levels)]))


def coverage(truth: ArrayLike, low: ArrayLike, high: ArrayLike, real: ArrayLike | None = None) -> float:
    """Share of the real truth within [low, high], from 0 to 1."""
    truth, low, high = _real_only(real, truth=truth, low=low, high=high)
    return float(((low <= truth) & (truth <= high)).mean())


def width(low: ArrayLike, high: ArrayLike, real: ArrayLike | None = None) -> float:
    """Mean of high - low, in the unit of the data."""
    low, high = _real_only(real, low=low, high=high)
    return float((high - low).mean())


def skill(error: float, reference: float) -> float:
    """1 - error / reference: 1 is perfect, 0 is no better than the reference, negative is worse.

    Raises InputError for a reference without error: nothing can be better than it.
    """
    if not reference > 0:
        raise InputError(f"skill needs a reference with an error above zero, not {reference}.")
    return 1 - error / reference


def along(axis: int, metric: Callable[..., float], *arrays: ArrayLike, real: ArrayLike | None = None) -> Floats:
    """Score each entry of one axis by itself: `along(1, mae, truth, forecast)` of (window, step) is (step,).

    Further arguments of a metric are bound first: `along(1, partial(pinball, level=0.9), truth, quantile)`.
    """
    parts = [np.moveaxis(np.asarray(array), axis, 0) for array in arrays]
    kept = np.ones(parts[0].shape, dtype=bool) if real is None else np.moveaxis(np.asarray(real), axis, 0)
    return np.array([metric(*part, real=mask) for *part, mask in zip(*parts, kept, strict=True)], dtype=np.float64)


def _real_only(real: ArrayLike | None, **arrays: ArrayLike) -> tuple[Floats, ...]:
    """The real entries of arrays of one shape, flat; refuses what does not fit or is not finite."""
    found = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    first, *_ = found
    shape = found[first].shape
    kept = np.ones(shape, dtype=bool) if real is None else np.asarray(real, dtype=bool)
    for name, array in {**found, "real": kept}.items():
        if array.shape != shape:
            raise InputError(f"{name} has the shape {array.shape} and {first} has {shape}; they must be the same.")
    if not kept.any():
        raise InputError(f"nothing to score: {first} of shape {shape} has no real value.")
    chosen = {name: array[kept] for name, array in found.items()}
    for name, array in chosen.items():
        if bad := int((~np.isfinite(array)).sum()):
            raise InputError(
                f"{bad} of {array.size} values of {name} are not finite; "
                "fill them, or mark them as not real (real=np.isfinite(...))."
            )
    return tuple(chosen.values())
