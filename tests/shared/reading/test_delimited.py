from pathlib import Path

import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading.cells import numbers
from labformer.shared.reading.delimited import WIDEST
from labformer.shared.reading.files import read_table
from labformer.shared.reading.table import Table

ROWS = [["time", "load", "note"], *([f"2024-01-{day:02d}", str(day), "a, b; c"] for day in range(1, 30))]


def read(path: Path, text: str) -> Table:
    path.write_text(text, encoding="utf-8", newline="")
    return read_table(path)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "Meter 17\n\n", "# a, comment; with | all\tof them\n", "a,b\n"])
@pytest.mark.parametrize("trailing", ["", "rows", "all"])
def test_the_dialect_changes_nothing(tmp_path: Path, separator: str, end: str, above: str, trailing: str) -> None:
    cells = [separator.join(f'"{cell}"' for cell in row) for row in ROWS]
    lines = [line + separator * (trailing == "all" or (trailing == "rows" and n > 0)) for n, line in enumerate(cells)]
    table = read(tmp_path / "load.csv", (above + "\n".join(lines)).replace("\n", end))
    assert list(table.frame.columns[:3]) == ROWS[0]
    assert numbers(table, "load").tolist() == list(range(1, 30))
    assert table.row(0) == f"row {len(above.splitlines()) + 2}"
    count = above.count("\n")
    assert table.repairs == ([f"{count} line{'s' * (count > 1)} above the header left out"] if above else [])


def test_the_row_of_an_error_counts_the_lines_above_the_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Row #5: Expected 2 columns, got 3"):
        read(tmp_path / "load.csv", "Meter 17\n\ntime,load\n2024-01-01,1\n2024-01-02,1,2\n2024-01-03,1\n")


def test_a_table_lying_on_its_side_is_refused(tmp_path: Path) -> None:
    wide = ",".join(map(str, range(WIDEST + 1)))
    with pytest.raises(InputError, match="20,001 columns in 3 rows; does time run across"):
        read(tmp_path / "load.csv", f"{wide}\n{wide}\n{wide}\n")


def test_rows_longer_than_a_block_are_read(tmp_path: Path) -> None:
    names, notes = ",".join(f"n{place}" for place in range(30)), ",".join(["x" * 99_000] * 30)
    table = read(tmp_path / "load.csv", f"time,load,{names}\n2024-01-01,1,{notes}\n2024-01-02,2,{notes}\n")
    assert numbers(table, "load").tolist() == [1, 2]


def test_a_quotation_mark_left_open_in_the_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="never closed"):
        read(tmp_path / "load.csv", '"time,load\n' + "2024-01-01,1\n" * 20_000)
