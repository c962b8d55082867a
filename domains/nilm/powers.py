"""Columns of readings as power in W: which unit they are in, and what no house draws taken out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.table import Table, plural
from .appliances import APPLIANCES
from .faults import refuse_backwards, without_faults
from .readings import Readings
from .units import (
    in_watts,
    infer,
    is_current,
    is_register,
    possible_units,
    register_unit,
    require_a_house,
    spelled,
    unit_in_name,
)

NO_UNIT = ("", "1", "-")


def in_power(
    readings: Readings,
    parts: list[Readings],
    usual: pd.Timedelta,
    unit: str | Mapping[str, str] | None,
    voltage: str | float | None,
    repairs: list[str],
    odd: list[str],
) -> NDArray[np.float64]:
    """Mains and appliances in W, their faults taken out; (row, column).

    repairs, odd  lists that grow by what was changed, and by what is strange and was left
    """
    columns, times, where = readings.columns, readings.times, readings.table.where
    powers, of_mains = [], "W"
    for place, name in enumerate((*columns.mains, *columns.appliances.values())):
        values, is_mains = readings.values[:, place], place < len(columns.mains)
        if is_mains:
            _require_content(values, name, where)
        declared = unit if isinstance(unit, str) else (unit or {}).get(name)
        stated = _declared(declared, name, readings.table, parts)
        if stated == "A":
            volts, note = _volts(readings, voltage, name)
            values, stated = values * volts, "W"
            repairs.append(note)
        elif stated is None and is_mains:
            if is_register(values):
                stated, note = register_unit(values, times, name, where)
            else:
                stated, note = infer(values, usual, name, where)
                _require_alike(parts, stated, usual, name)
            repairs.append(note)
        power, notes = in_watts(values, times, stated or of_mains, usual, name, where)
        repairs += notes
        power, notes = without_faults(power, times, name, where)
        repairs += notes
        if not is_mains:
            odd += _small(power, list(columns.appliances)[place - len(columns.mains)], name)
        elif declared is None and stated in ("W", "Wh"):
            require_a_house(power, stated, name, where)
        powers.append(power)
        of_mains = (stated or of_mains) if is_mains else of_mains
    return np.column_stack(powers)


def _declared(declared: str | None, name: str, table: Table, parts: list[Readings]) -> str | None:
    """The unit that the caller, the files or the name of the column say; None when nobody says it."""
    found = {part.table.units.get(name, "").strip() for part in parts}
    if len(stated := {spelled(one, name, table.where) for one in found if one not in NO_UNIT}) > 1 and not declared:
        raise InputError(f"{table.where}: {name!r} is in {' in one file and in '.join(sorted(stated))} in another; "
                         "convert one of them.")  # fmt: skip
    said = declared or next(iter(stated), None) or unit_in_name(name)[1] or ("A" if is_current(name) else None)
    return spelled(said, name, table.where) if said else None


def _require_content(values: NDArray[np.float64], name: str, where: str) -> None:
    real = values[np.isfinite(values)]
    if not len(real):
        raise InputError(f"{where}: the mains {name!r} have no values; choose another column with mains= (--mains).")
    if real.min() == real.max():
        raise InputError(
            f"{where}: the mains {name!r} are {real[0]:g} in all {plural(len(real), 'row')}; no house is that even; "
            "choose another column with mains= (--mains), or check the export."
        )
    refuse_backwards(real, name, where)


def _small(power: NDArray[np.float64], appliance: str, name: str) -> list[str]:
    """A line where a submeter in kW would be one of the appliance, but is not as it is."""
    top = float(np.nanmax(power, initial=0.0))
    known = APPLIANCES.get(appliance)
    if known is None or not 0 < top < known.on_w <= 1000 * top:
        return []
    return [
        f"{name!r} never exceeds {top:.3g} W, and {appliance} runs from {known.on_w:g} W on: it never ran, or it is in "
        "kW"
    ]


def _require_alike(parts: list[Readings], unit: str, usual: pd.Timedelta, name: str) -> None:
    """Refuse a file whose mains are of another unit than those of all files together."""
    for part in parts if len(parts) > 1 else ():
        if np.nanmax(part.values[:, 0], initial=0.0) > 0:
            fit = possible_units(part.values[:, 0], usual, name)
            if fit and unit not in fit:
                raise InputError(
                    f"{part.table.where}: {name!r} seems to be in {fit[0]} here and in {unit} in the other files; "
                    "convert one, or read the files apart."
                )


def _volts(readings: Readings, voltage: str | float | None, name: str) -> tuple[NDArray[np.float64], str]:
    columns = readings.columns
    if columns.voltage is not None:
        volts = readings.values[:, len(columns.mains) + len(columns.appliances)]
        said = f"the voltage in {columns.voltage!r}"
    elif voltage is None or isinstance(voltage, str):
        raise InputError(
            f"{readings.table.where}: {name!r} is a current in A, and no column is called voltage; give volts, such as "
            "voltage=230 (--voltage 230), or the column of voltage."
        )
    else:
        volts, said = np.full(len(readings.times), float(voltage)), f"{voltage:g} V"
    if not 90 <= (middle := float(np.nanmedian(volts))) <= 480:
        raise InputError(f"{readings.table.where}: a voltage of {middle:g} V is none of a house; give 90 to 480 V.")
    return volts, f"current {name!r} times {said} taken for active power (power factor 1)"
