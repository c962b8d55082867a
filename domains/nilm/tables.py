"""A prediction as rows and columns."""

import pandas as pd
import xarray as xr

UNKNOWN = "as written"  # zone of a clock taken as it stands
SIDES = {
    "_w": "power_w",
    "_low_w": "power_low_w",
    "_high_w": "power_high_w",
    "_expected_w": "expected_w",
    "_probability": "probability",
}


def prediction_table(prediction: xr.Dataset) -> pd.DataFrame:
    """One row a step: time, local_time, mains_w, rest_w and five columns an appliance (`kettle_w`, its ends, ...).

    Energies and costs are sums of `kettle_expected_w`, which weighs doubts. `time` is UTC, as `local_time` carries its
    offset, when the zone is known; else both are the clock as written.
    """
    times = pd.DatetimeIndex(prediction["time"].values)
    if (zone := prediction.attrs["zone"]) != UNKNOWN:
        times = times.tz_localize("UTC")
    columns = {
        "time": times,
        "local_time": times if times.tz is None else times.tz_convert(zone),
        "mains_w": prediction["mains_w"].values,
        "rest_w": prediction["rest_w"].values,
    }
    for name in prediction["appliance"].values:
        one = prediction.sel(appliance=name)
        columns |= {f"{name}{side}": one[variable].values for side, variable in SIDES.items()}
    return pd.DataFrame(columns)
