"""What each appliance used, cost and did: the table that goes with a prediction."""

import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from .appliances import APPLIANCES
from .tariff import Tariff
from .usage import Per, usage_table


def bill(prediction: xr.Dataset, local: pd.DatetimeIndex, tariff: Tariff | None = None) -> pd.DataFrame:
    """Energy with its interval, cost, uses and typical times of each appliance and month; then over everything.

    prediction  of `Disaggregator.predict`
    local       (time,) its times on the local clock, as `House.local()` gives them
    ->          appliance, period (the month as 2024-01, or "all"), and the columns of `usage_table`, with the currency
                when there is a tariff. The interval of several months is the sum of theirs, as if a house that takes
                more than was said in one month did so in all
    An appliance runs where its power in the answer is not zero; energy and cost are of the power to be expected.
    """
    parts = []
    for name in prediction["appliance"].values:
        one = prediction.sel(appliance=name)
        power, in_mean = one["power_w"].values, one["expected_w"].values
        low, high = (pd.Series(one[f"month_energy_{side}_kwh"].values) for side in ("low", "high"))
        whole = [[side.sum(min_count=1)] for side in (low, high)]  # of the months that were seen
        ends: dict[Per, tuple[ArrayLike, ArrayLike]] = {"month": (low, high), "all": (whole[0], whole[1])}
        for per, sides in ends.items():
            table = usage_table(local, power, power > 0, APPLIANCES[str(name)], tariff, per, sides, in_mean)
            period = table.index.strftime("%Y-%m") if per == "month" else ["all"] * len(table)
            parts.append(table.reset_index(drop=True).assign(appliance=str(name), period=period))
    found = pd.concat(parts, ignore_index=True)
    if tariff is not None:
        found["currency"] = tariff.currency
    first = ["appliance", "period", "kwh", "kwh_low", "kwh_high"]
    return found[[*first, *(column for column in found.columns if column not in first)]]
