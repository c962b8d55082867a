import numpy as np
import pandas as pd
import pytest

from labformer.shared.reading.cells import numbers
from labformer.shared.reading.extra_rows import without_extra_rows
from labformer.shared.reading.table import Table

GOOD = [["2024-01-01", "1"], ["2024-01-02", "2"], ["2024-01-03", ""], ["2024-01-04", "4"]]


def cleaned(rows: list[list[object]]) -> Table:
    return without_extra_rows(Table(pd.DataFrame(rows, columns=["time", "load"], dtype=object), "load.csv", header=1))


def test_a_good_table_is_handed_back_as_it_is() -> None:
    table = Table(pd.DataFrame(GOOD, columns=["time", "load"]), "load.csv", header=1)
    assert without_extra_rows(table) is table


@pytest.mark.parametrize(
    ("place", "row", "said"),
    [
        (0, ["", "MW"], "row 2 left out: units (load in MW)"),
        (0, ["UTC", "[kWh]"], "row 2 left out: units (load in kWh)"),
        (2, ["time", "load"], "1 row left out (the header again), first row 4"),
        (2, ["", None], "1 row left out (empty), first row 4"),
        (4, ["", " "], "1 row left out (empty), first row 6"),
        (4, ["Total:", "7"], "the last row left out: it holds the total"),
        (4, [None, "Mean"], "the last row left out: it holds the mean"),
    ],
)
def test_a_row_that_is_no_data_is_left_out_and_said(place: int, row: list[object], said: str) -> None:
    table = cleaned([*GOOD[:place], row, *GOOD[place:]])
    assert list(table.frame["time"]) == [time for time, _ in GOOD]
    np.testing.assert_array_equal(numbers(table, "load"), [1, 2, np.nan, 4])
    (note,) = table.repairs
    assert note == said


def test_the_unit_of_a_column_is_kept_without_brackets() -> None:
    assert cleaned([["", "(MW)"], *GOOD]).units == {"load": "MW"}


def test_rows_behind_one_that_was_left_out_keep_their_number() -> None:
    table = cleaned([["", "MW"], *GOOD])
    assert [table.row(place) for place in range(4)] == ["row 3", "row 4", "row 5", "row 6"]


@pytest.mark.parametrize(
    "row", [["soon", "5"], ["", "TRUE"], ["", "NA"], ["2024-01-01", "MW"], ["", "a long remark, no unit"]]
)
def test_what_may_be_data_stays(row: list[object]) -> None:
    assert len(cleaned([row, *GOOD]).frame) == 5
