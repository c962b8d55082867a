import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.pipelines import load_forecast
from labformer.pipelines.command import main

DAY = 8
RUN_FOLDER = {"metrics.json", "predictions.nc", "report.html", "model", "run.toml"}
MODEL_FOLDER = {"config.json", "model.safetensors", "card.md"}
CHEAP = ["--models", "seasonal-naive-week,nlinear-ridge", "--lookback", "2D"]
COLUMNS = ["--target", "load", "--covariates", "temperature,weekend", "--units", "load=MW"]


@pytest.fixture(scope="module")
def csv(simulated: Callable[..., pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """84 days of load and weather, then the weather of one more."""
    path = tmp_path_factory.mktemp("data") / "load.csv"
    simulated(ahead=DAY).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def model(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model"
    assert main(["fit", "load-forecast", "--data", str(csv), *COLUMNS, *CHEAP, "--out", str(path)]) == 0
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def metrics(folder: Path) -> dict[str, Any]:
    """What a run measured, but for its times; strict JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text(), parse_constant=refuse)
    for row in found["comparison"]["rows"]:
        assert row.pop("seconds_fit") >= 0
        assert row.pop("seconds_predict") >= 0
    return found


def test_a_run_writes_its_folder_and_its_config_repeats_it(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, again = tmp_path / "run", tmp_path / "again"
    models = ["--models", "seasonal-naive-week,dlinear", "--lookback", "2D"]
    assert main(["run", "load-forecast", "--data", str(csv), *COLUMNS, *models, "--seed", "3", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert names(tmp_path) == {"run"}
    assert names(out) == RUN_FOLDER
    assert names(out / "model") == MODEL_FOLDER
    found = metrics(out)
    assert found["comparison"]["verdict"] in said.out
    assert said.out.count("holds ") == len(found["checks"]) == 3
    assert str(out) in said.out
    assert said.err.startswith("load: 672 rows each 3 h, 2023-01-02 00:00")
    assert {row["model"] for row in found["comparison"]["rows"]} >= {"dlinear", "seasonal-naive-week"}

    assert main(["run", "load-forecast", "--config", str(out / "run.toml"), "--out", str(again)]) == 0
    assert metrics(again) == found
    with xr.open_dataset(out / "predictions.nc") as one, xr.open_dataset(again / "predictions.nc") as two:
        xr.testing.assert_identical(one, two)
        assert dict(one.sizes) == {"time": DAY, "target": 1, "quantile": 7}
        assert one.point.attrs["units"] == "MW"
        xr.testing.assert_allclose(LoadForecaster.from_pretrained(out / "model").predict(csv).point, one.point)
    page = (out / "report.html").read_text()
    for said_there in (found["comparison"]["verdict"], "load.csv", "<svg", "Checks"):
        assert said_there in page
    assert "Traceback" not in page


def test_a_run_needs_no_file_and_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABFORMER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(["run", "load-forecast", *CHEAP, "--out", "run"]) == 0
    assert names(tmp_path) == {"run"}
    with xr.open_dataset(tmp_path / "run" / "predictions.nc") as forecast:
        assert forecast.sizes["time"] == 48
        assert forecast.local_time.values[0] == np.datetime64("2000-08-28T00:00")
        assert forecast.point.attrs["units"] == "MW"
    assert "real data, Taylor 2003" in (tmp_path / "run" / "report.html").read_text()


def test_without_weather_ahead_a_run_shows_the_last_stretch_and_says_so(
    simulated: Callable[..., pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = simulated()
    table.to_csv(tmp_path / "load.csv", index=False)
    words = ["--data", str(tmp_path / "load.csv"), *COLUMNS, "--models", "spline-ridge", "--out", str(tmp_path / "run")]
    assert main(["run", "load-forecast", *words]) == 0
    assert "no rows of temperature, weekend after the last load" in capsys.readouterr().err
    with xr.open_dataset(tmp_path / "run" / "predictions.nc") as forecast:
        assert forecast.time.values[-1] == table["time"].iloc[-1].tz_localize(None)


def test_repairs_are_said_and_stand_in_card_and_metrics(
    simulated: Callable[..., pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = simulated().sample(frac=1, random_state=0).drop(index=[100])
    table.to_csv(tmp_path / "load.csv", index=False)
    words = ["--data", str(tmp_path / "load.csv"), "--target", "load", *CHEAP, "--out", str(tmp_path / "run")]
    assert main(["run", "load-forecast", *words]) == 0
    repairs = metrics(tmp_path / "run")["repairs"]
    assert repairs[0].startswith("rows sorted by time")
    assert "1 gap (1 row)" in repairs[1]
    said, card = capsys.readouterr().err, (tmp_path / "run" / "model" / "card.md").read_text()
    for repair in repairs:
        assert f"repaired: {repair}" in said
        assert repair in card


def test_every_format_of_a_forecast_holds_the_same_numbers(
    csv: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "load-forecast", "--model", str(model), "--data", str(csv)]
    assert main(words) == 0
    said = capsys.readouterr()
    (tmp_path / "stdout.csv").write_text(said.out)
    assert said.err.startswith("load: 672 rows")
    for suffix in ("csv", "parquet", "nc"):
        assert main([*words, "--out", str(tmp_path / f"file.{suffix}")]) == 0
        assert capsys.readouterr().out == ""
    printed = pd.read_csv(tmp_path / "stdout.csv")
    assert list(printed)[:5] == ["time", "local_time", "target", "unit", "point"]
    assert (printed["q0.05"] < printed["point"]).all()
    assert (tmp_path / "file.csv").read_text() == said.out
    parquet = pd.read_parquet(tmp_path / "file.parquet")
    np.testing.assert_allclose(parquet["q0.95"], printed["q0.95"], rtol=1e-12)
    assert (pd.to_datetime(printed["time"]) == parquet["time"]).all()
    with xr.open_dataset(tmp_path / "file.nc") as forecast:
        np.testing.assert_allclose(forecast.point.values[:, 0], printed["point"], rtol=1e-12)
        np.testing.assert_allclose(forecast.forecast.sel(quantile=0.95)[:, 0], printed["q0.95"], rtol=1e-12)
    assert names(tmp_path) == {"stdout.csv", "file.csv", "file.parquet", "file.nc"}


def test_newer_rows_are_scored_and_others_refused(
    simulated: Callable[..., pd.DataFrame], csv: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated(days=94).to_csv(tmp_path / "newer.csv", index=False)
    words = ["evaluate", "load-forecast", "--model", str(model), "--data"]
    assert main([*words, str(tmp_path / "newer.csv"), "--out", str(tmp_path / "scores.json")]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["windows"] == 10
    assert scores["verdict"] in capsys.readouterr().out
    assert main([*words, str(csv), "--out", str(tmp_path / "none.json")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("labformer: 0 forecasts fit in the rows after 2023-03-26 21:00 UTC")
    assert names(tmp_path) == {"newer.csv", "scores.json"}


@pytest.mark.parametrize("stage", ["load", "fit", "predict", "run_checks", "score", "write_dataset", "load_report"])
def test_a_run_that_fails_at_any_stage_leaves_nothing_behind(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    reached = []

    def fail(*anything: Any) -> None:
        reached.append(stage)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(load_forecast, stage, fail)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("kept")
    words = ["--data", str(csv), "--target", "load", "--models", "seasonal-naive-week", "--overwrite"]
    for out in ("run", "new"):
        with pytest.raises(RuntimeError, match="disk is full"):
            main(["run", "load-forecast", *words, "--out", str(tmp_path / out)])
    assert reached == [stage, stage]
    assert names(tmp_path) == {"run"}
    assert names(tmp_path / "run") == {"mine.txt"}


def test_what_exists_is_kept_unless_asked(
    csv: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitting = ["--data", str(csv), *COLUMNS, "--models", "seasonal-naive-week"]
    reading = ["--data", str(csv), "--model", str(model)]
    for verb, words, target in (
        ("run", fitting, "folder"), ("fit", fitting, "folder"), ("predict", reading, "file.csv"),
    ):  # fmt: skip
        out = tmp_path / target
        if out.suffix:
            out.write_text("mine")
        elif not out.exists():
            out.mkdir()
            (out / "mine.txt").write_text("mine")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert main([verb, "load-forecast", *words, "--out", str(out)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.splitlines()[-1].startswith(f"labformer: {out} exists")
        assert "--overwrite" in said.err
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert main([verb, "load-forecast", *words, "--out", str(out), "--overwrite"]) == 0
        capsys.readouterr()
        assert "mine" not in (names(out) if out.is_dir() else out.read_text())
        assert not (out / "mine.txt").exists()
    assert names(tmp_path) == {"folder", "file.csv"}


def test_tonights_interval_has_learnt_from_yesterday(
    model: Path, simulated: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    simulated(days=100, ahead=DAY).to_csv(tmp_path / "newest.csv", index=False)
    made = LoadForecaster.from_pretrained(model)
    before = made.predict(tmp_path / "newest.csv")
    assert made.update(tmp_path / "newest.csv").learnt == 16
    expected = made.predict(tmp_path / "newest.csv")
    assert np.abs(expected.forecast - before.forecast).max() > 0
    own = tmp_path / "model"
    shutil.copytree(model, own)
    words = ["--model", str(own), "--data", str(tmp_path / "newest.csv"), "--learn", "--overwrite"]
    for _ in range(2):  # learnt once and kept: the second night with the same file says the same
        assert main(["predict", "load-forecast", *words, "--out", str(tmp_path / "out.nc")]) == 0
        with xr.open_dataset(tmp_path / "out.nc") as found:
            np.testing.assert_array_equal(found.forecast, expected.forecast)


def test_scenario_paths_need_a_file_that_has_room_for_them(
    model: Path, csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "load-forecast", "--model", str(model), "--data", str(csv), "--scenarios", "5"]
    assert main(words) == 2
    assert "--scenarios needs --out FILE.nc" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "paths.csv")]) == 1
    assert "end the name in .nc" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "paths.nc")]) == 0
    with xr.open_dataset(tmp_path / "paths.nc") as found:
        assert found.path.shape == (5, DAY, 1)
