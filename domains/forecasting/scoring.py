"""Backtests become the comparison table: errors of measured values only, beside coverage, width, CRPS and cost."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...shared.evaluation.comparison import Comparison, Contender, compare
from ...shared.evaluation.metrics import coverage, crps_from_quantiles, mape, rmse, seasonal_scale, width
from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .intervals import levels_of
from .load_model import Floats
from .registry import BASELINES
from .standing import scaled_errors


def compare_backtests(
    backtests: Mapping[str, Backtest], data: LoadData, parts: Parts, chosen: str, coverages: Sequence[float]
) -> Comparison:
    """Set all models side by side on the test part.

    One target is scored in its unit by MAE; several are first divided by the MAE of the weekly naive in training, and
    scored by MASE.
    """
    single = len(data.target_names) == 1
    scale = target_scale(data, parts)
    shown = np.ones_like(scale) if single else scale
    contenders = [
        Contender(
            name,
            validation=normalised_error(one.validation, data, parts) * (scale[0] if single else 1.0),
            errors=scaled_errors(one.test, data, parts.test_origins, shown),
            role="baseline" if name in BASELINES else "transformer" if one.model.is_transformer else "simple",
            others=_others(one, data, parts, coverages, shown),
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
    return float(scaled_errors(forecast, data, parts.validation_origins, target_scale(data, parts)).mean())


def target_scale(data: LoadData, parts: Parts) -> Floats:
    """Mean absolute change over a week in the train rows; (target,)."""
    season = min(7 * steps_a_day(data), (parts.train.stop - 1) // 2)
    return seasonal_scale(data.targets[parts.train], season, real=~data.filled[parts.train])


def _others(one: Backtest, data: LoadData, parts: Parts, coverages: Sequence[float], scale: Floats) -> dict[str, float]:
    truth, real = truth_at(data, parts.test_origins, one.test.shape[1])
    found = {"RMSE": rmse(truth / scale, one.test / scale, real)}
    if (truth[real] != 0).all():
        found["MAPE %"] = mape(truth, one.test, real)
    if not one.quantiles.size:  # a naive forecast beside a saved model has no interval
        return found
    quantiles = one.quantiles / scale[:, None]
    low, high = quantiles[..., 0], quantiles[..., -1]
    found["CRPS"] = crps_from_quantiles(truth / scale, quantiles, levels_of(coverages), real)
    found["coverage %"] = 100 * coverage(truth / scale, low, high, real)
    found["width"] = width(low, high, real)
    return found
