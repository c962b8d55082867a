import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.pipelines.command import main
from labformer.pipelines.load_forecast_bench import bench_table

KEYS = {
    "case", "model", "lookback", "horizon", "metric", "value", "low", "high", "paper", "seconds_fit",
    "seconds_predict", "parameters",
}  # fmt: skip
ROWS, LOOKBACK = 600, 24


@pytest.fixture
def ett(tmp_path: Path) -> Path:
    """Two hourly series in the format of ETT: a rhythm of a day, and noise."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"date": pd.date_range("2016-07-01", periods=ROWS, freq="1h")})
    for name in ("HUFL", "OT"):
        table[name] = 5 + 3 * np.sin(2 * np.pi * (np.arange(ROWS) + rng.integers(24)) / 24) + rng.normal(0, 0.3, ROWS)
    path = tmp_path / "small.csv"
    table.to_csv(path, index=False)
    return path


def bench(ett: Path, *words: str) -> int:
    return main(["bench", "load-forecast", "--data", str(ett), "--borders", "parts", "--lookback", "24", *words])


def test_each_model_horizon_and_metric_is_a_row(ett: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.json"
    words = ["--models", "last-value,seasonal-naive-day,nlinear-ridge", "--horizons", "6,12", "--json", str(out)]
    assert bench(ett, *words) == 0
    said = capsys.readouterr()
    rows = json.loads(out.read_text())
    keys = [(row["horizon"], row["model"], row["metric"]) for row in rows]
    models = ("last-value", "seasonal-naive-day", "nlinear-ridge")
    assert keys == [(h, model, metric) for h in (6, 12) for model in models for metric in ("mse", "mae")]
    for row in rows:
        assert set(row) >= KEYS
        assert (row["case"], row["lookback"], row["paper"]) == ("small", LOOKBACK, None)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["seconds_fit"] >= 0
        assert row["seconds_predict"] >= 0
    value = {key: row["value"] for key, row in zip(keys, rows, strict=True)}
    assert value[6, "nlinear-ridge", "mse"] < value[6, "seasonal-naive-day", "mse"] < value[6, "last-value", "mse"]
    # the table goes to stdout, one line a row under its header; what is being done to stderr
    assert len(said.out.splitlines()) == 2 + len(rows)
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["small"] * 6


def test_the_protocol_keeps_every_test_window_and_standardises_by_train(ett: Path, tmp_path: Path) -> None:
    assert bench(ett, "--models", "last-value", "--horizons", "6", "--json", str(tmp_path / "rows.json")) == 0
    rows = {row["metric"]: row["value"] for row in json.loads((tmp_path / "rows.json").read_text())}
    values = pd.read_csv(ett)[["HUFL", "OT"]].to_numpy()
    train, test = values[: int(0.7 * ROWS)], values[ROWS - int(0.2 * ROWS) - LOOKBACK :]
    test = (test - train.mean(0)) / train.std(0)
    origins = np.arange(LOOKBACK, len(test) - 6 + 1)
    assert len(origins) == int(0.2 * ROWS) - 6 + 1
    error = test[origins[:, None] + np.arange(6)] - test[origins - 1][:, None]
    assert rows["mse"] == pytest.approx((error**2).mean(), rel=1e-5)  # windows are float32
    assert rows["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_trained_models_are_measured_for_each_seed(ett: Path, tmp_path: Path) -> None:
    words = ["--models", "dlinear,nlinear-ridge", "--horizons", "6", "--seeds", "1,2"]
    assert bench(ett, *words, "--json", str(tmp_path / "one.json")) == 0
    assert bench(ett, *words, "--json", str(tmp_path / "two.json")) == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    assert [row["value"] for row in one] == [row["value"] for row in two]
    trained, solved = one[0], one[2]
    assert trained["seeds"] == [1, 2]
    assert len(set(trained["by_seed"])) == 2
    assert trained["value"] == pytest.approx(np.mean(trained["by_seed"]))
    assert solved["seeds"] == []
    assert trained["parameters"] == 2 * (LOOKBACK * 6 + 6)


def test_a_blend_runs_on_any_file_shows_its_weights_and_a_refit_is_another_setting(
    ett: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--models", "ridge-blend", "--horizons", "6", "--overwrite", "--json", str(tmp_path / "rows.json")]
    found = []
    for more in ([], ["--refit"]):
        assert bench(ett, *words, *more) == 0
        found.append(json.loads((tmp_path / "rows.json").read_text())[0])
    once, again = found
    assert (once["setting"], again["setting"]) == ("published", "refit on train + validation")
    assert once["choice_by_seed"] == again["choice_by_seed"]
    weights = once["choice_by_seed"][0]["weights_by_block"]
    assert sum(row[0] for row in weights.values()) == pytest.approx(1, abs=0.01)
    assert once["value"] != again["value"]
    assert "refit on train + validation" in capsys.readouterr().out


def test_the_table_leaves_empty_what_a_case_does_not_have() -> None:
    about = {"paper": None, "seconds_fit": 1.0, "seconds_predict": 1.0, "parameters": 5}
    row = {"model": "blend", "case": "pge", "metric": "mape", "value": 4.25, "low": None, "high": None, **about}
    (line,) = bench_table([row]).to_text().splitlines()[2:]
    assert line.split()[:4] == ["blend", "pge", "MAPE", "4.2500"]


def test_left_out_models_are_the_cheap_ones(ett: Path, tmp_path: Path) -> None:
    assert bench(ett, "--horizons", "6", "--json", str(tmp_path / "rows.json")) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["model"] for row in rows[::2]] == ["last-value", "seasonal-naive-day", "nlinear-ridge"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--models", "dlinear", "--refit"), "dlinear is trained by gradients; --refit is for nlinear-ridge"),
        (("--models", "arima"), "no model named 'arima' for this bench; known: last-value"),
        (("etth1",), "give either cases or --data, not both"),
        (("--horizons", "400"), "too few"),
        (("--borders", "hourly"), "rows"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    ett: Path, tmp_path: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["bench", "load-forecast", *(words if words == ("etth1",) else ())]
    rest = () if words == ("etth1",) else words
    code = main([*start, "--data", str(ett), "--borders", "parts", "--lookback", "24", "--json", "rows.json", *rest])
    assert code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("labformer: ")
    assert said in last
    assert [path.name for path in tmp_path.iterdir()] == ["small.csv"]


def test_a_case_that_is_unknown_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "load-forecast", "etth7"]) == 1
    assert capsys.readouterr().err.startswith(
        "labformer: no case named 'etth7'; known: etth1, ettm1, weather, exchange"
    )
    assert main(["bench", "load-forecast", "etth1", "etth7", "--models", "last-value"]) == 1  # before any work
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("time,OT\n2016-07-01,1\n", "has no column 'date'"),
        ("date,OT\nyesterday,1\n", "holds something that is no time"),
        ("date,OT\n2016-07-01,one\n", "the column 'OT' is not numeric"),
        ("date,OT\n2016-07-01,\n2016-07-02,1\n", "1 values of 'OT' are missing or infinite"),
        ("date,OT\n2016-07-01,inf\n2016-07-02,1\n", "1 values of 'OT' are missing or infinite"),
        ("date\n2016-07-01\n", "has no column beside 'date'"),
        ("", "cannot read"),
    ],
)
def test_a_file_in_another_format_is_refused(
    tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.csv").write_text(content)
    assert bench(tmp_path / "other.csv") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("labformer: ")
    assert said in line
    assert "other.csv" in line


def test_existing_rows_are_kept_unless_asked(ett: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.json"
    out.write_text("mine")
    words = ["--models", "last-value", "--horizons", "6", "--json", str(out)]
    assert bench(ett, *words) == 1
    (line,) = capsys.readouterr().err.splitlines()  # refused before any work
    assert "pass --overwrite" in line
    assert out.read_text() == "mine"
    assert bench(ett, *words, "--overwrite") == 0
    assert len(json.loads(out.read_text())) == 2
