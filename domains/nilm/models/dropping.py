"""Dropout that costs little beside the products around it: random bytes, and attention that stays in the cache."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shared.transformer.attention import attend

POOL = 2**21  # kept-or-dropped numbers that the windows of a batch share, each from a place of its own
CHUNK = 2**18  # attention weights that are worked on together


def kept(count: int, dropout: float, like: Tensor) -> Tensor:
    """So many factors: 0 with a chance of `dropout` (to the nearest 1/256), else what keeps the mean at 1."""
    low = round(256 * dropout)
    words = torch.empty(-(-count // 8), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    return (words.view(torch.uint8)[:count] >= low).to(like.dtype).mul_(256 / (256 - low))


class Dropout(nn.Module):
    """`torch.nn.Dropout` from one random byte an element; any shape -> same."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Drop while training."""
        if not self.training or not self.dropout:
            return x
        return x * kept(x.numel(), self.dropout, x).view(x.shape)


class CachedDropoutAttention(nn.Module):
    """The softmax mixer with dropout on its weights while training; pass it as `mixer`.

    On a processor the weights of a few heads at a time are made, used and forgotten, and made again for the gradient.
    Within a head every weight is dropped by itself; in large batches heads may share part of a pattern, shifted.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """As `attend`, with a bias (target, source) that asks for no gradient."""
        if not self.training or not self.dropout:
            return attend(query, key, value, bias)
        if query.device.type != "cpu":
            return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=self.dropout)
        count, size = query.shape[0] * query.shape[1], bias.numel()
        apart = count * size <= size + POOL  # then each head has factors of its own
        pool = kept(count * size if apart else size + POOL, self.dropout, query)
        starts = list(range(0, count * size, size)) if apart else torch.randint(POOL, (count,)).tolist()
        flat = (part.flatten(0, 1).contiguous() for part in (query, key, value))
        mixed: Tensor = Dropped.apply(*flat, bias.to(query.dtype), pool, starts)  # type: ignore[no-untyped-call]
        return mixed.unflatten(0, query.shape[:2])  # type: ignore[no-untyped-call, no-any-return]


class Dropped(torch.autograd.Function):
    """(softmax(query key^T / sqrt(channel) + bias) * factors) value, a few heads at a time.

    query, key, value  (head, token, channel)
    bias               (token, token)
    pool, starts       head h's factors are token x token numbers of the pool from starts[h] on
    """

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor, pool: Tensor, starts: list[int]
    ) -> Tensor:
        out = torch.empty_like(value)
        for part in _parts(query):
            weights = _weights(query[part], key[part], bias)
            _times(weights, pool, starts[part])
            torch.bmm(weights, value[part], out=out[part])
        ctx.save_for_backward(query, key, value, bias, pool, out)
        ctx.starts = starts
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        query, key, value, bias, pool, out = ctx.saved_tensors
        gradient, to_query, to_key, to_value = gradient.contiguous(), *(torch.empty_like(query) for _ in range(3))
        inner = (gradient * out).sum(-1, keepdim=True)
        scale = query.shape[-1] ** -0.5
        for part in _parts(query):
            weights = _weights(query[part], key[part], bias)
            slope = gradient[part] @ value[part].mT
            _times(slope, pool, ctx.starts[part])
            slope.sub_(inner[part]).mul_(weights)  # of the scores
            _times(weights, pool, ctx.starts[part])
            torch.bmm(weights.mT, gradient[part], out=to_value[part])
            torch.bmm(slope, key[part], out=to_query[part]).mul_(scale)
            torch.bmm(slope.mT, query[part], out=to_key[part]).mul_(scale)
        return to_query, to_key, to_value, None, None, None


def _parts(query: Tensor) -> list[slice]:
    heads, tokens, _ = query.shape
    size = max(1, CHUNK // tokens**2)
    return [slice(at, min(at + size, heads)) for at in range(0, heads, size)]


def _weights(query: Tensor, key: Tensor, bias: Tensor) -> Tensor:
    scores = torch.baddbmm(bias.expand(len(query), -1, -1), query, key.mT, alpha=query.shape[-1] ** -0.5)
    return torch.softmax(scores, -1, out=scores)


def _times(weights: Tensor, pool: Tensor, starts: list[int]) -> None:
    """Multiply each head's weights by its factors, in place."""
    for head, start in zip(weights.unbind(), starts, strict=True):
        head.view(-1).mul_(pool[start : start + head.numel()])
