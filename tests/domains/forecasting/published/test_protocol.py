from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.published.protocol import FIXED, Case, calendar_marks, read_case, window_errors
from labformer.shared.datasets.catalogue import locate
from labformer.shared.errors import InputError


def frame(rows: int = 300, step: str = "1h") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    dates = pd.date_range("2016-07-01", periods=rows, freq=step).strftime("%Y-%m-%d %H:%M:%S")
    steps = np.arange(rows)
    return pd.DataFrame({"date": dates, "a": rng.normal(5, 2, rows), "b": steps % 24, "OT": 40 + steps / 100})


def case(tmp_path: Path, table: pd.DataFrame, borders: str = "parts") -> Case:
    table.to_csv(tmp_path / "case.csv", index=False)
    return read_case(tmp_path / "case.csv", "case", borders)  # type: ignore[arg-type]


def etth1() -> Case:
    try:
        return read_case(locate("etth1"), "etth1", "hourly")
    except InputError as error:
        pytest.skip(f"needs ETTh1, set LABFORMER_DATA: {error}")


def test_values_are_standardised_by_the_train_rows_with_the_population_deviation(tmp_path: Path) -> None:
    table = frame()
    table["still"] = np.where(np.arange(300) < 210, 7.0, 9.0)  # constant in train: its divisor is 1
    values = table.drop(columns="date").to_numpy(float)
    mean, scale = values[:210].mean(0), values[:210].std(0, ddof=0)
    scale[-1] = 1.0
    np.testing.assert_allclose(case(tmp_path, table).values, (values - mean) / scale, atol=1e-12)


def test_later_rows_do_not_move_the_scale(tmp_path: Path) -> None:
    table = frame()
    before = case(tmp_path, table).values
    table.loc[210:, ["a", "OT"]] *= 100
    np.testing.assert_array_equal(case(tmp_path, table).values[:210], before[:210])


@pytest.mark.parametrize(("borders", "months"), [("hourly", 720), ("quarter-hourly", 2880)])
def test_fixed_borders_are_12_4_and_4_months_of_30_days(borders: str, months: int) -> None:
    assert FIXED[borders] == (12 * months, 16 * months, 20 * months)


@pytest.mark.parametrize("lookback", [1, 24, 96])
def test_parts_begin_a_lookback_early_and_count_windows_alike(tmp_path: Path, lookback: int) -> None:
    split = case(tmp_path, frame()).split(lookback)
    assert split.train.rows == slice(0, 210)
    assert split.validation.rows == slice(210 - lookback, 240)
    assert split.test.rows == slice(240 - lookback, 300)
    assert split.test.windows(lookback, 12) == 60 - 12 + 1


def test_calendar_marks_are_hour_weekday_day_and_day_of_year_between_halves() -> None:
    times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-12-31 23:00", "2023-07-09 12:00"])
    expected = [
        [0, 0, 0, 0],
        [1, 1 / 6, 1, 1],
        [12 / 23, 1, 8 / 30, 189 / 365],
    ]
    np.testing.assert_allclose(calendar_marks(times), np.array(expected) - 0.5)


def test_errors_are_means_over_series_and_steps_of_each_window() -> None:
    truth = np.random.default_rng(0).normal(size=(5, 3, 4))
    off = np.arange(5.0)[:, None, None] * np.array([1.0, -1.0, 1.0])[:, None]
    found = window_errors(truth + off, truth)
    np.testing.assert_allclose(found["mse"], np.arange(5.0) ** 2)
    np.testing.assert_allclose(found["mae"], np.arange(5.0))


def without_date(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="date")


def broken(column: str, row: int, value: object) -> object:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({column: object})
        table.loc[row, column] = value
        return table

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_date, "no column 'date'"),
        (broken("date", 7, "tomorrow"), "'date' holds something that is no time"),
        (broken("date", 7, None), "1 values of 'date' are missing"),
        (broken("a", 7, "high"), "'a' is not numeric"),
        (broken("a", 7, None), "1 values of 'a' are missing or infinite"),
        (broken("OT", 7, np.inf), "1 values of 'OT' are missing or infinite"),
        (lambda table: table[["date"]], "no column beside 'date'"),
        (lambda table: table.iloc[::-1], "'date' goes back in time"),
        (lambda table: table.iloc[:2], "too few"),
    ],
)
def test_a_table_that_is_not_so_is_refused(tmp_path: Path, spoil: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        case(tmp_path, spoil(frame()))  # type: ignore[operator]


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickled", b"date,a\n2016-07-01,1\n2016-07-02,1,2,3\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "case.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"case\.csv"):
        read_case(tmp_path / "case.csv", "case", "parts")


def test_an_absent_file_and_too_few_rows_for_the_borders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_case(tmp_path / "absent.csv", "case", "parts")
    with pytest.raises(InputError, match="300"):
        case(tmp_path, frame(), "hourly")


def test_etth1_has_2785_test_windows_of_96_whatever_the_lookback() -> None:
    found = etth1()
    assert found.values.shape == (17_420, 7)
    for lookback in (96, 336, 720):
        split = found.split(lookback)
        assert split.test.windows(lookback, 96) == 2785
        assert split.train.rows == slice(0, 8640)
        assert split.validation.border == 8640
        assert split.test.rows == slice(11_520 - lookback, 14_400)
    np.testing.assert_allclose(found.values[:8640].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found.values[:8640].std(0), 1, atol=1e-12)
