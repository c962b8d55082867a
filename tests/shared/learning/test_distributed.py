import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from labformer.shared.learning.distributed import Ranks, share

# Run by one process or by several under torchrun; each rank stores what it ends with.
SCRIPT = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
from torch import nn
from labformer.shared.errors import InputError
from labformer.shared.learning.loop import TrainingConfig, train

torch.set_num_threads(1)
signal.alarm(100)  # a rank that waits for a dead one must not stay behind
rank, folder = int(os.environ.get("RANK", 0)), Path(sys.argv[1])
x = torch.randn(21, 6, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
results = {}


class Rows:
    def __len__(self):
        return 21

    def batch(self, indices):
        return x[indices]


def model(dropout, seed):
    torch.manual_seed(seed)
    part = nn.ModuleDict({"used": nn.Linear(6, 5), "unused": nn.Linear(2, 2), "norm": nn.BatchNorm1d(5)})
    part.update({"drop": nn.Dropout(dropout), "out": nn.Linear(5, 6)})
    return part.double()


def run(name, model, config, use_norm=False, fail_at=0, **options):
    calls = 0

    def loss(model, batch):
        nonlocal calls
        calls += 1
        results["seed"] = torch.initial_seed()
        if calls == fail_at:
            raise InterruptedError
        hidden = model["used"](batch).tanh()
        hidden = model["norm"](hidden) if use_norm and len(hidden) > 1 else hidden
        return (model["out"](model["drop"](hidden)) - batch).square().mean()

    options = {"validate": lambda model: loss(model, x).item(), "progress": False, **options}
    outcome = train(model, loss, Rows(), config, **options)
    history = [row._replace(seconds=0.0)._asdict() for row in outcome.history]
    results[name] = {"weights": model.state_dict(), "history": history}


# 21 rows in batches of 4 end with a batch of one row, so that a second rank has nothing to learn from there
config = TrainingConfig(epochs=3, batch=4, learning_rate=1e-2, weight_decay=0.1, clip=0.5, sam_rho=0.1, ema_decay=0.5)
run("plain", model(0.0, seed=rank), config)  # ranks that start apart are made alike
if "RANK" in os.environ:
    config = replace(config, checkpoint_every=2)
    run("whole", model(0.5, seed=0), config, use_norm=True)
    # an epoch asks rank 0 for 6 times 2 losses and a validation, and rank 1, without a share of the last batch, for
    # two fewer: both fail in the second pass of step 9, a step after a checkpoint within the second epoch
    try:
        run("resumed", model(0.5, seed=0), config, use_norm=True, fail_at=19 - 2 * rank, folder=folder / "run")
    except InterruptedError:
        run("resumed", model(0.5, seed=5), config, use_norm=True, folder=folder / "run")
    try:
        run("apart", model(0.5, seed=0), config, use_norm=True, folder=folder / ("run" if rank == 0 else "elsewhere"))
    except InputError as error:
        results["apart"] = str(error)
torch.save(results, folder / f"rank{rank}of{os.environ.get('WORLD_SIZE', 1)}.pt")
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory) -> list[dict]:
    """What one process ends with, then both ranks of two."""
    folder: Path = tmp_path_factory.mktemp("ranks")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1", "--nproc-per-node=2"]
    for launcher in ([], torchrun):
        done = subprocess.run(
            [sys.executable, *launcher, str(script), str(folder)],
            capture_output=True,
            text=True,
            timeout=180,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
    names = ("rank0of1", "rank0of2", "rank1of2")
    return [torch.load(folder / f"{name}.pt", weights_only=True) for name in names]


def test_two_processes_end_with_the_same_weights_to_the_bit(ends) -> None:
    _, first, second = ends
    for name in ("plain", "whole"):
        assert all(torch.equal(v, second[name]["weights"][key]) for key, v in first[name]["weights"].items())
        assert first[name]["history"] == second[name]["history"]
    assert first["seed"] != second["seed"]  # of dropout, which must not repeat over the shares of a batch


def test_two_processes_have_the_losses_and_weights_of_one_on_the_same_global_batches(ends) -> None:
    single, pair = ends[0]["plain"], ends[1]["plain"]
    for one, two in zip(single["history"], pair["history"], strict=True):
        assert one == pytest.approx(two, rel=1e-10)
    torch.testing.assert_close(pair["weights"], single["weights"], rtol=1e-8, atol=1e-11)


def test_two_processes_that_stopped_go_on_bit_for_bit(ends) -> None:
    for rank in ends[1:]:
        assert rank["whole"]["history"] == rank["resumed"]["history"]
        assert all(torch.equal(v, rank["resumed"]["weights"][key]) for key, v in rank["whole"]["weights"].items())


def test_a_process_that_does_not_see_the_checkpoint_of_the_others_says_so(ends) -> None:
    assert "not every process sees the checkpoint" in ends[2]["apart"]


@pytest.mark.parametrize(("rows", "size"), [(10, 3), (2, 4), (1, 2), (8, 1)])
def test_shares_cover_a_batch_once_and_differ_by_one_row_at_most(rows: int, size: int) -> None:
    shares = [share(torch.arange(rows), Ranks(rank, size)) for rank in range(size)]
    assert torch.cat(shares).sort().values.tolist() == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
