"""What load itself says at the origin: earlier days, the last hours, how far off a weather model has been of late."""

import numpy as np
from numpy.typing import NDArray

from .data import LoadData
from .features import Floats, Known, Rows, lag_days, steps_a_day
from .surroundings import Columns, lagged, made

LONG_HISTORY_DAYS = 365  # from here on four weeks of memory leave enough days to learn from


def weeks_remembered(rows: int, day: int) -> int:
    """Weeks of load that one forecast looks back on, by the length of training."""
    return 4 if rows >= LONG_HISTORY_DAYS * day else 2


def days_remembered(day: int, horizon: int, weeks: int) -> tuple[int, ...]:
    """Whole days back that are known over the whole horizon, within those weeks if any is."""
    days = lag_days(day, horizon)
    return tuple(k for k in days if k <= 7 * weeks) or days[:1]


def recent_columns(
    data: LoadData, load: Floats, residual: Floats, surroundings: Columns, origins: Rows, horizon: int, weeks: int
) -> Columns:
    """Inputs of every forecast step.

    load          (time,) on the scale of regression
    residual      (time,) load minus what a model of the surroundings alone says, on the same scale
    surroundings  (time, column)
    origins       (origin,)  ->  (origin, step, column), none of which knows load at or after its origin
    """
    day = steps_a_day(data)
    known, off = Known(load, origins), Known(residual, origins)
    rows = origins[:, None] + np.arange(horizon)
    days = days_remembered(day, horizon, weeks)
    found: dict[str, Floats] = {}
    for name, history in (("load", known), ("surprise", off)):
        lags = {f"{name}_{k}d_ago": history.at(rows - k * day) for k in days}
        whole = [lags[f"{name}_{k}d_ago"] for k in days if k % 7 == 0]
        # of weeks further back only the mean is kept
        found |= {key: values for key, values in lags.items() if int(key.split("_")[1][:-1]) <= 14 or len(lags) == 1}
        if whole:
            found[f"{name}_mean_of_weeks"] = np.mean(whole, axis=0)
        found[f"{name}_last"] = _every(history.at(origins[:, None] - 1), rows)
        found[f"{name}_last_day"] = _every(_mean_before(history, day), rows)
    found["surprise_last_week"] = _every(_mean_before(off, 7 * day), rows)
    kinds = ["load"] * len(found)

    today = surroundings.named("day_off")
    days_back = [k for k in days if k <= 14][:4]
    for k in days_back:
        found[f"day_off_{k}d_ago"] = lagged(today, k * day)[rows]
        kinds.append("load")
        for index, name in enumerate(surroundings.names):
            if name.endswith("_now"):
                change = surroundings.values[:, index] - lagged(surroundings.values[:, index], k * day)
                found[f"{name}_minus_{k}d_ago"] = change[rows]
                kinds.append("load")
    for k in days_back:
        found[f"load_{k}d_ago_x_its_day_off"] = found[f"load_{k}d_ago"] * found[f"day_off_{k}d_ago"]
        found[f"load_{k}d_ago_x_day_off"] = found[f"load_{k}d_ago"] * today[rows]
        found[f"surprise_{k}d_ago_x_day_off"] = found[f"surprise_{k}d_ago"] * today[rows]
        kinds += ["product"] * 3
    for index, name in enumerate(data.past_names):
        history = Known(data.past[:, index], origins)
        found[f"{name}_last"] = _every(history.at(origins[:, None] - 1), rows)
        found[f"{name}_{days[0]}d_ago"] = history.at(rows - days[0] * day)
        kinds += ["load"] * 2
    return made(found, kinds)


def _mean_before(history: Known, rows: int) -> Floats:
    """Mean of the last rows before each origin; (origin, 1)."""
    return np.asarray(history.at(history.origins[:, None] - np.arange(1, rows + 1)).mean(1, keepdims=True))


def _every(values: Floats, rows: NDArray[np.int64]) -> Floats:
    return np.broadcast_to(values, rows.shape)
