from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.suspicion import SENTINELS, oddities, require_one_unit, without_sentinels
from labformer.shared.reading.table import Table

TIMES = pd.date_range("2024-01-01", periods=60 * 24, freq="h", tz="UTC")
HOUR = pd.Timedelta("1h")
LOAD = 500 + 100 * np.sin(2 * np.pi * TIMES.hour.to_numpy() / 24) + np.random.default_rng(0).normal(0, 9, len(TIMES))


def table() -> Table:
    return Table(pd.DataFrame({"load": LOAD}), "load.csv", header=1)


def judge(values: np.ndarray) -> None:
    require_one_unit(values, TIMES, HOUR, "load", table(), TIMES, np.ones(len(TIMES), bool))


def said(values: np.ndarray, filled: np.ndarray | None = None) -> list[str]:
    return oddities(values, np.zeros(len(values), bool) if filled is None else filled, TIMES, HOUR, "load")


@pytest.mark.parametrize("sentinel", SENTINELS[np.abs(SENTINELS) >= 900])
def test_a_sentinel_that_stands_twice_far_outside_becomes_missing(sentinel: float) -> None:
    given, values = table(), LOAD / 20
    values[[3, 70]] = sentinel
    out = without_sentinels(given, "load", values)
    assert np.flatnonzero(np.isnan(out)).tolist() == [3, 70]
    assert values[3] == sentinel  # the input stays
    assert given.repairs[0].startswith("2 cells of 'load' with ")
    assert given.repairs[0].endswith("first row 5")


@pytest.mark.parametrize("values", [LOAD, LOAD * 15, LOAD - 9999.0, np.full(50, -9999.0), np.full(50, np.nan)])
def test_values_of_the_bulk_are_no_sentinels(values: np.ndarray) -> None:
    values = values.copy()
    values[10:12] = 9999.0 if values[0] > 5000 else values[0]
    given = table()
    assert without_sentinels(given, "load", values) is values or not given.repairs


def test_one_stand_in_counts_only_where_no_value_could_be() -> None:
    for sentinel, missing in ((-999.0, 1), (9999.0, 0), (1e20, 1)):
        values = LOAD.copy()
        values[7] = sentinel
        assert np.isnan(without_sentinels(table(), "load", values)).sum() == missing


def test_two_sentinels_in_one_column_are_both_found() -> None:
    values = LOAD.copy()
    values[[1, 2]], values[[8, 9, 10]] = -9999.0, 1e20
    given = table()
    assert np.isnan(without_sentinels(given, "load", values)).sum() == 5
    assert len(given.repairs) == 2


@pytest.mark.parametrize("factor", [1e3, 1e-3, 10, 1e6, 3.6, 1 / 3.6])
@pytest.mark.parametrize("row", [24, 500, len(LOAD) - 30])
def test_a_change_of_unit_is_refused_with_its_row_wherever_it_falls(factor: float, row: int) -> None:
    changed = np.where(np.arange(len(LOAD)) < row, LOAD, LOAD * factor)
    changed[row + 5 : row + 8] = np.nan
    with pytest.raises(InputError, match=f"from row {row + 2} .{TIMES[row]:%Y-%m-%d %H:%M}. on 'load' is"):
        judge(changed)


def test_a_scale_of_the_whole_series_changes_nothing() -> None:
    for factor in (1e-3, 1.0, 1e3):
        judge(LOAD * factor)
        assert said(LOAD * factor) == []


@pytest.mark.parametrize(
    "values",
    [
        np.where(TIMES.hour < 20, LOAD, LOAD / 10),  # every night
        np.where(np.arange(len(LOAD)) < 700, LOAD, 50 + LOAD % 7),  # a plant that stops
        np.where(np.arange(len(LOAD)) == 700, LOAD * 1000, LOAD),  # one wrong value
        np.where(np.arange(len(LOAD)) < 700, LOAD, LOAD * 2),  # a doubled network
        LOAD * np.exp(np.random.default_rng(1).normal(0, 2, len(LOAD))),  # a wild one
        LOAD - 500,
        np.zeros(len(LOAD)),
    ],
)
def test_other_changes_of_level_are_not_taken_for_a_unit(values: np.ndarray) -> None:
    judge(values)


def test_one_day_in_part_is_no_change_of_unit_in_a_file_of_days() -> None:
    days, day = TIMES[::24], pd.Timedelta("1D")
    for row, refused in ((59, False), (1, False), (30, True)):
        values = LOAD[::24] * np.where(np.arange(60) < row, 1, 0.1)
        with pytest.raises(InputError, match="1/10 of") if refused else nullcontext():
            require_one_unit(values, days, day, "load", table(), days, np.ones(60, bool))


def test_a_stretch_without_change_is_said_and_one_that_was_filled_is_not() -> None:
    values, filled = LOAD.copy(), np.zeros(len(LOAD), bool)
    values[100:130] = 0.0
    (note,) = said(values)
    assert note.startswith("'load' stands still at 0 for 1 d 6 h from 2024-01-05 04:00; kept")
    values[300:340] = 7.0
    assert "at 7 for 1 d 16 h from 2024-01-13 12:00, the longest of 2 such stretches" in said(values)[0]
    filled[100:130] = filled[300:340] = True
    assert said(values, filled) == []


def test_a_series_that_rests_every_night_is_not_reported() -> None:
    assert said(np.where((TIMES.hour > 5) & (TIMES.hour < 19), LOAD, 0.0)) == []


def test_few_negative_values_are_said_and_a_series_around_zero_is_not() -> None:
    values = LOAD.copy()
    values[[5, 6]] *= -1
    assert said(values) == ["2 values of 'load' below zero kept as measured, first 2024-01-01 05:00"]
    assert said(LOAD - 500) == []
