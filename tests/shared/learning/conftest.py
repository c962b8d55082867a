from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from labformer.shared.learning.seed import seeded


class Pair(NamedTuple):
    x: Tensor
    y: Tensor


class Rows:
    """A noisy linear relation, gathered by row."""

    def __init__(self, rows: int = 50, dtype: torch.dtype = torch.float32) -> None:
        noise = torch.Generator().manual_seed(7)
        self.x = torch.randn(rows, 6, generator=noise, dtype=dtype)
        self.y = self.x.cumsum(1)[:, -2:] + 0.1 * torch.randn(rows, 2, generator=noise, dtype=dtype)

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> Pair:
        return Pair(self.x[indices], self.y[indices])


def network(dropout: float = 0.0, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    with seeded(seed):
        return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(dropout), nn.Linear(8, 2)).to(
            dtype
        )


def squared(model: nn.Module, batch: Pair) -> Tensor:
    return (model(batch.x) - batch.y).square().mean()


@pytest.fixture
def rows() -> type[Rows]:
    return Rows


@pytest.fixture
def make_network():
    return network


@pytest.fixture
def squared_error():
    return squared
