import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.shared.errors import InputError, MissingExtra
from labformer.shared.reading.files import read_table

FRAME = pd.DataFrame(
    {"time": pd.date_range("2024-01-01", periods=50, freq="h"), "load": np.arange(50) / 7, "note": "a", "on": True}
)


def write(path: Path, above: int = 0, **sheets: pd.DataFrame) -> Path:
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False, startrow=above)
            if above:
                writer.sheets[name].cell(1, 2, "Load of 2024")
    return path


@pytest.fixture(params=["calamine", "openpyxl"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "calamine":
        pytest.importorskip("python_calamine")
    else:
        monkeypatch.setitem(sys.modules, "python_calamine", None)
    return str(request.param)


def test_both_engines_give_the_same_frame(tmp_path: Path, engine: str) -> None:
    read = read_table(write(tmp_path / "load.xlsx", Data=FRAME)).frame
    pd.testing.assert_frame_equal(read, FRAME, check_dtype=False, rtol=1e-14)
    assert read["time"].dtype == FRAME["time"].dtype


@pytest.mark.parametrize("above", [1, 2, 5])
def test_a_title_above_the_header_is_left_out(tmp_path: Path, engine: str, above: int) -> None:
    table = read_table(write(tmp_path / "load.xlsx", above, Data=FRAME), ["load"])
    assert list(table.frame.columns) == list(FRAME.columns)
    assert table.row(0) == f"row {above + 2}"
    assert table.repairs[0].endswith("above the header left out")


def test_the_sheet_with_the_wanted_columns_is_read(tmp_path: Path, engine: str) -> None:
    words = pd.DataFrame({"name": ["load"], "meaning": ["MW"]})
    path = write(tmp_path / "load.xlsx", Words=words, Data=FRAME, More=words)
    assert read_table(path, ["load", "on"]).repairs == ["sheet 'Data' read, of 3 sheets"]
    assert list(read_table(path, ["lode"]).frame.columns) == ["name", "meaning"]
    with pytest.raises(InputError, match="several sheets have the columns name .'Words', 'More'."):
        read_table(path, ["name"])


def test_without_a_reader_of_workbooks_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "load.xlsx", Data=FRAME)
    for reader in ("python_calamine", "openpyxl"):
        monkeypatch.setitem(sys.modules, reader, None)
    with pytest.raises(MissingExtra, match="forecasting"):
        read_table(path)
