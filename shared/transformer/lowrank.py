"""Low-rank adaptation (Hu et al. 2021, LoRA): train a small change of chosen linear layers, then merge it away."""

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError


class LowRankLinear(nn.Linear):
    """A frozen linear layer plus a trained change of low rank: W x + b + (alpha / rank) up down x (section 4.1).

    `weight` and `bias` are those of `base`, under their old names; `up` starts at zero, so nothing changes at first.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float, generator: torch.Generator | None = None) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features, self.scale = base.in_features, base.out_features, alpha / rank
        self.weight, self.bias = base.weight, base.bias
        draw = torch.randn(rank, base.in_features, generator=generator) / base.in_features**0.5
        self.down = nn.Parameter(draw.to(self.weight))
        self.up = nn.Parameter(self.weight.new_zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return F.linear(x, self.weight, self.bias) + F.linear(F.linear(x, self.down), self.up) * self.scale

    def merged(self) -> nn.Linear:
        """The plain layer that computes the same."""
        plain = nn.Linear(self.in_features, self.out_features, device="meta")  # its parameters are put in place below
        plain.weight = nn.Parameter((self.weight + self.scale * self.up @ self.down).detach())
        plain.bias = self.bias
        return plain


def adapt(
    model: nn.Module,
    layers: Collection[str],
    rank: int = 8,
    alpha: float = 16.0,
    generator: torch.Generator | None = None,
) -> None:
    """Freeze `model` and give each linear layer whose own name is one of `layers` a change that trains, in place.

    `adapt(encoder, ["to_qkv", "to_out"])` adapts all of attention. The old state dict still loads, with strict=False.
    Raises InputError when a name fits no linear layer, a layer is adapted already, or the rank does not fit one.
    """
    linear = {name: layer for name, layer in model.named_modules() if name and isinstance(layer, nn.Linear)}
    chosen = {name: layer for name, layer in linear.items() if _own(name) in layers}
    if missing := sorted(set(layers) - set(map(_own, chosen))):
        raise InputError(f"no linear layer named {missing}; the model has {sorted(set(map(_own, linear)))}.")
    for name, layer in chosen.items():
        if isinstance(layer, LowRankLinear):
            raise InputError(f"the layer {name} is adapted already; merge the model first.")
        if not 1 <= rank <= min(layer.weight.shape):
            raise InputError(f"rank={rank} does not fit {name}; take 1 to {min(layer.weight.shape)}.")
    model.requires_grad_(False)
    for name, layer in chosen.items():
        _put(model, name, LowRankLinear(layer, rank, alpha, generator))


def merge(model: nn.Module) -> None:
    """Turn every adapted layer back into a plain one that computes the same, in place; names are again the old ones.

    Parameters stay frozen as `adapt` left them, except the merged weights.
    """
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LowRankLinear):
            _put(model, name, layer.merged())


def _own(name: str) -> str:
    return name.rpartition(".")[2]


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    setattr(model.get_submodule(name.rpartition(".")[0]), _own(name), layer)
