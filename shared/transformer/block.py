"""Blocks: one mixing part, one feed-forward part, and where the norms and residuals stand around them.

A part is any module of tokens (batch, token, width) -> same. What is given to a block by name (bias, lengths, first)
goes to its mixing part as it is.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from .multihead import Cache, CrossHead, MultiHead


class Residual(nn.Module):
    """The plain sum of a token and its change."""

    def forward(self, x: Tensor, change: Tensor) -> Tensor:
        """(batch, token, width) twice -> same."""
        return x + change


class GatedResidual(nn.Module):
    """The change enters through a learned gate a channel, which starts almost closed.

    `initial=0` is ReZero (Bachlechner et al. 2020, eq. 2: the block starts as the identity) a channel,
    `initial=1e-4` is LayerScale (Touvron et al. 2021, eq. 4).
    """

    def __init__(self, width: int, initial: float = 0.0) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((width,), initial))

    def forward(self, x: Tensor, change: Tensor) -> Tensor:
        """(batch, token, width) twice -> same."""
        return torch.addcmul(x, self.gate, change)


class Block(nn.Module):
    """What both placements hold; made as `PreNormBlock` or `PostNormBlock`.

    `dropout` falls on each change before its residual; `add_mix`, `add_feed` replace the plain sum.
    """

    def __init__(
        self,
        mix: nn.Module,
        feed: nn.Module,
        norm_mix: nn.Module,
        norm_feed: nn.Module,
        dropout: float = 0.0,
        *,
        add_mix: nn.Module | None = None,
        add_feed: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.mix, self.feed, self.norm_mix, self.norm_feed = mix, feed, norm_mix, norm_feed
        self.drop = nn.Dropout(dropout)
        self.add_mix, self.add_feed = add_mix or Residual(), add_feed or Residual()


class PreNormBlock(Block):
    """x + mix(norm(x)), then x + feed(norm(x)) (Xiong et al. 2020, figure 1b)."""

    def forward(self, x: Tensor, **given: Any) -> Tensor:
        """(batch, token, width) -> same; `given` goes to the mixing part."""
        return self._fed(self.add_mix(x, self.drop(self.mix(self.norm_mix(x), **given))))

    def step(self, x: Tensor, cache: Cache | None = None, **given: Any) -> tuple[Tensor, Cache]:
        """New tokens and the cache of those before -> their result and the grown cache (`MultiHead.step`)."""
        change, cache = cast(MultiHead, self.mix).step(self.norm_mix(x), cache, **given)
        return self._fed(self.add_mix(x, self.drop(change))), cache

    def _fed(self, x: Tensor) -> Tensor:
        out: Tensor = self.add_feed(x, self.drop(self.feed(self.norm_feed(x))))
        return out


class PostNormBlock(Block):
    """norm(x + mix(x)), then norm(x + feed(x)) (Vaswani et al. 2017, section 3.1)."""

    def forward(self, x: Tensor, **given: Any) -> Tensor:
        """(batch, token, width) -> same; `given` goes to the mixing part."""
        return self._fed(self.norm_mix(self.add_mix(x, self.drop(self.mix(x, **given)))))

    def step(self, x: Tensor, cache: Cache | None = None, **given: Any) -> tuple[Tensor, Cache]:
        """New tokens and the cache of those before -> their result and the grown cache (`MultiHead.step`)."""
        change, cache = cast(MultiHead, self.mix).step(x, cache, **given)
        return self._fed(self.norm_mix(self.add_mix(x, self.drop(change)))), cache

    def _fed(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm_feed(self.add_feed(x, self.drop(self.feed(x))))
        return out


class AdaptiveBlock(Block):
    """A pre-norm block under a condition: norms shift and scale by it and gate each change (Peebles and Xie 2023, DiT).

    `norm_mix` and `norm_feed` are `normalisation.AdaptiveNorm`; the block starts as the identity.
    """

    def forward(self, x: Tensor, condition: Tensor, **given: Any) -> Tensor:
        """x (batch, token, width), condition (batch, its width) -> (batch, token, width)."""
        normed, gate = self.norm_mix(x, condition)
        x = self.add_mix(x, gate * self.drop(self.mix(normed, **given)))
        normed, gate = self.norm_feed(x, condition)
        out: Tensor = self.add_feed(x, gate * self.drop(self.feed(normed)))
        return out


class CrossBlock(Block):
    """A pre-norm decoder block: attention among targets, attention to a context, feed-forward (Vaswani et al. 2017)."""

    def __init__(
        self,
        mix: MultiHead,
        cross: CrossHead,
        feed: nn.Module,
        norm_mix: nn.Module,
        norm_cross: nn.Module,
        norm_feed: nn.Module,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(mix, feed, norm_mix, norm_feed, dropout)
        self.cross, self.norm_cross = cross, norm_cross

    def forward(
        self, x: Tensor, context: Tensor, bias: Tensor | None = None, context_bias: Tensor | None = None
    ) -> Tensor:
        """x (batch, target, width), context (batch, source, width) -> (batch, target, width); biases as in `attend`."""
        return self.step(x, self.read(context), None, bias, context_bias)[0]

    def read(self, context: Tensor) -> Cache:
        """Keys and values of the context, made once for all steps."""
        return self.cross.read(context)

    def step(
        self,
        x: Tensor,
        memory: Cache,
        cache: Cache | None = None,
        bias: Tensor | None = None,
        context_bias: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:
        """New targets, the context as `read`, the cache of earlier targets -> their result and the grown cache."""
        change, cache = cast(MultiHead, self.mix).step(self.norm_mix(x), cache, bias)
        x = self.add_mix(x, self.drop(change))
        query = self.cross.query(self.norm_cross(x), cache.key.shape[-2] - x.shape[-2])
        x = x + self.drop(self.cross.gather(query, memory, context_bias))
        out: Tensor = self.add_feed(x, self.drop(self.feed(self.norm_feed(x))))
        return out, cache
