"""Backtests become the comparison table: errors of measured values only, beside coverage, width, CRPS and cost."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...shared.evaluation.comparison import Comparison, Contender, compare
from ...shared.evaluation.metrics import coverage, crps_from_quantiles, mape, rmse, seasonal_scale, width
from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, Rows
from .registry import BASELINES


def compare_backtests(
    backtests: Mapping[str, Backtest], data: LoadData, parts: Parts, chosen: str, coverages: Sequence[float]
) -> Comparison:
    """Set all models side by side on the test part.

    One target is scored by MAE in its unit; several by MAE over that of the weekly naive in training (MASE).
    """
    single = len(data.target_names) == 1
    scale = target_scale(data, parts)
    contenders = [
        Contender(
            name,
            validation=normalised_error(one.validation, data, parts) * (scale[0] if single else 1.0),
            errors=_by_window(one.test, data, parts.test_origins, np.ones_like(scale) if single else scale),
            role="baseline" if name in BASELINES else "transformer" if one.model.is_transformer else "simple",
            others=_others(one, data, parts, coverages),
            seconds_fit=one.seconds_fit,
            seconds_predict=one.seconds_predict,
            parameters=one.parameters if one.parameters >= 0 else None,
        )
        for name, one in backtests.items()
    ]
    unit = data.units.get(data.target_names[0], "") if single else ""
    return compare(contenders, "MAE" if single else "MASE", unit, chosen=chosen)


def normalised_error(forecast: Floats, data: LoadData, parts: Parts) -> float:
    """Mean over targets of MAE / MAE of the weekly naive in training, on the validation part."""
    return float(_by_window(forecast, data, parts.validation_origins, target_scale(data, parts)).mean())


def target_scale(data: LoadData, parts: Parts) -> Floats:
    """Mean absolute change over a week in the train rows; (target,)."""
    season = min(7 * steps_a_day(data), (parts.train.stop - 1) // 2)
    return seasonal_scale(data.targets[parts.train], season, real=~data.filled[parts.train])


def _by_window(forecast: Floats, data: LoadData, origins: Rows, scale: Floats) -> Floats:
    """Mean absolute error over measured steps and targets of each forecast; forecasts with none are left out."""
    truth, real = truth_at(data, origins, forecast.shape[1])
    error, count = np.where(real, np.abs(forecast - truth) / scale, 0.0), real.sum((1, 2))
    return np.asarray((error.sum((1, 2)) / np.maximum(count, 1))[count > 0])


def _others(one: Backtest, data: LoadData, parts: Parts, coverages: Sequence[float]) -> dict[str, float]:
    truth, real = truth_at(data, parts.test_origins, one.test.shape[1])
    outer = one.margins[..., -1]
    found = {"RMSE": rmse(truth, one.test, real)}
    if (truth[real] != 0).all():
        found["MAPE %"] = mape(truth, one.test, real)
    if np.isnan(outer).all():  # a naive forecast beside a saved model has no interval
        return found
    point = one.test[..., None]
    edges = np.concatenate([point - one.margins[..., ::-1], point, point + one.margins], axis=-1)
    levels = [*((1 - c) / 2 for c in reversed(coverages)), 0.5, *((1 + c) / 2 for c in coverages)]
    found["CRPS"] = crps_from_quantiles(truth, edges, levels, real)
    found["coverage %"] = 100 * coverage(truth, one.test - outer, one.test + outer, real)
    found["width"] = width(one.test - outer, one.test + outer, real)
    return found
