import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm import registry
from labformer.domains.nilm.house import House
from labformer.domains.nilm.localiser import WeakLocaliser
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.models.boosted_pair import BoostedPair
from labformer.domains.nilm.network import NetworkModel
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.systems import SYSTEMS
from labformer.pipelines import nilm_bench
from labformer.pipelines.command import main
from labformer.pipelines.nilm_bench import CASES, Case
from labformer.pipelines.verbs import HOUSE_CASES

NAMES = ("kettle", "shower")


def written(house: House, path: Path, metered: bool = True) -> Path:
    """A house as the file a user has."""
    table = pd.DataFrame({"Time": house.times.tz_localize(None), "Aggregate": house.mains_w})
    table.assign(**house.appliances_w if metered else {}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two houses with meters, and the mains alone of a third."""
    folder = tmp_path_factory.mktemp("houses")
    for seed, name in ((1, "one.csv"), (2, "two.csv"), (3, "third.csv")):
        written(simulate(days=12, seed=seed, appliances=NAMES), folder / name)
    written(simulate(days=4, seed=3, appliances=NAMES), folder / "mains.csv", metered=False)
    return folder


@pytest.fixture(scope="module")
def model(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "mine"
    words = ["--data", f"{place / 'one.csv'},{place / 'two.csv'}", "--models", "zero,boosted-plain"]
    assert main(["fit", "nilm", *words, "--out", str(path)]) == 0
    return path


def test_fit_writes_a_model_and_says_what_was_chosen_on_validation(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(place / "one.csv"), "--models", "zero,combinatorial", "--test-data", str(place / "two.csv")]
    assert main(["fit", "nilm", *words, "--out", str(tmp_path / "model")]) == 0
    said = capsys.readouterr()
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"config.json", "model.safetensors", "card.md"}
    assert "on validation, where models are chosen" in said.out
    assert "chosen: kettle: " in said.out
    assert said.out.count("mean of 2") >= 4  # zero and the other, on validation and on the test
    assert "one: mains from 01 Jan 2024" in said.err


def test_predict_writes_power_and_table_and_says_what_it_read(
    place: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["predict", "nilm", "--model", str(model), "--data", str(place / "mains.csv")]
    for name in ("a.nc", "a.csv", "a.parquet"):
        assert main([*start, "--out", str(tmp_path / name), "--usage", str(tmp_path / f"{name}.use")]) == 0
        said = capsys.readouterr()
        assert said.out == ""
        assert "unit of 'Aggregate' taken to be W" in said.err
        assert "100.0% of 5,760 steps of 1 min have readings" in said.err
    with xr.open_dataset(tmp_path / "a.nc") as answer:
        for table in (pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "a.parquet")):
            np.testing.assert_allclose(table["kettle_w"], answer.power_w.sel(appliance="kettle"), rtol=1e-5)
            np.testing.assert_allclose(table["rest_w"], answer.rest_w, rtol=1e-5, atol=1e-3)
            assert (table["shower_low_w"] <= table["shower_w"]).all()
            assert (table["shower_w"] <= table["shower_high_w"]).all()
    assert main(start) == 0
    assert capsys.readouterr().out == (tmp_path / "a.nc.use").read_text()
    truth = simulate(days=4, seed=3, appliances=NAMES).appliances_w["shower"].sum() / 60000
    usage = pd.read_csv(tmp_path / "a.nc.use").set_index(["appliance", "period"])
    assert usage.kwh["shower", "all"] == pytest.approx(truth, rel=0.4)


def test_only_appliances_that_the_house_has_are_answered_when_they_are_named(
    place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["predict", "nilm", "--model", str(model), "--data", str(place / "mains.csv")]
    assert main(start) == 0
    every = capsys.readouterr()
    assert "as if the house had each of kettle, shower; name those that it has with --appliances" in every.err
    assert main([*start, "--appliances", "kettle"]) == 0
    one = capsys.readouterr()
    assert "as if" not in one.err
    assert one.out.splitlines() == [line for line in every.out.splitlines() if not line.startswith("shower")]
    assert main([*start, "--appliances", "toaster"]) == 1
    assert "this disaggregator knows kettle, shower, not 'toaster'" in capsys.readouterr().err


def test_the_answer_follows_the_mains(
    place: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_csv(place / "mains.csv")
    table["Aggregate"] = table["Aggregate"].clip(upper=1000)  # nothing of 7 kW ran
    table.to_csv(tmp_path / "low.csv", index=False)
    assert main(["predict", "nilm", "--model", str(model), "--data", str(tmp_path / "low.csv"), "--unit", "W"]) == 0
    lines = capsys.readouterr().out.splitlines()
    answer = next(line for line in lines if line.startswith("shower,all"))
    cells = dict(zip(lines[0].split(","), answer.split(","), strict=False))  # hours are quoted with their commas
    assert float(cells["kwh"]) < 0.5


def test_evaluate_scores_beside_predicting_nothing(
    place: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    words = ["--model", str(model), "--data", str(place / "third.csv"), "--out", str(out)]
    assert main(["evaluate", "nilm", *words]) == 0
    said = capsys.readouterr().out
    header, _, *lines = said.splitlines()
    assert lines[0].split()[:3] == ["zero", "kettle", "0.500"]
    assert {"TECA", "MR", "F1", "MAE,"} < set(header.split())
    assert "day of use" in said
    found = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert found["scores"]["shower"]["boosted-plain"]["teca"] > 0.6
    assert {row["level"] for row in found["coverage"]} >= {"day", "month"}


def test_columns_of_other_names_can_be_named(place: Path, model: Path, tmp_path: Path) -> None:
    pd.read_csv(place / "third.csv").rename(columns={"kettle": "Appliance8"}).drop(columns="shower").to_csv(
        tmp_path / "other.csv", index=False
    )
    words = ["--model", str(model), "--data", str(tmp_path / "other.csv"), "--mains", "Aggregate"]
    assert main(["evaluate", "nilm", *words]) == 1
    assert main(["evaluate", "nilm", *words, "--columns", "kettle=Appliance8"]) == 0


def test_the_files_of_a_folder_are_one_house(
    place: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, folder = pd.read_csv(place / "mains.csv"), tmp_path / "home"
    folder.mkdir()
    table.iloc[:3000].to_csv(folder / "a.csv", index=False)
    table.iloc[3000:].to_csv(folder / "b.csv", index=False)
    said = []
    for source in (place / "mains.csv", folder):
        assert main(["predict", "nilm", "--model", str(model), "--data", str(source)]) == 0
        said.append(capsys.readouterr())
    assert said[0].out == said[1].out
    assert "home: mains from 01 Jan 2024 to 04 Jan 2024" in said[1].err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fit", "nilm", "--out", "x"], 2, "--data FILE or --houses NAME is needed"),
        (["predict", "nilm", "--model", "nothing", "--data", "mains.csv"], 1, "no model folder nothing"),
        (["predict", "nilm", "--model", "nothing", "--data", "mains.csv", "--out", "x.xls"], 1, "end the name in"),
        (["predict", "nilm", "--model", "nothing"], 2, "--data is needed"),
        (["evaluate", "nilm", "--model", "M", "--data", "mains.csv"], 1, "no column is called as an appliance"),
        (
            ["evaluate", "nilm", "--model", "M", "--data", "one.csv", "--columns", "kettle"],
            1,
            "is not APPLIANCE=COLUMN",
        ),
        (["fit", "nilm", "--data", "one.csv", "--columns", "kettle=K", "--out", "x"], 1, "K"),
        (["bench", "nilm", "refit-3"], 1, "no case named 'refit-3'; known: refit-2-20"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], code: int, said: str, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    before = {path.name for path in place.iterdir()}
    assert main([str(model) if word == "M" else word for word in words]) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("labformer: ")
    assert said in last
    assert {path.name for path in place.iterdir()} == before


def quick(kind: str, **settings: Any) -> registry.Entry:
    """A network small enough for a test."""
    given = {"window": 32, "batch": 16, "learning_rate": 1e-2, "epochs": 3, "steps_per_epoch": 60} | settings
    return registry.MODELS[kind]._replace(build=lambda run: NetworkModel(kind, seed=run.seed, **given))


TINY = {"width": 16, "depth": 1, "heads": 2}
QUICK = {
    "boosted-lent": registry.MODELS["boosted-lent"]._replace(
        build=lambda run: Boosted(copies=1, rounds=60, rest=2000, seed=run.seed, simulated=1)
    ),
    "boosted-pair": registry.MODELS["boosted-pair"]._replace(
        build=lambda run: BoostedPair(made_up=2, days=4, simulated=1, households=1, rounds=20, rest=2000, seed=run.seed)
    ),
    "nilmformer": quick("nilmformer", sizes=TINY),
    "nilmformer-joint": quick("nilmformer", sizes=TINY, joint=True, states=True, copies=1),
    "nilmformer-lent": quick(
        "nilmformer", sizes=TINY, joint=True, states=True, copies=2, days=4, simulated=1, households=1
    ),
    "seq2point": quick("seq2point", sizes={"window": 31, "dense": 16}, learning_rate=3e-3, epochs=6),
    "bigru": quick(
        "bigru", sizes={"filters": (4, 4), "units": (8, 8), "dense": 8}, window=16, learning_rate=2e-2, epochs=2
    ),
    "weak-localiser": registry.MODELS["weak-localiser"]._replace(
        build=lambda run: WeakLocaliser(64, (5,), (8, 8, 8), epochs=12, batch=16, learning_rate=1e-2, seed=run.seed)
    ),
}


@pytest.mark.parametrize("name", [system["name"] for system in SYSTEMS])
def test_a_system_that_is_said_to_work_fits_scores_and_listens_to_the_mains(
    name: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in QUICK:
        monkeypatch.setitem(registry.MODELS, name, QUICK[name])
    model, scores = tmp_path / "model", tmp_path / "scores.json"
    words = ["--data", str(place / "one.csv"), "--appliances", "shower", "--models", name]
    assert main(["fit", "nilm", *words, "--out", str(model)]) == 0
    start = ["--model", str(model), "--data"]
    assert main(["evaluate", "nilm", *start, str(place / "third.csv"), "--out", str(scores)]) == 0
    found = json.loads(scores.read_text())["scores"]["shower"][name]
    assert found["balanced_accuracy"] > 0.8  # it has learnt something
    assert found["teca"] > 0.5 or name == "combinatorial"  # which takes an oven for a shower at times
    low = pd.read_csv(place / "mains.csv")
    low["Aggregate"] = low["Aggregate"].clip(upper=900)  # less than a shower takes
    low.to_csv(tmp_path / "low.csv", index=False)
    kwh = []
    for mains in (place / "mains.csv", tmp_path / "low.csv"):
        out = tmp_path / f"{mains.stem}.nc"
        assert main(["predict", "nilm", *start, str(mains), "--unit", "W", "--out", str(out)]) == 0
        with xr.open_dataset(out) as answer:
            assert float((answer.power_w.sum("appliance") - answer.mains_w).max()) <= 0
            kwh.append(float(answer.energy_kwh.sum()))
    assert kwh[0] > kwh[1] == 0


def test_a_bench_has_a_row_for_each_model_appliance_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def house(name: str, step: str) -> House:
        return replace(simulate(days=12, seed=len(name), appliances=NAMES, step=step), name=name)

    monkeypatch.setattr(nilm_bench, "open_house", house)
    monkeypatch.setitem(CASES, "refit-2-20", Case(("a",), "bbb", NAMES, "trained on a, tested on bbb"))
    out = tmp_path / "rows.json"
    words = ["refit-2-20", "--models", "zero,duty-cycle,combinatorial", "--seeds", "0,1", "--json", str(out)]
    assert main(["bench", "nilm", *words]) == 0
    rows = json.loads(out.read_text(), parse_constant=pytest.fail)
    scores = [row for row in rows if row["kind"] == "score"]
    keys = {(row["model"], row["appliance"], row["seed"]) for row in scores}
    models = ("zero", "duty-cycle", "combinatorial", "chosen")
    assert keys == {(model, name, seed) for model in models for name in NAMES for seed in (0, 1)}
    wanted = {"teca", "mr", "f1", "mae", "rmse", "sae", "balanced_accuracy", "month_error", "seconds_fit"}
    for row in scores:
        assert set(row) >= wanted | {"seconds_predict", "parameters", "threshold", "probability_threshold", "split"}
        assert row["split"] == "trained on a, tested on bbb"
    assert {row["teca"] for row in scores if row["model"] == "zero"} == {0.5}
    assert {row["kind"] for row in rows} == {"score", "coverage"}
    said = capsys.readouterr().out
    assert "refit-2-20: trained on a, tested on bbb; mean of seeds [0, 1]" in said
    assert said.count("mean of 2") == len(models)
    assert "interval of a" in said
    assert main(["bench", "nilm", *words]) == 1  # the rows are kept unless asked


def test_the_cases_that_help_lists_are_those_that_there_are() -> None:
    assert tuple(CASES) == HOUSE_CASES
    for case in CASES.values():
        assert case.test not in case.train
