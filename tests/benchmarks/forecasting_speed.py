"""Speed of forecasting against its peers, in one run, by turns, with one thread each, at the same split and scaling.

    python tests/benchmarks/forecasting_speed.py --json FILE [--peer-env FOLDER] [--tasks itransformer linear load]

- itransformer: ETTh1, lookback and horizon 96, the same size, steps, batch, loss and learning rate (the peer's default)
  as neuralforecast's iTransformer; then the whole rolling test, 2,785 windows of 7 series one step apart. Both once
  more with matrix products in bfloat16 (`torch.set_float32_matmul_precision("medium")`, which some processors ignore)
- linear: ETTh1, lookback 336, horizon 96: NLinear solved in closed form, which also chooses its penalty on validation,
  against scikit-learn's Ridge on explicit windows with that penalty given, and against neuralforecast's NLinear and
  DLinear as their defaults say (`--linear-steps` takes fewer steps than their 5,000, and the rows say how many)
- load: a day-ahead forecaster of Victoria's demand, choosing, testing and refitting a spline ridge; no peer

Each round of each contender is a process of its own; imports and reading are not in its times. `fit` and `test` are
seconds by the clock, `_cpu` of the processor, which other work on the machine disturbs less; medians over the rounds.
Errors are means over the rounds, whose seeds differ. The peer lives in an environment of its own, made when missing.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

PEER = "neuralforecast==3.3.0"
STEPS, BATCH, RATE = 300, 32, 1e-3
SIZE = {"width": 256, "hidden": 256, "heads": 8, "depth": 2, "dropout": 0.1}
TRAIN, VALIDATION, TEST = 8640, 11520, 14400  # rows where each part of ETTh1 ends
CONTENDERS = {
    "itransformer": (
        "labformer itransformer",
        "neuralforecast iTransformer",
        "labformer itransformer, bfloat16 products",
        "neuralforecast iTransformer, bfloat16 products",
    ),
    "linear": ("labformer nlinear-ridge", "scikit-learn Ridge", "neuralforecast NLinear", "neuralforecast DLinear"),
    "load": ("labformer spline-ridge",),
}

Row = dict[str, Any]


def timed(name: str, run: Callable[[], Any], into: Row) -> Any:
    """Do it and keep its seconds by the clock and of the processor."""
    start = time.perf_counter(), time.process_time()
    done = run()
    into |= {name: time.perf_counter() - start[0], f"{name}_cpu": time.process_time() - start[1]}
    return done


def our_itransformer(values: Any, asked: Row) -> Row:
    import numpy as np
    import torch

    from labformer.domains.forecasting.models.itransformer import ITransformer, ITransformerConfig
    from labformer.domains.forecasting.training import ForecastWindows, fit_by_gradient, forecast_all
    from labformer.shared.learning.config import TrainingConfig

    row: Row = {"labformer": version("labformer"), "torch": torch.__version__}
    torch.set_float32_matmul_precision(asked["products"])
    torch.manual_seed(asked["seed"])
    model = ITransformer(ITransformerConfig(96, 96, **SIZE))

    def fit() -> None:
        count = TRAIN - 2 * 96 + 1
        draw = np.random.default_rng(asked["seed"])
        starts = np.concatenate([draw.permutation(count) for _ in range(-(-STEPS * BATCH // count))])[: STEPS * BATCH]
        config = TrainingConfig(1, BATCH, RATE, "adam", seed=asked["seed"])
        data = ForecastWindows(values[:TRAIN], 96, 96, starts=starts)
        row["steps"] = fit_by_gradient(model, data, None, config, progress=False).history[-1].step

    def test() -> float:
        data = ForecastWindows(values[VALIDATION - 96 : TEST], 96, 96)
        answer = forecast_all(model, data)
        row["windows"] = len(answer)
        assert data.values is not None
        return (answer - data.values[..., 96:]).square().mean(dtype=torch.float64).item()

    timed("fit", fit, row)
    return row | {"mse": timed("test", test, row)}


def our_ridge(values: Any, asked: Row) -> Row:
    from labformer.domains.forecasting.models.linear import LinearConfig, NLinear, solve_linear
    from labformer.domains.forecasting.training import ForecastWindows, forecast_all

    row: Row = {}
    parts = values[:TRAIN], values[TRAIN - 336 : VALIDATION]
    solved = timed("fit", lambda: solve_linear(NLinear, LinearConfig(336, 96), *parts), row)

    def test() -> float:
        data = ForecastWindows(values[VALIDATION - 336 : TEST], 336, 96)
        assert data.values is not None
        return (forecast_all(solved.model, data) - data.values[..., 336:]).square().double().mean().item()

    return row | {"penalty": solved.penalty, "mse": timed("test", test, row)}


def sklearn_ridge(values: Any, asked: Row) -> Row:
    import numpy as np
    from sklearn.linear_model import Ridge

    row: Row = {"scikit-learn": version("scikit-learn")}

    def windows(rows: Any) -> tuple[Any, Any, Any]:
        view = np.lib.stride_tricks.sliding_window_view(rows, 336 + 96, 0).reshape(-1, 336 + 96)
        last = view[:, 335:336]
        return view[:, :336] - last, view[:, 336:] - last, last

    def fit() -> Ridge:
        past, future, _ = windows(values[:TRAIN])
        return Ridge(asked["penalty"] * len(past), fit_intercept=False, copy_X=False).fit(past, future)

    model = timed("fit", fit, row)

    def test() -> float:
        past, future, _ = windows(values[VALIDATION - 336 : TEST])
        return float(np.square(model.predict(past) - future).mean())

    return row | {"mse": timed("test", test, row)}


def our_load(_: Any, asked: Row) -> Row:
    from labformer.domains.forecasting.data import read_load
    from labformer.domains.forecasting.predictor import LoadForecaster
    from labformer.shared.datasets.catalogue import locate

    row: Row = {}
    data = read_load(
        locate("vic-electricity"),
        targets=("Demand",),
        time="Time",
        future_covariates=("Temperature", "Holiday"),
        zone="Australia/Melbourne",
    )
    past, origin = data.until(data.known - 48, 48), data.known - 48
    forecaster = timed("fit", lambda: LoadForecaster(("spline-ridge",), seed=asked["seed"]).fit(past), row)
    timed("test", lambda: forecaster.forecast_at(data, origin), row)
    table = forecaster.comparison_.rows
    return row | {"mape_percent": next(one for one in table if one.model == "spline-ridge").others["MAPE %"]}


def neuralforecast(values: Any, asked: Row) -> Row:
    """Any of its models through its public interface: fit on the train rows, cross-validation with the fitted model."""
    import logging

    import numpy as np
    import pandas as pd
    import torch
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MSE

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_float32_matmul_precision(asked["products"])
    row: Row = {"neuralforecast": version("neuralforecast"), "torch": torch.__version__}
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    given = {"h": 96, "random_seed": asked["seed"], "accelerator": "cpu", "devices": 1, **quiet}
    name, steps = asked["model"], asked["steps"]
    if name == "iTransformer":
        given |= {"input_size": 96, "n_series": values.shape[1], "hidden_size": 256, "d_ff": 256, "n_heads": 8}
        given |= {"e_layers": 2, "dropout": 0.1, "loss": MSE(), "learning_rate": RATE, "windows_batch_size": BATCH}
        given |= {"inference_windows_batch_size": 256}  # ours; its own 32 would make it slower
    else:
        given |= {"input_size": 336}
    row["steps"] = steps
    network = getattr(models, name)(max_steps=steps, **given)
    clock = pd.date_range("2016-07-01", periods=TEST, freq="h")
    frames = [
        pd.DataFrame({"unique_id": f"{series}", "ds": clock, "y": values[:TEST, series]})
        for series in range(values.shape[1])
    ]
    whole = pd.concat(frames, ignore_index=True)
    train = pd.concat([frame[:TRAIN] for frame in frames], ignore_index=True)
    forecaster = NeuralForecast([network], freq="h")
    timed("fit", lambda: forecaster.fit(train), row)
    rolled = timed(
        "test",
        lambda: forecaster.cross_validation(whole, n_windows=None, test_size=TEST - VALIDATION, use_fitted=True),
        row,
    )
    row["windows"] = rolled["cutoff"].nunique()
    return row | {"mse": float(np.square(rolled["y"] - rolled[name]).mean())}


RUNS: dict[str, Callable[[Any, Row], Row]] = {
    "labformer itransformer": our_itransformer,
    "labformer nlinear-ridge": our_ridge,
    "labformer spline-ridge": our_load,
    "scikit-learn Ridge": sklearn_ridge,
}


def peer_python(folder: Path) -> str:
    """The interpreter of the peer's environment, made when it is missing; leaves with one line if it cannot be."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # torch first, as the suite has it, so that the peer pulls no other build
        subprocess.run([*install, f"torch=={version('torch').partition('+')[0]}"], check=True, stderr=subprocess.PIPE)
        subprocess.run([*install, PEER], check=True, stderr=subprocess.PIPE)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the peer {PEER} cannot be installed in {folder} ({error}); nothing was measured.")
    return str(python)


def child(python: str, name: str, values: Path, asked: Row) -> Row:
    """One round of one contender."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [python, __file__, "--child", name, str(values), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | one)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def summary(task: str, name: str, rounds: list[Row], ours: list[Row]) -> Row:
    """Medians of seconds, means of errors, and how many times as long as ours the whole took."""
    row: Row = {"task": task, "contender": name, "rounds": len(rounds)}
    for key in ("steps", "windows", "penalty"):
        if key in rounds[0]:
            row[key] = rounds[0][key]
    for key in ("fit", "test", "fit_cpu", "test_cpu"):
        row[key] = round(statistics.median(one[key] for one in rounds), 3)
    for error in ("mse", "mape_percent"):
        if error in rounds[0]:
            row[error] = round(statistics.fmean(float(one[error]) for one in rounds), 4)
    for kind in ("", "_cpu"):
        both = [statistics.median(one[f"fit{kind}"] + one[f"test{kind}"] for one in them) for them in (rounds, ours)]
        row[f"times_ours{kind}"] = round(both[0] / both[1], 1)
    return row


def measure(task: str, pythons: dict[str, str], values: Path, chosen: argparse.Namespace) -> tuple[list[Row], Row]:
    """All rounds of a task by turns; -> its rows and the versions that were met."""
    found: dict[str, list[Row]] = {name: [] for name in CONTENDERS[task]}
    for turn in range(chosen.rounds):
        for name in found:
            maker, _, model = name.partition(",")[0].partition(" ")
            if maker == "neuralforecast" and turn >= chosen.peer_rounds:
                continue
            asked: Row = {"seed": turn, "model": model, "products": "medium" if "bfloat16" in name else "highest"}
            asked["steps"] = STEPS if task == "itransformer" else chosen.linear_steps
            if maker == "scikit-learn":
                asked["penalty"] = found["labformer nlinear-ridge"][0]["penalty"]
            found[name].append(child(pythons.get(maker, sys.executable), name, values, asked))
            sys.stderr.write(f"{name}: {found[name][-1]}\n")
    ours = next(iter(found.values()))
    known = ("labformer", "torch", "scikit-learn", "neuralforecast")
    versions = {key: one[key] for rounds in found.values() for one in rounds for key in known if key in one}
    return [summary(task, name, rounds, ours) for name, rounds in found.items()], versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer-env", type=Path, help="folder of the peer's environment; left out: a temporary one")
    parser.add_argument("--tasks", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-rounds", type=int, default=1, help="of neuralforecast, which takes minutes")
    parser.add_argument("--linear-steps", type=int, default=5000, help="of neuralforecast's NLinear and DLinear")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        import numpy as np

        name, path, asked = chosen.child
        print(json.dumps(RUNS.get(name.partition(",")[0], neuralforecast)(np.load(path), json.loads(asked))))
        return
    import numpy as np
    from core import processor

    from labformer.domains.forecasting.published.protocol import read_case
    from labformer.shared.datasets.catalogue import locate

    rows: list[Row] = []
    versions: Row = {"python": platform.python_version()}
    with tempfile.TemporaryDirectory() as folder:
        pythons = {}
        if chosen.peer_rounds and {"itransformer", "linear"} & set(chosen.tasks):
            pythons["neuralforecast"] = peer_python((chosen.peer_env or Path(folder, "peer")).absolute())
        values = Path(folder, "values.npy")
        np.save(values, read_case(locate("etth1"), "etth1", "hourly").values[:TEST])
        for task in chosen.tasks:
            found, met = measure(task, pythons, values, chosen)
            rows, versions = rows + found, versions | met
    for row in rows:
        error = row.get("mse", row.get("mape_percent"))
        print(
            f"{row['contender']:47} fit {row['fit']:8.2f} s  test {row['test']:7.2f} s  error {error:7.4f}  "
            f"{row['times_ours']:6.1f} x ours by the clock, {row['times_ours_cpu']:6.1f} x by the processor"
        )
    if chosen.json:
        machine = {"processor": processor(), "threads": 1, "versions": versions}
        chosen.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
