"""What an answer must obey, checked on the user's own house and shown in the report."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ...shared.evaluation.check import Check
from .house import House
from .resampling import coarsen

if TYPE_CHECKING:
    from .predictor import Disaggregator

DAYS = 14  # of the house that are answered again
BASE_W, MOVES_W = 100.0, 10.0  # a load that is always on, and by how much it may move an appliance
COARSE = "10min"


def run_checks(disaggregator: "Disaggregator", house: House, prediction: xr.Dataset | None = None) -> list[Check]:
    """All checks of a fitted disaggregator on a house; `prediction` is what it said of the whole house."""
    answered = disaggregator.predict(house) if prediction is None else prediction
    part = _busiest(house, answered)
    before = disaggregator.predict(part)
    return [
        within_mains(answered),
        never_negative(answered),
        energy_adds_up(answered, house),
        base_load(disaggregator, part, before),
        moved_by_days(disaggregator, part, before),
        resampling_conserves(house),
    ]


def within_mains(prediction: xr.Dataset) -> Check:
    """At no step do the appliances together take more than the mains."""
    over = (prediction["power_w"].sum("appliance", skipna=False) - prediction["mains_w"].clip(min=0)).max()
    most = float(over)
    return Check("appliances together take no more than the mains", most <= 0.01, f"at most {most:+.2g} W above")


def never_negative(prediction: xr.Dataset) -> Check:
    """No power, and no end of an interval, lies below zero; the power lies in its interval."""
    low, power, high = (prediction[name] for name in ("power_low_w", "power_w", "power_high_w"))
    least = float(low.min())
    inside = bool(((low <= power) & (power <= high) | power.isnull()).all())
    return Check(
        "power is never negative and lies in its interval", least >= 0 and inside,
        f"lowest end {least:g} W, {'always' if inside else 'not always'} inside",
    )  # fmt: skip


def energy_adds_up(prediction: xr.Dataset, house: House) -> Check:
    """The energies of the days are the power to be expected, summed over the same time."""
    hours = house.step / pd.Timedelta(hours=1)
    summed = prediction["expected_w"].astype(np.float64).sum("time") * hours / 1000
    days = prediction["energy_kwh"].sum("day")
    off = float(np.abs(days - summed).max())
    words = "energies of days are the sum of the power to be expected"
    return Check(words, off <= 1e-3 * max(float(summed.max()), 1.0), f"{off:.2g} kWh")


def base_load(disaggregator: "Disaggregator", house: House, before: xr.Dataset) -> Check:
    """A constant load on top of the mains belongs to no appliance.

    The difference is taken over the steps in which the appliance runs in either answer, in the median and in the mean
    of all steps; the worst appliance counts.
    """
    more = replace(house, mains_w=house.mains_w + np.float32(BASE_W))
    after = disaggregator.predict(more)["power_w"]
    median = mean = 0.0
    for name in before["appliance"].values:
        one, other = before["power_w"].sel(appliance=name).values, after.sel(appliance=name).values
        runs = (one > 0) | (other > 0)
        if runs.any():
            median = max(median, float(np.median(np.abs(other - one)[runs])))
            mean = max(mean, abs(float(np.nanmean(other - one))))
    return Check(
        f"{BASE_W:+g} W of base load moves no appliance by more than {MOVES_W:g} W",
        bool(max(median, mean) <= MOVES_W),
        f"worst appliance: {median:.2g} W in the median while it runs, {mean:.2g} W in the mean",
    )


def moved_by_days(disaggregator: "Disaggregator", house: House, before: xr.Dataset) -> Check:
    """The same readings some weeks later have the same answer; clocks that change between are left out of it."""
    plain = replace(house, zone=None)
    moved = replace(plain, times=plain.times + pd.Timedelta(days=7 * DAYS))
    still = before if house.zone is None else disaggregator.predict(plain)
    off = float(np.nanmax(np.abs(disaggregator.predict(moved)["power_w"].values - still["power_w"].values)))
    return Check("moving the readings by whole days moves the answer", off <= 1e-3, f"largest change {off:.2g} W")


def resampling_conserves(house: House) -> Check:
    """Longer steps hold the same energy, where all of their minutes are known."""
    coarse = coarsen(house, COARSE) if pd.Timedelta(COARSE) % house.step == pd.Timedelta(0) else house
    count = round(coarse.step / house.step)
    place = (house.times.asi8 - coarse.times.asi8[0]) // coarse.step.value
    known = np.bincount(place, np.isfinite(house.mains_w), len(coarse.times)) == count
    fine = np.bincount(place, np.nan_to_num(house.mains_w).astype(np.float64), len(coarse.times))[known].sum()
    off = abs(float(coarse.mains_w[known].astype(np.float64).sum()) * count - float(fine)) / max(float(fine), 1.0)
    return Check(f"averaging over {COARSE} conserves energy", off <= 1e-5, f"off by {off:.1g} of it")


def _busiest(house: House, prediction: xr.Dataset) -> House:
    """The days in a row in which the appliances take most."""
    length = min(DAYS * house.per_day(), len(house.times))
    taken = np.concatenate([[0.0], np.cumsum(np.nan_to_num(prediction["power_w"].values).sum(1, dtype=np.float64))])
    begins = np.arange(0, len(house.times) - length + 1, house.per_day())
    start = int(begins[np.argmax(taken[begins + length] - taken[begins])])
    return house.rows(slice(start, start + length))
