"""Mixing functions: pure functions of (query, key, value, bias) that every attention layer can be built from.

A target with every source hidden gets zeros, in value and gradient. Targets stand at the END of the sources, so the
same functions serve a key-value cache, where the sources are older than the first target.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

Mixer = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Mix values by the softmax similarity of queries and keys (Vaswani et al. 2017, eq. 1).

    query  (batch, head, target, channel)
    key    (batch, head, source, channel)
    value  (batch, head, source, channel)
    bias   broadcastable to (batch, head, target, source), added to the scores; -inf hides a pair
    ->     (batch, head, target, channel)
    """
    return F.scaled_dot_product_attention(query, key, value, attn_mask=None if bias is None else bias.to(query.dtype))


def attend_plainly(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `attend` computes, term by term."""
    scores = _scores(query, key, bias)
    empty = scores.isneginf().all(-1, keepdim=True)
    weight = scores.masked_fill(empty, 0.0).softmax(-1).masked_fill(empty, 0.0)
    return torch.einsum("bhts,bhsc->bhtc", weight, value)


def attend_by_products(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `attend` computes, by plain matrix products: it has a second derivative, the fused kernels have none.

    For a loss on the gradient of a network's output (forces of an energy). A target with every source hidden gets NaN.
    """
    scores = (query * query.shape[-1] ** -0.5) @ key.mT
    mixed: Tensor = (scores if bias is None else scores + bias.to(query.dtype)).softmax(-1) @ value
    return mixed


def attend_causally(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """`attend` in which a target sees no source after it; a mixer for packed sequences, which take no bias."""
    hidden = causal_bias(query.shape[-2], key.shape[-2], device=query.device, dtype=query.dtype)
    return attend(query, key, value, hidden if bias is None else hidden + bias.to(query.dtype))


def sigmoid_attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Mix values by the sigmoid of the scores less log(source), so that a row of weights sums to about 1 at the start.

    Shapes as in `attend`. `source` is the number of sources a target sees: all of them in the paper, where none is
    hidden; here padding and a cache change nothing (Ramapuram et al. 2024, arXiv:2409.04431).
    """
    score = (query * query.shape[-1] ** -0.5) @ key.mT
    if bias is None:
        return torch.sigmoid(score - math.log(max(key.shape[-2], 1))) @ value
    seen = (bias > -torch.inf).expand(*bias.shape[:-1], key.shape[-2]).sum(-1, keepdim=True)
    return torch.sigmoid(score + (bias.to(query.dtype) - seen.clamp(min=1).to(query.dtype).log())) @ value


def sigmoid_attend_plainly(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `sigmoid_attend` computes, term by term: sigmoid(score - log n) = e / (n + e) with e = exp(score)."""
    scores = _scores(query, key, bias)
    seen = (~scores.isneginf()).sum(-1, keepdim=True).clamp(min=1)
    return torch.einsum("bhts,bhsc->bhtc", scores.exp() / (seen + scores.exp()), value)


def local_attend(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None, *, span: int, causal: bool = False
) -> Tensor:
    """Softmax attention in which a target sees only the sources at most `span` positions away, at cost token x span.

    Shapes as in `attend`; the last target stands at the last source. With `causal` it sees none after itself.
    Targets are cut into blocks, and each block attends to the window of sources that any of its targets can see
    (Beltagy et al. 2020, arXiv:2004.05150, section 3.1). Raises InputError when `span` is negative.
    """
    if span < 0:
        raise InputError(
            f"span={span} is negative; give the number of positions a target sees to each side, 0 or more."
        )
    batch, head, target, _ = query.shape
    source = key.shape[-2]
    left, right = span, 0 if causal else span
    size = max(1, min(target, max(span, 32)))  # smaller blocks would spend more on their rims than on their inside
    blocks = -(-target // size)
    width = left + size + right
    first = source - target - left  # the source that the first column of the first window shows; may lie outside
    block = torch.arange(blocks, device=query.device)[:, None, None] * size
    row = block + torch.arange(size, device=query.device)[:, None]
    column = first + block + torch.arange(width, device=query.device)
    ahead = column - (row + source - target)  # (block, size, width): how far a source lies after its target
    seen = (ahead >= -left) & (ahead <= right) & (column >= 0) & (column < source)
    band = torch.zeros(seen.shape, dtype=query.dtype, device=query.device).masked_fill(~seen, -torch.inf)
    if bias is None:
        local = band.expand(batch, 1, *band.shape)
    else:  # read the band out of the bias without forming the whole of it
        bias = bias[(None,) * (4 - bias.dim())]
        rows = row.clamp(max=target - 1) if bias.shape[-2] > 1 else torch.zeros_like(row)
        columns = column.clamp(0, source - 1) if bias.shape[-1] > 1 else torch.zeros_like(column)
        local = (bias[..., rows, columns].to(query.dtype) + band).expand(batch, -1, -1, -1, -1)

    def windows(x: Tensor) -> Tensor:  # (batch, head, source, channel) -> (batch * block, head, width, channel)
        after = first + blocks * size + left + right - source
        return F.pad(x, (0, 0, -first, after)).unfold(-2, width, size).transpose(1, 2).flatten(0, 1).mT

    cut = F.pad(query, (0, 0, 0, blocks * size - target)).reshape(batch, head, blocks, size, -1).transpose(1, 2)
    mixed = attend(cut.flatten(0, 1), windows(key), windows(value), local.transpose(1, 2).flatten(0, 1))
    return mixed.reshape(batch, blocks, head, size, -1).transpose(1, 2).flatten(2, 3).narrow(2, 0, target)


def local_attend_plainly(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None, *, span: int, causal: bool = False
) -> Tensor:
    """What `local_attend` computes: all pairs, those out of reach hidden by a bias."""
    target, source = query.shape[-2], key.shape[-2]
    ahead = torch.arange(source)[None, :] - torch.arange(source - target, source)[:, None]
    band = torch.zeros(target, source, dtype=query.dtype)
    band[(ahead < -span) | (ahead > (0 if causal else span))] = -torch.inf
    return attend_plainly(query, key, value, band if bias is None else bias + band)


def causal_bias(
    target: int, source: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """Hide from each target the sources after it, the last target standing at the last source; -> (target, source)."""
    return torch.full((target, source), -torch.inf, device=device, dtype=dtype).triu(source - target + 1)


def hide(real: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
    """Turn a mask (batch, source), True where a source is real, into a bias (batch, 1, 1, source) hiding the others."""
    bias = torch.zeros(real.shape, device=real.device, dtype=dtype)
    return bias.masked_fill(~real, -torch.inf)[:, None, None]


def _scores(query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
    scores: Tensor = torch.einsum("bhtc,bhsc->bhts", query, key) / query.shape[-1] ** 0.5
    return scores if bias is None else scores + bias
