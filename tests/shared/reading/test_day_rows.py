from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.cells import numbers
from labformer.shared.reading.day_rows import without_day_rows
from labformer.shared.reading.files import read_table
from labformer.shared.reading.table import Table

CLOCK = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 30)]
VALUES = np.arange(96.0).reshape(2, 48)
DAYS = pd.to_datetime(["2024-03-20", "2024-03-21"])
TIMES = pd.date_range("2024-03-20", periods=96, freq="30min")


def wide(names: list[str], values: np.ndarray = VALUES, **others: object) -> Table:
    frame = pd.DataFrame(values, columns=names)
    return Table(pd.concat([pd.DataFrame({"date": DAYS, **others}), frame], axis=1), "wide.csv", header=1)


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (CLOCK, "value"),
        ([f"{one}:00" for one in CLOCK], "value"),
        ([f"{one} (kWh)" for one in CLOCK], "(kWh)"),
        ([f"Consumption {one}" for one in CLOCK], "Consumption"),
        ([f"{one}-{after}" for one, after in zip(CLOCK, [*CLOCK[1:], "24:00"], strict=True)], "value"),
        ([*CLOCK[1:], "00:00"], "value"),
        ([*CLOCK[1:], "24:00"], "value"),
        ([f"HH{number:02}" for number in range(1, 49)], "value"),
        ([f"kWh_{number}" for number in range(1, 49)], "kwh"),
        ([f"{number}" for number in range(1, 49)], "value"),
    ],
)
def test_the_times_of_a_day_come_under_each_other(names: list[str], called: str) -> None:
    table = without_day_rows(wide(names, meter="A"))
    assert list(table.frame.columns) == ["meter", "date", called]
    np.testing.assert_array_equal(table.frame["date"], TIMES)
    np.testing.assert_array_equal(numbers(table, called), np.arange(96.0))
    assert (table.frame["meter"] == "A").all()
    (note,) = table.repairs
    assert note.startswith(f"a row a day: columns '{names[0]}' to '{names[-1]}' read as values 30 min apart")
    assert note.endswith("by the end of their interval") == (names[-1] in ("00:00", "24:00"))
    assert table.row(47) == "row 2" and table.row(48) == "row 3"  # as they stand in the file


def test_hours_of_a_year_month_and_day() -> None:
    frame = pd.DataFrame(VALUES[:, :24], columns=[f"h{hour}" for hour in range(1, 25)])
    table = without_day_rows(
        Table(pd.concat([pd.DataFrame({"year": 2024, "month": 3, "day": [20, 21]}), frame], axis=1), "t")
    )
    np.testing.assert_array_equal(table.frame["time"], TIMES[::2])
    np.testing.assert_array_equal(numbers(table, "value"), VALUES[:, :24].ravel())


@pytest.mark.parametrize(
    "names",
    [
        [f"x{number}" for number in range(48)],  # sensors
        CLOCK[:-1] + ["noon"],
        [*CLOCK[1:], "12:15"],
        [f"h{number}" for number in range(3, 51)],
    ],
)
def test_another_shape_is_left_as_it_is(names: list[str]) -> None:
    table = wide(names)
    assert without_day_rows(table) is table


def test_a_unit_that_all_columns_share_is_that_of_the_new_one() -> None:
    table = wide(CLOCK)
    assert without_day_rows(table).units == {}
    table.units.update(dict.fromkeys(CLOCK, "kWh"))
    assert without_day_rows(table).units["value"] == "kWh"
    table.units["00:00"] = "W"
    assert "value" not in without_day_rows(table).units


def test_no_other_column_is_lost_to_the_new_one() -> None:
    table = without_day_rows(wide(CLOCK, value=["a", "b"]))
    assert list(table.frame["value"].unique()) == ["a", "b"]
    np.testing.assert_array_equal(numbers(table, "value of the day"), np.arange(96.0))


def test_without_a_date_nothing_is_made_of_the_columns() -> None:
    table = Table(pd.DataFrame(VALUES, columns=CLOCK).assign(meter="A"), "wide.csv")
    assert without_day_rows(table) is table


def test_a_table_of_which_the_columns_are_asked_for_is_left_as_it_is() -> None:
    names = [f"h{hour}" for hour in range(1, 49)]  # loads of hours before, as inputs of a model
    table = wide(names, load=1.0)
    assert without_day_rows(table, ["load", "h1"]) is table
    assert len(without_day_rows(table, ["value"]).frame) == 96


def test_values_beyond_the_day_are_refused_and_empty_columns_are_not() -> None:
    names = [f"HH{number}" for number in range(1, 51)]
    empty = np.concatenate([VALUES, np.full((2, 2), np.nan)], axis=1)
    assert len(without_day_rows(wide(names, empty)).frame) == 96
    empty[1, 48] = 1.0
    with pytest.raises(InputError, match="row 3 has a value in 'HH49', beyond the 48 of a day"):
        without_day_rows(wide(names, empty))


def test_a_file_of_text_is_read_with_its_dates_and_gaps(tmp_path: Path) -> None:
    rows = [
        f"{day:02}/03/2024," + ",".join("" if at == 5 else f"{at / 10:.1f}" for at in range(48)) for day in (20, 21)
    ]
    path = tmp_path / "wide.csv"
    path.write_text("Reading Date," + ",".join(CLOCK) + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    table = read_table(path)
    values = numbers(table, "value")
    np.testing.assert_array_equal(table.frame["Reading Date"], TIMES)
    assert np.isnan(values[[5, 53]]).all() and values[47] == 4.7 and values[48] == 0.0
