"""Public holidays of a country or region as a covariate that is always known ahead."""

from dataclasses import replace

import numpy as np

from ...shared.errors import InputError, require
from .data import LoadData

NAME = "holiday"  # the column that is added


def with_holidays(data: LoadData, code: str) -> LoadData:
    """The same data with one more future covariate, 1 on public holidays of the local calendar.

    code    country and, behind a hyphen, region, as the `holidays` package names them: `GB`, `AU-VIC`, `US-CA`;
            holidays that were moved to a weekday count on that day
    Raises InputError for a code that is not known or a column `holiday` that is there already, and MissingExtra
    without the package.
    """
    days = np.asarray(data.local().tz_localize(None).normalize().to_numpy())
    if NAME in (*data.target_names, *data.past_names, *data.future_names):
        raise InputError(f"the column {NAME!r} is used already; leave it out of the covariates, or leave out holidays.")
    found = _dates(code, sorted({int(str(day)[:4]) for day in np.unique(days)}))
    flag = np.isin(days, found).astype(np.float64)
    return replace(data, future=np.column_stack([data.future, flag]), future_names=(*data.future_names, NAME))


def require_calendar(code: str) -> None:
    """Raise InputError unless the code names a calendar."""
    _dates(code, [2024])


def _dates(code: str, years: list[int]) -> np.ndarray:
    """Days of public holidays, datetime64."""
    known = require("holidays", "forecasting")
    country, _, region = code.partition("-")
    try:
        calendar = known.country_holidays(country, subdiv=region or None, years=years)
    except NotImplementedError as error:
        raise InputError(
            f"no calendar of holidays named {code!r} ({error}); give a country such as GB, or country and region "
            "such as AU-VIC."
        ) from error
    return np.array(sorted(calendar), dtype="datetime64[D]")
