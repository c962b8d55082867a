"""Inputs of a load whose whole year of weather is known: the calendar day's weather, degree means, summer time.

A year-ahead forecast knows the afternoon's heat in the morning, so the extremes and the mean of the same calendar day
may enter beside the memory of the days before it. Nothing here looks at load.
"""

from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ....shared.errors import InputError
from ..data import LoadData
from ..features import steps_a_day
from ..load_scale import LoadScale
from ..surroundings import Columns, Floats, Group, Surroundings, lagged, stacked, trailing_mean
from ..surroundings import made as columns_of
from ..tables import Table, time_of_day

DAYS_BACK = (0, 1, 2)
DEGREE_HOURS = (24, 72)
WIDER = 1.1  # deviation of the site that varies most over that of the mean from which it is an input of its own


@dataclass(frozen=True)
class YearInputs:
    """What was learnt about weather, calendar and the scale of the load on training rows."""

    scale: LoadScale
    surroundings: Surroundings
    summer_time: str | None  # IANA zone whose summer time people keep although the stamps keep standard time
    names: tuple[str, ...]  # inputs that changed in training; the others say nothing

    @classmethod
    def fit(cls, data: LoadData, rows: slice, weekdays: bool = True, summer_time: str | None = None) -> Self:
        """Learn from training rows."""
        made = cls(LoadScale.fit(data.targets[rows, 0]), Surroundings.fit(data, rows, weekdays), summer_time, ())
        every = made._all(data)
        changed = np.ptp(every.values[rows], axis=0) > 0
        alike = tuple(f"{group.name}_widest" for group in made.surroundings.groups if _alike(data.future[rows], group))
        names = tuple(
            name
            for name, kept in zip(every.names, changed, strict=True)
            if kept and not (alike and name.startswith(alike))
        )
        return cls(made.scale, made.surroundings, summer_time, names)

    def table(self, data: LoadData) -> Table:
        """Inputs and time of day of every row; (time, column), (time,)."""
        every = self._all(data)
        place = {name: index for index, name in enumerate(every.names)}
        kept = [place[name] for name in self.names]
        columns = Columns(self.names, tuple(every.kinds[i] for i in kept), every.values[:, kept])
        return Table(columns, time_of_day(data))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {
            "scale": self.scale.to_dict(),
            "surroundings": self.surroundings.to_dict(),
            "summer_time": self.summer_time,
            "names": list(self.names),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            LoadScale(**plain["scale"]),
            Surroundings.from_dict(plain["surroundings"]),
            plain["summer_time"],
            tuple(plain["names"]),
        )

    def _all(self, data: LoadData) -> Columns:
        parts = [self.surroundings.columns(data), *self._weather(data)]
        if (zone := self.summer_time or data.zone) is not None:
            parts.append(_clocks(data, zone, shown=self.summer_time is None))
        return stacked(*parts)

    def _weather(self, data: LoadData) -> list[Columns]:
        """Of each group: maximum, minimum and mean of this calendar day and the two before, and degree means."""
        day, date = steps_a_day(data), np.asarray(data.local().tz_localize(None).normalize())
        parts = []
        for group in self.surroundings.groups:
            mean = data.future[:, group.columns].mean(1)
            series = {group.name: mean}
            if len(group.columns) > 1:
                series[f"{group.name}_widest"] = data.future[:, group.widest]
            found: dict[str, Floats] = {}
            kinds: list[str] = []
            for name, values in series.items():
                by_date = pd.Series(values).groupby(date)
                for what in ("max", "min", "mean"):
                    same_day = np.asarray(by_date.transform(what), np.float64)
                    for ago in DAYS_BACK:
                        found[f"{name}_{what}_{ago}_days_ago"] = lagged(same_day, ago * day)
                        kinds.append("memory" if ago else "weather")
            for side, bent in (("above", mean - group.high), ("below", group.low - mean)):
                degrees = np.maximum(bent, 0.0)
                for hours in DEGREE_HOURS:
                    rows = max(1, hours * day // 24)
                    found[f"{group.name}_{side}_mean_{hours}h"] = trailing_mean(degrees, rows)
                    kinds.append("memory")
            parts.append(columns_of(found, kinds))
        return parts


def _alike(known: Floats, group: Group) -> bool:
    """Whether the site that varies most hardly varies more than the mean of all, and so says little of its own."""
    return bool(known[:, group.widest].std() < WIDER * known[:, group.columns].mean(1).std())


def summer_hours(data: LoadData, zone: str) -> Floats:
    """Hours by which clocks in `zone` stand ahead of its standard time at each row; (time,).

    Raises InputError for a zone that is not known.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"no time zone {zone!r}; give an IANA name such as America/Los_Angeles.") from None
    standard = min(pd.Timestamp(f"2024-{month}-01", tz=zone).utcoffset() for month in ("01", "07"))
    # stamps without a zone are taken to be in the standard time of this one
    moments = data.times if data.zone is not None else data.times - standard
    ahead = moments.tz_convert(zone).tz_localize(None) - moments.tz_localize(None) - standard
    return np.asarray(ahead / pd.Timedelta("1h"), np.float64)


def _clocks(data: LoadData, zone: str, shown: bool) -> Columns:
    """Whether summer time is kept, and the hour on the clock that the stamps do not show.

    shown  the stamps keep summer time, so that the other clock is standard time
    """
    ahead, local = summer_hours(data, zone), data.local()
    hour = (local.hour + local.minute / 60.0).to_numpy(np.float64) + np.where(shown, -ahead, ahead)
    found: dict[str, Floats] = {"summer_time": (ahead > 0).astype(np.float64)}
    for turns in range(1, 7):
        found[f"other_clock_sin_{turns}"] = np.sin(2 * np.pi * turns * hour / 24)
        found[f"other_clock_cos_{turns}"] = np.cos(2 * np.pi * turns * hour / 24)
    return columns_of(found, ("flag", *("harmonic",) * (len(found) - 1)))
