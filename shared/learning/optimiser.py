"""Optimisers: AdamW that spares norms and biases from decay, Adam, and the ascent of sharpness-aware minimisation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

OPTIMISERS: dict[str, type[torch.optim.Adam]] = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


def make_optimiser(model: nn.Module, name: str, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019) with decoupled decay of matrices only, or Adam with L2 on all parameters."""
    trained = trained_parameters(model)
    groups = [{"params": trained, "weight_decay": weight_decay}]  # one if it can be: each costs a call every step
    if name == "adamw" and weight_decay:
        groups = parameter_groups(model, weight_decay)
    plain = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in trained)
    return OPTIMISERS[name](groups, lr=learning_rate, fused=plain or None)


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups of the trained parameters: decayed, and not (vectors, biases, everything inside a norm)."""
    spared = {id(p) for module in model.modules() if "Norm" in type(module).__name__ for p in module.parameters()}
    spared |= {id(p) for name, p in model.named_parameters() if p.ndim < 2 or name.endswith("bias")}
    trained = trained_parameters(model)
    groups = [
        {"params": [p for p in trained if id(p) not in spared], "weight_decay": weight_decay},
        {"params": [p for p in trained if id(p) in spared], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


@contextmanager
def unchanged(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Give the tensors back, bit for bit, the values they hold now, whatever is written into them inside."""
    held = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in held:
                tensor.copy_(value)


@contextmanager
def ascended(parameters: Sequence[nn.Parameter], rho: float) -> Iterator[None]:
    """Stand at w + rho g / (|g| + 1e-12) inside, and back at w exactly afterwards (Foret et al. 2021, eq. 2).

    g is the gradient the parameters carry on entry, |g| one norm over all of them; gradients written inside stay.
    """
    moved = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
    with unchanged(moved):
        with torch.no_grad():
            scale = rho / (torch.nn.utils.get_total_norm(gradients) + 1e-12)
            for parameter, gradient in zip(moved, gradients, strict=True):
                parameter.addcmul_(gradient, scale.to(gradient))
        yield
