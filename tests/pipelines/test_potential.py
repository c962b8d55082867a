"""`labformer run|fit|predict|evaluate|bench potential`, from file to file, on a few frames of ethanol."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.judging.benchmark import Case, Job, chosen, measure
from labformer.domains.potentials.judging.published import published
from labformer.domains.potentials.reading.elements import SYMBOLS
from labformer.domains.potentials.reading.embedded import ethanol_gfn2
from labformer.domains.potentials.registry import MODELS
from labformer.domains.potentials.systems import SYSTEMS
from labformer.pipelines.command import main
from labformer.pipelines.verbs import MATTER_CASES

pytest.importorskip("ase", reason='pip install "labformer[potentials]"')

BASIS = {"radial": 3, "degree": 1, "radial_four": 0, "degree_four": 0, "members": 2}
NETWORK = {"config": {"width": 16, "depth": 1, "heads": 2, "hidden": 16}, "training": {"epochs": 2, "batch": 4}}
SMALL = {  # of each method, so that it answers in a second
    "acorn": {"config": BASIS},
    "acorn-taught": {"config": BASIS, "lessons": 12},
    "graph-free-transformer": NETWORK,
    "graph-free-transformer-conservative": NETWORK,
    "descriptor-ridge": {"config": {"radial": 2, "degree": 1, "cutoff": 3.0, "pair_cutoff": 3.5}},
    "molecular-kernel": {"length": 10.0, "penalty": 1e-6, "symmetries": 1},
}


def write(path, frames: list[Frame], labelled: bool = True, wobble: float = 0.0) -> str:
    """Frames as extended XYZ, energies off by `wobble` eV in turns."""
    with path.open("w") as sink:
        for place, one in enumerate(frames):
            forces = ":forces:R:3" if labelled else ""
            energy = f" energy={one.energy + wobble * (place % 3):.8f}" if labelled else ""
            sink.write(f'{len(one)}\nProperties=species:S:1:pos:R:3{forces}{energy} pbc="F F F"\n')
            for number, row in zip(one.numbers, np.c_[one.positions, one.forces], strict=True):
                sink.write(f"{SYMBOLS[number - 1]} {' '.join(f'{x:.8f}' for x in row[: 6 if labelled else 3])}\n")
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    frames = ethanol_gfn2()
    write(folder / "train.xyz", frames[:300:25])
    write(folder / "other.xyz", frames[12:312:25], wobble=0.2)
    write(folder / "test.xyz", frames[320:400:16])
    write(folder / "bare.xyz", frames[320:400:16], labelled=False)
    return folder


@pytest.fixture(scope="module")
def model(place):
    out = place / "model"
    words = ["--settings", json.dumps(SMALL["acorn"]), "--note", "simulated by GFN2-xTB"]
    assert main(["fit", "potential", "--data", str(place / "train.xyz"), *words, "--out", str(out)]) == 0
    return out


def test_predict_writes_what_tools_of_the_field_read(place, model, capsys):
    from ase.io import read

    arguments = ["predict", "potential", "--model", str(model), "--data", str(place / "bare.xyz")]
    for name in ("answer.extxyz", "answer.nc", "answer.csv"):
        assert main([*arguments, "--out", str(place / name)]) == 0
    found = read(place / "answer.extxyz", ":")
    assert len(found) == 5
    with xr.open_dataset(place / "answer.nc", engine="h5netcdf") as saved:
        assert saved["force"].shape == (45, 3) and saved["force"].attrs["units"] == "eV/angstrom"
        assert saved["row_size"].values.tolist() == [9] * 5
        np.testing.assert_allclose(saved["force"][:9], found[0].get_forces(), atol=1e-7)
        energies, radii = saved["energy"].values, saved["force_radius"].values
        assert (saved["energy_low"].values < energies).all() and (energies < saved["energy_high"].values).all()
    table = pd.read_csv(place / "answer.csv")
    assert list(table["element"][:3]) == list(found[0].symbols[:3]) and table["frame"].max() == 4
    np.testing.assert_allclose([one.get_potential_energy() for one in found], energies, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([one.arrays["force_radius"] for one in found]), radii, atol=1e-7)
    assert all(np.isfinite(one.arrays["novelty"]).all() for one in found)
    capsys.readouterr()
    assert main([*arguments, "--dtype", "float32"]) == 0
    assert capsys.readouterr().out.startswith("9\nProperties=species:S:1:pos:R:3:forces:R:3")
    assert main([*arguments, "--out", str(place / "answer.gro")]) == 1


def test_evaluate_scores_by_element_and_says_whether_doubts_hold(place, model, capsys):
    out = place / "scores.json"
    words = ["--data", str(place / "test.xyz"), "--out", str(out)]
    assert main(["evaluate", "potential", "--model", str(model), *words]) == 0
    said = capsys.readouterr().out
    assert "force component, meV/Å" in said and "of O" in said and "within their radius" in said
    scores = json.loads(out.read_text())["scores"]
    assert scores["frames"] == 5 and set(scores["by_element"]) == {"H", "C", "O"}
    assert 0.5 < scores["force_covered"] <= 1 and scores["force"] < 500
    assert "simulated by GFN2-xTB" in (model / "card.md").read_text()


def test_run_writes_a_whole_folder(place, capsys):
    out = place / "run"
    words = ["--settings", json.dumps(SMALL["acorn"]), "--beside", "mean"]
    words += ["--md-ps", "0.02", "--test", "0.25", "--temperature", "300"]
    assert main(["run", "potential", "--data", str(place / "train.xyz"), *words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "to learn from" in said and "holds  forces are minus the gradient" in said and "dynamics:" in said
    assert {one.name for one in out.iterdir()} == {
        "metrics.json", "predictions.extxyz", "report.html", "run.toml", "model",
    }  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert {row["model"] for row in metrics["comparison"]["rows"]} == {"acorn", "mean"}
    assert metrics["scores"]["frames"] == 3 and metrics["motion"]["steps_per_second"] > 0
    page = (out / "report.html").read_text()
    for words in ("Predicted against true", "Beside other methods", "Checks", "Dynamics", "Outside training"):
        assert words in page
    assert "What the transformer looks at" not in page
    again = ["predict", "potential", "--model", str(out / "model"), "--data", str(place / "bare.xyz")]
    assert main(again) == 0


def test_the_report_of_a_transformer_shows_attention_against_distance(place, capsys):
    out = place / "attention"
    words = ["--method", "graph-free-transformer", "--settings", json.dumps(NETWORK), "--beside", "mean"]
    words += ["--md-ps", "0", "--test", "0.25", "--out", str(out)]
    assert main(["run", "potential", "--data", str(place / "train.xyz"), *words]) == 0
    capsys.readouterr()
    page = (out / "report.html").read_text()
    assert "What the transformer looks at" in page and "Attention over distance" in page


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_method_answers_and_its_answer_depends_on_the_data(place, name, capsys):
    if name in ("xtb", "acorn-taught"):
        pytest.importorskip("tblite", reason='pip install "labformer[potentials]"')
    said = []
    for file in ("train", "other"):
        out = place / f"{name}-{file}"
        words = ["--method", name, "--settings", json.dumps(SMALL.get(name, {})), "--out", str(out)]
        assert main(["fit", "potential", "--data", str(place / f"{file}.xyz"), *words]) == 0
        capsys.readouterr()
        assert main(["predict", "potential", "--model", str(out), "--data", str(place / "bare.xyz")]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] != said[1]
    energies = {line for line in said[0].splitlines() if "energy=" in line}
    assert len(energies) == (1 if name == "mean" else 5)  # and on the frame, but for the mean of its composition


def test_the_list_of_systems_is_that_of_the_methods():
    assert {one["name"] for one in SYSTEMS} == {*MODELS}


def test_bench_takes_the_published_frames_first_and_draws_others_by_seed(place):
    from labformer.domains.potentials.reading.sets import SETS

    assert set(MATTER_CASES) == set(SETS)
    assert chosen(range(10), 4, 0) == [0, 1, 2, 3] and chosen(range(10), 0, 3) == list(range(10))
    drawn = chosen(range(950), 50, 1)
    assert drawn == chosen(range(950), 50, 1) != chosen(range(950), 50, 2) and drawn == sorted(set(drawn))
    assert published("rmd17-aspirin", 50).force == 43.9 and published("rmd17-aspirin", 60) is None


def test_bench_goes_on_where_it_stopped_and_keeps_what_failed(place):
    frames = ethanol_gfn2()
    case = Case("ethanol", frames[:100:5], [], {"near": frames[300:310], "far": frames[390:]}, {}, "simulated")
    bad = Job("molecular-kernel", 10, settings={"length": -1.0})
    jobs = [Job("mean", 10), Job("mean", 10, seed=1), bad]
    path, seen = place / "rows.jsonl", []
    rows = measure(case, jobs, path, seen.append)
    assert len(rows) == len(seen) == 6
    assert [row["test"] for row in rows[:2]] == ["near", "far"] and rows[0]["test_frames"] == 10
    assert rows[0]["force"] > 100 and rows[0]["energy"] != rows[2]["energy"]
    assert "above zero" in rows[4]["error"]
    path.write_text(path.read_text()[:-20])  # interrupted within a line
    seen.clear()
    assert [row["error"] == "" for row in measure(case, jobs, path, seen.append)] == [True] * 4 + [False] * 2
    assert 1 <= len(seen) <= 2  # only the last job again


def test_what_cannot_be_is_said_in_one_line(place, model, capsys):
    train = ["--data", str(place / "train.xyz"), "--out", str(place / "never")]
    cases = [
        (["fit", "potential", "--out", str(place / "never")], 2, "--data FILE is needed"),
        (["fit", "potential", *train, "--method", "acron"], 1, "did you mean"),
        (["fit", "potential", *train, "--settings", "radial=3"], 1, "is not JSON"),
        (["fit", "potential", *train, "--settings", '{"sharp": 1}'], 1, "has no setting"),
        (["run", "potential", "--system", "ethanoll", "--out", str(place / "never")], 1, "no system is named"),
        (["run", "potential", "--test", "2", "--out", str(place / "never")], 1, "no share"),
        (["evaluate", "potential", "--model", str(model), "--data", str(place / "bare.xyz")], 1, "energ"),
        (["predict", "potential", "--model", "none", "--data", "x.xyz"], 1, "no model folder"),
        (["bench", "potential", "rmd17-ethanl"], 1, "no case named"),
        (["bench", "potential", "--delta", "pm6"], 1, "give none, xtb or both"),
    ]
    for words, code, said in cases:
        assert main(words) == code, words
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert said in error, error
    assert not (place / "never").exists()
