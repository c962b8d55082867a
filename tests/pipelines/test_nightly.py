"""The script of `docs/nightly.sh`, run as cron would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

SCRIPT = Path(__file__).parents[2] / "docs" / "nightly.sh"
DAY = 8
OPTIONS = ("--target", "load", "--models", "seasonal-naive-week")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script")


@pytest.fixture
def night(tmp_path: Path, simulated: Callable[..., pd.DataFrame]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    command = tmp_path / "labformer"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m labformer.pipelines.command "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    table = simulated(days=110)[["time", "load"]]

    def run(days: int, odd: float = 0.0, options: tuple[str, ...] = OPTIONS) -> "subprocess.CompletedProcess[str]":
        told = table[: days * DAY].copy()
        if odd:
            recent = told.index >= (days - 8) * DAY
            told.loc[recent, "load"] += odd * (-1.0) ** (told.index[recent] // DAY)
        told.to_csv(tmp_path / "history.csv", index=False)
        where = (tmp_path / name for name in ("history.csv", "model", "forecasts"))
        return subprocess.run(
            [SCRIPT, *where, *options],
            capture_output=True,
            text=True,
            env={**os.environ, "LABFORMER": str(command)},
        )

    return run


def forecast_of(folder: Path) -> xr.Dataset:
    (found,) = (folder / "forecasts").glob("*.nc")
    with xr.open_dataset(found) as opened:
        return opened.load()


def test_it_fits_once_forecasts_and_learns(night: Callable[..., object], tmp_path: Path) -> None:
    first = night(90)
    assert first.returncode == 0, first.stderr
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()
    second = night(92)
    assert second.returncode == 0, second.stderr
    forecast = forecast_of(tmp_path)
    assert forecast.sizes["time"] == DAY
    assert str(forecast.time.values[0]).startswith("2023-04-04")
    assert "fewer than 7" in forecast.attrs["standing"]
    # the model is the same, its intervals have learnt two days
    assert (tmp_path / "model" / "model.safetensors").read_bytes() != weights
    assert "wrote the model" not in second.stdout


def test_a_model_that_has_drifted_is_fitted_again(night: Callable[..., object], tmp_path: Path) -> None:
    assert night(90).returncode == 0
    done = night(98, odd=500.0)
    assert done.returncode == 0, done.stderr
    assert "drift: the last 7 forecasts were off by" in done.stderr
    assert "wrote the model" in done.stdout


def test_a_file_that_cannot_be_read_fails_and_leaves_the_last_forecast(
    night: Callable[..., object], tmp_path: Path
) -> None:
    assert night(90).returncode == 0
    before = forecast_of(tmp_path)
    done = night(0)
    assert done.returncode == 1
    assert done.stderr.count("labformer:") == 1
    xr.testing.assert_identical(forecast_of(tmp_path), before)
    assert night(90, options=("--traget", "load")).returncode == 0  # fitted already: the options of a fit are not read
