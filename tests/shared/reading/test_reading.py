import gc
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.shared.errors import InputError
from labformer.shared.reading.cells import numbers
from labformer.shared.reading.files import read_table
from labformer.shared.reading.table import require_columns

HOURS = pd.date_range("2024-01-01", periods=48, freq="h")
FRAME = pd.DataFrame({"time": HOURS, "load": np.arange(48.0) ** 1.5, "holiday": np.arange(48) % 7 == 0})


def refusal(source: Path | pd.DataFrame | xr.Dataset) -> str:
    with pytest.raises(InputError) as caught:
        read_table(source)
    return str(caught.value)


def cell_refusal(*cells: object) -> str:
    with pytest.raises(InputError) as caught:
        numbers(read_table(pd.DataFrame({"load": [1.0, *cells]})), "load")
    return str(caught.value)


def write(frame: pd.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".txt":
            frame.to_csv(path, index=False, sep=";")
        case ".parquet":
            frame.to_parquet(path)
        case ".nc":
            frame.set_index("time").to_xarray().to_netcdf(path, engine="h5netcdf")
        case ".xlsx":
            frame.to_excel(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".parquet", ".nc", ".xlsx"])
def test_every_format_gives_the_same_numbers(tmp_path: Path, suffix: str) -> None:
    table = read_table(write(FRAME, tmp_path / f"load{suffix}"))
    digits = 1e-15 if suffix == ".xlsx" else 0  # a workbook keeps 16 digits, the others every bit
    np.testing.assert_allclose(numbers(table, "load"), FRAME["load"], rtol=digits)
    np.testing.assert_array_equal(numbers(table, "holiday"), FRAME["holiday"].astype(float))


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(b"\xef\xbb\xbftime,load\r\n2024-01-01,1.5\r\n2024-01-02,NA\r\n\r\n")
    np.testing.assert_array_equal(numbers(read_table(path), "load"), [1.5, np.nan])


def test_a_netcdf_file_hands_on_units(tmp_path: Path) -> None:
    dataset = FRAME.set_index("time").to_xarray()
    dataset["load"].attrs["units"] = "MW"
    dataset.to_netcdf(tmp_path / "load.nc", engine="h5netcdf")
    table = read_table(tmp_path / "load.nc")
    assert table.units == {"load": "MW"}
    assert table.index == "time"


def test_netcdf_3_is_read_too(tmp_path: Path) -> None:
    FRAME[["time", "load"]].set_index("time").to_xarray().to_netcdf(tmp_path / "load.nc", engine="scipy")
    np.testing.assert_array_equal(numbers(read_table(tmp_path / "load.nc"), "load"), FRAME["load"])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".nc", ".xlsx"])
@pytest.mark.parametrize(
    ("content", "says"), [(b"", "empty"), (bytes(range(256)) * 40, ""), (pickle.dumps(FRAME), "pickle")]
)
def test_empty_junk_and_pickled_files_are_refused(tmp_path: Path, suffix: str, content: bytes, says: str) -> None:
    path = tmp_path / f"load{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message
    assert says in message


def test_a_renamed_pickle_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for suffix in (".csv", ".txt", ".parquet", ".nc", ".xlsx"):
            path = tmp_path / f"load{suffix}"
            path.write_bytes(pickle.dumps(Trap(), protocol))
            with pytest.raises(InputError):
                require_columns(read_table(path), ["load"])
    assert not (tmp_path / "sprung").exists()


@pytest.mark.filterwarnings("error")  # no reader may leave a half-open file behind
@pytest.mark.parametrize("suffix", [".parquet", ".nc", ".xlsx"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
def test_a_truncated_binary_file_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = write(FRAME, tmp_path / f"load{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert "cut short" in refusal(path)


def test_a_damaged_netcdf_file_leaves_no_word_but_the_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(FRAME[["time", "load"]], tmp_path / "load.nc")
    content = path.read_bytes()
    refused = 0
    for start in range(60, 1400, 40):
        path.write_bytes(content[:start] + bytes(range(12)) + content[start + 12 :])
        try:
            read_table(path)
        except InputError:
            refused += 1
    gc.collect()
    assert refused > 5
    assert capfd.readouterr() == ("", "")


def test_a_csv_cut_inside_a_row_is_refused_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time,load,temperature\n2024-01-01,1,2\n2024-01-02,1")
    message = refusal(path)
    assert "Row #3" in message
    assert "cut short" in message


def test_a_quotation_mark_left_open_does_not_swallow_rows(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text('time,load,note\n2024-01-01,1,"ok\n2024-01-02,2,\n2024-01-03,2,\n')
    assert "never closed" in refusal(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("time,load\n", "no rows"),
        ("time,load", "no rows"),
        ("time,load\n2024-01-01,1\n".encode("utf-16"), "UTF-16"),
        ("time,Größe\n2024-01-01,1\n".encode("latin-1"), "line 1 holds the byte 0xf6, which is not UTF-8"),
        (b"PAR1 and more", "rename it to load.parquet"),
        (b"\x1f\x8b gzip", "gzip"),
    ],
)
def test_unusable_text_says_what_it_is(tmp_path: Path, content: str | bytes, says: str) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in refusal(path)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="from a list; give a path"):
        read_table([1, 2])  # type: ignore[arg-type]


def test_an_unknown_suffix_and_a_missing_file_are_named(tmp_path: Path) -> None:
    assert ".parquet" in refusal(tmp_path / "load.feather")
    (tmp_path / "demand.csv").write_text("time,load\n")
    assert "did you mean 'demand.csv'" in refusal(tmp_path / "demnd.csv")


def test_a_missing_column_names_the_nearest_and_lists_all() -> None:
    with pytest.raises(InputError, match="did you mean 'Demand'.*'Time', 'Demand'"):
        require_columns(read_table(pd.DataFrame({"Time": [1], "Demand": [2]})), ["demandd"])


def test_a_column_that_stands_twice_is_refused_when_it_is_wanted() -> None:
    with pytest.raises(InputError, match="more than once"):
        require_columns(read_table(pd.DataFrame([[1, 2]], columns=["load", "load"])), ["load"])


def test_a_gridded_dataset_is_told_to_choose_a_point() -> None:
    grid = xr.Dataset({"t2m": (("time", "latitude"), np.zeros((48, 2)))}, {"time": HOURS})
    assert "choose a point" in refusal(grid)
    assert "no time coordinate" in refusal(xr.Dataset({"load": ("x", [1.0])}))


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("12,5", "decimal point"),
        ("1.234,5", "decimal point"),
        ("1,234.5,6", "empty"),
        ("12 345.6.7", "empty"),
        ("12.5 MW", "unit"),
        ("broken", "empty"),
    ],
)
def test_text_among_numbers_is_named_with_row_value_and_hint(cell: str, hint: str) -> None:
    message = cell_refusal("2", cell, cell)
    assert f"row 2 of column 'load' is {cell!r}" in message
    assert "2 such cells" in message
    assert hint in message.split("; ")[-1]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,5", "2", "0,25"], [1.5, 2, 0.25]),
        (["1.234,5", "-12"], [1234.5, -12]),
        (["1,234.5", "3"], [1234.5, 3]),
        (["1,234,567", "NA"], [1234567, np.nan]),
        (["1 234", "1\u00a0234"], [1234, 1234]),
        (["1'234.5"], [1234.5]),
        (["1.234.567", "0,5"], [1234567, 0.5]),
    ],
)
def test_one_writing_of_numbers_in_all_cells_is_understood_and_said(cells: list[str], values: list[float]) -> None:
    table = read_table(pd.DataFrame({"load": cells}))
    np.testing.assert_array_equal(numbers(table, "load"), values)
    assert len(table.repairs) == 1
    assert "'load'" in table.repairs[0]


def test_what_can_be_read_as_thousands_or_as_decimals_is_not_guessed() -> None:
    with pytest.raises(InputError, match="two ways, '1,234'"):
        numbers(read_table(pd.DataFrame({"load": ["1,234", "2,345"]})), "load")
    with pytest.raises(InputError, match="'1.012' and '987'.*may separate thousands"):
        numbers(read_table(pd.DataFrame({"load": ["987", "1.012"] * 20})), "load")
    three_decimals = pd.DataFrame({"load": [f"{value:.3f}" for value in np.arange(20) + 0.125]})
    np.testing.assert_array_equal(numbers(read_table(three_decimals), "load"), np.arange(20) + 0.125)


@pytest.mark.parametrize("cells", [[np.inf], ["-inf"], [1.0, float("-inf")]])
def test_infinite_values_are_refused(cells: list[object]) -> None:
    assert f"row {len(cells)} of column 'load' is infinite" in cell_refusal(*cells)


def test_rows_of_a_file_are_counted_as_in_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time,load\n2024-01-01,1\n2024-01-02,x\n")
    with pytest.raises(InputError, match="row 3 of column 'load' is 'x'"):
        numbers(read_table(path), "load")


def test_words_for_missing_and_for_truth_become_numbers() -> None:
    frame = pd.DataFrame(
        {"load": ["1", " 2 ", "", "NA", "NaN", None], "flag": ["TRUE", "false", "True", None, "n/a", ""]}
    )
    np.testing.assert_array_equal(numbers(read_table(frame), "load"), [1, 2] + [np.nan] * 4)
    np.testing.assert_array_equal(numbers(read_table(frame), "flag"), [1, 0, 1] + [np.nan] * 3)
