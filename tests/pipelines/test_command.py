import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labformer import __version__
from labformer.domains.forecasting import regression_load
from labformer.domains.forecasting.gradient_load import SAMformerLoad
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.domains.forecasting.registry import LOAD_MODELS
from labformer.pipelines import load_forecast
from labformer.pipelines.command import main
from labformer.pipelines.models_command import systems
from labformer.pipelines.verbs import PIPELINES
from labformer.shared.learning.config import TrainingConfig

DAY, DAYS = 8, 64
FORECASTERS = [one for one in systems() if one["domain"] == "forecasting"]
Simulated = Callable[..., pd.DataFrame]


@pytest.mark.parametrize("name", [one["name"] for one in FORECASTERS if one["state"] == "works"])
def test_a_system_that_is_said_to_work_fits_and_predicts_and_listens(
    name: str, simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the command line, on a simulated file; loaded, it answers as it did when it was fitted."""
    for kind, setting in (("NetworkLoad", "epochs"), ("HourlyBoostingLoad", "rounds"), ("BoostingLoad", "rounds")):
        monkeypatch.setattr(getattr(regression_load, kind), setting, 5 if setting == "epochs" else 30)
    short = TrainingConfig(5, 64, 1e-3, "adam", sam_rho=0.5)
    small = lambda size: SAMformerLoad(size.horizon, size.lookback, size.seed, size.run, training=short)  # noqa: E731
    monkeypatch.setitem(LOAD_MODELS, "samformer", small)
    fitted: list[LoadForecaster] = []
    fit = load_forecast.fit_to_folder
    monkeypatch.setattr(load_forecast, "fit_to_folder", lambda options: fitted.append(fit(options)) or fitted[-1])
    data, model = tmp_path / "small.csv", tmp_path / "model"
    table = simulated(days=DAYS, ahead=DAY)
    table.to_csv(data, index=False)
    columns = ["--target", "load", "--covariates", "temperature,weekend"]
    models = "boosting,load-network,blend" if name == "blend" else name
    words = ["--data", str(data), *columns, "--lookback", "2D", "--models", models, "--out", str(model)]
    assert main(["fit", "load-forecast", *words]) == 0
    assert name in capsys.readouterr().out
    (made,) = fitted
    assert made.chosen_ == name
    error = {row.model: row.value for row in made.comparison_.rows}
    assert error[name] < 0.7 * error["last-value"]  # it has learnt something

    def predict(version: pd.DataFrame) -> np.ndarray[Any, Any]:
        version.to_csv(tmp_path / "newest.csv", index=False)
        out = tmp_path / "forecast.parquet"
        words = ["--data", str(tmp_path / "newest.csv"), "--out", str(out), "--overwrite"]
        assert main(["predict", "load-forecast", "--model", str(model), *words]) == 0
        found = pd.read_parquet(out)
        assert len(found) == DAY
        assert found.notna().all(axis=None)
        return found["point"].to_numpy()

    forecast = predict(table)
    np.testing.assert_array_equal(forecast, made.predict().point.values[:, 0])
    lately = table.index >= (DAYS - 7) * DAY
    other = table.assign(load=table["load"] * (1 - 0.1 * lately), temperature=table["temperature"] - 5 * lately)
    assert np.abs(predict(other) - forecast).mean() > 5


def test_what_is_done_exits_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    said = capsys.readouterr()
    assert said.out
    assert not said.err


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([verb, "--help"] for verb in ("run", "models", "data"))]
)
def test_help_is_printed_and_exits_with_zero(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert (__version__ if words == ["--version"] else "usage: labformer") in said


@pytest.mark.parametrize(("pipeline", "verb"), [(name, verb) for name, verbs in PIPELINES.items() for verb in verbs])
def test_every_verb_of_a_pipeline_explains_itself(pipeline: str, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, pipeline, "--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert PIPELINES[pipeline][verb].text in said
    assert "--config FILE.toml" in said


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["forecast"],
        ["run"],
        ["run", "load-forcast"],
        ["run", "load-forecast", "--modles", "dlinear"],
        ["run", "load-forecast", "--coverage", "much"],
        ["run", "load-forecast", "--gaps", "ignore"],
        ["fit", "load-forecast", "extra"],
        ["models", "--yaml"],
    ],
)
def test_what_is_typed_wrong_exits_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: labformer" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "load-forecast", "--data", "load.csv"], "--out is needed"),
        (["fit", "load-forecast", "--out", "model"], "--data FILE is needed"),
        (["predict", "load-forecast", "--model", "model"], "--data is needed"),
        (["evaluate", "load-forecast", "--data", "load.csv"], "--model is needed"),
    ],
)
def test_what_is_not_typed_and_needed_exits_with_two(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("labformer: ")
    assert said in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "load-forecast", "--data", "none.csv", "--target", "load"], "no file none.csv"),
        (["run", "load-forecast", "--target", "load"], "give it by --data FILE"),
        (["run", "load-forecast", "--config", "none.toml"], "cannot read the config none.toml"),
        (["fit", "load-forecast", "--data", "load.csv", "--out", "model"], "no target is named"),
        (["run", "load-forecast", "--models", "arima"], "no model named 'arima'; known: "),
        (["run", "load-forecast", "--horizon", "45min"], "horizon 45 min is not a multiple of the step 30 min"),
        (["run", "load-forecast", "--models", "dlinear", "--device", "toaster"], "the device 'toaster' cannot be used"),
        (["run", "load-forecast", "--coverage", "90"], "coverage=90.0 must lie between"),
        (["predict", "load-forecast", "--model", "none", "--data", "load.csv"], "there is no model folder none"),
        (["predict", "load-forecast", "--model", "none", "--data", "x.csv", "--out", "x.xls"], "end the name in .nc"),
    ],
)
def test_what_cannot_be_done_exits_with_one_and_says_why_in_one_line(
    words: list[str],
    said: str,
    simulated: Simulated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    simulated().to_csv("load.csv", index=False)
    assert main(words) == 1
    found = capsys.readouterr()
    assert found.out == ""
    (line,) = (line for line in found.err.splitlines() if line.startswith("labformer: "))
    assert line == found.err.splitlines()[-1]
    assert said in line
    assert {path.name for path in tmp_path.iterdir()} == {"load.csv"}


def test_a_disk_that_refuses_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    words = ["--models", "seasonal-naive-week", "--out", str(tmp_path / "file" / "run")]
    assert main(["run", "load-forecast", *words]) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("labformer: "))
    assert "file" in line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_interruption_is_said_and_exits_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load_forecast, "load_report", interrupt)
    words = ["--models", "seasonal-naive-week", "--out", str(tmp_path / "run")]
    assert main(["run", "load-forecast", *words]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "labformer: interrupted; no half-written result is left."
    assert not list(tmp_path.iterdir())


def test_the_command_starts_without_what_only_some_verbs_need() -> None:
    """Help and lists answer at once: neither the tables nor the networks are imported for them."""
    code = (
        "import sys; from labformer.pipelines.command import main; main(['models'])\n"
        "heavy = {'torch', 'pandas', 'sklearn', 'xarray', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "itransformer" in done.stdout
