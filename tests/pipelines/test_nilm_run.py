import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm.simulate import simulate
from labformer.pipelines import nilm_houses
from labformer.pipelines.command import main

CHEAP = ["--models", "zero,duty-cycle,boosted-plain"]
TARIFF = 'currency = "GBP"\n[[period]]\nprice = 0.3\n[[period.band]]\nhours = "00:00-07:00"\nprice = 0.1\n'
DAYS, HOUR = 15, 1 / 60
NAMES = ["kettle", "shower"]


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with two metered appliances over the end of a month."""
    house = simulate(days=DAYS, seed=9, appliances=NAMES, start="2024-01-22")
    table = pd.DataFrame({"Time": house.times.tz_localize(None), "Aggregate": house.mains_w, **house.appliances_w})
    path = tmp_path_factory.mktemp("data") / "mine.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    tariff = path.with_name("tariff.toml")
    tariff.write_text(TARIFF)
    words = ["--data", str(csv), "--zone", "Europe/London", "--tariff", str(tariff), *CHEAP]
    assert main(["run", "nilm", *words, "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def metrics(folder: Path) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)


def test_a_run_learns_from_the_first_days_and_answers_the_last(folder: Path, metrics: dict[str, object]) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "metrics.json", "predictions.nc", "usage.csv", "report.html", "model", "run.toml",
    }  # fmt: skip
    with xr.open_dataset(folder / "predictions.nc") as answer:
        assert list(answer.appliance.values) == NAMES
        assert answer.time.values[0] == np.datetime64("2024-02-02T00:00")
        assert answer.sizes["time"] == 4 * 1440
        assert float((answer.power_w.sum("appliance") - answer.mains_w).max()) <= 0
        assert answer.power_w.attrs["units"] == "W"
    assert "last 25% of days: of the same houses, never at random" in str(metrics["split"])
    assert all(check["holds"] for check in metrics["checks"]), metrics["checks"]  # type: ignore[attr-defined]
    assert not [path.name for path in folder.parent.iterdir() if "partial" in path.name]


def test_the_models_stand_beside_predicting_nothing_and_the_best_is_better(
    metrics: dict[str, dict[str, object]],
) -> None:
    scores = metrics["scores"]
    for name in NAMES:
        assert scores["zero"][name]["teca"] == 0.5  # type: ignore[index]
        assert scores["chosen"][name]["teca"] > 0.7  # type: ignore[index]
        assert scores["chosen"][name]["f1"] > 0.7  # type: ignore[index]
    assert {row["model"] for row in metrics["comparison"]["rows"]} == {"zero", "duty-cycle", "boosted-plain"}  # type: ignore[union-attr]


def test_the_table_of_use_adds_up_and_costs_what_the_tariff_says(folder: Path) -> None:
    usage = pd.read_csv(folder / "usage.csv")
    assert list(usage.groupby("appliance").size()) == [2, 2]  # February, and all
    with xr.open_dataset(folder / "predictions.nc") as answer:
        kwh = answer.expected_w.astype(float).sum("time") * HOUR / 1000
        clock = answer.time.dt.hour  # London in winter
        price = xr.where(clock < 7, 0.1, 0.3)
        cost = (answer.expected_w.astype(float) * price).sum("time") * HOUR / 1000
        month = answer.month_energy_kwh
        for name in NAMES:
            rows = usage[usage.appliance == name].set_index("period")
            assert rows.kwh["all"] == pytest.approx(float(kwh.sel(appliance=name)), rel=1e-5)
            assert rows.cost["all"] == pytest.approx(float(cost.sel(appliance=name)), rel=1e-5)
            assert rows.kwh["2024-02"] == pytest.approx(float(month.sel(appliance=name)[0]), rel=1e-5)
            assert rows.kwh_low["2024-02"] == pytest.approx(float(answer.month_energy_low_kwh.sel(appliance=name)[0]))
            assert rows.uses["all"] > 0
    assert set(usage.currency) == {"GBP"}


def test_the_report_tells_the_whole_story_and_stands_alone(folder: Path, metrics: dict[str, dict[str, str]]) -> None:
    page = (folder / "report.html").read_text()
    for words in (
        "A day, as answered", "The same day, as metered", "The bill by month", "When it runs", "Which model won",
        "Appliance by appliance", "On and off", "Can the probabilities be believed", "Do the intervals hold",
        "What to trust", "Checks", "Data", "GBP", "mine: mains from 22 Jan 2024", "unit of", "electric shower",
        metrics["comparison"]["verdict"],
    ):  # fmt: skip
        assert words in page
    assert "simulated" not in page
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page)
    said = re.findall(r"<svg role=\"img\" aria-label=\"([^\"]*)\"", page)
    assert len(said) == page.count("<svg") == len(set(said)) == 7
    assert len(page.encode()) < 3_000_000


def test_the_config_of_a_run_repeats_it(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["run", "nilm", "--config", str(folder / "run.toml"), "--out", str(again)]) == 0
    with xr.open_dataset(folder / "predictions.nc") as one, xr.open_dataset(again / "predictions.nc") as two:
        xr.testing.assert_identical(one, two)
    assert (folder / "run.toml").read_text().splitlines()[-3:] == (again / "run.toml").read_text().splitlines()[-3:]


def test_without_data_everything_is_simulated_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nilm_houses, "DAYS", 10)
    monkeypatch.setattr(nilm_houses, "TEST_DAYS", 4)
    out = tmp_path / "run"
    assert main(["run", "nilm", "--models", "zero,mean", "--appliances", "kettle", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "everything here is simulated" in said.out
    page = (out / "report.html").read_text()
    assert "warning: the kettle is always answered by 0: on validation nothing did better" in said.err
    assert "The kettle is always answered by 0" in page
    assert "All houses here are simulated" in page
    assert "Appliances of simulated-4" in page
    assert 'data_sha256 = "simulated"' in (out / "run.toml").read_text()


def test_a_house_on_both_sides_is_a_leak_and_refused(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(csv), "--test-data", str(csv), *CHEAP, "--out", str(tmp_path / "run")]
    assert main(["run", "nilm", *words]) == 1
    assert "is both learnt from and scored on" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--test-data", "x.csv"], "go with houses to learn from"),
        (["--test", "1.5"], "is no share of a house"),
        (["--data", "MINE", "--test", "0"], "--test 0 leaves nothing to score on"),
        (["--data", "MINE", "--test-data", "other.csv"], "other has metered none of kettle, shower"),
        (["--models", "magic"], "no model is named 'magic'"),
        (["--appliances", "toaster"], "no appliance is named 'toaster'"),
        (["--data", "absent.csv"], "absent.csv"),
        (["--houses", "refit-3"], "no house is named 'refit-3'"),
        (["--tariff", "prices.xls"], "a tariff is a .toml or a .csv file"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    words: list[str], said: str, csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pd.read_csv(csv).drop(columns="shower").rename(columns={"kettle": "microwave"}).to_csv(
        csv.with_name("other.csv"), index=False
    )
    monkeypatch.chdir(csv.parent)
    words = [str(csv) if word == "MINE" else word for word in words]
    assert main(["run", "nilm", *words, "--out", str(tmp_path / "run")]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("labformer: ")
    assert said in last
    assert not list(tmp_path.iterdir())
