"""What the forecast rests on: by how much the error grows when one family of inputs is taken from other days.

Permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019) of any `LoadModel`, through its data alone. A
family is not shuffled row by row but turned by whole days, so that each day stays a day and weather keeps its memory,
only that it belongs to another date. What no day can tell (the hour) keeps its place, and so is not measured.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from .backtest import Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, LoadModel, Rows
from .surroundings import Surroundings

ORIGINS, REPEATS = 28, 3  # what one family costs: so many forecasts so often
CALENDAR, HISTORY = "day of the week", "load before"
WEEKDAYS = (3, -2, 2, -3, 1, -1)  # days by which the calendar is moved: each Monday passes for a Thursday, ..

Change = Callable[[LoadData, int], LoadData]


class Importance(NamedTuple):
    """What one family of inputs is worth."""

    family: str
    growth: float  # mean over repeats of (error without / error with) - 1; 0 for what the model does not use
    low: float  # smallest and largest of the repeats
    high: float


def permutation_importance(
    model: LoadModel,
    data: LoadData,
    parts: Parts,
    scale: Floats,
    origins: int = ORIGINS,
    repeats: int = REPEATS,
    seed: int = 0,
) -> list[Importance]:
    """Importance of every family on the test part, the most important first.

    model    fitted on rows before the test part, or the error it starts from is too small
    scale    (target,), by which errors of different targets are compared
    origins  at most so many forecasts of the test part, drawn by the seed as the turns are
    """
    random = np.random.default_rng(seed)
    picked = np.sort(random.choice(parts.test_origins, min(origins, len(parts.test_origins)), replace=False))
    start = int(max(0, parts.test_origins[0] - model.needs(data)))
    near, chosen = since(data, start), picked - start
    usual = _error(model, near, near, chosen, scale) or np.finfo(np.float64).tiny
    days = near.known // steps_a_day(data)
    turns = random.permutation(np.arange(days // 4 + 1, days - days // 4))[:repeats]
    found = []
    for family, change in _families(near, Surroundings.fit(data, slice(0, parts.test.start))):
        by = WEEKDAYS[:repeats] if family == CALENDAR else turns
        growth = [_error(model, change(near, int(days)), near, chosen, scale) / usual - 1 for days in by]
        found.append(Importance(family, float(np.mean(growth)), min(growth), max(growth)))
    return sorted(found, key=lambda one: -one.growth)


def since(data: LoadData, start: int) -> LoadData:
    """The same data without its first rows; arrays are views."""
    return replace(
        data,
        times=data.times[start:],
        targets=data.targets[start:],
        past=data.past[start:],
        future=data.future[start:],
        filled=data.filled[start:],
        known=data.known - start,
    )


def _error(model: LoadModel, seen: LoadData, data: LoadData, origins: Rows, scale: Floats) -> float:
    forecast = model.predict(seen, origins)
    truth, real = truth_at(data, origins, forecast.shape[1])
    return float((np.abs(forecast - truth) / scale)[real].mean())


def _families(data: LoadData, surroundings: Surroundings) -> Iterator[tuple[str, Change]]:
    yield HISTORY, partial(_turned, "targets", tuple(range(len(data.target_names))))
    for column, name in enumerate(data.past_names):
        yield name, partial(_turned, "past", (column,))
    groups = [(group.name, group.columns) for group in surroundings.groups]
    flags = [(data.future_names[flag], (flag,)) for flag in surroundings.flags]
    for name, columns in (*groups, *flags):
        yield name, partial(_turned, "future", columns)
    yield CALENDAR, lambda data, days: replace(data, times=data.times + pd.Timedelta(days=days))


def _turned(part: str, columns: tuple[int, ...], data: LoadData, days: int) -> LoadData:
    """These columns turned by whole days within the whole days of history."""
    day, values = steps_a_day(data), getattr(data, part).copy()
    rows = slice(data.known % day, data.known)
    values[rows, columns] = np.roll(values[rows][:, columns], days * day, axis=0)
    return replace(data, **{part: values})
