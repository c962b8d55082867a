"""How the forecast answers to weather: what it would say of the same days if they came a little colder or warmer.

A partial dependence (Friedman 2001, section 8.2) kept near the data: typical days of each part of the covariate's
range, and only over the horizon a shift that such days do see; history stays as it was. Beside it what was observed.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .breakdown import BANDS, kinds_of_day
from .data import LoadData
from .features import steps_a_day
from .importance import since
from .load_model import Floats, LoadModel, origins_in
from .surroundings import Group, Surroundings

SHIFTS = (-0.1, 0.0, 0.1)  # of the covariate's range
TYPICAL = 2  # days of each band and kind that are forecast
BINS = 20  # of the observed days of a kind
LEAST_DAYS = 5  # in a bin, below which its median says little
ENDS = (0.01, 0.99)  # quantiles between which the range lies
KINDS = ("work days", "days off")


class Response(NamedTuple):
    """Means over the horizon of a covariate and of load, for each of `KINDS`; NaN where there were too few days."""

    name: str
    unit: str
    level: Floats  # (kind, band, shift) of the covariate
    forecast: Floats  # (kind, band, shift, target)
    seen_level: Floats  # (kind, bin), the median day's covariate
    seen_load: Floats  # (kind, bin, target), the median day's load


def response(model: LoadModel, data: LoadData, surroundings: Surroundings, group: Group, horizon: int) -> Response:
    """The answer of a fitted model to one group of covariates.

    Forecasts start where they will be used, a day apart, anywhere in history; those that are made are of the days whose
    load is nearest to the median of their kind and band. Nothing is random.
    """
    stride = min(steps_a_day(data), horizon)
    origins = origins_in(slice(0, data.known), horizon, stride, data.known % stride, model.needs(data))
    rows = origins[:, None] + np.arange(horizon)
    level = data.future[:, group.columns].mean(1)[rows].mean(1)
    load = data.targets[rows].mean(1)
    kind = (kinds_of_day(data, surroundings)[rows[:, horizon // 2]] > 0).astype(np.int64)
    low, high = np.quantile(level, ENDS)
    shifts = (high - low) * np.array(SHIFTS)

    places = np.full((len(KINDS), BANDS, len(SHIFTS)), np.nan)
    answers = np.full((*places.shape, load.shape[1]), np.nan)
    seen = np.full((len(KINDS), BINS, 1 + load.shape[1]), np.nan)
    for one in range(len(KINDS)):
        own = np.flatnonzero(kind == one)
        for two, days in enumerate(_binned(own, level, BANDS)):
            away = np.abs(load[days] - np.median(load[days], axis=0)).sum(1)
            typical = origins[days[np.argsort(away, kind="stable")[:TYPICAL]]]
            places[one, two] = level[np.isin(origins, typical)].mean() + shifts
            for three, shift in enumerate(shifts):
                made = [_forecast(model, data, group, int(origin), horizon, shift) for origin in typical]
                answers[one, two, three] = np.mean(made, axis=0)
        for two, days in enumerate(_binned(own, level, BINS)):
            seen[one, two] = np.median(np.column_stack([level, load])[days], axis=0)
    unit = data.units.get(data.future_names[group.columns[0]], "")
    return Response(group.name, unit, places, answers, seen[..., 0], seen[..., 1:])


def _binned(days: NDArray[np.int64], level: Floats, bins: int) -> list[NDArray[np.int64]]:
    """Days from the lowest level to the highest, in as many bins as have enough of them, at most `bins`."""
    count = min(bins, len(days) // LEAST_DAYS)
    return np.array_split(days[np.argsort(level[days], kind="stable")], count) if count else []


def _forecast(model: LoadModel, data: LoadData, group: Group, origin: int, horizon: int, shift: float) -> Floats:
    """Mean forecast of one day with the covariate shifted over its horizon; (target,)."""
    start = max(0, origin - model.needs(data))
    beyond = min(horizon + steps_a_day(data), len(data.times) - origin)
    seen = since(data.until(origin, beyond), start)
    future = seen.future.copy()
    future[origin - start : origin - start + horizon, group.columns] += shift
    return np.asarray(model.predict(replace(seen, future=future), np.array([origin - start]))[0].mean(0))
