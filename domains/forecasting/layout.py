"""What a table must hold for a fitted forecaster, and how it is made ready."""

from dataclasses import dataclass

from .calendars import with_holidays
from .data import LoadData, with_rows_ahead
from .features import steps_a_day


@dataclass(frozen=True)
class Layout:
    """What a table must hold for this model."""

    targets: tuple[str, ...]
    past_covariates: tuple[str, ...]
    future_covariates: tuple[str, ...]
    zone: str | None
    step: str
    units: dict[str, str]
    fitted_until: str  # last time of the history it was fitted on, ISO 8601 in UTC
    holidays: str | None  # calendar of public holidays


def prepared(data: LoadData, horizon: int, holidays: str | None) -> LoadData:
    """The same data with rows over the horizon and a day beyond, and with public holidays when a calendar is named.

    Covariates that nobody gave are NaN there. The day beyond tells the eve of a holiday.
    """
    longer = with_rows_ahead(data, horizon + steps_a_day(data))
    return longer if holidays is None else with_holidays(longer, holidays)
