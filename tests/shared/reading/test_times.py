from datetime import time

import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.table import Table
from labformer.shared.reading.times import find_time, moments, read_times


def table(**columns: object) -> Table:
    return Table(pd.DataFrame(columns), "load.csv", header=1)


def stamps(*texts: str, zone: str | None = None) -> pd.DatetimeIndex:
    """The times that a column of such texts means, in UTC."""
    given = table(time=texts)
    return moments(read_times(given, ("time",)), zone, given, np.zeros(len(texts), bool))[0].tz_convert("UTC")


def local_clock(start: str, end: str, zone: str, step: str = "30min") -> tuple[pd.DatetimeIndex, list[str]]:
    """Regular moments, and what a clock on the wall shows at them."""
    times = pd.date_range(start, end, freq=step, tz="UTC")
    return times, list(times.tz_convert(zone).strftime("%Y-%m-%d %H:%M"))


def test_a_familiar_name_wins_among_columns_that_read_as_times() -> None:
    given = table(Date=["2024-01-01"], Time=["2024-01-01 00:00"], load=[1.0])
    assert find_time(given, None, ("load",)) == ("Time",)
    assert find_time(given, "Date", ("load",)) == ("Date",)


def test_a_lone_column_of_times_is_found_whatever_its_name() -> None:
    assert find_time(table(load=["1", "2"], when=["01.02.2024 00:00", "01.02.2024 01:00"]), None, ()) == ("when",)


def test_numbers_and_clock_times_are_not_taken_for_dates() -> None:
    with pytest.raises(InputError, match="no column reads as times .*'load', 'year', 'clock'"):
        find_time(table(load=[1.0], year=["2024"], clock=["04:30"]), None, ())


def test_two_columns_that_could_be_meant_are_listed() -> None:
    given = table(utc_timestamp=["2024-01-01"], cet_timestamp=["2024-01-01"])
    with pytest.raises(InputError, match="'utc_timestamp', 'cet_timestamp'.*name one"):
        find_time(given, None, ())


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05T14:30:00Z",
        "2024-03-05 15:30+01:00",
        "2024-03-05 14:30",
        "2024/3/5 14:30",
        "05/03/2024 14:30",
        "05.03.2024 14:30:00",
        "05-03-2024 14:30",
        "05-Mar-2024 14:30",
        "05/03/2024 02:30 PM",
    ],
)
def test_the_usual_spellings_of_a_time_mean_the_same(text: str) -> None:
    thirteenth = text.replace("05", "13", 1) if text.startswith("05") else text  # day or month: settled by a 13
    assert stamps(text, thirteenth)[0] == pd.Timestamp("2024-03-05 14:30", tz="UTC")


def test_month_first_is_understood_when_a_day_past_twelve_settles_it() -> None:
    assert stamps("03/05/2024 00:00", "03/13/2024 00:00")[0] == pd.Timestamp("2024-03-05", tz="UTC")


def test_dates_that_read_both_ways_are_not_guessed() -> None:
    with pytest.raises(InputError, match="both as day/month and as month/day"):
        stamps("03/05/2024 00:00", "03/06/2024 00:00")


@pytest.mark.parametrize("bad", ["", "soon", "2024-13-01 00:00", "2024-01-01 25:00"])
def test_a_missing_or_broken_time_is_named_with_its_row(bad: str) -> None:
    with pytest.raises(InputError, match="row 3 has no readable time .*1 such row"):
        stamps("2024-01-01 00:00", bad, "2024-01-01 01:00")


def test_stamps_with_and_without_offset_are_not_mixed() -> None:
    with pytest.raises(InputError, match="row 3 has the time '2024-01-01 01:00'.*alike"):
        stamps("2024-01-01 00:00Z", "2024-01-01 01:00")


def test_hours_1_to_24_are_the_hours_of_the_day_and_said() -> None:
    given = table(Date=["2024-01-31"] * 24, Hour=np.arange(1, 25))
    expected = pd.date_range("2024-01-31 00:00", "2024-01-31 23:00", freq="h")
    pd.testing.assert_index_equal(read_times(given, ("Date", "Hour")), expected, check_names=False, exact="equiv")
    assert given.repairs == ["hours 1 to 24 in 'Hour' read as the hours that begin at 0:00 to 23:00"]


def test_hours_0_to_24_have_midnight_at_both_ends_of_the_day() -> None:
    given = table(Date=["2024-01-31"] * 25, Hour=np.arange(25))
    assert (np.diff(read_times(given, ("Date", "Hour"))) == np.timedelta64(1, "h")).all()
    assert given.repairs == []


def test_columns_named_year_month_day_hour_are_found_when_nothing_else_reads_as_times() -> None:
    spread = {"Year": [2024], "MONTH": [2], "day": [29], "Hour": [7], "load": [1.0]}
    assert find_time(table(**spread), None, ("load",)) == ("Year", "MONTH", "day", "Hour")
    assert find_time(table(when=["2024-02-29 07:00"], **spread), None, ("load",)) == ("when",)


def test_more_columns_of_time_than_a_time_has_are_refused() -> None:
    with pytest.raises(InputError, match="year, month, day, hour"):
        find_time(table(load=[1.0]), tuple("abcdef"), ())
    with pytest.raises(InputError, match="first_year=2020 is for files with a column of years"):
        read_times(table(time=["2024-01-01"]), ("time",), 2020)


@pytest.mark.parametrize("clock", [["04:30", "05:00"], ["4:30:00", "5:00:00"], [time(4, 30), time(5)], ["4.5", "5"]])
def test_a_date_and_a_clock_column_make_a_time(clock: list[object]) -> None:
    read = read_times(table(day=["2024-01-31"] * 2, clock=clock), ("day", "clock"))
    assert list(read) == [pd.Timestamp("2024-01-31 04:30"), pd.Timestamp("2024-01-31 05:00")]


def test_an_hour_outside_the_day_is_refused() -> None:
    with pytest.raises(InputError, match="row 3 of 'Hour' is 25"):
        read_times(table(Date=["2024-01-31"] * 2, Hour=[1, 25]), ("Date", "Hour"))


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Australia/Melbourne", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_wall_clock_names_every_moment_of_a_year(zone: str, reverse: bool) -> None:
    times, shown = local_clock("2024-01-01", "2024-12-31", zone)
    order = slice(None, None, -1 if reverse else 1)
    assert (stamps(*shown[order], zone=zone) == times[order]).all()


def test_a_doubled_hour_written_pair_by_pair_is_understood_too() -> None:
    read = stamps("2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 01:00", "2024-10-27 02:00", zone="Europe/London")
    assert list(np.diff(read) / pd.Timedelta("1h")) == [1, 1, 1]


def test_the_order_of_rows_decides_nothing_but_the_doubled_hour() -> None:
    times, shown = local_clock("2024-06-01", "2024-06-08", "Europe/London")
    order = np.random.default_rng(0).permutation(len(shown))
    assert (stamps(*np.array(shown)[order], zone="Europe/London") == times[order]).all()


def test_an_hour_that_stands_once_where_clocks_went_back_is_reported() -> None:
    given = table(time=["2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"])
    *_, notes = moments(read_times(given, ("time",)), "Europe/London", given, np.zeros(3, bool))
    assert "1 time found once" in notes[0]


def test_a_time_that_never_was_is_explained_with_the_zone_to_try() -> None:
    with pytest.raises(InputError, match="row 3 says 2024-03-31 01:30.*Europe/London.*forward.*'Etc/GMT[+]0'"):
        stamps("2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 02:30", zone="Europe/London")
    with pytest.raises(InputError, match="Etc/GMT[+]5"):
        stamps("2024-03-10 01:30", "2024-03-10 02:30", zone="America/New_York")


def test_empty_rows_in_the_skipped_hour_are_dropped_and_reported() -> None:
    given = table(time=["2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 02:30"])
    empty = np.array([False, True, False])
    times, _, keep, notes = moments(read_times(given, ("time",)), "Europe/London", given, empty)
    assert list(keep) == [True, False, True]
    assert times[1] - times[0] == pd.Timedelta("1h")
    assert "1 empty row dropped" in notes[0]


def test_standard_time_all_year_is_read_by_the_zone_the_error_names() -> None:
    shown = pd.date_range("2024-01-01", "2024-12-31", freq="h").strftime("%Y-%m-%d %H:%M")
    read = stamps(*shown, zone="Etc/GMT+5")
    assert read[0] == pd.Timestamp("2024-01-01 05:00", tz="UTC")
    assert set(np.diff(read)) == {np.timedelta64(1, "h")}


def test_without_zone_or_offset_the_clock_stands_as_written() -> None:
    given = table(time=["2024-03-31 01:30"])
    times, zone, *_ = moments(read_times(given, ("time",)), None, given, np.zeros(1, bool))
    assert zone is None
    assert times[0] == pd.Timestamp("2024-03-31 01:30", tz="UTC")


def test_an_aware_index_brings_its_own_zone() -> None:
    index = pd.date_range("2024-07-01", periods=2, freq="h", tz="Europe/Berlin")
    given = table(time=index)
    times, zone, *_ = moments(read_times(given, ("time",)), None, given, np.zeros(2, bool))
    assert zone == "Europe/Berlin"
    assert (times == index).all()


def test_an_unknown_zone_gets_a_hint() -> None:
    with pytest.raises(InputError, match="Europe/London"):
        stamps("2024-01-01 00:00", zone="Europe/Londn")
    with pytest.raises(InputError, match="IANA"):
        stamps("2024-01-01 00:00", zone="../etc")
