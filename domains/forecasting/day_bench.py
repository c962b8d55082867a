"""Day-ahead load with known weather on real files: every model on one split, rows for the bench.

The true temperature stands in for the weather forecast, as in the studies of these files, so errors are a lower bound
of those in use. Everything is chosen on the stretch before the test year, which is scored once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...shared.datasets.catalogue import locate
from ...shared.evaluation.bootstrap import mean_interval
from ...shared.evaluation.metrics import coverage, crps_from_quantiles, rmse
from .backtest import Backtest, truth_at
from .data import read_load
from .features import steps_a_day
from .intervals import levels_of
from .load_model import Floats
from .predictor import LoadForecaster
from .registry import DEFAULT

MODELS = tuple(name for name in DEFAULT if name != "itransformer")  # which takes longer than all others together


@dataclass(frozen=True)
class DayCase:
    """A file, how it is read, and the local days at which validation and test begin and test ends."""

    name: str
    entry: str  # of the catalogue
    reading: Mapping[str, Any]
    validation_from: str
    test_from: str
    test_until: str  # first day after it
    holidays: str | None = None
    note: str = field(default="the true temperature stands in for the weather forecast")


DAY_CASES = {
    "vic": DayCase(
        "vic",
        "vic-electricity",
        {
            "targets": "Demand",
            "time": "Time",
            "future_covariates": ("Temperature", "Holiday"),
            "zone": "Australia/Melbourne",
        },
        "2013-10-01",
        "2014-01-01",
        "2015-01-01",
    ),
    "gefcom": DayCase(
        "gefcom",
        "gefcom2014-e",
        {"targets": "load", "time": ("Date", "Hour"), "future_covariates": "T"},
        "2013-01-01",
        "2014-01-01",
        "2015-01-01",
        holidays="US",
    ),
}


def day_rows(
    case: DayCase, models: Sequence[str] = MODELS, seed: int = 0, progress: bool = False
) -> list[dict[str, Any]]:
    """Fit all models, test each once; -> one row a model and metric: MAPE, MAE, RMSE, CRPS and coverage."""
    data = read_load(locate(case.entry), **case.reading)
    day = steps_a_day(data)

    def share(first: str, after: str) -> float:
        return float((pd.Timestamp(after) - pd.Timestamp(first)).days * day / data.known)

    made = LoadForecaster(
        models,
        validation=share(case.validation_from, case.test_from),
        test=share(case.test_from, case.test_until),
        seed=seed,
        progress=progress,
    ).fit(data, holidays=case.holidays)
    return [row for name, one in made.backtests_.items() for row in _rows(case, made, name, one)]


def _rows(case: DayCase, made: LoadForecaster, name: str, one: Backtest) -> list[dict[str, Any]]:
    origins, steps = made.parts_.test_origins, made.horizon_
    truth, real = truth_at(made.data_, origins, steps)
    error = np.where(real, np.abs(one.test - truth), np.nan)
    low, high = one.quantiles[..., 0], one.quantiles[..., -1]
    hours = made.data_.local().hour.to_numpy()[origins[:, None] + np.arange(steps)]
    inside = np.where(real, (low <= truth) & (truth <= high), np.nan)[..., 0]
    by_hour = [float(np.nanmean(inside[hours == hour])) * 100 for hour in np.unique(hours)]
    levels = levels_of(made.coverages_)
    by_day: dict[str, Callable[[], Floats]] = {
        "mape": lambda: np.nanmean(100 * error / np.abs(truth), axis=(1, 2)),
        "mae": lambda: np.nanmean(error, axis=(1, 2)),
    }
    single = {
        "rmse": rmse(truth, one.test, real),
        "crps": crps_from_quantiles(truth, one.quantiles, levels, real),
        "coverage": 100 * coverage(truth, low, high, real),
    }
    about = {
        "case": case.name,
        "model": name,
        "lookback": None,
        "horizon": steps,
        "setting": f"test {case.test_from} to {case.test_until}, {len(origins)} days; {case.note}",
        "chosen": name == made.chosen_,
        "paper": None,
        "seconds_fit": one.seconds_fit,
        "seconds_predict": one.seconds_predict,
        "parameters": one.parameters,
    }
    rows = [{**about, "metric": metric, **mean_interval(values())._asdict()} for metric, values in by_day.items()]
    rows += [{**about, "metric": metric, "value": value, "low": None, "high": None} for metric, value in single.items()]
    rows[-1]["by_hour"] = by_hour
    if hasattr(one.model, "shares"):
        rows[0]["choice"] = one.model.shares()
    return rows
