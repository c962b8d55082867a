"""Multi-head attention: the projections around a mixing function, for one sequence or two, with or without a cache."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from .attention import Mixer, attend
from .packing import mix_within


class Cache(NamedTuple):
    """Keys and values of the tokens seen so far; each (batch, head, source, channel of a head)."""

    key: Tensor
    value: Tensor


class Heads(nn.Module):
    """What self- and cross-attention share: the mixing function, positions, and the projection after it."""

    def __init__(
        self, width: int, heads: int, mixer: Mixer, bias: bool, position: Callable[[Tensor, int], Tensor] | None
    ) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"width={width} does not divide into heads={heads}; the width must be a multiple of it.")
        self.heads, self.mixer, self.position = heads, mixer, position
        self.to_out = nn.Linear(width, width, bias)

    def gather(self, query: Tensor, memory: Cache, bias: Tensor | None = None) -> Tensor:
        """Mix the values of `memory` for `query`; (batch, head, target, channel) -> (batch, target, width)."""
        return self._out(self.mixer(query, memory.key, memory.value, bias))

    def _weights(self, query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
        # Every mixer is linear in its values, so the identity in their place reads its weights.
        one = torch.eye(key.shape[-2], dtype=key.dtype, device=key.device)
        return self.mixer(query, key, one.expand(*key.shape[:2], -1, -1), bias)

    def _split(self, projected: Tensor, parts: int) -> list[Tensor]:
        """(batch, token, parts * width) -> so many (batch, head, token, channel)."""
        return list(projected.view(*projected.shape[:-1], parts, self.heads, -1).permute(2, 0, 3, 1, 4).unbind())

    def _place(self, x: Tensor, offset: int) -> Tensor:
        return x if self.position is None else self.position(x, offset)

    def _out(self, mixed: Tensor) -> Tensor:
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out


class MultiHead(Heads):
    """Attention of a sequence on itself (Vaswani et al. 2017, section 3.2.2).

    `mixer` decides how values are mixed; `position(x, offset)` turns queries and keys (batch, head, token, channel)
    whose first token stands at `offset` (rotary codes); `value_residual(value, first)` blends in the values of a
    stack's first layer.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        mixer: Mixer = attend,
        *,
        bias: bool = True,
        position: Callable[[Tensor, int], Tensor] | None = None,
        value_residual: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__(width, heads, mixer, bias, position)
        self.to_qkv = nn.Linear(width, 3 * width, bias)  # queries, keys, values: one product
        self.value_residual = value_residual

    def forward(
        self,
        x: Tensor,
        bias: Tensor | None = None,
        *,
        first: Tensor | None = None,
        lengths: tuple[int, ...] | None = None,
    ) -> Tensor:
        """Let each token gather from all.

        x        (batch, token, width)
        bias     broadcastable to (batch, head, token, token), added to the scores; -inf hides a pair
        first    (batch, head, token, channel), values of the stack's first layer, when built with `value_residual`
        lengths  of the sequences that lie end to end in `x` (`packing.pack`); each attends to itself alone
        ->       (batch, token, width)

        Raises InputError when `lengths` meets a bias, or `first` a layer built without `value_residual` (or it is
        missing where there is one).
        """
        query, memory = self._project(x, 0, first)
        if lengths is None:
            return self.gather(query, memory, bias)
        if bias is not None:
            raise InputError("packed sequences take no bias: what is packed has no padding to hide.")
        return self._out(mix_within(self.mixer, query, *memory, lengths))

    def step(
        self, x: Tensor, cache: Cache | None = None, bias: Tensor | None = None, *, first: Tensor | None = None
    ) -> tuple[Tensor, Cache]:
        """Attend from new tokens to all tokens so far, and return the grown cache beside the result.

        x (batch, target, width) follows the tokens in `cache`; bias is over all of them, (..., target, source so far).
        """
        query, memory = self._project(x, 0 if cache is None else cache.key.shape[-2], first)
        if cache is not None:
            memory = Cache(torch.cat([cache.key, memory.key], -2), torch.cat([cache.value, memory.value], -2))
        return self.gather(query, memory, bias), memory

    def weights(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """How much each token takes from each, to look at; (batch, token, width) -> (batch, head, token, token)."""
        query, key, _ = self._split(self.to_qkv(x), 3)
        return self._weights(self._place(query, 0), self._place(key, 0), bias)

    def _project(self, x: Tensor, offset: int, first: Tensor | None) -> tuple[Tensor, Cache]:
        query, key, value = self._split(self.to_qkv(x), 3)
        if (first is None) != (self.value_residual is None):
            raise InputError("`first` and `value_residual` belong together: give both to this layer, or neither.")
        if first is not None and self.value_residual is not None:
            value = self.value_residual(value, first)
        return self._place(query, offset), Cache(self._place(key, offset), value)


class CrossHead(Heads):
    """Attention of a sequence on a context (Vaswani et al. 2017, section 3.2.3); arguments as of `MultiHead`."""

    def __init__(
        self,
        width: int,
        heads: int,
        mixer: Mixer = attend,
        *,
        bias: bool = True,
        position: Callable[[Tensor, int], Tensor] | None = None,
    ) -> None:
        super().__init__(width, heads, mixer, bias, position)
        self.to_query, self.to_kv = nn.Linear(width, width, bias), nn.Linear(width, 2 * width, bias)

    def forward(self, x: Tensor, context: Tensor, bias: Tensor | None = None) -> Tensor:
        """x (batch, target, width), context (batch, source, width) -> (batch, target, width); bias as in `attend`."""
        return self.gather(self.query(x), self.read(context), bias)

    def query(self, x: Tensor, offset: int = 0) -> Tensor:
        """Queries of tokens from `offset` on; (batch, target, width) -> (batch, head, target, channel)."""
        return self._place(self._split(self.to_query(x), 1)[0], offset)

    def read(self, context: Tensor) -> Cache:
        """Keys and values of a context, made once for many queries; (batch, source, width) -> Cache."""
        key, value = self._split(self.to_kv(context), 2)
        return Cache(self._place(key, 0), value)

    def weights(self, x: Tensor, context: Tensor, bias: Tensor | None = None) -> Tensor:
        """How much each target takes from each source, to look at; -> (batch, head, target, source)."""
        return self._weights(self.query(x), self.read(context).key, bias)


class DropoutAttention(nn.Module):
    """The softmax mixer with dropout on its weights while training; pass it as `mixer`."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
        """Same arguments and shapes as `attend`."""
        if not self.training:
            return attend(query, key, value, bias)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=self.dropout)


class ValueResidual(nn.Module):
    """Blend a layer's values with the first layer's by two learned weights (Zhou et al. 2024, ResFormer).

    (batch, head, token, channel) twice -> same; both weights start at one half.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own, self.first = (nn.Parameter(torch.tensor(0.5)) for _ in range(2))

    def forward(self, value: Tensor, first: Tensor) -> Tensor:
        """own * value + first * first."""
        return self.own * value + self.first * first
