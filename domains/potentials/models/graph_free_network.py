"""The graph-free transformer (Kreiman et al. 2025, arXiv:2510.02259): a plain transformer that reads coordinates.

No neighbour list, cutoff, distance bias or equivariance. Blocks are those of Llama (norms before the parts, root mean
square, gated feed-forward, no biases); rotary positions in pre-training only, none after it, so that atoms are a set.
"""

import torch
from torch import Tensor, nn

from ....shared.transformer.attention import Mixer, attend
from ....shared.transformer.block import PreNormBlock
from ....shared.transformer.feedforward import GatedFeedForward
from ....shared.transformer.multihead import MultiHead
from ....shared.transformer.normalisation import RMSNorm
from ....shared.transformer.position import rotate
from ....shared.transformer.stack import Encoder
from .graph_free_config import GraphFreeConfig
from .graph_free_tokens import Tokens, vocabulary


class TokenEmbedding(nn.Module):
    """Token table + element table + a linear map of the three numbers; Tokens -> (t, width)."""

    def __init__(self, config: GraphFreeConfig, vocabulary: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, config.width)
        self.element = nn.Embedding(config.elements, config.width)
        self.number = nn.Linear(3, config.width, bias=False)

    def forward(self, tokens: Tokens) -> Tensor:
        """-> (t, width)."""
        out: Tensor = self.token(tokens.ids) + self.element(tokens.elements) + self.number(tokens.values)
        return out


class Trunk(nn.Module):
    """What both stages share: the embedding and the blocks; Tokens -> (t, width).

    `mixer` decides what a token sees (causal in pre-training), `rotary` whether it knows its place.
    """

    def __init__(self, config: GraphFreeConfig, vocabulary: int, mixer: Mixer = attend, rotary: bool = False) -> None:
        super().__init__()
        self.embed = TokenEmbedding(config, vocabulary)
        self.encoder = Encoder(
            [
                PreNormBlock(
                    MultiHead(config.width, config.heads, mixer, bias=False, position=rotate if rotary else None),
                    GatedFeedForward(config.width, config.hidden),
                    RMSNorm(config.width, eps=1e-6),
                    RMSNorm(config.width, eps=1e-6),
                )
                for _ in range(config.depth)
            ],
            RMSNorm(config.width, eps=1e-6),
        )
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=config.initial)

    def forward(self, tokens: Tokens) -> Tensor:
        """-> (t, width)."""
        out: Tensor = self.encoder(self.embed(tokens)[None], lengths=tokens.lengths)[0]
        return out


class Readout(nn.Sequential):
    """Two layers at each atom: width -> twice the width, SiLU, -> outputs without bias; (n, width) -> (n, outputs)."""

    def __init__(self, config: GraphFreeConfig, outputs: int) -> None:
        rise, fall = nn.Linear(config.width, 2 * config.width), nn.Linear(2 * config.width, outputs, bias=False)
        for layer in (rise, fall):
            nn.init.normal_(layer.weight, std=config.initial / (5 if config.small_heads else 1))
        nn.init.zeros_(rise.bias)
        super().__init__(rise, nn.SiLU(), fall)


class GraphFreeNetwork(nn.Module):
    """Energies of atoms and, when built with `direct`, their forces; numbers without units.

    `direct` as in the paper; without it forces are left to the gradient.
    """

    Config = GraphFreeConfig

    def __init__(self, config: GraphFreeConfig, direct: bool, mixer: Mixer = attend) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config, vocabulary(config), mixer)
        self.norm = RMSNorm(config.width, eps=1e-6) if config.readout_norm else nn.Identity()
        self.energy = Readout(config, 1)
        self.force = Readout(config, 3) if direct else None

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor | None]:
        """-> shares of the energy (n,), forces (n, 3) or None."""
        hidden = self.norm(self.trunk(tokens).index_select(0, tokens.atoms))
        return self.energy(hidden).squeeze(-1), None if self.force is None else self.force(hidden)

    def attention(self, tokens: Tokens) -> Tensor:
        """Weights of every block, for one molecule; (block, head, t, t), rows sum to one."""
        x, found = self.trunk.embed(tokens)[None], []
        for block in self.trunk.encoder.blocks:
            found.append(block.mix.weights(block.norm_mix(x))[0])  # type: ignore[union-attr, operator]
            x = block(x)
        return torch.stack(found)
