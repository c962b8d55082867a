"""Score a saved forecaster on newer rows, beside the naive forecasts of the same days; never on its own history."""

import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Comparison
from .backtest import Backtest, Parts
from .data import LoadData
from .features import steps_a_day
from .intervals import edges, own_distances
from .load_model import LoadModel, origins_in, unbridged
from .registry import BASELINES, Size, load_model
from .scoring import compare_backtests
from .standing import start_phase

if TYPE_CHECKING:
    from .predictor import LoadForecaster


def evaluate_on(forecaster: "LoadForecaster", data: LoadData) -> Comparison:
    """Forecast day after day from each origin later than the model's own history, with its own interval.

    Raises InputError when fewer than 7 such forecasts fit in the file: scores on training rows say nothing.
    """
    steps, day = forecaster.horizon_, steps_a_day(data)
    models: list[LoadModel] = [*(load_model(name, Size(steps)) for name in BASELINES), forecaster.model_]
    models = list({model.name: model for model in models}.values())
    needs = max(model.needs(data) for model in models)
    fitted_until = pd.Timestamp(forecaster.layout_.fitted_until)
    fresh = int(data.times.searchsorted(fitted_until, side="right"))
    rows = slice(fresh, data.known)
    origins = unbridged(data, origins_in(rows, steps, min(day, steps), start_phase(forecaster, data), needs))
    if len(origins) < 7:
        raise InputError(
            f"{len(origins)} forecasts fit in the rows after {fitted_until:%Y-%m-%d %H:%M} UTC, the end of the history "
            f"this model was fitted on, with {needs} rows of history before them; at least 7 are needed, since scores "
            "on training rows say nothing. Give a file with newer rows."
        )
    # nothing is chosen here: the rows before the new ones only scale MASE
    start = int(origins[0])
    parts = Parts(slice(0, start), slice(start, start), slice(start, data.known), origins, origins)
    backtests = {}
    for model in models:
        started = time.perf_counter()
        forecast = model.predict(data, origins)
        spent = time.perf_counter() - started
        own = np.empty(0)
        if model is forecaster.model_:
            distance = own_distances(model, data, origins, forecast, forecaster.coverages_)
            own = edges(forecast, distance, forecaster.intervals_.factors())
        # nothing was fitted or chosen on these rows: no validation, and no time of fitting
        unknown = np.full_like(forecast, np.nan)
        backtests[model.name] = Backtest(model, unknown, forecast, np.nan, spent, model.parameters(), quantiles=own)
    return compare_backtests(backtests, data, parts, forecaster.chosen_, forecaster.coverages_)
