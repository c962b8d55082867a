import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.stamps import read_stamps, reads_as_time
from labformer.shared.reading.table import Table

HOURS = pd.date_range("2024-01-30", periods=72, freq="h")


def read(cells: object) -> tuple[pd.DatetimeIndex, list[str]]:
    table = Table(pd.DataFrame({"time": cells}), "load.csv", header=1)
    return read_stamps(table, "time"), table.repairs


@pytest.mark.parametrize(
    ("unit", "words"), [("s", "seconds"), ("ms", "milliseconds"), ("us", "microseconds"), ("ns", "nanoseconds")]
)
def test_numbers_since_1970_are_told_apart_by_their_size(unit: str, words: str) -> None:
    stamps, (note,) = read((HOURS - pd.Timestamp(0)) // pd.Timedelta(1, unit))
    assert (stamps == HOURS.tz_localize("UTC")).all()
    assert note == f"'time': numbers read as {words} since 1970, in UTC"


@pytest.mark.parametrize("form", ["%Y%m%d%H", "%Y%m%d%H%M"])
@pytest.mark.parametrize("kind", [str, int])
def test_digits_without_separators_are_dates(form: str, kind: type) -> None:
    stamps, (note,) = read([kind(text) for text in HOURS.strftime(form)])
    assert (stamps == HOURS).all()
    assert "times such as 20240131" in note


def test_days_of_a_spreadsheet_come_back_to_the_second() -> None:
    serial = (HOURS - pd.Timestamp("1899-12-30")) / pd.Timedelta("1D")
    for written in (serial, serial.map("{:.9f}".format)):
        stamps, (note,) = read(written)
        assert (stamps == HOURS).all()
        assert "spreadsheet" in note


def test_numbers_that_count_nothing_known_are_no_times() -> None:
    for cells in (np.arange(72), [2023.5, 2024.5], ["1", "2"], [-1.0, np.nan]):
        with pytest.raises(InputError, match="numbers that are no times"):
            read(cells)


def test_numbers_are_found_as_times_only_under_a_familiar_name() -> None:
    seconds = pd.Series((HOURS - pd.Timestamp(0)) // pd.Timedelta("1s"))
    assert reads_as_time(seconds, familiar=True)
    assert not reads_as_time(seconds, familiar=False)
    assert not reads_as_time(pd.Series(np.arange(72)), familiar=True)
    assert not reads_as_time(pd.Series([None, None], dtype=object), familiar=True)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y"])
@pytest.mark.parametrize("clock", ["24:00", "24:00:00"])
def test_24_00_is_the_midnight_that_ends_the_day(form: str, clock: str) -> None:
    ends = HOURS + pd.Timedelta("1h")
    seconds = ":00" if clock.count(":") == 2 else ""
    texts = np.where(ends.hour == 0, HOURS.strftime(f"{form} {clock}"), ends.strftime(f"{form} %H:%M{seconds}"))
    stamps, (note,) = read(texts)
    assert (stamps == ends).all()
    assert "not shifted" in note


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Sydney"])
def test_letters_of_a_zone_name_every_moment_of_a_year(zone: str) -> None:
    times = pd.date_range("2024-01-01", "2024-12-31", freq="h", tz="UTC")
    stamps, (note,) = read(times.tz_convert(zone).strftime("%Y-%m-%d %H:%M %Z"))
    assert (stamps == times).all()
    assert "read as UTC" in note


@pytest.mark.parametrize("cells", [["2024-01-01 00:00 CST"] * 3, ["2024-01-01 00:00 CET", "2024-01-01 01:00"]])
def test_letters_that_mean_several_zones_or_stand_at_some_stamps_only_are_refused(cells: list[str]) -> None:
    with pytest.raises(InputError, match="zone is not clear"):
        read(cells)


@pytest.mark.parametrize(("form", "said"), [("%d/%m/%Y %H:%M", "day/month"), ("%m/%d/%Y %H:%M", "month/day")])
def test_equal_steps_decide_between_day_and_month(form: str, said: str) -> None:
    days = pd.date_range("2024-03-01", "2024-03-12 23:00", freq="h")
    stamps, (note,) = read(days.strftime(form))
    assert (stamps == days).all()
    assert f"dates read as {said}" in note
