"""Stacks of blocks: encoder and decoder, run at once or in pieces with a cache, plain or with links across depth."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Mixer, attend
from .block import CrossBlock, PreNormBlock
from .feedforward import FeedForward
from .multihead import Cache, MultiHead


class DepthAverage(nn.Module):
    """After each block, a learned average of the input and all block outputs so far (Pagliardini et al. 2024, eq. 1).

    DenseFormer. The weights start as those of the plain stack: one on the newest output, zero on all others.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.weight = nn.ParameterList(F.one_hot(torch.tensor(i + 1)).float() for i in range(depth))

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """Input and outputs of the blocks so far, each (batch, token, width) -> same."""
        weight: Tensor = self.weight[len(outputs) - 2]
        return torch.stack(list(outputs), -1) @ weight


class Encoder(nn.Module):
    """Blocks one after the other, then a norm; `average` links them across depth."""

    def __init__(
        self, blocks: Iterable[nn.Module], norm: nn.Module | None = None, average: DepthAverage | None = None
    ) -> None:
        super().__init__()
        self.blocks, self.norm, self.average = nn.ModuleList(blocks), norm or nn.Identity(), average

    def forward(self, x: Tensor, **given: Any) -> Tensor:
        """(batch, token, width) -> same; `given` goes to every block (bias, lengths, condition)."""
        outputs = [x]
        for block in self.blocks:
            x = self._linked(outputs, block(x, **given))
        out: Tensor = self.norm(x)
        return out

    def step(self, x: Tensor, caches: Sequence[Cache | None] | None = None, **given: Any) -> tuple[Tensor, list[Cache]]:
        """Run new tokens (batch, target, width) after those in `caches`, one cache a block; give back both, grown.

        A causal pass in pieces equals the whole one when each piece is given `bias=causal_bias(new, all so far)`.
        """
        outputs, grown = [x], []
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks), strict=True):
            out, cache = cast(PreNormBlock, block).step(x, cache, **given)
            x = self._linked(outputs, out)
            grown.append(cache)
        return self.norm(x), grown

    def _linked(self, outputs: list[Tensor], out: Tensor) -> Tensor:
        if self.average is None:
            return out
        outputs.append(out)
        average: Tensor = self.average(outputs)
        return average


class ValueResidualEncoder(Encoder):
    """Every later block blends the values of the first block's attention into its own (Zhou et al. 2024, ResFormer).

    The mixing parts are `MultiHead`, all but the first built with `value_residual=ValueResidual()`.
    """

    def forward(self, x: Tensor, **given: Any) -> Tensor:
        """(batch, token, width) -> same; `given` goes to every block (bias)."""
        return self.step(x, **given)[0]

    def step(self, x: Tensor, caches: Sequence[Cache | None] | None = None, **given: Any) -> tuple[Tensor, list[Cache]]:
        """As `Encoder.step`."""
        grown: list[Cache] = []
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks), strict=True):
            first = {"first": grown[0].value[..., -x.shape[-2] :, :]} if grown else {}
            x, cache = cast(PreNormBlock, block).step(x, cache, **given, **first)
            grown.append(cache)
        return self.norm(x), grown


class Decoder(nn.Module):
    """Blocks that attend to their own tokens and to a context, then a norm."""

    def __init__(self, blocks: Iterable[CrossBlock], norm: nn.Module | None = None) -> None:
        super().__init__()
        self.blocks, self.norm = nn.ModuleList(blocks), norm or nn.Identity()

    def forward(
        self, x: Tensor, context: Tensor, bias: Tensor | None = None, context_bias: Tensor | None = None
    ) -> Tensor:
        """x (batch, target, width), context (batch, source, width) -> (batch, target, width); biases as in `attend`."""
        return self.step(x, self.read(context), None, bias, context_bias)[0]

    def read(self, context: Tensor) -> list[Cache]:
        """Keys and values of the context for each block, made once for all steps."""
        return [cast(CrossBlock, block).read(context) for block in self.blocks]

    def step(
        self,
        x: Tensor,
        memories: Sequence[Cache],
        caches: Sequence[Cache | None] | None = None,
        bias: Tensor | None = None,
        context_bias: Tensor | None = None,
    ) -> tuple[Tensor, list[Cache]]:
        """Run new targets that follow those in `caches` on a context as `read`; give back both, grown."""
        grown = []
        for block, memory, cache in zip(self.blocks, memories, caches or [None] * len(self.blocks), strict=True):
            x, cache = cast(CrossBlock, block).step(x, memory, cache, bias, context_bias)
            grown.append(cache)
        return self.norm(x), grown


def plain_encoder(
    width: int,
    heads: int,
    depth: int,
    hidden: int,
    dropout: float = 0.0,
    *,
    mixer: Mixer = attend,
    position: Callable[[Tensor, int], Tensor] | None = None,
) -> Encoder:
    """A pre-norm encoder of layer norms, multi-head attention and GELU feed-forward parts, ending in a norm."""
    return Encoder(
        [
            PreNormBlock(
                MultiHead(width, heads, mixer, position=position),
                FeedForward(width, hidden, gelu, dropout),
                nn.LayerNorm(width),
                nn.LayerNorm(width),
                dropout,
            )
            for _ in range(depth)
        ],
        nn.LayerNorm(width),
    )


def gelu(x: Tensor) -> Tensor:
    """Exact GELU of a fresh result, overwritten where no gradient is recorded.

    Fresh memory as wide as the hidden layer costs several times the arithmetic (page faults).
    """
    return F.gelu(x) if torch.is_grad_enabled() else cast(Tensor, torch.ops.aten.gelu_(x))
