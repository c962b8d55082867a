"""How an appliance was used: energy, cost, number of uses, when and how long, by day, by month or over everything."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...shared.errors import InputError
from .appliances import Appliance
from .states import pause_steps, uses
from .tariff import Tariff

Per = Literal["day", "month", "all"]


def usage_table(
    times_local: pd.DatetimeIndex,
    power_w: ArrayLike,
    on: ArrayLike,
    appliance: Appliance,
    tariff: Tariff | None = None,
    per: Per = "month",
    interval_kwh: tuple[ArrayLike, ArrayLike] | None = None,
    energy_w: ArrayLike | None = None,
) -> pd.DataFrame:
    """One row a period, named by its first day.

    times_local   (time,) start of each step on the local clock, evenly spaced
    power_w       (time,) W; NaN where nothing is known: its energy is not made up, `covered` says how much that is
    on            (time,) flags, or probabilities of which 0.5 and more count as on
    interval_kwh  low and high, (period,) each, as the caller calibrated them
    energy_w      (time,) W of which energy and cost are the sums; `power_w` if None
    ->            kwh, kwh_low, kwh_high (with an interval), cost (with a tariff, without standing charges), uses
                  (counted in the period in which they begin; pauses up to `appliance.pause_min` belong to a use),
                  typical_start (up to three hours in which most begin), mean_minutes, median_on_w, and covered: the
                  share of the whole day or month, or of the time given, that has readings; without any, kwh and
                  cost are NaN
    Raises InputError when shapes differ, steps are uneven or the tariff has no price for a time.
    """
    power, runs = np.asarray(power_w, dtype=np.float64), np.asarray(on) >= 0.5
    if not power.shape == runs.shape == (len(times_local),):
        raise InputError(f"{len(times_local)} times, power of shape {power.shape} and states of {runs.shape} differ.")
    step = _step(times_local)
    hours, real = step / pd.Timedelta(hours=1), np.isfinite(power)
    summed = power if energy_w is None else np.asarray(energy_w, dtype=np.float64)
    if summed.shape != power.shape:
        raise InputError(f"power of shape {power.shape} and power of energies of {summed.shape} differ.")
    kwh = np.where(real, summed, np.nan) * hours / 1000
    period = _periods(times_local, per)
    starts = pd.DatetimeIndex(np.unique(period))
    number = np.searchsorted(starts, period)
    count = len(starts)
    table = pd.DataFrame(index=starts.rename("period"))
    table["kwh"] = np.bincount(number, np.where(real, kwh, 0), count)
    if interval_kwh is not None:
        for name, side in zip(("kwh_low", "kwh_high"), interval_kwh, strict=True):
            if np.shape(side) != (count,):
                raise InputError(f"an interval of shape {np.shape(side)} does not fit {count} periods (per={per!r}).")
            table[name] = np.asarray(side, dtype=np.float64)
    if tariff is not None:
        table["cost"] = np.bincount(number, np.where(real, tariff.cost(times_local, kwh), 0), count)
        table.attrs["currency"] = tariff.currency
    found = uses(runs & real, pause_steps(appliance, hours * 60))
    begun, hour = number[found[:, 0]], times_local.hour.to_numpy()[found[:, 0]]
    table["uses"] = np.bincount(begun, minlength=count)
    table["typical_start"] = [_typical(hour[begun == i]) for i in range(count)]
    minutes = np.bincount(begun, (found[:, 1] - found[:, 0]) * hours * 60, count)
    table["mean_minutes"] = (minutes / table["uses"]).where(table["uses"] > 0)
    table["median_on_w"] = pd.Series(power).where(runs & real).groupby(number).median().to_numpy()
    whole = len(power) if per == "all" else _length(starts, times_local, per) / step
    table["covered"] = np.bincount(number, real, count) / whole
    sums = [name for name in ("kwh", "cost") if name in table]
    table.loc[table["covered"] == 0, sums] = np.nan  # nothing was seen, which is not nothing used
    return table


def _step(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The width of a step; a naive clock may repeat or skip an hour where the summer time changes."""
    widths = np.unique(np.diff(times.asi8), return_counts=True)
    if len(times) < 2 or (step := pd.Timedelta(int(widths[0][widths[1].argmax()]), times.unit)) <= pd.Timedelta(0):
        raise InputError(f"{len(times)} times do not tell the length of a step; give at least two, in order.")
    return step


def _periods(times: pd.DatetimeIndex, per: Per) -> pd.DatetimeIndex:
    """First day of the period of each time, naive; (time,)."""
    days = times.tz_localize(None).normalize()
    if per == "day":
        return days
    if per == "month":
        return pd.DatetimeIndex(days.to_numpy().astype("datetime64[M]").astype(days.dtype))
    if per == "all":
        return pd.DatetimeIndex(np.full(len(days), days[:1].to_numpy()[0]))
    raise InputError(f"periods are 'day', 'month' or 'all', not {per!r}.")


def _length(starts: pd.DatetimeIndex, times: pd.DatetimeIndex, per: Per) -> pd.TimedeltaIndex:
    """How long each period lasts by its own clock: a day of 23 hours is whole."""
    ends = pd.DatetimeIndex(starts + (pd.DateOffset(days=1) if per == "day" else pd.DateOffset(months=1)))
    if times.tz is None:
        return ends - starts
    clock = {"tz": times.tz, "ambiguous": np.ones(len(starts), dtype=bool), "nonexistent": "shift_forward"}
    return pd.TimedeltaIndex(ends.tz_localize(**clock) - starts.tz_localize(**clock))


def _typical(hours: NDArray[np.int32]) -> str:
    """The hours in which most uses begin, the commonest first."""
    counts = np.bincount(hours, minlength=24)
    commonest = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"{hour:02}:00" for hour in commonest if counts[hour])
