"""The files of a house as readings in order of time, cells still in the unit of their column."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.reading.cells import numbers
from ...shared.reading.files import read_table
from ...shared.reading.grid import in_order
from ...shared.reading.meters import refuse_several_meters
from ...shared.reading.suspicion import require_one_unit, without_sentinels
from ...shared.reading.table import Table, plural
from ...shared.reading.times import find_time, moments, read_times
from .columns import Columns, clock_columns, find_columns
from .resampling import usual_step
from .units import is_register

One: TypeAlias = str | Path | pd.DataFrame | xr.Dataset
Source: TypeAlias = One | Sequence[One]


class Readings(NamedTuple):
    """One source as it was read: in order of time, each time once, cells still in the unit of their column."""

    table: Table
    columns: Columns
    times: pd.DatetimeIndex  # (row,) aware, on the clock that messages use
    values: NDArray[np.float64]  # (row, column), in the order of columns.numeric()
    zone: str | None
    repairs: list[str]
    hint_zone: bool  # stamps were naive and no zone is given


def open_readings(
    source: One,
    mains: str | Sequence[str] | None,
    appliances: Mapping[str, str] | None,
    voltage: str | float | None,
    time: str | Sequence[str] | None,
    zone: str | None,
    first_year: int | None,
    unit: str | Mapping[str, str] | None,
) -> Readings:
    """Read one source; arguments as in `read_house`. Raises InputError for whatever cannot be read as it stands."""
    wanted = [*([mains] if isinstance(mains, str) else mains or ()), *(appliances or {}).values()]
    table = read_table(source, wanted)
    time = clock_columns(table, time)
    columns = find_columns(table, mains, appliances, voltage, time, unit)
    names = columns.numeric()
    clock = find_time(table, time, names)
    stamps = read_times(table, clock, first_year)
    values = np.column_stack([without_sentinels(table, name, numbers(table, name)) for name in names])
    moment, zone, keep, notes = moments(stamps, zone, table, empty=np.isnan(values).all(axis=1))
    moment = moment if zone is None else moment.tz_convert(zone)  # what is said of them is said on the local clock
    refuse_several_meters(moment, values[keep], keep, table, names + clock)
    hint_zone = stamps.tz is None and zone is None
    times, values, more = in_order(moment, values[keep], names, table.where, hint_zone)
    main = values[:, 0]
    if len(times) > 1 and not is_register(main):
        require_one_unit(main, times, usual_step(times), names[0], table, moment, keep)
    return Readings(table, columns, times, values, zone, table.repairs + notes + more, hint_zone)


def joined(parts: list[Readings]) -> Readings:
    """One house of several files; rows that two of them share must agree."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if part.columns._replace(unread=()) != first.columns._replace(unread=()):
            other = sorted({*part.columns.numeric()} ^ {*first.columns.numeric()})
            raise InputError(
                f"{part.table.where}: its columns are not those of {first.table.where} (only one has "
                f"{', '.join(map(repr, other))}); files of one house need the same columns."
            )
        if (part.times.tz is None, part.zone, part.hint_zone) != (first.times.tz is None, first.zone, first.hint_zone):
            raise InputError(
                f"{part.table.where}: its clock is not that of {first.table.where}; write the times of both alike, "
                "with an offset from UTC or without, and give the zone=."
            )
    order = sorted(parts, key=lambda part: part.times[0])
    times = pd.DatetimeIndex(np.concatenate([part.times.asi8 for part in order]), tz="UTC").tz_convert(first.times.tz)
    where = f"{first.table.where} and {plural(len(parts) - 1, 'other')}"
    values = np.concatenate([part.values for part in order])
    times, values, notes = in_order(times, values, first.columns.numeric(), where, first.hint_zone)
    said = [line for part in parts for line in part.repairs]
    units = {name: unit for part in parts for name, unit in part.table.units.items()}
    table = Table(first.table.frame, where, units=units)
    return Readings(table, first.columns, times, values, first.zone, said + notes, first.hint_zone)
