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

    def run(days: int, odd: float = 0.0) -> "subprocess.CompletedProcess[str]":
        told = table[: days * DAY].copy()
        if odd:
            recent = told.index >= (days - 8) * DAY
            told.loc[recent, "load"] += odd * (-1.0) ** (told.index[recent] // DAY)
        told.to_csv(tmp_path / "history.csv", index=False)
        where = (tmp_path / name for name in ("history.csv", "model", "forecasts"))
        return subprocess.run(
            [SCRIPT, *where, *OPTIONS],
            capture_output=True,
            text=True,
            env={**os.environ, "LABFORMER": str(command)},
        )

    return run


def forecast_of(folder: Path) -> xr.Dataset:
    (found,) = (folder / "forecasts").glob("*.nc")
    with xr.open_dataset(found) as opened:
        return opened.load()


def test_three_nights_and_a_bad_one(night: Callable[..., object], tmp_path: Path) -> None:
    first = night(90)
    assert first.returncode == 0, first.stderr
    assert "wrote the model" in first.stdout
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()

    # two days later the model is the same, and its intervals have learnt from them
    second = night(92)
    assert second.returncode == 0, second.stderr
    assert "wrote the model" not in second.stdout
    assert (tmp_path / "model" / "model.safetensors").read_bytes() != weights
    forecast = forecast_of(tmp_path)
    assert forecast.sizes["time"] == DAY
    assert str(forecast.time.values[0]).startswith("2023-04-04")
    assert "fewer than 7" in forecast.attrs["standing"]

    # a file that cannot be read fails in one line and leaves the last forecast
    bad = night(0)
    assert bad.returncode == 1
    assert bad.stderr.count("labformer:") == 1
    xr.testing.assert_identical(forecast_of(tmp_path), forecast)

    # load of another kind: the model says that it has drifted and is fitted again
    third = night(98, odd=500.0)
    assert third.returncode == 0, third.stderr
    assert "drift: the last 7 forecasts were off by" in third.stderr
    assert "wrote the model" in third.stdout
