"""A year-ahead forecast set beside what any analyst would try first, on a year that nobody was fitted on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.evaluation.comparison import Comparison, Contender, Role, compare
from ....shared.evaluation.metrics import coverage, crps_from_quantiles, mae, rmse, width
from ..data import LoadData
from ..models.spline_ridge import SplineRidge
from ..regression_load import Learner
from ..surroundings import Columns, Floats, made, stacked
from ..tables import time_of_day
from .members import points_of
from .predictor import BLEND, YearLoad

Rows = NDArray[np.int64]
BASELINES = ("same-hour-of-last-year", "mean-of-month-and-day-off", "degree-ridge")  # what stands beside every model


@dataclass(frozen=True)
class YearTest:
    """A test year: what was forecast, by whom, and how it compares."""

    rows: Rows  # (row,), those with a measured load
    truth: Floats  # (row,), in the unit of the load
    points: dict[str, Floats]  # (row,), by model
    forecast: xr.Dataset  # of the model in use, at these rows
    weights: dict[str, float]  # of the members in the model in use
    comparison: Comparison


def split_years(data: LoadData) -> tuple[slice, slice]:
    """Train and test rows: the last year up to the last load is the test year, all before it is for training."""
    end = data.local()[data.known - 1].tz_localize(None)
    start = data.times[data.known - 1] - (end - (end - pd.DateOffset(years=1)))
    first = int(data.times.searchsorted(start, side="right"))
    return slice(0, first), slice(first, data.known)


def same_hour(data: LoadData, train: Rows, test: Rows) -> Floats:
    """The load at the same date and time of day in the latest training year, of the nearest date where it lacks."""
    local, clock = data.local(), time_of_day(data)
    day = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])[local.month - 1] + local.day - 1
    grid = np.full((366, clock.max() + 1), np.nan)
    grid[day[train], clock[train]] = data.targets[train, 0]  # later years overwrite earlier ones
    nearest = pd.DataFrame(grid).ffill().bfill().to_numpy()
    return np.asarray(nearest[day[test], clock[test]], np.float64)


def mean_of_kind(data: LoadData, day_off: Floats, train: Rows, test: Rows) -> Floats:
    """The mean load of the month, kind of day (at work or off) and time of day in training."""
    table = pd.DataFrame({"month": data.local().month, "off": day_off, "clock": time_of_day(data)})
    known = table.iloc[train].assign(load=data.targets[train, 0])
    wanted = table.iloc[test]
    answer = pd.Series(np.nan, wanted.index)
    for keys in (["month", "off", "clock"], ["off", "clock"], ["clock"]):
        means = known.groupby(keys, as_index=False)["load"].mean()
        answer = answer.fillna(wanted.merge(means, "left", keys).set_axis(wanted.index)["load"])
    return np.asarray(answer, np.float64)


def degree_columns(model: YearLoad, data: LoadData, columns: Columns) -> Columns:
    """Weekday, holidays, season and each kind of weather with what it exceeds or lacks of the training quantiles."""
    found: dict[str, Floats] = {}
    for group in model.inputs_.surroundings.groups:
        mean = data.future[:, group.columns].mean(1)
        found |= {
            group.name: mean,
            f"{group.name} above": np.maximum(mean - group.high, 0.0),
            f"{group.name} below": np.maximum(group.low - mean, 0.0),
        }
    plain = columns.of("onehot", "flag", "season")
    return stacked(plain, made(found, "product")) if found else plain


def compare_year(model: YearLoad, data: LoadData, rows: slice) -> YearTest:
    """Score a fitted forecaster, its members and the baselines on rows it was not fitted on; sets its `comparison_`.

    The metric is the mean over days, MAPE where the load is positive. Raises InputError when the rows were fitted on.
    """
    train, test = model.fitted_rows(data), np.arange(len(data.times))[rows]
    if np.intersect1d(train, test).size:
        raise InputError("the rows to score are among those the model was fitted on; scores there say nothing.")
    train, test = train[~data.filled[train, 0]], test[~data.filled[test, 0]]
    truth = data.targets[test, 0]
    forecasts = _forecasts(model, data, train, test)
    started = time.perf_counter()
    dataset = model.predict(data, rows).isel(time=test - test[0])
    spent = time.perf_counter() - started
    points, contenders = {}, []
    days = np.asarray(data.local()[test].tz_localize(None).normalize())
    for name, (role, forecast, seconds_fit, parameters) in forecasts.items():
        started = time.perf_counter()
        points[name] = point = forecast()
        contenders.append(
            Contender(
                name,
                model.validation_.get(name, float("nan")),
                _by_day(model.metric_, truth, point, days),
                role,
                _others(model, truth, point, dataset if name == model.chosen_ else None),
                seconds_fit,
                spent if name == BLEND else time.perf_counter() - started,
                parameters,
            )
        )
    unit = "%" if model.metric_ == "MAPE" else model.layout_.unit
    model.comparison_ = compare(contenders, model.metric_, unit, chosen=model.chosen_)
    return YearTest(test, truth, points, dataset, model.weights_, model.comparison_)


def fit_and_test(model: YearLoad, data: LoadData) -> tuple[YearLoad, YearTest]:
    """Fit on all but the last year, score on it, then fit again on everything; -> the last fit, what the first showed.

    Raises InputError when history holds less than a year before the last one.
    """
    train, test = split_years(data)
    found = compare_year(model.fit(data, train), data, test)
    return model.again().fit(data), found


def _forecasts(
    model: YearLoad, data: LoadData, train: Rows, test: Rows
) -> dict[str, tuple[Role, Callable[[], Floats], float, int]]:
    """Role, forecast in the unit of the load, seconds to fit and parameters, by model."""
    wide = model.prepared(data)
    table, scale = model.inputs_.table(wide), model.inputs_.scale
    keys, names = table.keys, table.columns.names
    off = table.columns.named("day_off") if "day_off" in names else np.zeros(len(data.times))
    degrees = degree_columns(model, wide, table.columns)
    started = time.perf_counter()
    ridge = SplineRidge().fit(degrees.at(train), keys[train], scale.encode(data.targets[train, 0]))
    spent = time.perf_counter() - started
    weights = np.array(list(model.blend_weights_.values()))

    def of(learner: Learner, columns: Columns) -> Callable[[], Floats]:
        return lambda: scale.decode(learner.predict(columns.at(test), keys[test]))

    same, mean, degree = BASELINES
    found: dict[str, tuple[Role, Callable[[], Floats], float, int]] = {
        same: ("baseline", lambda: same_hour(data, train, test), 0.0, 0),
        mean: ("baseline", lambda: mean_of_kind(data, off, train, test), 0.0, 0),
        degree: ("simple", of(ridge, degrees), spent, ridge.parameters()),
        **{
            name: ("simple", of(member, table.columns), model.seconds_[name], member.parameters())
            for name, member in model.members_.items()
        },
    }
    if len(model.members_) > 1:
        found[BLEND] = (
            "simple",
            lambda: scale.decode(weights @ points_of(model.members_, table, test)),
            model.seconds_[BLEND],
            sum(member.parameters() for member in model.members_.values()),
        )
    return found


def _by_day(metric: str, truth: Floats, point: Floats, days: NDArray[np.datetime64]) -> Floats:
    size = np.abs(point - truth)
    return np.asarray(pd.Series(100 * size / truth if metric == "MAPE" else size).groupby(days).mean())


def _others(model: YearLoad, truth: Floats, point: Floats, dataset: xr.Dataset | None) -> dict[str, float]:
    found = {"RMSE": rmse(truth, point), "bias": float((truth - point).mean())}
    if model.metric_ == "MAPE":
        found = {"MAE": mae(truth, point), **found}
    if dataset is not None:
        edges, levels = dataset.forecast.values[:, 0], dataset["quantile"].values.tolist()
        found["CRPS"] = crps_from_quantiles(truth, edges, levels)
        found["coverage %"] = 100 * coverage(truth, edges[:, 0], edges[:, -1])
        found["width"] = width(edges[:, 0], edges[:, -1])
    return found
