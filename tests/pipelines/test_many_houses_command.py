from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm import many
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.simulate import simulate
from labformer.pipelines.command import main

HOUSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, and two days of three houses in kW, the last of them without a reading."""
    folder = tmp_path_factory.mktemp("many-houses")
    Disaggregator(("kettle", "dishwasher"), ("combinatorial",)).fit([simulate(16, 1)]).save_pretrained(folder / "model")
    made = [simulate(2, seed, start="2024-07-01") for seed in (5, 6)]
    frame = pd.DataFrame({"time": made[0].times.tz_localize(None)})
    for name, house in zip(HOUSES, made, strict=False):
        frame[name] = house.mains_w / 1e3
    frame.assign(c=np.nan).to_parquet(folder / "houses.parquet", index=False)
    return folder


def run(folder: Path, out: Path, *words: str) -> int:
    data = ["--model", str(folder / "model"), "--data", str(folder / "houses.parquet"), "--out", str(out)]
    return main(["predict", "many-houses", *data, "--unit", "kW", "--zone", "Europe/London", *words])


def test_it_writes_days_and_says_what_not_to_trust_and_which_house_has_none(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "days.nc"
    assert run(folder, out, "--appliances", "kettle") == 0
    said = capsys.readouterr()
    assert said.out == f"wrote {out}: days of kettle in 3 houses\n"
    doubt, failure = said.err.splitlines()
    assert doubt.startswith("warning: do not trust single uses of the kettle")
    assert failure == ("1 of 3 houses have no answer, the variable status says why; the first, c: it has no readings")
    made = xr.load_dataset(out, engine="h5netcdf")
    assert dict(made.sizes) == {"series": 3, "day": 3, "appliance": 1}
    assert made["energy_kwh"].attrs == {"long_name": "energy of the day", "units": "kWh"}
    np.testing.assert_allclose(made["mains_kwh"].sel(series="a").sum(), simulate(2, 5).mains_w.sum() / 60e3, rtol=1e-5)
    assert np.isnan(made["mains_kwh"].sel(series="c")).all()
    one, other = made["energy_kwh"][:2].sum(["day", "appliance"])
    assert one != other and min(one, other) > 0.1


def test_only_what_the_houses_have_is_answered_and_a_name_that_the_model_does_not_know_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every, one = tmp_path / "all.nc", tmp_path / "one.nc"
    assert run(folder, every) == run(folder, one, "--appliances", "dishwasher") == 0
    both, dishwasher = (xr.load_dataset(path, engine="h5netcdf") for path in (every, one))
    assert list(both["appliance"].values) == ["kettle", "dishwasher"]
    xr.testing.assert_allclose(dishwasher, both.sel(appliance=["dishwasher"]))
    capsys.readouterr()
    assert run(folder, tmp_path / "none.nc", "--appliances", "toaster") == 1
    assert capsys.readouterr().err == "labformer: this disaggregator knows kettle, dishwasher, not 'toaster'.\n"


def test_an_interrupted_run_says_how_to_go_on_and_does(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = tmp_path / "days.parquet", ("--houses-per-chunk", "1")
    work, seen = many.HousesOfChunk.__call__, []

    def stopping(self: many.HousesOfChunk, chunk: xr.DataArray) -> object:
        if seen == ["a"]:
            seen.append("stop")
            raise KeyboardInterrupt
        seen.append(str(chunk["series"].values[0]))
        return work(self, chunk)

    monkeypatch.setattr(many.HousesOfChunk, "__call__", stopping)
    assert run(folder, out, *words) == 130
    assert f"finished chunks are kept in {out}.partial" in capsys.readouterr().err
    assert run(folder, out, *words) == 0
    assert seen == ["a", "stop", "b", "c"]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert len(pd.read_parquet(out)) == 3 * 3 * 2  # series, day, appliance
    assert run(folder, out) == 1
    assert "overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--unit", "A"], 1, "neither power nor energy"),
        (["--zone", "Mars/Olympus"], 1, "no time zone 'Mars/Olympus'"),
        (["--model", "nobody"], 1, "there is no model folder nobody"),
        (["--data", "no.parquet"], 1, "no file no.parquet"),
        (["--houses-per-chunk", "0"], 1, "must be at least 1"),
        (["--workers", "-1"], 1, "workers=-1 must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert run(folder, tmp_path / "days.nc", *words) == code
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
