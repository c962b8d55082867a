"""What surrounds the load and is known ahead of it, for every row: clock, kind of day, weather and its memory.

Buildings remember: the inputs of published load models are the weather now, some hours ago, and averaged over the last
days (Hong et al. 2016, GEFCom2014). Flags such as holidays count for a day beyond the horizon too, since the eve of a
holiday is a day of its own and calendars are known: where the file does not reach so far, that day has none.
Covariates of many sites, told by names that differ in digits alone (`Site-1 Temp`, `Site-2 Temp`), enter as their mean
and as the site that varies most.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .data import LoadData

Floats = NDArray[np.float64]
LAG_HOURS = (1, 2, 3, 6, 12, 24, 48)
MEAN_HOURS = (3, 6, 12, 24, 48, 72, 168)
LONGEST_MEMORY = 168  # hours
SPLINED = ("now", "3h_ago", "24h_ago", "mean_24h", "mean_72h", "max_24h", "min_24h")
RARE = 0.2  # share of rows with a flag below which it marks days off
YEARS_FOR_TREND = 3.0  # in less, a trend cannot be told from a season


class Columns(NamedTuple):
    """A table of inputs by name; `kinds` says what each is, so that a learner can take what it understands.

    number   a clock, weekday or day of year as a number, for trees
    onehot, harmonic, season, flag, trend  the same for linear maps and networks
    weather  to be bent by splines; memory  more of it; load  what load was; product  interactions for linear maps
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Floats  # (..., column)

    def of(self, *kinds: str) -> "Columns":
        """The columns of these kinds, in their order."""
        found = [index for index, kind in enumerate(self.kinds) if kind in kinds]
        return Columns(
            tuple(self.names[i] for i in found), tuple(self.kinds[i] for i in found), self.values[..., found]
        )

    def named(self, name: str) -> Floats:
        """One column; (...)."""
        return np.asarray(self.values[..., self.names.index(name)])

    def at(self, rows: NDArray[np.int64]) -> "Columns":
        """The columns at rows of any shape; (time, column) -> (*rows.shape, column)."""
        return self._replace(values=self.values[rows])


class Group(NamedTuple):
    """Covariates of one kind, in the order of the file."""

    name: str
    columns: tuple[int, ...]
    widest: int  # the one that varies most in training
    low: float  # quantiles of the mean in training, where heating and cooling begin to matter
    high: float


@dataclass(frozen=True)
class Surroundings:
    """What was learnt about the covariates on training rows."""

    groups: tuple[Group, ...]
    flags: tuple[int, ...]  # columns that are only ever 0 or 1 (holidays)
    rests: tuple[int, ...]  # flags that are rare, and so mark days off rather than days of work
    trend_from: float | None  # first day of training as a fraction of years since 1970; None without a trend
    weekdays: bool = True

    @classmethod
    def fit(cls, data: LoadData, rows: slice, weekdays: bool = True) -> Self:
        """Learn which covariates are flags and how the others group."""
        known = data.future[rows]
        flags = tuple(np.flatnonzero(np.isin(known, (0.0, 1.0)).all(0)).tolist())
        stems: dict[str, list[int]] = {}
        for index, name in enumerate(data.future_names):
            # a column that never changed in training says nothing
            if index not in flags and np.ptp(known[:, index]) > 0:
                stems.setdefault(_stem(name), []).append(index)
        groups = []
        for name, columns in stems.items():
            mean = known[:, columns].mean(1)
            widest = columns[int(np.argmax(known[:, columns].std(0)))]
            groups.append(Group(name, tuple(columns), widest, *map(float, np.quantile(mean, (0.3, 0.7)))))
        years = (data.times[rows][-1] - data.times[rows][0]).total_seconds() / (365.25 * 86400)
        start = _years(data.times[rows][:1])[0] if years >= YEARS_FOR_TREND else None
        rests = tuple(flag for flag in flags if 0 < known[:, flag].mean() < RARE)
        return cls(tuple(groups), flags, rests, None if start is None else float(start), weekdays)

    def columns(self, data: LoadData) -> Columns:
        """Everything known ahead about each row; (time, column)."""
        found = _Found()
        hour_rows = max(1, round(np.timedelta64(1, "h") / data.step.to_timedelta64()))
        self._clock(data, found, round(np.timedelta64(1, "D") / data.step.to_timedelta64()))
        for group in self.groups:
            mean = data.future[:, group.columns].mean(1)
            self._weather(found, group.name, mean, hour_rows)
            for side, bent in (("above", mean - group.high), ("below", group.low - mean)):
                hinge = np.maximum(0.0, bent)
                for other in ("day_off", "year_sin_1", "year_cos_1"):
                    found.add(f"{group.name}_{side}_x_{other}", "product", hinge * found.values[other])
            if len(group.columns) > 1:
                widest = data.future[:, group.widest]
                self._weather(found, f"{group.name}_widest", widest, hour_rows)
                found.add(f"{group.name}_spread", "memory", np.ptp(data.future[:, group.columns], axis=1))
        return found.joined()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {**asdict(self), "groups": [group._asdict() for group in self.groups]}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        groups = tuple(Group(**{**group, "columns": tuple(group["columns"])}) for group in plain["groups"])
        return cls(**{**plain, "groups": groups, "flags": tuple(plain["flags"]), "rests": tuple(plain["rests"])})

    def _clock(self, data: LoadData, found: "_Found", day: int) -> None:
        local = data.local()
        hour = (local.hour + local.minute / 60.0).to_numpy(np.float64)
        weekday, of_year = (np.asarray(part, np.float64) for part in (local.dayofweek, local.dayofyear))
        found.add("hour", "number", hour)
        for turns in range(1, 7):
            found.add(f"day_sin_{turns}", "harmonic", np.sin(2 * np.pi * turns * hour / 24))
            found.add(f"day_cos_{turns}", "harmonic", np.cos(2 * np.pi * turns * hour / 24))
        found.add("day_of_year", "number", of_year)
        for turns in (1, 2):
            found.add(f"year_sin_{turns}", "season", np.sin(2 * np.pi * turns * of_year / 365.25))
            found.add(f"year_cos_{turns}", "season", np.cos(2 * np.pi * turns * of_year / 365.25))
        off = np.zeros(len(hour))
        if self.weekdays:
            found.add("weekday", "number", weekday)
            for index, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
                found.add(name, "onehot", weekday == index)
            off = np.maximum(off, weekday >= 5)
        for column in self.flags:
            name, flag = data.future_names[column], data.future[:, column]
            found.add(name, "flag", flag)
            found.add(f"{name}_yesterday", "flag", lagged(flag, day))
            found.add(f"{name}_tomorrow", "flag", _ahead(flag, day))
            if column in self.rests:
                off = np.maximum(off, flag)
        found.add("day_off", "flag", off)
        if self.trend_from is not None:
            found.add("trend", "trend", _years(data.times) - self.trend_from)

    @staticmethod
    def _weather(found: "_Found", name: str, series: Floats, hour: int) -> None:
        made = {"now": series}
        made |= {f"{hours}h_ago": lagged(series, hours * hour) for hours in LAG_HOURS}
        made |= {f"mean_{hours}h": trailing_mean(series, hours * hour) for hours in MEAN_HOURS}
        made |= {"max_24h": _trailing_max(series, 24 * hour), "min_24h": -_trailing_max(-series, 24 * hour)}
        for what, values in made.items():
            found.add(f"{name}_{what}", "weather" if what in SPLINED else "memory", values)


class _Found:
    def __init__(self) -> None:
        self.values: dict[str, Floats] = {}
        self.kinds: list[str] = []

    def add(self, name: str, kind: str, values: NDArray[Any]) -> None:
        self.values[name] = np.asarray(values, np.float64)
        self.kinds.append(kind)

    def joined(self) -> Columns:
        return Columns(tuple(self.values), tuple(self.kinds), np.stack(list(self.values.values()), axis=-1))


def lagged(series: Floats, rows: int) -> Floats:
    """The value `rows` earlier, the first one where there is none; (time,) -> (time,)."""
    return np.asarray(series[np.maximum(np.arange(len(series)) - rows, 0)])


def _ahead(flag: Floats, rows: int) -> Floats:
    """The flag `rows` later, 0 where nobody has given it; (time,) -> (time,)."""
    return np.asarray(np.nan_to_num(np.concatenate([flag[rows:], np.zeros(min(rows, len(flag)))])))


def trailing_mean(series: Floats, rows: int) -> Floats:
    """Mean of the last `rows` values, of fewer at the start; (time,) -> (time,)."""
    # sums of deviations stay small, so that a long series loses no digits
    centre = series[0]
    running = np.concatenate([[0.0], np.cumsum(series - centre)])
    end = np.arange(1, len(series) + 1)
    start = np.maximum(end - rows, 0)
    return np.asarray((running[end] - running[start]) / (end - start) + centre)


def stacked(*parts: Columns) -> Columns:
    """Columns side by side, those after the first at the shape of the first."""
    return Columns(
        sum((part.names for part in parts), ()),
        sum((part.kinds for part in parts), ()),
        np.concatenate([part.values for part in parts], axis=-1),
    )


def made(values: dict[str, Floats], kind: str | Sequence[str]) -> Columns:
    """Columns of arrays of one shape."""
    kinds = (kind,) * len(values) if isinstance(kind, str) else tuple(kind)
    return Columns(tuple(values), kinds, np.stack(list(values.values()), axis=-1).astype(np.float64))


def _stem(name: str) -> str:
    """`Site-1 Temp` and `Site-2 Temp` are of one kind; a name that is all digits is a kind of its own."""
    return re.sub(r"[\s_\-]*\d+", "", name).strip() or name


def _trailing_max(series: Floats, rows: int) -> Floats:
    return np.asarray(pd.Series(series).rolling(rows, min_periods=1).max(), np.float64)


def _years(times: pd.DatetimeIndex) -> Floats:
    """Years since 1970 as fractions; (time,)."""
    return np.asarray((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta("365.25D"), np.float64)
