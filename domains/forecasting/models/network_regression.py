"""The load network as a regression on tables: inputs standardised and clipped, time of day as one of many, trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from ....shared.learning.config import TrainingConfig
from ....shared.learning.loop import train
from ....shared.learning.seed import derive_seed
from ..surroundings import Columns
from .load_network import LEVELS, LoadNetwork, LoadNetworkConfig, TableRows, network_loss

Floats = NDArray[np.float64]
KINDS = ("onehot", "harmonic", "season", "flag", "trend", "weather", "memory", "load")
CLIP = 3.5  # standard deviations; beyond the weather of training a network knows nothing
BATCH, LEAST_BATCH, WARM = 256, 32, 0.3  # one cycle: up over the first 30 % of steps, then down a cosine
STEPS_AN_EPOCH = 70  # at least; fewer steps make for more epochs
MOST_ROWS = 8192  # a forward pass of more at once would leave the cache


@dataclass
class NetworkRegression:
    """The mean of an ensemble of small networks, with their mean quantiles."""

    seed: int = 0
    epochs: int = 15
    device: str = "cpu"
    progress: bool = False
    checkpoints: Path | None = None  # a folder; training that was stopped goes on from it
    mean_: Floats = field(init=False)  # (input,)
    scale_: Floats = field(init=False)  # (input,)
    keys_: NDArray[np.int64] = field(init=False)  # (key,), times of day that training saw
    network_: LoadNetwork = field(init=False)

    def fit(self, columns: Columns, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""
        self.keys_ = np.unique(keys)
        table = columns.of(*KINDS).values
        self.mean_, scale = table.mean(0), table.std(0)
        self.scale_ = np.where(scale > 1e-9 * np.maximum(np.abs(self.mean_), 1.0), scale, np.inf)
        inputs = self._inputs(columns, keys)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, 1))
            self.network_ = LoadNetwork(LoadNetworkConfig(inputs.shape[1]))
        rows = TableRows(inputs, torch.from_numpy(truth).float())
        # few rows are taken in smaller batches and gone over more often, or the rate would be down before it learnt
        batch = min(BATCH, max(LEAST_BATCH, len(rows) // 100))
        steps = -(-len(rows) // batch)
        epochs = max(self.epochs, -(-STEPS_AN_EPOCH * self.epochs // steps))
        config = TrainingConfig(
            epochs, batch, 2e-3, "adamw", 1e-2, schedule="cosine", warmup=round(WARM * epochs * steps), seed=self.seed
        )
        folder = None if self.checkpoints is None else self.checkpoints / f"load-network-{rows.fingerprint()}"
        train(
            self.network_, network_loss, rows, config, folder=folder, device=self.device,
            progress=self.progress,
        )  # fmt: skip
        self.network_.cpu().eval()
        return self

    def predict(self, columns: Columns, keys: NDArray[np.int64]) -> Floats:
        """(row, column), (row,) -> (row,)."""
        return self._answer(columns, keys)[:, 0]

    def quantiles(self, columns: Columns, keys: NDArray[np.int64], levels: tuple[float, ...]) -> Floats:
        """(row, column), (row,) -> (row, level); between trained levels along the normal distribution."""
        trained, wanted = (np.array([NormalDist().inv_cdf(one) for one in some]) for some in (LEVELS, levels))
        right = np.clip(np.searchsorted(trained, wanted), 1, len(trained) - 1)
        part = (wanted - trained[right - 1]) / (trained[right] - trained[right - 1])
        known = self._answer(columns, keys)[:, 1:]
        return np.asarray(known[:, right - 1] * (1 - part) + known[:, right] * part)

    def parameters(self) -> int:
        """Weights and biases of all members."""
        return sum(parameter.numel() for parameter in self.network_.parameters())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learnt, by name."""
        arrays = {name: getattr(self, f"{name}_") for name in ("mean", "scale", "keys")}
        return arrays | {f"network.{name}": value.numpy() for name, value in self.network_.state_dict().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        made = cls()
        made.mean_, made.scale_, made.keys_ = (arrays[name] for name in ("mean", "scale", "keys"))
        state = {
            name.removeprefix("network."): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith("network.")
        }
        members, inputs, width = state["weight.0"].shape
        made.network_ = LoadNetwork(LoadNetworkConfig(inputs, width, members=members))
        made.network_.load_state_dict(state)
        made.network_.eval()
        return made

    def _answer(self, columns: Columns, keys: NDArray[np.int64]) -> Floats:
        """Mean over members of the point and every quantile; (row, 1 + level)."""
        found = []
        with torch.inference_mode():
            for part in torch.split(self._inputs(columns, keys), MOST_ROWS):
                point, quantiles = self.network_(part)
                found.append(torch.cat([point.mean(0)[:, None], quantiles.mean(0)], 1))
        return np.asarray(torch.cat(found).double().numpy())

    def _inputs(self, columns: Columns, keys: NDArray[np.int64]) -> torch.Tensor:
        table = np.clip((columns.of(*KINDS).values - self.mean_) / self.scale_, -CLIP, CLIP)
        return torch.from_numpy(np.hstack([table, keys[:, None] == self.keys_])).float()
