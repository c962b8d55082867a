"""What a forecast must obey, checked on the user's own data and shown in the report."""

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...shared.evaluation.check import Check
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats

if TYPE_CHECKING:
    from .predictor import LoadForecaster

STRETCH_DAYS = 60  # fitted on beside what the model looks back on, where history has so many


def run_checks(forecaster: "LoadForecaster") -> list[Check]:
    """All checks of a fitted forecaster, on the last forecast of its test part."""
    data, origin = forecaster.data_, int(forecaster.parts_.test_origins[-1])
    return [
        no_look_ahead(forecaster, data, origin),
        quantiles_rise(forecaster),
        follows_units(forecaster, data, origin),
    ]


def no_look_ahead(forecaster: "LoadForecaster", data: LoadData, origin: int) -> Check:
    """Whatever is written over load and past covariates from the origin on, the forecast stays the same."""
    before = _forecast(forecaster, data, origin)
    noise = np.random.default_rng(0)
    changed = replace(
        data, targets=_overwritten(data.targets, origin, noise), past=_overwritten(data.past, origin, noise)
    )
    difference = float(np.abs(_forecast(forecaster, changed, origin) - before).max())
    return Check(
        "no look-ahead: changing the future changes nothing", difference == 0.0, f"largest change {difference:g}"
    )


def quantiles_rise(forecaster: "LoadForecaster") -> Check:
    """A higher quantile is never below a lower one, at any step of the test part."""
    quantiles = forecaster.backtests_[forecaster.chosen_].quantiles
    least = float(np.diff(quantiles, axis=-1).min())
    return Check("quantiles do not cross", least >= 0.0, f"smallest distance between neighbours {least:.3g}")


def follows_units(forecaster: "LoadForecaster", data: LoadData, origin: int) -> Check:
    """Fitted on the last stretch before the test part in other units, the model forecasts the same load."""
    factor = 1e-3  # MW told as GW
    needs, day, stop = forecaster.model_.needs(data), steps_a_day(data), forecaster.parts_.test.start
    start = max(0, stop - 4 * needs - STRETCH_DAYS * day)
    train, validation = slice(start, stop - STRETCH_DAYS * day // 4), slice(stop - STRETCH_DAYS * day // 4, stop)
    found = []
    for told in (data, replace(data, targets=data.targets * factor)):
        model = deepcopy(forecaster.model_)
        model.fit(told, train, validation)
        found.append(model.predict(told, np.array([origin])))
    relative = float(np.abs(found[1] / factor - found[0]).max() / np.abs(data.targets[train]).mean())
    return Check(
        "other units give the same forecast",
        relative < 0.01,
        f"largest difference over {forecaster.horizon_} steps {relative:.2g} of the mean load",
    )


def _forecast(forecaster: "LoadForecaster", data: LoadData, origin: int) -> Floats:
    return forecaster.model_.predict(data, np.array([origin]))


def _overwritten(values: Floats, row: int, noise: np.random.Generator) -> Floats:
    changed = values.copy()
    changed[row:] = noise.normal(size=changed[row:].shape) * 1e3
    return changed
