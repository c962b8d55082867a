"""Speed of NILMFormer: splitting a house-year of minutes, and a step of training, against the bare matrix products.

    OMP_NUM_THREADS=2 python tests/benchmarks/nilm_speed.py [--json FILE] [--rounds 40] [--days 6]

Every round times, one after the other in the same process: the network's passes (windows of 256 minutes, published and
small size), the matrix products of the same shapes alone (convolutions as products; operands made before,
results into memory that is there), and torch's own encoder of the same width, depth and heads (no convolutions, no
clock, no head). The best of the rounds counts. Seconds are for 525,600 samples, without overlap. Then
`NetworkModel.predict` on a whole house with windows that overlap by half, as it stands and with products in bfloat16,
over the float32 products of as many windows.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.house import House
from labformer.domains.nilm.models.nilmformer import PUBLISHED, SMALL, NILMFormer, NILMFormerConfig
from labformer.domains.nilm.network import NetworkModel

YEAR, LENGTH, BATCH = 525_600, 256, 64


def products(config: NILMFormerConfig, batch: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Operands and results of every matrix product of one pass."""
    width, shape, tokens, rows = config.width, config.width * 3 // 4, LENGTH + 1, batch * LENGTH
    flat = [(rows, config.kernel * (shape if at else 1), shape) for at in range(len(config.dilations))]
    flat += [(rows, 8, width - shape), (batch, 2, width), (rows, 3 * width, config.outputs), (batch, width, 2)]
    for _ in range(config.depth):
        flat += [(batch * tokens, a * width, b * width) for a, b in ((1, 3), (1, 1), (1, config.hidden))]
        flat += [(batch * tokens, config.hidden * width, width)]
    made = [(torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)) for m, k, n in flat]
    heads, channel = batch * config.heads, width // config.heads
    for _ in range(config.depth):
        query, value = torch.randn(2, heads, tokens, channel).unbind()
        scores = torch.randn(heads, tokens, tokens)
        made += [(query, torch.randn(heads, channel, tokens), scores), (scores, value, torch.empty_like(value))]
    return made


def seconds(run: Callable[[], object]) -> float:
    """One pass by the clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def contenders(config: NILMFormerConfig, batch: int) -> dict[str, Callable[[], object]]:
    """What is timed, each over `batch` windows."""
    model = NILMFormer(config).eval()
    mains, calendar = torch.rand(batch, 1, LENGTH), torch.rand(batch, 8, LENGTH)
    layer = nn.TransformerEncoderLayer(
        config.width, config.heads, config.hidden * config.width, batch_first=True, activation="gelu"
    )
    encoder = nn.TransformerEncoder(layer, config.depth).eval()
    tokens = torch.rand(batch, LENGTH + 1, config.width)
    bare = products(config, batch)
    return {
        "nilmformer": lambda: model(mains, calendar),
        "products": lambda: [torch.matmul(a, b, out=c) for a, b, c in bare],
        "torch encoder": lambda: encoder(tokens),
    }


def house(days: int) -> House:
    """Mains without a gap."""
    rows = days * 1440
    mains = np.random.default_rng(0).gamma(2.0, 200.0, rows).astype(np.float32)
    times = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC")
    return House("simulated", times, pd.Timedelta("1min"), mains)


def trained(config: NILMFormerConfig, precision: Literal["float32", "bfloat16"]) -> NetworkModel:
    """A model as after training, whose windows overlap by half."""
    model = NetworkModel(window=LENGTH, precision=precision)
    model.scale_, model.step_, model.appliances_ = 8000.0, str(pd.Timedelta("1min")), (APPLIANCES["kettle"],)
    model.networks_ = [NILMFormer(config).eval()]
    return model


def step(config: NILMFormerConfig) -> Callable[[], object]:
    """A step of training on 64 windows."""
    model = NILMFormer(config).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    mains, calendar = torch.rand(BATCH, 1, LENGTH), torch.rand(BATCH, 8, LENGTH)

    def run() -> None:
        optimiser.zero_grad()
        model(mains, calendar).power.square().mean().backward()
        optimiser.step()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--days", type=int, default=6, help="length of the house that is predicted whole")
    asked = parser.parse_args()
    batch, found = NILMFormer.at_once // LENGTH, {"threads": torch.get_num_threads(), "torch": torch.__version__}
    for name, config in (("published", PUBLISHED), ("small", SMALL)):
        runs, best = contenders(config, batch), dict.fromkeys(("nilmformer", "products", "torch encoder"), float("inf"))
        with torch.inference_mode():
            for _ in range(asked.rounds):
                for which, run in runs.items():
                    best[which] = min(best[which], seconds(run))
        year = {f"{which}, s a year": value * YEAR / (batch * LENGTH) for which, value in best.items()}
        part, windows = house(asked.days), 2 * asked.days * 1440 / LENGTH - 1
        for precision in ("float32", "bfloat16"):
            model = trained(config, precision)
            whole = min(seconds(lambda: model.predict(part)) for _ in range(1 + asked.rounds // 8))  # noqa: B023
            year[f"predict in {precision}, s a year"] = whole * 365 / asked.days
            year[f"predict in {precision} over products"] = whole / (best["products"] * windows / batch)
        train = step(config)
        train()
        year |= {"over products": best["nilmformer"] / best["products"]}
        year |= {"over torch encoder": best["nilmformer"] / best["torch encoder"]}
        found[name] = year | {"s a training step of 64": min(seconds(train) for _ in range(1 + asked.rounds // 20))}
    text = json.dumps(found, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
