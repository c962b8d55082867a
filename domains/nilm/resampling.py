"""Readings at any rate onto a regular grid of mean power; energy over the time they cover is conserved."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.grid import duration, say_duration, say_time
from .house import House, Watts

DAY = pd.Timedelta("1d")
COVERED = 0.5  # of a step, below which its mean is not known
SPARSE, LONG = 50, 2_000_000  # a grid that is this many times longer than its readings, and this long, is a mistake


def usual_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The time from one reading to the next, in the median; two readings at least."""
    return pd.Timedelta(int(np.median(np.diff(times.asi8))), unit="ns")


def held(times: pd.DatetimeIndex, usual: pd.Timedelta, max_gap: pd.Timedelta) -> NDArray[np.int64]:
    """How long each reading counts, in ns (row,): until the next if at most `max_gap` is missing, else `usual`."""
    apart = np.diff(times.asi8)
    return np.append(np.where(apart <= usual.value + max_gap.value, apart, np.minimum(apart, usual.value)), usual.value)


def grid_of(first: pd.Timestamp, last: pd.Timestamp, step: pd.Timedelta) -> pd.DatetimeIndex:
    """Steps that divide the day and count from midnight UTC, from the one of `first` to the one of `last`; (time,)."""
    begin, end = (stamp.tz_convert("UTC").floor(step) for stamp in (first, last))
    return pd.date_range(begin, end, freq=step, unit="ns", name="time")


def resample(
    times: pd.DatetimeIndex,
    power_w: NDArray[np.float64],
    step: str | pd.Timedelta,
    *,
    max_gap: str | pd.Timedelta = "3min",
    usual: pd.Timedelta | None = None,
    grid: pd.DatetimeIndex | None = None,
) -> tuple[pd.DatetimeIndex, Watts]:
    """Mean power in each step: -> (start of each step in UTC (time,), W (time,)).

    times    (row,) aware, in order, each once: when a reading begins to hold
    power_w  (row,) W, NaN where nothing was read
    max_gap  a reading is held until the next when no more than this lies between the end of its own interval and it
    usual    that interval; the median distance of readings unless given
    grid     steps to use, `step` apart, instead of those from the first that is known to the last

    A step is the mean over the time in it that readings cover, weighted by time; covered by less than half it is NaN.
    A step shorter than the interval has the power of the interval. Raises InputError when the step does not divide a
    day, or when readings are so far apart that most steps would be empty.
    """
    width = divides_day(step)
    real, is_given = np.isfinite(power_w), grid is not None
    usual = usual or usual_step(times)
    times, power = times[real], np.asarray(power_w, np.float64)[real]
    if grid is None:
        if not len(times):
            raise InputError("there is no reading to resample; check the column of power.")
        _refuse_sparse(times, width)
        grid = grid_of(times[0], times[-1] + max(usual - pd.Timedelta(1, "ns"), pd.Timedelta(0)), width)
    if not len(times):
        return grid, np.full(len(grid), np.nan, np.float32)
    begin = times.asi8
    end = begin + held(times, usual, duration(max_gap, "max_gap"))
    energy, covered = _by_step(begin, end, power, int(grid.asi8[0]), width.value, len(grid))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = energy / covered
    mean[covered < COVERED * width.value] = np.nan
    if not is_given:
        known = np.flatnonzero(np.isfinite(mean))
        if not len(known):
            raise InputError(
                f"no step of {say_duration(width)} is covered by half; give more readings, or a finer step."
            )
        grid, mean = grid[known[0] : known[-1] + 1], mean[known[0] : known[-1] + 1]
    return grid, mean.astype(np.float32)


def coarsen(house: House, step: str | pd.Timedelta) -> House:
    """The same house on longer steps, a whole number of its own; a step of which less than half is known is NaN."""
    width = divides_day(step)
    if width % house.step:
        raise InputError(
            f"{say_duration(width)} is not a multiple of the {say_duration(house.step)} of {house.name}; "
            f"choose one, such as {say_duration(2 * house.step)}."
        )
    grid = grid_of(house.times[0], house.times[-1], width)
    place = (house.times.asi8 - grid.asi8[0]) // width.value

    def means(power: Watts) -> Watts:
        real = np.isfinite(power)
        count = np.bincount(place[real], minlength=len(grid))
        total = np.bincount(place[real], weights=power[real].astype(np.float64), minlength=len(grid))
        enough = count >= COVERED * (width / house.step)
        return np.where(enough, total / np.maximum(count, 1), np.nan).astype(np.float32)

    appliances = {name: means(power) for name, power in house.appliances_w.items()}
    return replace(house, times=grid, step=width, mains_w=means(house.mains_w), appliances_w=appliances)


def divides_day(step: str | pd.Timedelta) -> pd.Timedelta:
    """The step as a length of time; raises InputError unless a whole number of steps make a day."""
    width = duration(step, "step")
    if DAY % width:
        raise InputError(f"step={say_duration(width)} does not divide a day; choose 10s, 1min, 10min or 30min.")
    return width


def _by_step(
    begin: NDArray[np.int64], end: NDArray[np.int64], power: NDArray[np.float64], start: int, width: int, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energy and time covered in each of `steps` steps from `start`, in W ns and ns; (step,), (step,).

    Intervals do not overlap. They are cut at the edges of steps, so that each piece lies in one step.
    """
    if not ((begin - start) % width).any() and not ((end - begin) % width).any():  # on the grid: nothing to cut
        each = (end - begin) // width
        owner = np.repeat(np.arange(len(begin)), each)
        bins = (begin[owner] - start) // width + np.arange(len(owner)) - (np.cumsum(each) - each)[owner]
        inside = (bins >= 0) & (bins < steps)
        energy, covered = np.zeros(steps), np.zeros(steps)
        energy[bins[inside]], covered[bins[inside]] = power[owner[inside]] * width, width
        return energy, covered
    edges = np.arange(start, start + (steps + 1) * width, width, dtype=np.int64)
    cuts = np.sort(np.concatenate([begin, end, edges]), kind="stable")
    length = np.diff(cuts)
    owner = np.searchsorted(begin, cuts[:-1], side="right") - 1
    bin_of = (cuts[:-1] - start) // width
    inside = (length > 0) & (owner >= 0) & (bin_of >= 0) & (bin_of < steps)
    inside &= cuts[:-1] < end[np.maximum(owner, 0)]
    bins, lasting = bin_of[inside], length[inside].astype(np.float64)
    energy = np.bincount(bins, lasting * power[owner[inside]], steps).astype(np.float64)
    return energy, np.bincount(bins, lasting, steps).astype(np.float64)


def _refuse_sparse(times: pd.DatetimeIndex, width: pd.Timedelta) -> None:
    steps = (times[-1] - times[0]) // width
    if steps > LONG and steps > SPARSE * len(times):
        jump = int(np.diff(times.asi8).argmax())
        raise InputError(
            f"{len(times):,} readings spread over {steps:,} steps of {say_duration(width)}, and nothing stands between "
            f"{say_time(times[jump])} and {say_time(times[jump + 1])}; correct a mistyped date."
        )
