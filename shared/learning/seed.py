"""Random numbers: seeds, and the states of every generator that training may draw from."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


def derive_seed(seed: int, *path: int) -> int:
    """A seed for one purpose (a rank, the data order) that shares no stream with its neighbours; 32 bits."""
    return int(np.random.SeedSequence(seed, spawn_key=path).generate_state(1)[0])


@contextmanager
def seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Seed torch (CPU and `device`), numpy and python inside; the caller's streams go on undisturbed afterwards."""
    before = random_states(device)
    for generator in torch_generators(device):
        generator.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  the global stream is what a loss may draw from
    random.seed(seed)
    try:
        yield
    finally:
        set_random_states(before, device)


def torch_generators(device: str | torch.device) -> list[torch.Generator]:
    """The default generators that layers such as dropout draw from."""
    device = torch.device(device)
    if device.type != "cuda":
        return [torch.default_generator]
    torch.cuda.init()  # type: ignore[no-untyped-call]
    index = torch.cuda.current_device() if device.index is None else device.index
    return [torch.default_generator, torch.cuda.default_generators[index]]


def torch_states(device: str | torch.device) -> list[Tensor]:
    """The states of `torch_generators`."""
    return [generator.get_state() for generator in torch_generators(device)]


def set_torch_states(states: list[Tensor], device: str | torch.device) -> None:
    """Put back what `torch_states` returned."""
    for generator, state in zip(torch_generators(device), states, strict=True):
        generator.set_state(state)


def random_states(device: str | torch.device = "cpu") -> dict[str, Any]:
    """All global random states, as plain lists, numbers and tensors that can be stored safely."""
    name, key, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    numpy = [name, np.asarray(key).tolist(), *rest]
    return {"torch": torch_states(device), "numpy": numpy, "python": random.getstate()}


def set_random_states(states: dict[str, Any], device: str | torch.device = "cpu") -> None:
    """Put back what `random_states` returned."""
    set_torch_states(states["torch"], device)
    name, key, *rest = states["numpy"]
    np.random.set_state((name, np.array(key, dtype=np.uint32), *rest))  # noqa: NPY002
    random.setstate(states["python"])
