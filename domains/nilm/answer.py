"""Estimates of a house become its answer: switched, held within the mains, with intervals and energy, as a dataset."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from .appliances import APPLIANCES
from .choice import switched
from .energy import Period, energy
from .expected import expected
from .house import Estimate, House, Watts
from .intervals import Bands, around
from .projection import within_mains

PERIODS: dict[str, Period] = {"day": "D", "month": "M"}


class ApplianceBands(NamedTuple):
    """Calibrated intervals of one appliance: of a minute's power, and of the energy of a day and of a month."""

    minute: Bands
    day: Bands
    month: Bands


def powers(house: House, said: Mapping[str, Estimate], thresholds: Mapping[str, float]) -> dict[str, Watts]:
    """Power of each appliance, off below its threshold, together never above the mains; each (time,) W."""
    switched_on = {name: switched(said[name], at, APPLIANCES[name].at(house.step)) for name, at in thresholds.items()}
    return within_mains(switched_on, house.mains_w)


def expected_powers(house: House, said: Mapping[str, Estimate], counted: Mapping[str, float]) -> dict[str, Watts]:
    """Power to be expected of each appliance, together never above the mains; each (time,) W."""
    return within_mains({name: expected(said[name], factor) for name, factor in counted.items()}, house.mains_w)


def answer(
    house: House,
    said: Mapping[str, Estimate],
    thresholds: Mapping[str, float],
    counted: Mapping[str, float],
    bands: Mapping[str, ApplianceBands],
) -> xr.Dataset:
    """The answer for a house; see `Disaggregator.predict` for its variables."""
    names = list(thresholds)
    power_w, expected_w = powers(house, said, thresholds), expected_powers(house, said, counted)
    mains = house.mains_w
    edges = {name: _edges(said[name], power_w[name], mains, bands[name].minute) for name in names}
    over = ("time", "appliance")
    local = house.local()
    table, in_mean = (_beside(watts[name] for name in names) for watts in (power_w, expected_w))
    data: dict[str, tuple[object, ...]] = {
        "power_w": (over, table, _of("power of the appliance", "W")),
        "power_low_w": (over, _beside(edges[name][0] for name in names), _of("lower end of the power", "W")),
        "power_high_w": (
            over,
            _beside(edges[name][1] for name in names),
            _of("upper end of the power", "W"),
        ),
        "expected_w": (over, in_mean, _of("power to be expected, of which energy is the sum", "W")),
        "probability": (over, _beside(said[name].on for name in names), _of("probability of running", "1")),
        "mains_w": (("time",), mains, _of("power of the whole house", "W")),
        "rest_w": (("time",), mains - table.sum(1), _of("power of everything else", "W")),
    }
    clock = "on the clock as written" if house.zone is None else "in UTC"
    coords: dict[str, object] = {
        "time": ("time", _plain(house.times), {"long_name": f"start of the step, {clock}"}), "appliance": names
    }  # fmt: skip
    for axis, period in PERIODS.items():
        found = energy(local, in_mean, house.step, period)
        by_name = zip(names, found.kwh.T, strict=True)
        ends = [around(getattr(bands[name], axis), kwh) for name, kwh in by_name]
        most = energy(local, mains, house.step, period).kwh
        prefix, over = ("", ("day", "appliance")) if axis == "day" else ("month_", ("month", "appliance"))
        low, high = (_beside(pair[side] for pair in ends) for side in range(2))
        for name, values in (("energy", found.kwh), ("energy_low", low), ("energy_high", high)):
            # of what was never seen nothing is said: 0 kWh would be an answer
            bounded = np.where(found.covered[:, None] > 0, np.clip(values, 0, most[:, None]), np.nan)
            data[f"{prefix}{name}_kwh"] = (over, bounded, _of(f"{name.replace('_', ', ')} of the {axis}", "kWh"))
        covered = _of(f"share of the {axis} with readings", "1")
        data[f"{prefix}covered"] = ((axis,), found.covered, covered)
        coords[axis] = found.start
    return xr.Dataset(data, coords)


def _edges(said: Estimate, power_w: Watts, mains_w: Watts, bands: Bands) -> tuple[Watts, Watts]:
    """Interval of each minute's power, around the answer and never above the mains."""
    with np.errstate(invalid="ignore"):
        low, high = bands.interval(np.nan_to_num(said.on), said.power_w)
        low, high = np.minimum(low, power_w), np.minimum(np.maximum(high, power_w), np.maximum(mains_w, 0))
    return low.astype(np.float32), high.astype(np.float32)


def _beside(columns: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.stack(list(columns), axis=1)


def _plain(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Times that NetCDF can hold: UTC, without saying so in their type."""
    return times.tz_localize(None) if times.tz is None else times.tz_convert("UTC").tz_localize(None)


def _of(text: str, unit: str) -> dict[str, str]:
    return {"long_name": text, "units": unit}
