"""`labformer run|fit|predict|evaluate|bench symbolic-ode`, from file to file."""

import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.symbolic.judging.scoring import integrate
from labformer.domains.symbolic.models.operon import fit_operon
from labformer.domains.symbolic.registry import METHODS
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.systems import SYSTEMS
from labformer.pipelines.command import main

DECAY = System.parse(["x_1", "-2*x_0 - 0.3*x_1"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    times = np.linspace(0, 8, 120)
    for name, start in (("one", [1.0, 0.0]), ("two", [-0.5, 1.0]), ("three", [0.2, -1.5])):
        states = integrate(DECAY, start, times, rtol=1e-9, atol=1e-12)
        pd.DataFrame({"t": times, "angle": states[:, 0], "speed": states[:, 1]}).to_csv(
            folder / f"{name}.csv", index=False
        )
    return folder


@pytest.fixture(scope="module")
def model(place):
    out = place / "model"
    data = f"{place / 'one.csv'},{place / 'two.csv'}"
    assert main(["fit", "symbolic-ode", "--data", data, "--out", str(out), "--equations", str(place / "eq.json")]) == 0
    return out


def test_fit_writes_equations_that_follow_an_unseen_run(place, model, capsys):
    found = json.loads((place / "eq.json").read_text())
    assert found["states"] == ["angle", "speed"] and set(found["equations"]) == {"angle", "speed"}
    assert found["r2"] > 0.999 and found["constants"]
    out = place / "scores.json"
    assert main(["evaluate", "symbolic-ode", "--model", str(model), "--data", str(place / "three.csv"),
                 "--out", str(out)]) == 0  # fmt: skip
    assert json.loads(out.read_text())["runs"][0]["r2"] > 0.999
    assert "points in the band" in capsys.readouterr().out


def test_predict_from_a_start_and_from_a_table(place, model, capsys):
    arguments = ["predict", "symbolic-ode", "--model", str(model)]
    assert main([*arguments, "--start", "0.2,-1.5", "--until", "8", "--points", "120"]) == 0
    printed = pd.read_csv(StringIO(capsys.readouterr().out))
    truth = pd.read_csv(place / "three.csv")
    np.testing.assert_allclose(printed["angle"], truth["angle"], atol=5e-3)
    assert list(printed.columns) == ["time", "angle", "angle_low", "angle_high", "speed", "speed_low", "speed_high"]
    out = place / "ahead.nc"
    assert main([*arguments, "--data", str(place / "three.csv"), "--out", str(out)]) == 0
    with xr.open_dataset(out, engine="h5netcdf") as saved:
        np.testing.assert_allclose(saved["value"].sel(state="speed"), truth["speed"], atol=5e-3)
        assert "angle' =" in saved.attrs["equations"]
    assert main(arguments) == 2
    assert main([*arguments, "--start", "1", "--until", "2"]) == 1


def test_run_on_files_and_on_the_simulated_default(place, capsys):
    out = place / "run"
    files = ",".join(str(place / f"{name}.csv") for name in ("one", "two", "three"))
    assert main(["run", "symbolic-ode", "--data", files, "--beside", "stlsq", "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["r2_test"] > 0.999 and "last 1" in metrics["split"] and metrics["recovered"] is None
    assert {row["model"] for row in metrics["comparison"]["rows"]} == {"hybrid", "stlsq"}
    page = (out / "report.html").read_text()
    assert "Phase portrait" in page and "Rivals" in page and "Checks" in page
    assert {one.name for one in out.iterdir()} == {
        "metrics.json", "equations.json", "predictions.nc", "report.html", "run.toml", "model",
    }  # fmt: skip
    capsys.readouterr()
    simulated = place / "simulated"
    words = ["--system", "odebench-02", "--method", "stlsq", "--beside", "stlsq", "--noise", "0.01"]
    assert main(["run", "symbolic-ode", *words, "--out", str(simulated)]) == 0
    said = capsys.readouterr().out
    assert "everything here is simulated" in said and "recovered" in said
    assert "simulated" in (simulated / "report.html").read_text()


QUICK = {
    "operon": METHODS["operon"]._replace(fit=lambda runs, seed: fit_operon(runs, seconds=1, evaluations=10_000)),
}


@pytest.mark.parametrize("name", sorted({*METHODS} - {"hybrid"}))  # which all other tests use
def test_every_method_answers_and_its_answer_depends_on_the_data(place, name, monkeypatch):
    if name in QUICK:
        monkeypatch.setitem(METHODS, name, QUICK[name])
    said = []
    for file in ("one", "two"):
        out = place / f"{name}-{file}"
        arguments = ["fit", "symbolic-ode", "--method", name, "--data", str(place / f"{file}.csv"), "--out", str(out)]
        assert main(arguments) == 0
        said.append(json.loads((out / "config.json").read_text())["config"]["equations"])
    assert said[0] != said[1]


def test_bench_writes_rows_and_goes_on_where_it_stopped(place, capsys):
    rows, out = place / "rows.jsonl", place / "bench.json"
    words = ["--methods", "stlsq", "--settings", "clean,noise", "--limit", "2", "--rows", str(rows)]
    assert main(["bench", "symbolic-ode", "odebench", *words, "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert len(found) == 4 and {row["case"] for row in found} == {"odebench"}
    assert "unseen start" in capsys.readouterr().out
    before = rows.read_text()
    assert main(["bench", "symbolic-ode", "odebench", *words]) == 0
    assert rows.read_text() == before
    assert main(["bench", "symbolic-ode", "--settings", "loud"]) == 1
    assert "no setting named" in capsys.readouterr().err


def test_the_list_of_systems_is_that_of_the_methods():
    assert {one["name"] for one in SYSTEMS} == {*METHODS}
