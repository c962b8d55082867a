import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from labformer.shared.errors import InputError
from labformer.shared.learning.loop import TrainingConfig, train

CONFIG = TrainingConfig(
    epochs=4,
    batch=8,
    learning_rate=1e-2,
    weight_decay=0.1,
    schedule="cosine",
    warmup=3,
    clip=1.0,
    sam_rho=0.1,
    ema_decay=0.9,
    checkpoint_every=3,
)

KILLED = """
import os, random, signal, sys
import numpy as np, torch
import torch._dynamo  # the first optimiser would import it, slowly, in every child
from torch import nn
from labformer.shared.learning.loop import TrainingConfig, train

torch.set_num_threads(1)
folder, steps = sys.argv[1], [int(step) for step in sys.argv[2:]]
x = torch.randn(50, 6, generator=torch.Generator().manual_seed(7))


class Rows:
    def __len__(self):
        return 50

    def batch(self, indices):
        return x[indices]


def attempt(name, fatal_step):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 6))
    calls = 0

    def loss(model, batch):
        nonlocal calls
        calls += 1
        if calls == 2 * fatal_step:  # in the second pass of that step
            os.kill(os.getpid(), signal.SIGKILL)
        noise = random.random() + np.random.rand()
        return (model(batch + 0.1 * noise) - batch).square().mean()

    outcome = train(
        model, loss, Rows(), TrainingConfig(**CONFIG), folder=f"{folder}/{name}", progress=False,
        validate=lambda model: (model(x) - x).square().mean().item(),
    )
    history = [row._replace(seconds=0.0)._asdict() for row in outcome.history]
    torch.save({"weights": model.state_dict(), "history": history, "best": outcome.best_epoch}, f"{folder}/{name}.pt")


for name, fatal_step in [("whole", 0), *(("killed", step) for step in steps), ("killed", 0)]:
    child = os.fork()  # one import of torch serves every attempt
    if not child:
        attempt(name, fatal_step)
        os._exit(0)
    print(name, fatal_step, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_at_random_steps_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    # 7 steps an epoch, 28 in all, a checkpoint at each third and at the end of each epoch, so that every attempt below
    # has at least 4 steps ahead of it; the steps differ from day to day and are shown on failure
    steps = [random.SystemRandom().randint(1, 6) for _ in range(4)]
    settings = {name: getattr(CONFIG, name) for name in CONFIG.__slots__}
    done = subprocess.run(
        [sys.executable, "-c", f"CONFIG = {settings}\n{KILLED}", str(tmp_path), *map(str, steps)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    statuses = [line.split() for line in done.stdout.splitlines()]
    expected = [["whole", "0", "0"], *(["killed", str(s), str(-signal.SIGKILL)] for s in steps), ["killed", "0", "0"]]
    assert statuses == expected, done.stderr
    whole, killed = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "killed"))
    assert whole["history"] == killed["history"], steps
    assert whole["best"] == killed["best"]
    assert all(torch.equal(whole["weights"][name], value) for name, value in killed["weights"].items()), steps
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "killed")]
    assert [[json.loads(line)["loss"] for line in log] for log in logs] == [[r["loss"] for r in whole["history"]]] * 2


class Stop(Exception):
    pass


def test_a_run_may_stop_at_every_single_step(rows, make_network, squared_error, tmp_path: Path) -> None:
    data, config = rows(20), replace(CONFIG, epochs=2, sam_rho=0.0, checkpoint_every=1)
    whole = make_network(dropout=0.5)
    train(whole, squared_error, data, config, progress=False)
    calls = 0

    def stopping(model, batch):
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise Stop
        return squared_error(model, batch)

    for attempt in range(7):
        model = make_network(dropout=0.5, seed=attempt)  # the checkpoint's weights replace whatever it starts with
        try:
            train(model, stopping, data, config, folder=tmp_path, progress=False)
        except Stop:
            (tmp_path / "checkpoint.pt.partial").write_bytes(b"as a kill in the middle of writing leaves it")
    assert calls == 11  # six steps, five of them tried twice
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in whole.state_dict().items())


def test_a_finished_run_is_only_loaded(rows, make_network, squared_error, tmp_path: Path) -> None:
    first, again = make_network(), make_network(seed=1)
    outcome = train(first, squared_error, rows(), CONFIG, folder=tmp_path, progress=False)

    def never(model, batch):
        raise AssertionError("a finished run must not go on")

    assert train(again, never, rows(), CONFIG, folder=tmp_path, progress=False) == outcome
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())


def test_a_checkpoint_of_another_run_is_refused(rows, make_network, squared_error, tmp_path: Path) -> None:
    train(make_network(), squared_error, rows(), CONFIG, folder=tmp_path, progress=False)
    with pytest.raises(InputError, match="learning_rate is 0.01 there and 0.02 here"):
        train(make_network(), squared_error, rows(), replace(CONFIG, learning_rate=0.02), folder=tmp_path)
    with pytest.raises(InputError, match="rows of data is 50 there and 49 here"):
        train(make_network(), squared_error, rows(49), CONFIG, folder=tmp_path)
    with pytest.raises(InputError, match=r"weight .* is float32\[8, 6\] there and float64"):
        train(make_network(dtype=torch.float64), squared_error, rows(), CONFIG, folder=tmp_path)
    with pytest.raises(InputError, match="model is Sequential there and Linear here"):
        train(torch.nn.Linear(6, 2), squared_error, rows(), CONFIG, folder=tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="cannot be read"):
        train(make_network(), squared_error, rows(), CONFIG, folder=tmp_path)
    with pytest.raises(InputError, match="is a file"):
        train(make_network(), squared_error, rows(), CONFIG, folder=tmp_path / "checkpoint.pt")
