"""Mixing functions: pure functions of (query, key, value, bias) that every attention layer can be built from."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Mix values by the softmax similarity of queries and keys (Vaswani et al. 2017, eq. 1).

    query  (batch, head, target, channel)
    key    (batch, head, source, channel)
    value  (batch, head, source, channel)
    bias   broadcastable to (batch, head, target, source), added to the scores; -inf hides a pair
    ->     (batch, head, target, channel)
    """
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


def attend_plainly(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `attend` computes, term by term."""
    scores = torch.einsum("bhtc,bhsc->bhts", query, key) / query.shape[-1] ** 0.5
    if bias is not None:
        scores = scores + bias
    return torch.einsum("bhts,bhsc->bhtc", scores.softmax(-1), value)
