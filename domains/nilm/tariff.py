"""What a kilowatt-hour costs at which hour: a flat price or a tariff read from a file."""

import csv
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...shared.errors import InputError
from ...shared.reading.table import nearest

Floats = NDArray[np.float64]
DAYS = {"all": slice(0, 2), "weekdays": slice(0, 1), "weekends": slice(1, 2)}
MIDNIGHT = 24 * 60


@dataclass(frozen=True, eq=False)
class Prices:
    """What holds from one date to the next."""

    valid_from: date | None  # None: since ever
    per_kwh: Floats  # (2, 1440): weekdays and weekends, by the minute of the local day
    per_day: float = 0.0  # standing charge


@dataclass(frozen=True, eq=False)
class Tariff:
    """Prices in one currency, in the order of their dates.

    A file, as TOML (a band stands over the `price` of its period; hours may pass midnight; days are all, weekdays or
    weekends; without a plain `price` the bands must fill the day):

        currency = "GBP"
        [[period]]
        price = 0.28
        standing_charge = 0.53
        [[period]]
        valid_from = 2024-07-01
        price = 0.25
        [[period.band]]
        hours = "23:30-05:30"
        days = "all"
        price = 0.09

    or the same as CSV, a line for each price, where a line without hours holds whenever no other does:

        currency,valid_from,days,hours,price,standing_charge
        GBP,,,,0.28,0.53
        GBP,2024-07-01,,,0.25,
        GBP,2024-07-01,all,23:30-05:30,0.09,
    """

    currency: str
    periods: tuple[Prices, ...]

    @classmethod
    def flat(cls, price: float, currency: str, standing_charge: float = 0.0) -> Self:
        """One price per kWh at all hours."""
        period = {"price": price, "standing_charge": standing_charge}
        return cls._checked({"currency": currency, "period": [period]}, "the tariff")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a .toml or .csv file; raises InputError that says which period or band is wrong."""
        path = Path(path)
        reader = {".toml": _toml, ".csv": _csv}.get(path.suffix.lower())
        if reader is None:
            raise InputError(f"{path.name}: a tariff is a .toml or a .csv file.")
        try:
            return cls._checked(reader(path.read_text("utf-8-sig"), path.name), path.name)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path.name} cannot be read as a tariff: {error}.") from error

    def price(self, times_local: pd.DatetimeIndex) -> Floats:
        """Price per kWh at the start of each step, by the local clock; (time,).

        Raises InputError for times before the first period.
        """
        weekend, minute = (times_local.dayofweek >= 5).astype(int), times_local.hour * 60 + times_local.minute
        tables = np.stack([period.per_kwh for period in self.periods])
        return np.asarray(tables[self._period(times_local), weekend, minute])

    def cost(self, times_local: pd.DatetimeIndex, energy_kwh: ArrayLike) -> Floats:
        """Cost of the energy of each step without standing charges; (time,) kWh -> (time,), NaN stays NaN."""
        return self.price(times_local) * np.asarray(energy_kwh, dtype=np.float64)

    def standing_charges(self, days_local: pd.DatetimeIndex) -> Floats:
        """Standing charge of each of these days; (day,) -> (day,)."""
        return np.array([period.per_day for period in self.periods])[self._period(days_local)]

    def _period(self, times: pd.DatetimeIndex) -> NDArray[np.intp]:
        starts = [np.datetime64(one.valid_from or date.min, "D") for one in self.periods]
        days = times.tz_localize(None).to_numpy().astype("datetime64[D]")
        found: NDArray[np.intp] = np.searchsorted(np.array(starts), days, side="right") - 1
        if (found < 0).any():
            raise InputError(
                f"the tariff has no price before {self.periods[0].valid_from}, the readings begin on {days.min()}; "
                "leave out valid_from of the first period, or add an earlier one."
            )
        return found

    @classmethod
    def _checked(cls, raw: Mapping[str, Any], where: str) -> Self:
        _only(raw, ("currency", "period"), where)
        currency, listed = raw.get("currency"), raw.get("period")
        if not isinstance(currency, str) or not currency.strip():
            raise InputError(f'{where}: the currency is missing; write currency = "GBP" or another.')
        if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
            raise InputError(f"{where}: no period with prices; write [[period]] and under it price = 0.28 or bands.")
        periods = [_prices(one, f"{where}, period {i}") for i, one in enumerate(listed, 1)]
        starts = [one.valid_from or date.min for one in periods]
        if len(set(starts)) < len(starts):
            raise InputError(f"{where}: two periods begin on the same day; each needs its own valid_from.")
        return cls(currency.strip(), tuple(sorted(periods, key=lambda one: one.valid_from or date.min)))


def _prices(raw: Mapping[str, Any], where: str) -> Prices:
    """One period; its bands must not overlap and, without a plain price, leave no minute out."""
    _only(raw, ("valid_from", "price", "standing_charge", "band"), where)
    bands = raw.get("band", [])
    if not isinstance(bands, list) or not all(isinstance(band, dict) for band in bands):
        raise InputError(f"{where}: bands are written as [[period.band]], each with hours and a price.")
    by_band = np.full((2, MIDNIGHT), np.nan)
    for i, band in enumerate(bands, 1):
        spot = f"{where}, band {i}"
        _only(band, ("hours", "days", "price"), spot)
        days = band.get("days", "all")
        if days not in DAYS:
            raise InputError(f"{spot}: days is {days!r}; it must be one of {', '.join(DAYS)}.")
        chosen = by_band[DAYS[days], _minutes(band.get("hours", "00:00-24:00"), spot)]
        if np.isfinite(chosen).any():
            raise InputError(f"{spot}: its hours overlap those of a band before it; each minute has one price.")
        by_band[DAYS[days], _minutes(band.get("hours", "00:00-24:00"), spot)] = _money(band, "price", spot)
    if "price" in raw:
        by_band = np.where(np.isfinite(by_band), by_band, _money(raw, "price", where))
    if (missing := np.argwhere(np.isnan(by_band))).size:
        day, minute = missing[0]
        raise InputError(
            f"{where}: no band covers {minute // 60:02}:{minute % 60:02} on {('weekdays', 'weekends')[day]}; "
            "add a band, or a plain price for all other hours."
        )
    standing = _money(raw, "standing_charge", where) if "standing_charge" in raw else 0.0
    return Prices(_date(raw.get("valid_from"), where), by_band, standing)


def _minutes(hours: object, where: str) -> NDArray[np.intp]:
    """Minutes of the day within `22:30-06:00`."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", str(hours).strip())
    begin, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if found is None or begin >= MIDNIGHT or end > MIDNIGHT or begin == end or int(found[2]) > 59 or int(found[4]) > 59:
        raise InputError(f'{where}: hours is {hours!r}; write a start and an end, "22:30-06:00".')
    return np.arange(begin, end if end > begin else end + MIDNIGHT) % MIDNIGHT


def _money(raw: Mapping[str, Any], key: str, where: str) -> float:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: {key} is {value!r}; it must be a number like 0.28.")
    if value < 0:
        raise InputError(f"{where}: {key} is {value}; it must not be negative.")
    return float(value)


def _date(value: object, where: str) -> date | None:
    if value is None:
        return None
    try:
        return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value))
    except ValueError:
        raise InputError(f"{where}: valid_from is {value!r}; write a date like 2024-07-01.") from None


def _only(raw: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in raw:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}{nearest(key, known)}; known are {', '.join(known)}.")


def _toml(text: str, where: str) -> Mapping[str, Any]:
    return tomllib.loads(text)


def _csv(text: str, where: str) -> Mapping[str, Any]:
    """The lines of a CSV in the shape of the TOML."""
    columns = ("currency", "valid_from", "days", "hours", "price", "standing_charge")
    periods: dict[str, dict[str, Any]] = {}
    currencies = set()
    for number, line in enumerate(csv.DictReader(text.splitlines()), 2):
        spot = f"{where}, row {number}"
        _only({str(key): 0 for key in line}, columns, spot)
        cells = {key: value.strip() for key, value in line.items() if value and value.strip()}
        currencies.add(cells.pop("currency", ""))
        if len(currencies) > 1:
            raise InputError(f"{spot}: a second currency, {sorted(currencies)}; a tariff has one, named in each row.")
        period = periods.setdefault(cells.get("valid_from", ""), {"band": []})
        period |= {key: cells.pop(key) for key in ("valid_from",) if key in cells}
        numbers = {key: _number(cells.pop(key), key, spot) for key in ("price", "standing_charge") if key in cells}
        if "standing_charge" in numbers:
            period["standing_charge"] = numbers.pop("standing_charge")
        if cells:
            period["band"].append(cells | numbers)
        elif "price" in period:
            raise InputError(f"{spot}: a second price without hours or days; only one holds for all other hours.")
        else:
            period |= numbers
    return {"currency": next(iter(currencies), ""), "period": list(periods.values())}


def _number(cell: str, key: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{where}: {key} is {cell!r}; it must be a number like 0.28.") from None
