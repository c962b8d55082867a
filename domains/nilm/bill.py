"""What each appliance used, cost and did: the table that goes with a prediction."""

import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from .appliances import APPLIANCES
from .tariff import Tariff
from .usage import usage_table


def bill(prediction: xr.Dataset, local: pd.DatetimeIndex, tariff: Tariff | None = None) -> pd.DataFrame:
    """Energy with its interval, cost, uses and typical times of each appliance and month; then over everything.

    prediction  of `Disaggregator.predict`
    local       (time,) its times on the local clock, as `House.local()` gives them
    ->          appliance, period (the month as 2024-01, or "all"), and the columns of `usage_table`, with the currency
                when there is a tariff; months have an interval, the sum of several has none
    An appliance runs where its power in the answer is not zero; energy and cost are of the power to be expected.
    """
    parts = []
    for name in prediction["appliance"].values:
        one = prediction.sel(appliance=name)
        power, in_mean = one["power_w"].values, one["expected_w"].values
        sides: tuple[ArrayLike, ArrayLike] = (one["month_energy_low_kwh"].values, one["month_energy_high_kwh"].values)
        for per in ("month", "all"):
            table = usage_table(
                local, power, power > 0, APPLIANCES[str(name)], tariff, per, sides if per == "month" else None, in_mean
            )
            period = table.index.strftime("%Y-%m") if per == "month" else ["all"] * len(table)
            parts.append(table.reset_index(drop=True).assign(appliance=str(name), period=period))
    found = pd.concat(parts, ignore_index=True)
    if tariff is not None:
        found["currency"] = tariff.currency
    first = ["appliance", "period", "kwh", "kwh_low", "kwh_high"]
    return found[[*first, *(column for column in found.columns if column not in first)]]
