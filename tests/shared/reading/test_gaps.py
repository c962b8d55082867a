import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.gaps import fill, runs

WEEK = 7 * 24
TIMES = pd.date_range("2024-01-01", periods=4 * WEEK, freq="h", tz="UTC")
STEP, DAY = pd.Timedelta("1h"), pd.Timedelta("1d")


def filled(
    values: np.ndarray, limit: str, names: tuple[str, ...] = ("load",)
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    values = values.copy()
    mask, notes = fill(values, names, TIMES[: len(values)], STEP, pd.Timedelta(limit), "load.csv")
    return values, mask, notes


def test_runs_are_the_unbroken_stretches() -> None:
    missing = np.array([1, 1, 0, 0, 1, 0, 1], bool)
    assert runs(missing).tolist() == [[0, 2], [4, 1], [6, 1]]
    assert runs(~missing).sum() == 2 + 2 + 5 + 1
    assert len(runs(np.zeros(3, bool))) == 0


def test_a_straight_line_comes_back_through_short_gaps() -> None:
    line = np.stack([np.arange(48.0), 3 - 2 * np.arange(48.0)], axis=1)
    holed = line.copy()
    holed[[5, 20, 21, 22], 0] = np.nan
    holed[[30, 31], 1] = np.nan
    values, mask, notes = filled(holed, "3h", ("load", "temperature"))
    np.testing.assert_allclose(values, line, rtol=1e-15)
    np.testing.assert_array_equal(mask, np.isnan(holed))
    assert notes[0] == "2 gaps (4 rows) in load bridged by a straight line, first 2024-01-01 05:00"
    assert notes[1].startswith("1 gap (2 rows) in temperature")


def test_columns_with_the_same_gaps_share_a_sentence() -> None:
    holed = np.ones((48, 2))
    holed[7] = np.nan
    *_, notes = filled(holed, "3h", ("load", "temperature"))
    assert [note.split(" bridged")[0] for note in notes] == ["1 gap (1 row) in load, temperature"]


def test_flags_stay_flags() -> None:
    holed = np.repeat([0.0, np.nan, 1.0], [4, 2, 4])[:, None]
    assert np.isin(filled(holed, "3h")[0], (0, 1)).all()


def test_the_ends_keep_the_nearest_value() -> None:
    holed = np.r_[np.nan, 1.0, 2.0, 4.0, np.nan, np.nan][:, None]
    assert filled(holed, "3h")[0][:, 0].tolist() == [1, 1, 2, 4, 4, 4]


@pytest.mark.parametrize("start", [0, 30, WEEK + 30, 4 * WEEK - 40])
@pytest.mark.parametrize("length", [4, 40])
def test_a_weekly_pattern_comes_back_through_long_gaps(start: int, length: int) -> None:
    week = np.random.default_rng(0).normal(size=WEEK)
    whole = np.tile(week, 4)[:, None]
    holed = whole.copy()
    holed[start : start + length] = np.nan
    values, mask, notes = filled(holed, "2d")
    np.testing.assert_array_equal(values, whole)
    assert mask.sum() == length
    assert "one week before" in notes[0]


def test_a_gap_of_more_than_a_week_repeats_the_week_before_or_after() -> None:
    whole = np.tile(np.random.default_rng(0).normal(size=WEEK), 4)[:, None]
    for start in (0, WEEK + 5):
        holed = whole.copy()
        holed[start : start + WEEK + 50] = np.nan
        np.testing.assert_array_equal(filled(holed, "30d")[0], whole)


def test_a_gap_past_the_limit_is_refused_with_all_that_is_needed_to_go_on() -> None:
    holed = np.random.default_rng(0).normal(size=(3 * WEEK, 1))
    holed[10:12] = holed[50:56] = holed[200:230] = np.nan
    with pytest.raises(InputError) as caught:
        filled(holed, "3h")
    message = str(caught.value)
    for part in (
        "load.csv: 'load'",
        "from 2024-01-03 02:00 to 2024-01-03 07:00",
        "(6 h;",
        "3 h is filled",
        "2 such gaps",
    ):
        assert part in message
    advice = message.split("max_gap='")[1].split("'")[0]
    assert f"--max-gap {advice}" in message
    assert not np.isnan(filled(holed, advice)[0]).any()  # the advice works


def test_what_no_other_week_knows_is_refused() -> None:
    holed = np.arange(100.0)[:, None]
    holed[20:30] = np.nan
    with pytest.raises(InputError, match="missing at 2024-01-01 20:00 and in every other week"):
        filled(holed, "1d")


def test_steps_that_do_not_divide_a_week_are_bridged() -> None:
    times = pd.date_range("2024-01-01", periods=10, freq="5d", tz="UTC")
    values = np.arange(10.0)[:, None]
    values[4] = np.nan
    fill(values, ("load",), times, pd.Timedelta("5d"), pd.Timedelta("5d"), "x")
    np.testing.assert_allclose(values[:, 0], np.arange(10.0), rtol=1e-15)
