"""Data-parallel training under torchrun: each process learns from its share of every batch, and all step alike.

The gradients are summed by one all-reduce of a flat buffer, not by a wrapper around the model: a loss may then call
any method of the model, a share may have any size (none too), and the loss travels in the same message.
"""

import atexit
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Ranks(NamedTuple):
    """This process among all."""

    rank: int = 0
    size: int = 1


def join(device: torch.device) -> Ranks:
    """Meet the other processes when torchrun started this one (or a process group stands already)."""
    if not dist.is_available() or not (dist.is_initialized() or dist.is_torchelastic_launched()):
        return Ranks()
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return Ranks(dist.get_rank(), dist.get_world_size())


def share(indices: Tensor, ranks: Ranks) -> Tensor:
    """The rows of a global batch that this process learns from; shares differ by one row at most."""
    return indices[ranks.rank :: ranks.size] if ranks.size > 1 else indices


def spread(tensors: Iterable[Tensor], ranks: Ranks) -> None:
    """Overwrite the tensors of every process by those of rank 0."""
    if ranks.size > 1:
        for tensor in tensors:
            dist.broadcast(tensor.detach(), 0)


def agree(value: float, ranks: Ranks, device: torch.device) -> float:
    """Rank 0's number, for all."""
    if ranks.size == 1:
        return value
    number = torch.tensor(value, dtype=torch.float64, device=device)
    spread([number], ranks)
    return number.item()


def gather(states: dict[str, Any], ranks: Ranks) -> list[dict[str, Any]]:
    """The states of all processes in order of rank, on rank 0 (elsewhere an empty list)."""
    if ranks.size == 1:
        return [states]
    found: list[Any] | None = [None] * ranks.size if ranks.rank == 0 else None
    dist.gather_object(states, found)
    return found or []


def sum_gradients(parameters: Sequence[nn.Parameter], loss: Tensor, weight: float, ranks: Ranks) -> Tensor:
    """Turn gradients and loss of a share into those of the global batch: the sum over processes of weight times each.

    `weight` is this share's part of the rows. A parameter that no process used keeps gradient None, as it would in
    a single process.
    """
    if ranks.size == 1:
        return loss
    used = loss.new_tensor([parameter.grad is not None for parameter in parameters])
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([loss.reshape(1) * weight, used, *(gradient.flatten() * weight for gradient in gradients)])
    dist.all_reduce(flat)
    total, used, *pieces = torch.split(flat, [1, len(parameters), *(parameter.numel() for parameter in parameters)])
    for parameter, piece, count in zip(parameters, pieces, used.tolist(), strict=True):
        parameter.grad = piece.view_as(parameter).to(parameter.dtype) if count else None
    return total.squeeze(0)
