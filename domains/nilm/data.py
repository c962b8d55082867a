"""The door of NILM: a user's readings of the mains, and of appliances where metered, become a `House`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.grid import duration, say_duration, say_time
from ...shared.reading.table import plural
from ...shared.reading.times import FORWARD, clock_change
from .appliances import APPLIANCES, Appliance
from .house import House, Watts
from .powers import in_power
from .readings import One, Source, joined, open_readings
from .resampling import divides_day, resample, usual_step
from .standing_still import stands_still
from .zero_runs import zero_runs

COARSEST = pd.Timedelta("30min")
UNEVEN = 0.1  # share of steps off the usual one, from which readings count as irregular
BEYOND = 0.01  # share of the time it runs, from which an appliance above the mains is worth a word


def read_mains(
    source: Source,
    *,
    mains: str | Sequence[str] | None = None,
    voltage: str | float | None = None,
    unit: str | Mapping[str, str] | None = None,
    time: str | Sequence[str] | None = None,
    zone: str | None = None,
    step: str | pd.Timedelta = "1min",
    max_gap: str | pd.Timedelta = "3min",
    first_year: int | None = None,
    name: str | None = None,
) -> House:
    """Read the mains of a house alone; as `read_house`, without appliances."""
    return read_house(
        source,
        mains=mains,
        appliances={},
        voltage=voltage,
        unit=unit,
        time=time,
        zone=zone,
        step=step,
        max_gap=max_gap,
        first_year=first_year,
        name=name,
    )


def read_house(
    source: Source,
    *,
    mains: str | Sequence[str] | None = None,
    appliances: Mapping[str, str] | None = None,
    voltage: str | float | None = None,
    unit: str | Mapping[str, str] | None = None,
    time: str | Sequence[str] | None = None,
    zone: str | None = None,
    step: str | pd.Timedelta = "1min",
    max_gap: str | pd.Timedelta = "3min",
    first_year: int | None = None,
    name: str | None = None,
) -> House:
    """Read mains and metered appliances from CSV (also gzipped), Parquet, NetCDF, Excel, a DataFrame or a Dataset.

    source      one of these, or several of one house, such as a file a month, which are joined in time
    mains       the column of the whole house, or several to be summed (phases); found by its name or as the only one
    appliances  column by name of the appliance; found by their names unless given
    voltage     column, or volts, that make power of a current in A
    unit        W, kW, Wh, kWh (in each interval, or of a register) or A; or by column; else the unit of the file, of
                the column's name, or the only one in which a house can have these values
    time, zone, first_year  as in `find_time`, `moments` and `read_times` of shared/reading
    step        of the house; divides a day. Readings from 1 s to 30 min apart come to it with their energy conserved
    max_gap     a reading is held until the next when no more than this is missing between them
    name        of the house; the name of the file unless given

    Runs of exactly 0 W mains over an hour are missing, mains and appliances alike. What was changed stands in
    `repairs`, what is strange and was left in `odd`. Raises InputError, with place and remedy, for whatever cannot be
    read or would be guessed.
    """
    width, gap = divides_day(step), duration(max_gap, "max_gap")
    sources = [source] if isinstance(source, (str, Path, pd.DataFrame, xr.Dataset)) else list(source)
    if not sources:
        raise InputError("no file is given; give one file of a house, or several to be joined in time.")
    with suppress(ValueError):  # volts that were typed; else a column
        voltage = None if voltage is None else float(voltage)
    parts = [open_readings(one, mains, appliances, voltage, time, zone, first_year, unit) for one in sources]
    all_of = joined(parts)
    where, times, columns = all_of.table.where, all_of.times, all_of.columns
    if len(times) < 2:
        raise InputError(f"{where} has one row; mains need many, 1 s to 30 min apart.")
    known = np.isfinite(all_of.values[:, 0])
    usual = usual_step(times[known] if known.sum() > 1 else times)
    if usual > COARSEST:
        raise InputError(
            f"{where}: readings are {say_duration(usual)} apart; appliances run for minutes and leave no trace in "
            f"them: give readings of {say_duration(COARSEST)} or finer."
        )
    repairs = list(all_of.repairs)
    if columns.appliances and columns.unread:
        repairs.append(f"not read, no appliance that is known: {', '.join(map(repr, columns.unread))}")
    odd: list[str] = []
    power = in_power(all_of, parts, usual, unit, voltage, repairs, odd)
    if columns.flag is not None and (flagged := all_of.values[:, -1] == 1).any():
        repairs.append(f"{plural(int(flagged.sum()), 'row')} with {columns.flag!r} set taken as missing")
        power[flagged] = np.nan
    repairs += _without_outages(power, times, usual, len(columns.mains))
    repairs += _said_holding(power[:, 0], times, usual, gap, width, columns.mains[0])

    count = len(columns.mains)
    whole = power[:, :count].sum(axis=1)
    if not np.isfinite(whole).any():
        raise InputError(f"{where}: nothing of {columns.mains[0]!r} is left after {'; '.join(repairs)}.")
    grid, mains_w = resample(times, whole, width, max_gap=gap, usual=usual)
    appliances_w = {
        appliance: resample(times, power[:, count + place], width, max_gap=gap, usual=usual, grid=grid)[1]
        for place, appliance in enumerate(columns.appliances)
    }
    for one in [one for one, seen in appliances_w.items() if np.isnan(seen).all()]:
        del appliances_w[one]
        repairs.append(f"{columns.appliances[one]!r} has no values: the house is read without {one}")
    repairs += _said_gaps(mains_w, grid.tz_convert(times.tz), width, all_of.hint_zone)
    for appliance, seen in appliances_w.items():
        rule = APPLIANCES[appliance].at(width)
        odd += _beyond(rule, seen, mains_w) + stands_still(rule, seen, mains_w, width)
    return House(
        name=name or _name(sources[0]),
        times=grid,
        step=width,
        mains_w=mains_w,
        appliances_w=appliances_w,
        zone=all_of.zone,
        repairs=tuple(dict.fromkeys(repairs)),
        odd=tuple(odd),
        apart=usual,
    )


def _without_outages(power: NDArray[np.float64], times: pd.DatetimeIndex, usual: pd.Timedelta, mains: int) -> list[str]:
    """Take all columns as missing where the mains are exactly 0 for over an hour; changes `power`; -> what to say."""
    out, said = zero_runs(times, power[:, :mains].sum(axis=1), usual)
    power[out] = np.nan
    return said


def _said_holding(
    mains_w: NDArray[np.float64],
    times: pd.DatetimeIndex,
    usual: pd.Timedelta,
    gap: pd.Timedelta,
    width: pd.Timedelta,
    name: str,
) -> list[str]:
    clock = times[np.isfinite(mains_w)]
    apart = np.diff(clock.asi8)
    off = np.abs(apart - usual.value) > 0.5 * usual.value
    if len(apart) and off.mean() > UNEVEN:
        return [
            f"readings come unevenly, {say_duration(usual)} apart in the median: each held until the next, over up to "
            f"{say_duration(gap)} without one (max_gap); a logger that writes changes alone needs more"
        ]
    said = []
    if (bridged := (apart > 1.5 * usual.value) & (apart <= usual.value + gap.value)).any():
        said.append(
            f"{plural(int(bridged.sum()), 'gap')} of up to {say_duration(gap)} in {name!r} bridged by the last value, "
            f"first {say_time(clock[:-1][bridged][0])}"
        )
    if usual > width:
        said.append(
            f"readings {say_duration(usual)} apart spread evenly over steps of {say_duration(width)}: shorter uses "
            "do not show"
        )
    elif usual < width:
        said.append(f"readings {say_duration(usual)} apart averaged over steps of {say_duration(width)}")
    return said


def _said_gaps(mains_w: Watts, clock: pd.DatetimeIndex, width: pd.Timedelta, hint_zone: bool) -> list[str]:
    missing = np.flatnonzero(np.diff(np.isnan(mains_w), prepend=False, append=False))
    if not len(missing):
        return []
    start, stop = missing[::2], missing[1::2]
    longest, share = int((stop - start).argmax()), max((stop - start).sum() / len(mains_w), 0.001)
    first = clock[start[longest]]
    hint = clock_change(first, FORWARD) if hint_zone else ""
    return [
        f"no mains in {share:.1%} of the steps ({plural(len(start), 'gap')}, the longest "
        f"{say_duration((stop - start)[longest] * width)} from {say_time(first)}); they stay missing{hint}"
    ]


def _beyond(one: Appliance, power_w: Watts, mains_w: Watts) -> list[str]:
    runs = power_w >= one.on_w
    over = runs & (power_w > 1.1 * mains_w + 50)
    share = over.sum() / max(int((runs & np.isfinite(mains_w)).sum()), 1)
    if share <= BEYOND:
        return []
    return [f"{one.name} takes more than the mains in {share:.0%} of the time it runs: check units, clocks and columns"]


def _name(source: One) -> str:
    if not isinstance(source, (str, Path)):
        return "house"
    path = Path(source)
    return path.name.removesuffix("".join(suffix for suffix in path.suffixes[-2:] if not suffix[1:].isdigit()))
