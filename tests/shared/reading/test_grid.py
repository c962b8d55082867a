import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.grid import duration, in_order, on_grid, say_duration

HOURS = pd.date_range("2024-10-26", periods=72, freq="h", tz="UTC")
VALUES = np.random.default_rng(0).normal(size=(72, 2))
NAMES = ("load", "temperature")


def test_rows_in_any_order_and_twice_over_give_the_same_table() -> None:
    order = np.random.default_rng(1).permutation(np.r_[np.arange(72), [3, 3, 40]])
    times, values, notes = in_order(HOURS[order], VALUES[order], NAMES, "x", False)
    assert (times == HOURS).all()
    np.testing.assert_array_equal(values, VALUES)
    assert len(notes) == 2
    assert "sorted" in notes[0]
    assert notes[1] == "3 duplicate rows dropped, first 2024-10-26 03:00"


def test_rows_that_agree_in_what_is_missing_are_duplicates() -> None:
    values = np.array([[1.0, np.nan], [1.0, np.nan], [2.0, 3.0]])
    times, kept, _ = in_order(HOURS[[0, 0, 1]], values, NAMES, "x", False)
    assert len(times) == len(kept) == 2


@pytest.mark.parametrize("second", [2.5, np.nan])
def test_one_time_with_two_values_is_refused_with_both(second: float) -> None:
    values = np.array([[1.0, 5.0], [1.0, second], [2.0, 3.0]])
    with pytest.raises(
        InputError, match=f"2024-10-26 00:00 stands twice with different 'temperature': 5 and {second:g}"
    ):
        in_order(HOURS[[0, 0, 1]], values, NAMES, "x", False)


def test_a_doubled_hour_on_a_night_of_clock_change_asks_for_the_zone() -> None:
    row = np.flatnonzero(HOURS == "2024-10-27 01:00")[0]
    order = np.insert(np.arange(72), row, row)
    values = np.arange(73.0)[:, None]
    with pytest.raises(InputError, match="pass zone='Europe/London'"):
        in_order(HOURS[order], values, ("load",), "x", True)
    with pytest.raises(InputError) as caught:
        in_order(HOURS[order], values, ("load",), "x", False)
    assert "zone" not in str(caught.value)


def test_missing_rows_become_nan_and_the_rest_stays() -> None:
    kept = np.delete(np.arange(72), [5, 6, 30])
    times, values, step = on_grid(HOURS[kept], VALUES[kept], None, "x")
    assert step == pd.Timedelta("1h")
    assert (times == HOURS).all()
    np.testing.assert_array_equal(values[kept], VALUES[kept])
    assert np.isnan(values).all(axis=1).nonzero()[0].tolist() == [5, 6, 30]


def test_a_whole_table_is_not_copied() -> None:
    assert on_grid(HOURS, VALUES, None, "x")[1] is VALUES


@pytest.mark.parametrize("moved", [0, 10])
def test_a_row_between_two_steps_is_refused_with_its_time(moved: int) -> None:
    times = HOURS.insert(moved, HOURS[moved] - pd.Timedelta("7min")).delete(moved + 1)
    with pytest.raises(
        InputError, match=f"1 of 72 rows do not fall on steps of 1 h, first {times[moved]:%Y-%m-%d %H:%M}"
    ):
        on_grid(times, VALUES, None, "x")


def test_a_coarser_step_than_the_data_has_is_refused() -> None:
    with pytest.raises(InputError, match="36 of 72 rows do not fall on steps of 2 h"):
        on_grid(HOURS, VALUES, "2h", "x")


def test_a_mistyped_year_is_found_before_memory_is_spent() -> None:
    times = HOURS[:-1].append(pd.DatetimeIndex(["2204-10-28 23:00"], tz="UTC"))
    with pytest.raises(InputError, match="nothing stands between 2024-10-28 22:00 and 2204-10-28 23:00"):
        on_grid(times, VALUES, None, "x")


def test_one_row_has_no_step() -> None:
    with pytest.raises(InputError, match="one row"):
        on_grid(HOURS[:1], VALUES[:1], None, "x")


@pytest.mark.parametrize(("other", "rows"), [("30min", 48), ("2h", 30)])
def test_a_step_that_changes_for_long_is_refused_and_a_few_rows_are_gaps(other: str, rows: int) -> None:
    start = HOURS[-1]
    times = HOURS.append(pd.date_range(start, periods=rows + 1, freq=other)[1:])
    with pytest.raises(InputError, match=f"apart from {start:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} and 1 h"):
        on_grid(times, np.ones((len(times), 2)), None, "x")
    gaps = HOURS.append(pd.date_range(start, periods=4, freq="2h")[1:])
    assert len(on_grid(gaps, np.ones((75, 2)), None, "x")[0]) == 78


@pytest.mark.parametrize("text", ["soon", "", "24", "-1h", "0h", "NaT"])
def test_a_duration_is_a_positive_length_of_time(text: str) -> None:
    with pytest.raises(InputError, match="30min, 3h or 2d"):
        duration(text, "step")


def test_a_duration_is_read_in_every_usual_spelling() -> None:
    for text in ("24h", "24H", "1d", "1440min", "PT24H", "24:00:00", pd.Timedelta("1d")):
        assert duration(text, "step") == pd.Timedelta("1d")


def test_durations_are_said_as_a_person_would() -> None:
    assert [say_duration(pd.Timedelta(text)) for text in ("30min", "24h", "52h", "90s")] == [
        "30 min",
        "1 d",
        "2 d 4 h",
        "1 min 30 s",
    ]
