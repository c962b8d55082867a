"""Whatever is wrong with a file, the command says it in one line (what, where, what to do), and writes nothing."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labformer.pipelines.command import main

DAY = 8
CHEAP = ["--models", "seasonal-naive-week"]
Simulated = Callable[..., pd.DataFrame]


class Trap:
    """Unpickled, it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def put(row: int | slice, column: str, text: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype(object)
        table.loc[row, column] = text
        return table

    return change


def rows(*dropped: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.drop(index=list(dropped))


def twice(table: pd.DataFrame) -> pd.DataFrame:
    """A time that comes again with another load."""
    return pd.concat([table, table.iloc[[200]].assign(load=1.0)])


# what is done to a table of 84 days of 8 rows -> words of the line: what and where, what to do
TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, str]] = {
    "no time column": (lambda t: t.drop(columns="time"), "no column reads as times", "name a pair with time="),
    "missing time": (put(5, "time", ""), "row 7 has no readable time", "write times as"),
    "unparsable time": (put(5, "time", "2023-02-30 00:00:00+00:00"), "row 7 has no readable time", "write times as"),
    "text for a time": (put(5, "time", "noon-ish"), "row 7 has the time 'noon-ish'", "write all of them alike"),
    "duplicated with another value": (twice, "2023-01-27 00:00 stands twice", "keep one of them"),
    "long gap": (rows(*range(100, 110)), "2023-01-14 12:00", "gap"),
    "text in numbers": (put(17, "load", "12 MW"), "row 19 of column 'load' is '12 MW', not a number", "keep the unit"),
    "decimal comma": (put(17, "load", "1012,5"), "row 19 of column 'load' is '1012,5'", "decimal point"),
    "no values for days": (put(slice(99, 120), "load", ""), "no values from 2023-01-14 09:00", "--max-gap 3d"),
    "no values": (lambda t: t.assign(load=np.nan), "the target 'load' has no values", "choose another column"),
    "constant": (lambda t: t.assign(load=5.0), "the target 'load' is constant (5 in 672 rows)", "choose another"),
    "infinite": (put(30, "load", "inf"), "row 32 of column 'load' is infinite", "leave a cell empty"),
    "infinite covariate": (put(30, "temperature", "-Infinity"), "row 32 of column 'temperature' is infinite", "empty"),
    "too short": (lambda t: t.iloc[: 5 * DAY], "is too short", "give a longer file"),
    "one row": (lambda t: t.iloc[:1], "row", ""),
    "no rows": (lambda t: t.iloc[:0], "has no rows of data below its header", "export or download it again"),
    "misspelt column": (lambda t: t.rename(columns={"load": "Laod"}), "column 'load' is missing", "did you mean"),
    "covariate ends early": (
        lambda t: t.assign(temperature=t["temperature"].where(t.index < 660)),
        "the covariate 'temperature' is missing from 2023-03-25 12:00",
        "leave it out",
    ),
}  # fmt: skip

# bytes of a file -> the same
FILES: dict[str, tuple[str, bytes, str, str]] = {
    "empty": ("load.csv", b"", "load.csv is empty (0 bytes)", "export or download it again"),
    "blank": ("load.csv", b"\n\n", "load.csv", "again"),
    "cut short": ("load.csv", b"time,load\n2023-01-01,1\n2023-01-0", "not a whole CSV table", "export it again"),
    "open quotation": ("load.csv", b'time,load\n2023-01-01,"1\n2023-01-02,2\n', "quotation mark", "close it"),
    "binary": ("load.csv", b"time,load\n\0\0\0\0,1\n", "is a binary file", "suffix of what it holds"),
    "another encoding": ("load.csv", b"time,H\xf6he\n2023-01-01,1\n", "line 1 holds the byte 0xf6", "iconv"),
    "parquet as csv": ("load.csv", b"PAR1\0\0\0\0PAR1", "is Parquet inside, not .csv", "rename it to load.parquet"),
    "damaged parquet": ("load.parquet", b"PAR1 and nothing", "cannot be read as Parquet", "download it again"),
    "damaged netcdf": ("load.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "cannot be read as NetCDF", "download it again"),
    "unknown suffix": ("load.doc", b"time,load\n", "cannot read .doc", "give .csv"),
}  # fmt: skip


def refused(said: Any, folder: Path, before: dict[str, bytes], what: str, remedy: str) -> None:
    """One line of `labformer:`, nothing else that is wrong, nothing written."""
    out, err = said
    lines = err.splitlines()
    assert out == ""
    assert [line.startswith("labformer: ") for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "Traceback" not in err
    assert what in lines[-1]
    assert remedy in lines[-1]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("verb", ["run", "fit"])
@pytest.mark.parametrize("fault", TABLES)
def test_a_faulty_table_is_refused(
    verb: str, fault: str, simulated: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, what, remedy = TABLES[fault]
    change(simulated()).to_csv(tmp_path / "load.csv", index=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    words = ["--data", str(tmp_path / "load.csv"), "--target", "load", "--covariates", "temperature", *CHEAP]
    assert main([verb, "load-forecast", *words, "--out", str(tmp_path / "out")]) == 1
    refused(capsys.readouterr(), tmp_path, before, what, remedy)


@pytest.mark.parametrize("fault", FILES)
def test_a_faulty_file_is_refused(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, content, what, remedy = FILES[fault]
    (tmp_path / name).write_bytes(content)
    words = ["--data", str(tmp_path / name), "--target", "load", *CHEAP, "--out", str(tmp_path / "out")]
    assert main(["run", "load-forecast", *words]) == 1
    refused(capsys.readouterr(), tmp_path, {name: content}, what, remedy)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["load.csv", "load.parquet", "load.nc", "load.xlsx", "load.pkl"])
def test_a_pickle_is_never_opened(protocol: int, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = pickle.dumps(Trap(tmp_path / "sprung"), protocol)
    (tmp_path / name).write_bytes(content)
    words = ["--data", str(tmp_path / name), "--target", "load", *CHEAP, "--out", str(tmp_path / "out")]
    assert main(["fit", "load-forecast", *words]) == 1
    refused(capsys.readouterr(), tmp_path, {name: content}, name, "")


def test_gaps_are_refused_when_that_was_asked(
    simulated: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "load.csv"
    simulated().drop(index=[100]).to_csv(path, index=False)
    words = ["--data", str(path), "--target", "load", *CHEAP, "--out", str(tmp_path / "out")]
    assert main(["fit", "load-forecast", *words, "--gaps", "error"]) == 1
    refused(capsys.readouterr(), tmp_path, {"load.csv": path.read_bytes()}, "2023-01-14 12:00", "gap")
    assert main(["fit", "load-forecast", *words]) == 0
    assert "repaired: 1 gap (1 row)" in capsys.readouterr().err


def test_rows_out_of_order_and_rows_twice_are_put_right_and_said(
    simulated: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = simulated()
    table.to_csv(tmp_path / "load.csv", index=False)
    pd.concat([table.iloc[::-1], table.iloc[[7]]]).to_csv(tmp_path / "messy.csv", index=False)
    for name in ("load", "messy"):
        words = ["--data", str(tmp_path / f"{name}.csv"), "--target", "load", "--models", "nlinear-ridge"]
        assert main(["fit", "load-forecast", *words, "--lookback", "2D", "--out", str(tmp_path / name)]) == 0
    repairs = [line for line in capsys.readouterr().err.splitlines() if line.startswith("repaired: ")]
    assert len(repairs) == 2
    assert "sorted" in repairs[0]
    assert "1 duplicate row" in repairs[1]
    here, there = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("load", "messy"))
    assert here == there


@pytest.fixture
def model(simulated: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    simulated(ahead=DAY).to_csv(tmp_path / "fitted.csv", index=False)
    words = ["--data", str(tmp_path / "fitted.csv"), "--target", "load", "--covariates", "temperature"]
    words += ["--models", "spline-ridge"]  # which asks for the temperature
    assert main(["fit", "load-forecast", *words, "--out", str(tmp_path / "model")]) == 0
    capsys.readouterr()
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        (rows(*range(674, 680)), "temperature are missing from 2023-03-27 06:00", "Add those rows"),
        (lambda t: t.drop(columns="temperature"), "column 'temperature' is missing", "the columns are"),
        (put(674, "temperature", ""), "'temperature' is missing from 2023-03-27 06:00", "Complete it"),
        (put(674, "temperature", "mild"), "row 676 of column 'temperature' is 'mild'", "leave it empty"),
        (lambda t: t.iloc[630:], "history of 42 rows (5 d 6 h) is too short for one forecast", "give a longer file"),
        (lambda t: t.iloc[::2], "step", "resample"),
    ],
)  # fmt: skip
def test_a_faulty_history_to_forecast_from_is_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame],
    what: str,
    remedy: str,
    simulated: Simulated,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "predict"
    folder.mkdir()
    change(simulated(ahead=DAY)).to_csv(folder / "newest.csv", index=False)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    words = ["--model", str(model), "--data", str(folder / "newest.csv"), "--out", str(folder / "forecast.nc")]
    assert main(["predict", "load-forecast", *words]) == 1
    refused(capsys.readouterr(), folder, before, what, remedy)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "card.md"])
def test_a_faulty_model_folder_is_refused(
    file: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "load-forecast", "--model", str(model), "--data", str(tmp_path / "fitted.csv")]
    whole = (model / file).read_bytes()
    if file != "card.md":
        (model / file).write_bytes(whole[: len(whole) // 2])
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"labformer: {model / file} is damaged")
    (model / file).unlink()
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{file} is missing" in line
