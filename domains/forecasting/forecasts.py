"""A forecast with its labels: a CF dataset of points and quantiles, and the files it is written to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ...shared.errors import InputError
from ...shared.writing import require_format as require_known_format
from ...shared.writing import write_labelled

UNKNOWN = "unknown"  # zone of a clock taken as it stands


def forecast_dataset(
    times: pd.DatetimeIndex,
    levels: Sequence[float],
    values: np.ndarray,
    point: np.ndarray,
    *,
    target_names: Sequence[str],
    units: dict[str, str],
    zone: str | None,
    origin: pd.Timestamp,
    calibration: str,
    model: str,
) -> xr.Dataset:
    """Label a forecast: dimensions (time, target, quantile), CF attributes, local time beside UTC.

    times        (time,) aware, in UTC; `zone` is that of the local clock, None when the clock is taken as written
    levels       (quantile,) between 0 and 1, rising
    values       (time, target, quantile), in the unit of each target
    point        (time, target)
    origin       the last time whose load was known, aware, in UTC
    calibration  how the quantiles were calibrated, in a sentence
    """
    shape = (len(times), len(target_names), len(levels))
    if values.shape != shape or point.shape != shape[:2]:
        raise ValueError(f"values {values.shape} and point {point.shape} are not {shape} and {shape[:2]}.")
    local = (times.tz_convert(zone) if zone else times).tz_localize(None)
    clock = "time in UTC" if zone else "time on the clock of the data"
    unit_of = [units.get(name, "") for name in target_names]
    unit = {"units": unit_of[0]} if unit_of[0] and len(set(unit_of)) == 1 else {}
    reference = {"standard_name": "forecast_reference_time", "long_name": "last time whose load was known"}
    return xr.Dataset(
        {
            "point": (("time", "target"), point, {"long_name": "point forecast"} | unit),
            "forecast": (("time", "target", "quantile"), values, {"long_name": "quantile of the forecast"} | unit),
        },
        coords={
            "time": ("time", times.tz_localize(None), {"standard_name": "time", "long_name": clock, "axis": "T"}),
            "target": ("target", list(target_names), {"long_name": "forecast series"}),
            "quantile": ("quantile", np.asarray(levels, float), {"long_name": "quantile level", "units": "1"}),
            "local_time": ("time", local, {"long_name": "local time", "time_zone": zone or UNKNOWN}),
            "unit": ("target", unit_of, {"long_name": "unit of the series"}),
            "origin": ((), origin.tz_localize(None), reference),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": f"Forecast of {', '.join(target_names)}",
            "source": model,
            "calibration": calibration,
        },
    )


def require_format(path: str | Path, scenarios: bool = False) -> None:
    """Raise InputError unless `write_dataset` knows the suffix; to be asked before hours of work."""
    if scenarios and Path(path).suffix.lower() != ".nc":
        raise InputError(f"cannot write scenario paths to {path}: a table has no room for them; end the name in .nc.")
    require_known_format(path)


def write_dataset(dataset: xr.Dataset, path: str | Path, overwrite: bool = False) -> None:
    """Write a forecast by suffix, whole or not at all: NetCDF 4, or CSV and Parquet as `forecast_table` lays it out.

    Raises InputError when the suffix is unknown, or the file exists and `overwrite` is false.
    """
    write_labelled(dataset, forecast_table, path, overwrite)


def forecast_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Lay a forecast out as rows of (time, target), with the point and a column `q0.05`, `q0.5`, ... for each quantile.

    `time` is UTC, as `local_time` carries its offset, when the zone is known; else both are the clock as written.
    """
    names = {level: f"q{level:g}" for level in dataset["quantile"].values}
    wide = dataset["forecast"].to_dataset(dim="quantile").rename(names)
    frame = dataset.drop_vars(["forecast", "quantile", "origin"]).merge(wide).to_dataframe().reset_index()
    if (zone := dataset["local_time"].attrs["time_zone"]) != UNKNOWN:
        frame["time"] = frame["time"].dt.tz_localize("UTC")
        frame["local_time"] = frame["time"].dt.tz_convert(zone)
    return frame[["time", "local_time", "target", "unit", "point", *wide.data_vars]]
