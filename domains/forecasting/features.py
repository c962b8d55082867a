"""What is known when a forecast is made, as columns: load lags, calendar, weather now and before.

Every value is asked from `Known`, which refuses a target at or after the origin: that nothing looks ahead is enforced
here, not trusted to the caller.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError
from .data import LoadData

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class LookAhead(RuntimeError):
    """A forecast asked for a value that is not known at its origin: an error of the program, not of the data."""


@dataclass(frozen=True)
class Known:
    """The history of one variable as seen from each origin."""

    values: Floats  # (time,)
    origins: Rows  # (origin,), the row of the first forecast step

    def at(self, rows: Rows) -> Floats:
        """Values at rows (origin, any), each before its origin; raises LookAhead otherwise."""
        if (late := rows >= self.origins[:, None]).any():
            raise LookAhead(f"{int(late.sum())} values lie at or after the origin of their forecast.")
        if (rows < 0).any():
            raise LookAhead("a lag reaches back before the first row.")
        return self.values[rows]


def steps_a_day(data: LoadData) -> int:
    """Rows of one day; raises InputError when a day is not a whole number of steps."""
    day = np.timedelta64(1, "D") / data.step.to_timedelta64()
    if day < 1 or day != round(day):
        raise InputError(f"a step of {data.step} does not divide a day; resample the file to such a step, e.g. 1h.")
    return int(day)


def lag_days(day: int, horizon: int) -> tuple[int, ...]:
    """Whole days back that are known over the whole horizon: the first two, one, two, three and four weeks."""
    first = -(-horizon // day)
    return tuple(sorted({first, first + 1, *(week for week in (7, 14, 21, 28) if week >= first)}))


def rows_needed(day: int, horizon: int) -> int:
    """History rows that the columns of one forecast reach back to."""
    return max(lag_days(day, horizon)[-1], 7) * day


@dataclass(frozen=True)
class Columns:
    """Features of every forecast step, with names."""

    names: tuple[str, ...]
    values: Floats  # (origin, step, feature)


def load_columns(data: LoadData, target: int, origins: Rows, horizon: int) -> Columns:
    """Load known at the origin: same time on earlier days, its mean over weeks, last value, mean of the last day."""
    day = steps_a_day(data)
    known = Known(data.targets[:, target], origins)
    rows = origins[:, None] + np.arange(horizon)
    lags = {f"load_{k}d_ago": known.at(rows - k * day) for k in lag_days(day, horizon)}
    weeks = [lags[f"load_{k}d_ago"] for k in lag_days(day, horizon) if k % 7 == 0]
    if weeks:
        lags["load_mean_of_weeks"] = np.mean(weeks, axis=0)
    last = known.at(origins[:, None] - 1)
    last_day = known.at(origins[:, None] - np.arange(1, day + 1)).mean(1, keepdims=True)
    before = known.at(origins[:, None] - np.arange(7 * day - day + 1, 7 * day + 1)).mean(1, keepdims=True)
    level = {"last_load": last, "last_day_load": last_day, "last_day_over_week_before": last_day - before}
    return _columns(lags | level, horizon)


def past_columns(data: LoadData, origins: Rows, horizon: int) -> Columns:
    """Covariates that are known only up to the origin: last value, and the same time on the first known day."""
    day = steps_a_day(data)
    first = lag_days(day, horizon)[0]
    rows = origins[:, None] + np.arange(horizon)
    found = {}
    for index, name in enumerate(data.past_names):
        known = Known(data.past[:, index], origins)
        found[f"{name}_last"] = known.at(origins[:, None] - 1)
        found[f"{name}_{first}d_ago"] = known.at(rows - first * day)
    return _columns(found, horizon, len(origins))


def calendar_columns(data: LoadData, origins: Rows, horizon: int) -> Columns:
    """Local clock of every step: hour, weekday, day of the year and the step itself."""
    rows = origins[:, None] + np.arange(horizon)
    local = data.local()
    hour = (local.hour + local.minute / 60.0).to_numpy(np.float64)
    found = {
        "hour": hour[rows],
        "weekday": local.dayofweek.to_numpy(np.float64)[rows],
        "day_of_year": local.dayofyear.to_numpy(np.float64)[rows],
        "step": np.broadcast_to(np.arange(horizon, dtype=np.float64), rows.shape),
    }
    return _columns(found, horizon)


def weather_columns(data: LoadData, components: Floats, names: tuple[str, ...], origins: Rows, horizon: int) -> Columns:
    """Known-ahead covariates, now and before; components (time, component), such as principal components of weather.

    Each enters at its own time, 3 h and 24 h earlier, and as the mean of the last 24 h and 72 h: buildings remember.
    """
    day = steps_a_day(data)
    rows = origins[:, None] + np.arange(horizon)
    padded = np.concatenate([np.zeros((1, components.shape[1])), np.cumsum(components, axis=0)])
    found: dict[str, Floats] = {}
    for index, name in enumerate(names):
        found[name] = components[rows, index]
        for label, lag in (("3h", day // 8), ("24h", day)):
            if lag:
                found[f"{name}_{label}_ago"] = components[np.maximum(rows - lag, 0), index]
        for label, span in (("24h", day), ("72h", 3 * day)):
            start = np.maximum(rows + 1 - span, 0)
            found[f"{name}_mean_{label}"] = (padded[rows + 1, index] - padded[start, index]) / (rows + 1 - start)
    return _columns(found, horizon, len(origins))


def flag_columns(data: LoadData, columns: tuple[int, ...], origins: Rows, horizon: int) -> Columns:
    """Known-ahead flags (holidays): on the day itself and on the day before."""
    day = steps_a_day(data)
    rows = origins[:, None] + np.arange(horizon)
    found = {}
    for column in columns:
        name, flag = data.future_names[column], data.future[:, column]
        found[name] = flag[rows]
        found[f"{name}_yesterday"] = flag[np.maximum(rows - day, 0)]
    return _columns(found, horizon, len(origins))


def joined(*parts: Columns) -> Columns:
    """Columns side by side."""
    return Columns(sum((part.names for part in parts), ()), np.concatenate([part.values for part in parts], axis=-1))


def _columns(found: dict[str, Floats], horizon: int, origins: int = 0) -> Columns:
    if not found:
        return Columns((), np.empty((origins, horizon, 0)))
    count = max(len(values) for values in found.values())
    stacked = [np.broadcast_to(values, (count, horizon)) for values in found.values()]
    return Columns(tuple(found), np.stack(stacked, axis=-1).astype(np.float64))
