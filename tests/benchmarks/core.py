"""Speed of the transformer core: the plain pre-norm stack against its own matrix products and against its peers.

    python tests/benchmarks/core.py --json FILE [--heads 2 4 8] [--threads 1] [--rounds 40]

The floor is the time that the stack's matrix products alone take at their own shapes (FLOPs over the measured rate).
Floor, stack and peers run by turns in a shuffled order (what one leaves in caches and free memory, the next one finds),
and a ratio is the median of the ratios within a round, so that a busy machine disturbs all alike; with one thread the
clock is that thread's processor time. x-transformers is a peer when it can be imported.
"""

import argparse
import importlib.util
import json
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from labformer.shared.transformer.attention import attend
from labformer.shared.transformer.linear_attention import flow_attend, gated_linear_attend
from labformer.shared.transformer.stack import plain_encoder

BATCH, TOKEN, WIDTH, DEPTH = 32, 96, 128, 4
HIDDEN = 4 * WIDTH
TOKENS = [2**i for i in range(7, 14)]  # 128 to 8192

Run = Callable[[], object]


def linear_products(tokens: int) -> list[tuple[int, int, int]]:
    """(m, k, n) of the four linear layers of a block; queries, keys and values count as one product of three widths."""
    return [(tokens, WIDTH, 3 * WIDTH), (tokens, WIDTH, WIDTH), (tokens, WIDTH, HIDDEN), (tokens, HIDDEN, WIDTH)]


def floor(heads: int, backward: bool) -> list[Run]:
    """One call for each matrix product of one block, and for its two gradients, into memory that is there already."""
    runs: list[Run] = []

    def product(left: Tensor, right: Tensor) -> None:
        runs.append(partial(torch.matmul, left, right, out=left @ right))

    for m, k, n in linear_products(BATCH * TOKEN):
        x, weight, gradient = torch.randn(m, k), torch.randn(n, k), torch.randn(m, n)
        product(x, weight.t())
        if backward:
            product(gradient, weight)
            product(gradient.t(), x)
    query, key, value, mixed = torch.randn(4, BATCH * heads, TOKEN, WIDTH // heads)
    weight = torch.randn(BATCH * heads, TOKEN, TOKEN)
    product(query, key.mT)
    product(weight, value)
    if backward:
        for left, right in ((weight, key), (weight.mT, query), (mixed, value.mT), (weight.mT, mixed)):
            product(left, right)
    return runs


def torch_peer(heads: int) -> nn.Module:
    """torch's own encoder, pre-norm with GELU: the fast path when it may, in evaluation."""
    layer = nn.TransformerEncoderLayer(WIDTH, heads, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, DEPTH, nn.LayerNorm(WIDTH), enable_nested_tensor=False)


def xtransformers_peer(heads: int) -> nn.Module:
    """The same stack by x-transformers, with its fused attention."""
    from x_transformers import Encoder

    return Encoder(dim=WIDTH, depth=DEPTH, heads=heads, attn_dim_head=WIDTH // heads, ff_mult=4, attn_flash=True)


def seconds(run: Run) -> float:
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    run()
    return clock() - start


def by_turns(contenders: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Time each contender once a round, in an order drawn each time, after two rounds that do not count."""
    timed: dict[str, list[float]] = {name: [] for name in contenders}
    order, draw = list(contenders), random.Random(0)
    for turn in range(-2, rounds):
        draw.shuffle(order)
        for name in order:
            taken = seconds(contenders[name])
            if turn >= 0:
                timed[name].append(taken)
    return timed


def ratio(taken: list[float], other: list[float]) -> float:
    """Median over the rounds of one time over the other."""
    return round(statistics.median(a / b for a, b in zip(taken, other, strict=True)), 3)


def measure_block(heads: int, rounds: int) -> list[dict[str, object]]:
    x = torch.randn(BATCH, TOKEN, WIDTH)
    models = {
        "labformer": plain_encoder(WIDTH, heads, DEPTH, HIDDEN),
        "torch": torch_peer(heads),
    }
    if importlib.util.find_spec("x_transformers"):
        models["x-transformers"] = xtransformers_peer(heads)

    def forward(model: nn.Module) -> Tensor:
        with torch.no_grad():
            return model(x)

    def both(model: nn.Module) -> None:
        model.zero_grad()
        model(x).sum().backward()

    def products(runs: list[Run]) -> None:
        for run in runs * DEPTH:
            run()

    rows = []
    for task, call in {"forward": forward, "forward+backward": both}.items():
        runs = floor(heads, backward=call is both)
        contenders: dict[str, Run] = {"floor": partial(products, runs)}
        for name, model in models.items():
            contenders[name] = partial(call, model.train(call is both))
        timed = by_turns(contenders, rounds)
        for name, taken in timed.items():
            rows.append(
                {
                    "task": task,
                    "heads": heads,
                    "contender": name,
                    "median_ms": round(1e3 * statistics.median(taken), 2),
                    "least_ms": round(1e3 * min(taken), 2),
                    "over_floor": ratio(taken, timed["floor"]),
                    "over_labformer": ratio(taken, timed["labformer"]),
                }
            )
    return rows


def measure_tokens(rounds: int) -> list[dict[str, object]]:
    """Forward time of the mixers alone against the number of tokens: batch 1, 4 heads of 32 channels."""
    rows: list[dict[str, object]] = []
    for token in TOKENS:
        query, key, value, gate = torch.randn(4, 1, 4, token, 32)
        gate = nn.functional.logsigmoid(gate)
        with torch.no_grad():
            timed = by_turns(
                {
                    "softmax": partial(attend, query, key, value),
                    "flow": partial(flow_attend, query, key, value),
                    "gated linear": partial(gated_linear_attend, query, key, value, gate),
                },
                rounds,
            )
        for name, taken in timed.items():
            rows.append({"mixer": name, "token": token, "median_ms": round(1e3 * statistics.median(taken), 3)})
    return rows


def processor() -> str:
    """The processor's name, where the system tells it."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the rows go; standard output when left out")
    parser.add_argument("--heads", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    result = {
        "setting": {
            "torch": torch.__version__,
            "threads": chosen.threads,
            "processor": processor(),
            "rounds": chosen.rounds,
            "batch": BATCH,
            "token": TOKEN,
            "width": WIDTH,
            "depth": DEPTH,
            "hidden": HIDDEN,
        },
        "block": [row for heads in chosen.heads for row in measure_block(heads, chosen.rounds)],
        "tokens": measure_tokens(max(3, chosen.rounds // 8)),
    }
    text = json.dumps(result, indent=1) + "\n"
    chosen.json.write_text(text) if chosen.json else sys.stdout.write(text)


if __name__ == "__main__":
    main()
