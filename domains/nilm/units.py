"""What a column is measured in, declared or inferred, and how that becomes mean power in W."""

import re
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.grid import say_duration, say_time
from ...shared.reading.table import plural

JOULES = {"W": 1.0, "kW": 1000.0, "Wh": 3600.0, "kWh": 3.6e6}  # of one: power in W, energy in W s
ELECTRIC = {"A": "current", "VA": "apparent power", "kVA": "apparent power", "var": "reactive power"}
SPELLINGS = {
    **{one.casefold(): one for one in (*JOULES, *ELECTRIC)},
    **dict.fromkeys(("watt", "watts"), "W"),
    **dict.fromkeys(("kilowatt", "kilowatts"), "kW"),
    **dict.fromkeys(("watthour", "watthours", "w*h", "w h", "watt hours"), "Wh"),
    **dict.fromkeys(("kilowatthour", "kilowatthours", "kw*h", "kw h", "kilowatt hours"), "kWh"),
    **dict.fromkeys(("amp", "amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("v", "volt", "volts"), "V"),
    **dict.fromkeys(("kvar",), "var"),
}
ENERGY_NAMES = ("energy", "consumption", "register", "import")
MINUTES = pd.Timedelta("5min")  # below it a column that no one calls energy is power
MEAN_W, TOP_W = (5.0, 8e3), (30.0, 5e4)  # what the mains of a house can be
TOP = 0.99  # of readings; bursts may lie above
REGISTER_RISES = 15
RESETS = 0.01  # of a register, as a share of its rises
EVEN = 0.9  # share of intervals that must be the usual one where energy is given per interval


def unit_in_name(name: str) -> tuple[str, str | None]:
    """The name of a column without its unit, and the unit: `mains_kw` is mains in kW, `Power (W)` Power in W."""
    if len(name) > 1 and (unit := SPELLINGS.get(name.casefold())) in JOULES:
        return name, unit
    found = re.fullmatch(r"(.*?)[\s_.,/(\[]+([A-Za-z]+)[)\]]?\s*", name)
    if found and (unit := SPELLINGS.get(found[2].casefold())):
        is_phase = unit == "A" and "(" not in name and not re.search("curr|amp|intens", found[1], re.IGNORECASE)
        return (name, None) if is_phase else (found[1], unit)
    return name, None


def is_current(name: str) -> bool:
    """Is a column without a unit called as a current is, and not as the power of the moment?"""
    return bool(re.search(r"current|amp(s|ere|\b)|intensity", name, re.IGNORECASE)) and not re.search(
        "power|watt|load|energy|usage|demand|consum", name, re.IGNORECASE
    )


def require_a_house(power_w: NDArray[np.float64], unit: str, name: str, where: str) -> None:
    """Raise InputError where mains that a column or file calls W or Wh would be those of a house in kW or kWh."""
    real = power_w[np.isfinite(power_w)]
    top = float(np.quantile(real, TOP)) if len(real) else 0.0
    if 0 < top < TOP_W[0] <= 1000 * top <= TOP_W[1]:
        larger = {"W": "kW", "Wh": "kWh"}.get(unit, unit)
        raise InputError(
            f"{where}: {name!r} in {unit} is {top:.2g} W in all but a hundredth of the readings, which is no house; if "
            f"it is in {larger}, say so with unit='{larger}' (--unit {larger}), if not with unit='{unit}'."
        )


def spelled(unit: str, name: str, where: str) -> str:
    """The unit as this file writes it; raises InputError with what is known."""
    plain = SPELLINGS.get(unit.strip().casefold())
    if plain is None or unit.strip() in ("mW", "MW"):
        near = get_close_matches(unit, JOULES, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InputError(f"{where}: the unit {unit!r} of {name!r} is not known{hint}; give one of W, kW, Wh, kWh or A.")
    return plain


def infer(values: NDArray[np.float64], usual: pd.Timedelta, name: str, where: str) -> tuple[str, str]:
    """The only unit in which the mains of a house can have these values: -> (unit, what to say).

    Energy per interval is thought of where the column is called so, or readings are 5 min apart and more. Raises
    InputError when several units, or none, are possible.
    """
    median, largest = (float(np.nanquantile(values, share)) for share in (0.5, 1.0))
    said = f"median {median:.4g}, largest {largest:.4g}"
    fit = possible_units(values, usual, name)
    if len(fit) == 1:
        return fit[0], f"unit of {name!r} taken to be {said_unit(fit[0], usual)}: {said}"
    means = [f"{said_unit(unit, usual)}: a mean of {_mean_w(values, unit, usual):,.0f} W" for unit in fit]
    doubt = f"could be {' or '.join(means)}" if fit else "fits no unit of power or energy of a house"
    ways = " or ".join(f"unit='{unit}' (--unit {unit})" for unit in fit or ["W"])
    raise InputError(
        f"{where}: the unit of {name!r} is not said, and its size ({said}, every {say_duration(usual)}) {doubt}; say "
        f"it with {ways}, or in the name of the column, as in {name.split()[0]}_{(fit or ['W'])[-1]}."
    )


def possible_units(values: NDArray[np.float64], usual: pd.Timedelta, name: str) -> list[str]:
    """Units in which a house can have these values; all in which it is no more than a house draws when all are zero."""
    energetic = any(word in name.casefold() for word in ENERGY_NAMES)
    powerful = "power" in name.casefold() or "watt" in name.casefold()
    names = ["Wh", "kWh"] if energetic and not powerful else ["W", "kW"]
    if not energetic and not powerful and usual >= MINUTES:
        names = list(JOULES)
    top = float(np.nanquantile(values, TOP))
    return [
        unit
        for unit in names
        if MEAN_W[0] <= _mean_w(values, unit, usual) <= MEAN_W[1] and TOP_W[0] <= top * _factor(unit, usual) <= TOP_W[1]
    ]


def in_watts(
    values: NDArray[np.float64], times: pd.DatetimeIndex, unit: str, usual: pd.Timedelta, name: str, where: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Power while each reading holds: -> ((row,) W, what was done).

    unit  W or kW: power; Wh or kWh: energy in each interval of length `usual`, or a register that only rises, of which
          the differences count; where it falls it was reset, and the interval is missing
    Raises InputError at apparent power, and at energy per interval when intervals are not equal.
    """
    if unit in ELECTRIC or unit == "V":
        raise InputError(
            f"{where}: {name!r} is in {unit}, {ELECTRIC.get(unit, 'voltage')}, of which no active power can be known; "
            "give a column in W, or the current in A with its voltage (voltage=230)."
        )
    if unit in ("W", "kW"):
        if is_register(values):
            raise InputError(
                f"{where}: {name!r} in {unit} only rises, from {np.nanmin(values):.6g} to {np.nanmax(values):.6g}, as "
                "a meter register of energy does; say so with unit='kWh' (--unit kWh) or Wh."
            )
        return values * JOULES[unit], []
    if is_register(values):
        return _differences(values, times, unit, name)
    apart = np.diff(times.asi8)
    if (np.abs(apart - usual.value) < 0.01 * usual.value).mean() < EVEN:
        raise InputError(
            f"{where}: {name!r} in {unit} is energy per interval, but the rows are {say_duration(_least(apart))} to "
            f"{say_duration(pd.Timedelta(int(np.quantile(apart, 0.95)), 'ns'))} apart; give power in W, a register, or "
            "rows of one step."
        )
    return values * _factor(unit, usual), [f"{name!r} read as {said_unit(unit, usual)}"]


def is_register(values: NDArray[np.float64]) -> bool:
    """Does it rise and never fall, but for a few resets?"""
    real = values[np.isfinite(values)]
    rise = np.diff(real)
    rises = (rise > 0).sum()
    return bool(rises >= REGISTER_RISES and (rise < 0).sum() <= RESETS * rises)


def register_unit(values: NDArray[np.float64], times: pd.DatetimeIndex, name: str, where: str) -> tuple[str, str]:
    """The unit, Wh or kWh, in which a register turns at the pace of a house; raises InputError when neither does."""
    rise = np.diff(values)
    hours = (times[-1] - times[0]) / pd.Timedelta("1h")
    pace = float(np.nansum(np.where(rise > 0, rise, 0))) / hours
    for unit in ("Wh", "kWh"):
        if MEAN_W[0] <= (mean := pace * JOULES[unit] / 3600) <= MEAN_W[1]:
            return unit, f"unit of the register {name!r} taken to be {unit}: it turns by {mean:,.0f} W in the mean"
    raise InputError(
        f"{where}: {name!r} rises like a register, by {pace:.4g} an hour, which is no house in Wh or kWh; say the unit "
        "with unit='kWh' (--unit kWh)."
    )


def said_unit(unit: str, usual: pd.Timedelta) -> str:
    """The unit as a person says it: `kWh in each 30 min`."""
    return unit if unit in ("W", "kW") else f"{unit} in each {say_duration(usual)}"


def _differences(
    values: NDArray[np.float64], times: pd.DatetimeIndex, unit: str, name: str
) -> tuple[NDArray[np.float64], list[str]]:
    done = [f"{name!r} read as a register in {unit}, of which the differences count"]
    real = np.flatnonzero(np.isfinite(values))
    moves = np.r_[True, np.diff(values[real]) != 0]
    if moves.mean() > 0.5:
        moves[:] = True
    else:
        done.append(
            f"register {name!r} stands still in {1 - moves.mean():.0%} of the rows, too coarse for them: its energy is "
            "spread from one change to the next"
        )
    at = real[moves]  # rows from which a difference counts
    rise = np.diff(values[at])
    pace = np.append(rise * JOULES[unit] / (np.diff(times.asi8[at]) / 1e9), np.nan)
    pace[:-1][rise < 0] = np.nan
    power = np.full(len(values), np.nan)
    power[real] = pace[np.cumsum(moves) - 1]
    if (fell := rise < 0).any():
        first = times[at[1:][fell.argmax()]]
        done.append(f"register {name!r} fell {plural(int(fell.sum()), 'time')}, as after a reset, first "
                    f"{say_time(first)}: that interval is missing")  # fmt: skip
    return power, done


def _factor(unit: str, usual: pd.Timedelta) -> float:
    return JOULES[unit] / (1 if unit in ("W", "kW") else usual.total_seconds())


def _mean_w(values: NDArray[np.float64], unit: str, usual: pd.Timedelta) -> float:
    """Mean of the readings that are not zero, the top hundredth apart, which may hold bursts."""
    real = values[np.isfinite(values) & (values != 0)]
    kept = real[real <= np.quantile(real, TOP)] if len(real) else np.zeros(1)
    return float(kept.mean()) * _factor(unit, usual)


def _least(apart: NDArray[np.int64]) -> pd.Timedelta:
    return pd.Timedelta(int(np.quantile(apart, 0.05)), "ns")
