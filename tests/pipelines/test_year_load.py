import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.year.predictor import YearLoad
from labformer.pipelines.command import main

DAY, AHEAD = 4, 20
COLUMNS = ["--target", "load", "--covariates", "temperature", "--time", "Year,Month,Day,Hour", "--first-year", "2022"]
CHEAP = ["--members", "spline-ridge", "--unit", "MW", "--holidays", "US-CA", "--summer-time", "America/Los_Angeles"]


@pytest.fixture(scope="module")
def csv(simulated: Callable[..., pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two anonymous years of load and weather, then twenty days of weather."""
    table = simulated(days=730, step="6h", start="2022-01-01", ahead=AHEAD * DAY)
    time = table.pop("time").dt
    parts = {"Year": time.year - 2021, "Month": time.month, "Day": time.day, "Hour": time.hour}
    path = tmp_path_factory.mktemp("data") / "years.csv"
    pd.concat([pd.DataFrame(parts), table], axis=1).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    assert main(["run", "year-load", "--data", str(csv), *COLUMNS, *CHEAP, "--out", str(path)]) == 0
    return path


def test_a_run_writes_its_folder_and_forecasts_the_rows_behind_the_last_load(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "metrics.json",
        "predictions.nc",
        "report.html",
        "model",
        "run.toml",
    }
    with xr.open_dataset(folder / "predictions.nc") as forecast:
        assert dict(forecast.sizes) == {"time": AHEAD * DAY, "target": 1, "quantile": 7}
        assert forecast.time.values[0] == np.datetime64("2024-01-01T00:00")
        assert forecast.point.attrs["units"] == "MW"
    metrics = json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)
    rows = {row["model"]: row for row in metrics["comparison"]["rows"]}
    assert rows["spline-ridge"]["value"] < rows["same-hour-of-last-year"]["value"]
    assert metrics["weights"] == {"spline-ridge": 1.0}
    assert any("taken for 2022 to 2024" in repair for repair in metrics["repairs"])
    page = (folder / "report.html").read_text()
    for words in (
        metrics["comparison"]["verdict"],
        "years.csv",
        "Response to weather",
        "At the peak",
        "Error by month",
    ):
        assert words in page


def test_the_config_of_a_run_repeats_it(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["run", "year-load", "--config", str(folder / "run.toml"), "--out", str(again)]) == 0
    with xr.open_dataset(folder / "predictions.nc") as one, xr.open_dataset(again / "predictions.nc") as two:
        xr.testing.assert_identical(one, two)


def test_a_saved_model_forecasts_from_weather_alone(csv: Path, folder: Path, tmp_path: Path) -> None:
    weather, out = tmp_path / "weather.csv", tmp_path / "ahead.csv"
    pd.read_csv(csv).drop(columns="load").iloc[-(AHEAD + 30) * DAY :].to_csv(weather, index=False)
    words = ["--model", str(folder / "model"), "--data", str(weather), "--out", str(out)]
    time = ["--time", "Year,Month,Day,Hour", "--first-year", "2023"]
    assert main(["predict", "year-load", *words, *time]) == 0
    with xr.open_dataset(folder / "predictions.nc") as forecast:
        np.testing.assert_allclose(pd.read_csv(out)["point"], forecast.point.values[:, 0], rtol=1e-9)


def test_a_fit_without_weekdays_takes_no_weekday(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(csv), *COLUMNS, "--members", "spline-ridge", "--no-weekdays", "--out", str(tmp_path / "m")]
    assert main(["fit", "year-load", *words]) == 0
    assert "wrote the model" in capsys.readouterr().out
    model = YearLoad.from_pretrained(tmp_path / "m")
    assert not model.weekdays
    assert not {"weekday", "sat", "day_off"} & set(model.inputs_.names)
    assert main(["predict", "year-load", "--model", str(tmp_path / "m"), "--data", str(csv), *COLUMNS[4:]]) == 0
    assert capsys.readouterr().out.count("\n") == AHEAD * DAY + 1


def test_without_weather_ahead_the_test_year_is_shown_and_that_is_said(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "history.csv"
    pd.read_csv(csv).iloc[: 730 * DAY].to_csv(table, index=False)
    assert main(["run", "year-load", "--data", str(table), *COLUMNS, *CHEAP, "--out", str(tmp_path / "run")]) == 0
    assert "no rows behind the last load" in capsys.readouterr().err
    with xr.open_dataset(tmp_path / "run" / "predictions.nc") as forecast:
        assert forecast.sizes["time"] == 365 * DAY


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--covariates", "wind"], "wind"),
        (["--members", "oracle"], "oracle"),
        (["--holidays", "Atlantis"], "Atlantis"),
        (["--coverage", "1.5"], "coverage"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], words: str
) -> None:
    typed = ["--data", str(csv), *COLUMNS, *CHEAP, *change, "--out", str(tmp_path / "run")]
    assert main(["run", "year-load", *typed]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("labformer: ")
    assert words in error
    assert not list(tmp_path.iterdir())


def test_one_year_is_too_short_to_be_tested(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "short.csv"
    pd.read_csv(csv).iloc[: 400 * DAY].to_csv(table, index=False)
    assert main(["fit", "year-load", "--data", str(table), *COLUMNS, *CHEAP, "--out", str(tmp_path / "m")]) == 1
    assert "too short" in capsys.readouterr().err
