import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.many import predictor as many
from labformer.pipelines.command import main

SERIES, STEPS = 30, 24 * 14


@pytest.fixture(scope="module")
def meters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hourly meters of two weeks as a long table, one of them with a gap of a day."""
    rng = np.random.default_rng(0)
    clock = np.arange(STEPS) + rng.integers(0, 24, (SERIES, 1))
    values = 3 + np.sin(2 * np.pi * clock / 24) + 0.2 * rng.normal(size=(SERIES, STEPS))
    values[4, 30:54] = np.nan
    times = pd.date_range("2024-01-01", periods=STEPS, freq="1h")
    names = np.repeat([f"m{i}" for i in range(SERIES)], STEPS)
    table = pd.DataFrame({"series": names, "time": np.tile(times, SERIES), "value": values.ravel()})
    path = tmp_path_factory.mktemp("meters") / "meters.parquet"
    table.dropna().to_parquet(path, index=False)
    return path


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_run_writes_forecasts_and_says_what_won(
    meters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "forecasts.nc"
    assert run("run", "many-loads", "--data", meters, "--out", out, "--lookback", "2D") == 0
    said = capsys.readouterr()
    for text in (
        "nlinear-ridge",
        "seasonal-naive-week",
        "* chosen for each series",
        "90% interval covers",
        f"wrote {out}",
    ):
        assert text in said.out
    assert said.err.splitlines() == [
        "1 of 30 series have no forecast, the variable status says why; the first, m4: it has no values from "
        "2024-01-02 06:00 to 2024-01-03 05:00 (24 steps, 1 d; up to 3 steps are bridged)"
    ]
    made = xr.load_dataset(out, engine="h5netcdf")
    assert dict(made.sizes) == {"series": SERIES, "time": 24, "quantile": 3}
    assert np.isnan(made["point"].sel(series="m4")).all()
    assert np.isfinite(made["forecast"].drop_sel(series="m4")).all()
    assert made["mase"].mean() < 1
    assert [path.name for path in tmp_path.iterdir()] == ["forecasts.nc"]


def test_fit_and_predict_forecast_as_run_does_but_for_what_the_test_part_adds(meters: Path, tmp_path: Path) -> None:
    model, words = tmp_path / "model", ["--lookback", "2D", "--horizon", "12h"]
    assert run("fit", "many-loads", "--data", meters, "--out", model, *words) == 0
    for name in ("a.zarr", "b.parquet"):
        assert run("predict", "many-loads", "--model", model, "--data", meters, "--out", tmp_path / name) == 0
    store = xr.load_dataset(tmp_path / "a.zarr", engine="zarr")
    assert store.sizes["time"] == 12
    assert "mase" not in store
    table = pd.read_parquet(tmp_path / "b.parquet")
    np.testing.assert_array_equal(table["point"].to_numpy(), store["point"].values.ravel())
    assert set(table["series"]) == set(store["series"].values)
    assert run("run", "many-loads", "--data", meters, "--out", tmp_path / "c.nc", *words) == 0
    ran = xr.load_dataset(tmp_path / "c.nc", engine="h5netcdf")
    same = (ran["model"] == store["model"]).values & (ran["model"] == 0).values
    assert same.sum() > SERIES / 2
    np.testing.assert_array_equal(ran["point"].values[same], store["point"].values[same])


def test_an_interrupted_run_says_how_to_go_on_and_does(
    meters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.nc"
    words = ["run", "many-loads", "--data", meters, "--out", out, "--lookback", "1D", "--series-per-chunk", "10"]
    work, done = many.ChunkForecast.__call__, []

    def stopping(self: many.ChunkForecast, chunk: xr.DataArray) -> object:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(str(chunk["series"].values[0]))
        return work(self, chunk)

    monkeypatch.setattr(many.ChunkForecast, "__call__", stopping)
    assert run(*words) == 130
    assert f"finished chunks are kept in {out}.partial" in capsys.readouterr().err
    assert run(*words[:-1], "15") == 1  # another size of chunks is another run
    assert (
        "differs in series_per_chunk; go on with what it was begun with, or pass --overwrite" in capsys.readouterr().err
    )
    done[:] = ["m0"]  # room for one more chunk, the one that is missing
    assert run(*words) == 0
    assert done == ["m0", "m20"]
    monkeypatch.undo()
    assert run(*words[:4], "--out", tmp_path / "plain.nc", *words[6:]) == 0
    xr.testing.assert_identical(*(xr.load_dataset(path, engine="h5netcdf") for path in (out, tmp_path / "plain.nc")))


def test_nothing_but_failures_is_a_failure(meters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", "many-loads", "--data", meters, "--out", tmp_path / "model", "--lookback", "1D") == 0
    dead = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=100, freq="1h"), "a": 0.0, "b": 1.0})
    dead.to_csv(tmp_path / "dead.csv", index=False)
    words = ["--model", tmp_path / "model", "--data", tmp_path / "dead.csv", "--out", tmp_path / "dead.parquet"]
    assert run("predict", "many-loads", *words) == 1
    assert "2 of 2 series have no forecast" in capsys.readouterr().err
    assert set(pd.read_parquet(tmp_path / "dead.parquet")["status"]) == {
        "it is constant, always 0",
        "it is constant, always 1",
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--out", "x.nc"], 2, "--data is needed"),
        (["--data", "{meters}"], 2, "--out is needed"),
        (["--data", "{meters}", "--out", "{folder}/x.csv"], 1, "end the name in .nc, .parquet, .zarr"),
        (["--data", "{folder}/no.parquet", "--out", "{folder}/x.nc"], 1, "no file"),
        (["--data", "{meters}", "--out", "{folder}/x.nc", "--series-per-chunk", "0"], 1, "series_per_chunk=0"),
        (["--data", "{meters}", "--out", "{folder}/x.nc", "--horizon", "50min"], 1, "no whole number of steps"),
        (["--data", "{meters}", "--out", "{folder}/x.nc", "--workers", "-1"], 1, "workers=-1"),
        (["--data", "{meters}", "--out", "{folder}/missing/x.nc"], 1, "does not exist; make it first"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    meters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert run("run", "many-loads", *[word.format(meters=meters, folder=tmp_path) for word in words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("package", "words"), [("zarr", []), ("distributed", ["--workers", "2"])])
def test_a_missing_extra_is_named(
    meters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    package: str, words: list[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    assert run("run", "many-loads", "--data", meters, "--out", tmp_path / "x.nc", *words) == 1
    assert capsys.readouterr().err.rstrip().endswith('pip install "labformer[scale]".')
