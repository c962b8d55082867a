import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.calendar_columns import read_spread, spread_columns
from labformer.shared.reading.table import Table

PARTS = ("year", "month", "day", "hour", "minute")
TIMES = pd.date_range("2020-02-27", "2021-03-02", freq="30min")


def spread(times: pd.DatetimeIndex = TIMES, **changes: object) -> Table:
    return Table(pd.DataFrame({part: getattr(times, part) for part in PARTS}).assign(**changes), "load.csv", header=1)


@pytest.mark.parametrize(("count", "step"), [(3, "D"), (4, "h"), (5, "30min")])
def test_parts_of_a_time_come_together_to_the_finest_given(count: int, step: str) -> None:
    assert (read_spread(spread(), PARTS[:count], None) == TIMES.floor(step)).all()


def test_columns_are_found_in_any_case_and_only_as_a_whole_date() -> None:
    assert spread_columns(["Load", "HOUR", "Month", "Year", "day"]) == ("Year", "Month", "day", "HOUR")
    assert spread_columns(["year", "month", "hour"]) == ()
    assert spread_columns(["year", "month", "day", "minute"]) == ("year", "month", "day")


@pytest.mark.parametrize("first", [0, 1, 20])
def test_anonymous_years_become_the_years_that_are_given(first: int) -> None:
    table = spread(year=TIMES.year - 2020 + first)
    with pytest.raises(InputError, match=f"years {first} to {first + 1}, .*first_year=2020"):
        read_spread(table, PARTS, None)
    assert (read_spread(table, PARTS, 2020) == TIMES).all()
    assert table.repairs[0].startswith(f"years {first} to {first + 1} taken for 2020 to 2021: weekdays and holidays")


def test_a_leap_day_in_another_year_is_refused_with_its_row() -> None:
    with pytest.raises(InputError, match="row 98 says year 2021, month 2, day 29.*48 such rows.*another first_year"):
        read_spread(spread(), PARTS, 2021)


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [("month", 13, "month 13"), ("day", 0, "day 0"), ("hour", 25, "hours run"), ("minute", 60, "0 to 59"),
     ("month", 1.5, "1.5, no whole number"), ("year", -4, "'year' is -4"), ("day", "x", "'x', not a number")],
)  # fmt: skip
def test_a_part_outside_the_calendar_is_named(part: str, value: object, says: str) -> None:
    cells = pd.Series(getattr(TIMES, part)).astype(object)
    cells[5] = value
    with pytest.raises(InputError, match=says) as caught:
        read_spread(spread(**{part: cells}), PARTS, None)
    assert "row 7" in str(caught.value)


def test_a_part_that_is_missing_makes_the_stamp_missing() -> None:
    assert (
        np.flatnonzero(read_spread(spread(day=np.where(TIMES[4] == TIMES, np.nan, TIMES.day)), PARTS, None).isna()) == 4
    )


def test_a_first_year_of_no_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="first_year=20 is no calendar year"):
        read_spread(spread(), PARTS, 20)
