"""Where a model is good and where it is not: its test errors and intervals by hour, season, kind of day and weather."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .intervals import levels_of
from .load_model import Floats
from .surroundings import Surroundings

BANDS = 5  # of equal numbers of forecast steps in each weather covariate
MONTHS_FROM = pd.Timedelta("180D")  # test parts as long as this are told by month too
QUARTERS = ("Dec-Feb", "Mar-May", "Jun-Aug", "Sep-Nov")  # the meteorological ones
KINDS = ("work day", "weekend", "day off")


def breakdown(one: Backtest, data: LoadData, parts: Parts, coverages: Sequence[float]) -> pd.DataFrame:
    """Scores of the test part, one row a target and group.

    ->  target, by ("all", "hour", "season", "month", "day", or a weather covariate), group, count (measured steps), mae
        and width of the outer interval in the unit of the target, mape and coverage in percent, crps. Groups of one
        `by` hold every measured step once, so their means weighted by count are those of "all"; MAPE is NaN where a
        truth is zero.
    """
    steps = one.test.shape[1]
    truth, real = truth_at(data, parts.test_origins, steps)
    rows = parts.test_origins[:, None] + np.arange(steps)
    groups = {by: (codes[rows], names) for by, (codes, names) in _groups(data, parts, rows).items()}
    found = []
    for target, name in enumerate(data.target_names):
        kept = real[..., target]
        scores = _scores(truth[..., target], one.test[..., target], one.quantiles[..., target, :], coverages)
        table = pd.DataFrame({score: values[kept] for score, values in scores.items()})
        for by, (codes, names) in groups.items():
            means = table.groupby(codes[kept]).mean()
            means.insert(0, "count", table.groupby(codes[kept]).size())
            means.insert(0, "group", [names[int(code)] for code in means.index])
            means.insert(0, "by", by)
            means.insert(0, "target", name)
            found.append(means)
    return pd.concat(found, ignore_index=True)


def shares_below(one: Backtest, data: LoadData, parts: Parts) -> Floats:
    """Share of measured truth at or below each quantile of the test part; (target, level), the levels if calibrated."""
    truth, real = truth_at(data, parts.test_origins, one.test.shape[1])
    below = (truth[..., None] <= one.quantiles) & real[..., None]
    return np.asarray(below.sum((0, 1)) / real.sum((0, 1))[:, None])


def kinds_of_day(data: LoadData, surroundings: Surroundings) -> NDArray[np.int64]:
    """Index in `KINDS` of each row: a rare flag makes a day off, weekend or not; (time,)."""
    weekend = np.asarray(data.local().dayofweek >= 5)
    off = (data.future[:, surroundings.rests] == 1).any(1)
    return np.where(off, 2, np.where(weekend, 1, 0))


def _scores(truth: Floats, point: Floats, quantiles: Floats, coverages: Sequence[float]) -> Mapping[str, Floats]:
    """Of every step; (origin, step), quantiles (origin, step, level)."""
    size, levels = np.abs(truth), np.array(levels_of(coverages))
    over = truth[..., None] - quantiles
    low, high = quantiles[..., 0], quantiles[..., -1]
    return {
        "mae": np.abs(truth - point),
        "mape": 100 * np.divide(np.abs(truth - point), size, out=np.full_like(size, np.nan), where=size > 0),
        "crps": 2 * np.maximum(levels * over, (levels - 1) * over).mean(-1),
        "coverage": 100.0 * ((low <= truth) & (truth <= high)),
        "width": high - low,
    }


def _groups(
    data: LoadData, parts: Parts, rows: NDArray[np.int64]
) -> dict[str, tuple[NDArray[np.int64], Sequence[str]]]:
    """Of each row its code, and what each code is called."""
    local, surroundings = data.local(), Surroundings.fit(data, slice(0, parts.test.start))
    month = local.month.to_numpy(np.int64)
    groups: dict[str, tuple[NDArray[np.int64], Sequence[str]]] = {
        "all": (np.zeros_like(month), ("all",)),
        "hour": (local.hour.to_numpy(np.int64), [f"{hour:02d}" for hour in range(24)]),
        "season": (month % 12 // 3, QUARTERS),
        "day": (kinds_of_day(data, surroundings), KINDS),
    }
    if data.times[parts.test.stop - 1] - data.times[parts.test.start] >= MONTHS_FROM:
        order = local.year.to_numpy(np.int64) * 12 + month
        first = int(order[parts.test.start])
        names = pd.date_range(
            local[parts.test.start].strftime("%Y-%m-01"), periods=int(order.max()) - first + 1, freq="MS"
        )
        groups["month"] = (order - first, [f"{name:%b %Y}" for name in names])
    for group in surroundings.groups:
        level = data.future[:, group.columns].mean(1)
        cuts = np.unique(np.quantile(level[rows], np.linspace(0, 1, BANDS + 1)))
        unit = data.units.get(data.future_names[group.columns[0]], "")
        names_of = [f"{low:.4g} to {high:.4g} {unit}".strip() for low, high in zip(cuts, cuts[1:], strict=False)]
        groups[group.name] = (np.digitize(level, cuts[1:-1]), names_of or ["any"])
    return groups
