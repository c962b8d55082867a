"""Appliances of many houses: each house through the same disaggregator, days of energy out, memory that does not grow.

A chunk of houses is read, brought to the model's step with its energy conserved, split house by house and written.
Nothing passes from one house to another, so any chunk on any machine gives the same answer.
"""

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr
from numpy.typing import NDArray

from ... import __version__
from ...shared.errors import InputError
from ...shared.reading.grid import say_duration
from ...shared.reading.table import Table
from ...shared.reading.times import moments
from ...shared.scale.chunks import Field, Layout, Result
from ...shared.scale.mapping import map_in_memory, map_to_file
from ...shared.scale.source import fingerprint, open_series
from .appliances import APPLIANCES
from .data import COARSEST, read_mains
from .energy import energy
from .predictor import Disaggregator
from .resampling import grid_of
from .units import JOULES, spelled
from .usage import usage_table

ManySource: TypeAlias = str | Path | xr.DataArray | xr.Dataset | pd.DataFrame
HOUSES_PER_CHUNK = 8  # a month of minutes of one takes some ten MB while it is split
BY_APPLIANCE, BY_DAY = ("day", "appliance"), ("day",)
FIELDS = {
    "energy_kwh": Field(BY_APPLIANCE, "float32", {"long_name": "energy of the day", "units": "kWh"}),
    "energy_low_kwh": Field(BY_APPLIANCE, "float32", {"long_name": "lower end of the energy", "units": "kWh"}),
    "energy_high_kwh": Field(BY_APPLIANCE, "float32", {"long_name": "upper end of the energy", "units": "kWh"}),
    "uses": Field(BY_APPLIANCE, "float32", {"long_name": "uses that begin on the day", "units": "1"}),
    "mains_kwh": Field(BY_DAY, "float32", {"long_name": "energy of the whole house", "units": "kWh"}),
    "covered": Field(BY_DAY, "float32", {"long_name": "share of the day with readings", "units": "1"}),
}


@dataclass(frozen=True)
class HousesOfChunk:
    """A callable that `shared.scale` maps over chunks (series, time); plain values only, so that it travels."""

    model: Disaggregator
    layout: Layout
    unit: str
    zone: str | None

    def __call__(self, chunk: xr.DataArray) -> Result:
        """Split each house by itself; one that cannot be read has a reason and NaN, and the others never know."""
        arrays = {name: self.layout.empty(name, len(chunk)) for name in FIELDS}
        status = []
        for place, values in enumerate(np.asarray(chunk.values, np.float64)):
            try:
                found = self.days(str(chunk["series"].values[place]), chunk.indexes["time"], values)
            except (ValueError, ArithmeticError) as error:  # faults of the data, as InputError; a bug is no such
                status.append(str(error) or repr(error))
                continue
            status.append("")
            for name in FIELDS:
                arrays[name][place] = found[name].transpose(*FIELDS[name].dims)
        return Result(arrays, status)

    def days(self, name: str, times: pd.Index, values: NDArray[np.float64]) -> xr.Dataset:
        """The variables of `FIELDS` for one house over all days of the source; NaN on days without a reading.

        times, values  (time,) as `open_series` gives them, in `unit`
        """
        real = values[np.isfinite(values)]
        if not len(real) or real.min() == real.max():
            raise InputError("it has no readings" if not len(real) else f"it is constant, always {real[0]:g}")
        clock = pd.DatetimeIndex(times)
        frame = pd.DataFrame({"time": clock if self.zone is None else clock.tz_localize("UTC"), "mains": values})
        house = read_mains(
            frame, mains="mains", unit=self.unit, time="time", zone=self.zone, step=self.model.step_, name=name
        )
        prediction, local = self.model.predict(house), house.local()
        found = prediction[[name for name in FIELDS if name in prediction]]
        power = prediction["power_w"].transpose("appliance", "time").values
        begun = [
            usage_table(local, one, one > 0, APPLIANCES[str(name)], per="day")["uses"].to_numpy(np.float64)
            for name, one in zip(prediction["appliance"].values, power, strict=True)
        ]
        found = found.assign(
            uses=(BY_APPLIANCE, np.stack(begun, 1)),
            mains_kwh=(BY_DAY, energy(local, house.mains_w, house.step).kwh),
        )
        found = found.reindex(day=self.layout.labels["day"].values)
        covered = found["covered"].fillna(0.0)
        return found.where(covered > 0).assign(covered=covered)


def disaggregate_many(
    model: Disaggregator,
    source: ManySource,
    out: str | Path,
    *,
    unit: str = "W",
    zone: str | None = None,
    houses_per_chunk: int = HOUSES_PER_CHUNK,
    client: Any = None,
    overwrite: bool = False,
    progress: bool = False,
) -> xr.Dataset:
    """Split the mains of many houses into one file (.nc, .parquet, .zarr), whole or not at all.

    source  mains of the houses (series, time), as `shared.scale.source.open_series` reads them: a table with a column
            for each house, NetCDF, Zarr, an object in memory; steps up to 30 min come to the model's, energy conserved
    unit    of all houses: W or kW; Wh or kWh in each interval, or of a register
    zone    IANA zone of the local clock, of which the days are; the times are UTC then. None: they stand as written
    client  a dask client; None takes the one in use, if any, else works here. The numbers are the same
    ->      status of each house: empty, or why it has no answer. The file holds energy_kwh, energy_low_kwh,
            energy_high_kwh and uses (series, day, appliance), mains_kwh and covered (series, day): the share of the day
            with readings; where it is 0 the rest is NaN, never a zero that nobody measured

    Stopped, the same call goes on. Memory holds `houses_per_chunk` houses at a time, for each worker. Each house is
    read as `read_mains` does, outages taken out. Raises InputError when the source or the zone cannot be read, the
    unit is none of these, steps are longer, or `out` exists. Needs the extra `scale`.
    """
    found = _prepared(model, source, unit, zone)
    identity = {
        "data": fingerprint(source if isinstance(source, str | Path) else found.series),
        "model": _digest(found.work.model),
        "unit": found.work.unit,
        "zone": zone,
        "version of labformer": __version__,
    }
    return map_to_file(
        found.work,
        found.series,
        found.work.layout,
        out,
        identity=identity,
        rows=day_rows,
        series_per_chunk=houses_per_chunk,
        client=client,
        overwrite=overwrite,
        progress=progress,
    )


def disaggregate_in_memory(
    model: Disaggregator,
    source: ManySource,
    *,
    unit: str = "W",
    zone: str | None = None,
    houses_per_chunk: int = HOUSES_PER_CHUNK,
    client: Any = None,
) -> xr.Dataset:
    """What `disaggregate_many` writes, with status, as a dataset; arguments and errors as there."""
    found = _prepared(model, source, unit, zone)
    return map_in_memory(found.work, found.series, found.work.layout, series_per_chunk=houses_per_chunk, client=client)


def suited_to(model: Disaggregator, source: ManySource) -> Disaggregator:
    """The model, or what ships beside it for readings as far apart as those of the source; what answers it."""
    return model.for_readings(_apart(open_series(source)))


def day_rows(results: xr.Dataset) -> pa.Table:
    """Lay results out as rows of (series, day, appliance) with a column for each variable, and status."""
    axes = ["series", *BY_APPLIANCE]
    frame = results.to_dataframe(dim_order=axes).reset_index()
    return pa.Table.from_pandas(frame[[*axes, *FIELDS, "status"]], preserve_index=False)


class _Prepared(NamedTuple):
    series: xr.DataArray
    work: HousesOfChunk


def _prepared(model: Disaggregator, source: ManySource, unit: str, zone: str | None) -> _Prepared:
    """The lazy series and the work on a chunk of them; refuses at once what would fail for every house."""
    series = open_series(source)
    if (known := spelled(unit, "the mains", "the houses")) not in JOULES:
        raise InputError(f"unit={unit!r} is neither power nor energy of a house; give W, kW, Wh or kWh.")
    times = pd.DatetimeIndex(series["time"].values)
    if (apart := _apart(series)) > COARSEST:
        raise InputError(
            f"the readings are {say_duration(apart)} apart; appliances run for minutes and leave no trace in them: "
            f"give readings of {say_duration(COARSEST)} or finer."
        )
    model = model.for_readings(apart)
    work = HousesOfChunk(_answering(model), _layout(model, _days(times, apart, model.step_, zone)), known, zone)
    return _Prepared(series, work)


def _apart(series: xr.DataArray) -> pd.Timedelta:
    times = pd.DatetimeIndex(series["time"].values[:2])
    return pd.Timedelta(times[1] - times[0])


def _days(times: pd.DatetimeIndex, apart: pd.Timedelta, step: pd.Timedelta, zone: str | None) -> pd.DatetimeIndex:
    """Every day of the local clock that a step of some house may lie in, naive; (day,)."""
    ends = pd.DatetimeIndex([times[0], times[-1]]).tz_localize("UTC")
    if zone is not None:  # refuses a zone that does not exist
        moments(ends, zone, Table(pd.DataFrame(), "the houses"), np.zeros(2, bool))
    grid = grid_of(ends[0], ends[1] + apart - pd.Timedelta(1, "ns"), step)
    local = grid[[0, -1]].tz_convert(zone or "UTC").tz_localize(None).normalize()
    return pd.date_range(*local, freq="D", unit="ns", name="day")


def _layout(model: Disaggregator, days: pd.DatetimeIndex) -> Layout:
    names = np.array(list(model.chosen_), dtype=object)
    labels = xr.Dataset(
        coords={
            "day": ("day", days, {"standard_name": "time", "long_name": "day of the local clock", "axis": "T"}),
            "appliance": ("appliance", names, {"long_name": "name of the appliance"}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": "Energy of the appliances of many houses, by day",
            "source": f"labformer {__version__}, learnt from {', '.join(model.houses_)}",
            "chosen": json.dumps(model.chosen_),
            "trust": json.dumps({name: text for name, text in model.trust_.items() if text}),
            "calibration": f"conformal bands by bin of what is predicted, made to hold {100 * model.coverage:g} %",
        },
    )
    return Layout(labels, FIELDS)


def _answering(model: Disaggregator) -> Disaggregator:
    """The model without what only its tests needed, so that little travels to workers."""
    lean = copy.copy(model)
    wanted = sorted({part for chosen in model.chosen_.values() for part in model.parts(chosen)})
    lean.members_ = {part: model.members_[part] for part in wanted}
    lean.estimates_, lean.comparison_ = {}, None
    return lean


def _digest(model: Disaggregator) -> str:
    """Tells a fitted model from another by all that its answers depend on."""
    bands = {name: [one.to_dict() for one in found] for name, found in model.bands_.items()}
    said = [model.chosen_, model.thresholds_, model.counted_, bands, str(model.step_)]
    digest = hashlib.sha256(json.dumps(said, default=float).encode())
    for part, member in model.members_.items():
        for name, array in sorted(member.to_arrays().items()):
            digest.update(f"{part}|{name}{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
