"""First stage of the graph-free transformer: it learns to say the next token of labelled molecules.

Its trunk then starts the second stage: `GraphFreeTransformer(..., start=pretrained(network))`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shared.errors import InputError
from ....shared.learning.config import TrainingConfig
from ....shared.learning.loop import Outcome, train
from ....shared.learning.seed import derive_seed, seeded
from ....shared.transformer.attention import attend_causally
from ..frame import Frame, require_labels
from .graph_free_bins import smoothed
from .graph_free_config import GraphFreeConfig
from .graph_free_network import Trunk
from .graph_free_sequences import Ranges, SequenceConfig, Sequences
from .graph_free_tokens import Tokens, vocabulary


@dataclass(frozen=True, slots=True)
class NextTokenConfig:
    """Weights of the cross-entropy by what the next token is; marks, spins and charges count nothing."""

    position: float = 1.0
    force: float = 1.0
    energy: float = 1.0
    smoothing: float = 0.8  # deviation in bins of the Gaussian over a label's neighbours; 0 for none

    def __post_init__(self) -> None:
        if min(self.position, self.force, self.energy, self.smoothing) < 0:
            raise InputError(f"{self} must not be negative.")


class NextToken(nn.Module):
    """The trunk, seeing only what came before and knowing the order, with a score for every id."""

    def __init__(self, config: GraphFreeConfig, sequence: SequenceConfig) -> None:
        super().__init__()
        self.config, self.sequence = config, sequence
        size = Ranges.of(config, sequence).end
        self.trunk = Trunk(config, size, attend_causally, rotary=True)
        self.score = nn.Linear(config.width, size, bias=False)
        nn.init.normal_(self.score.weight, std=config.initial)

    def forward(self, tokens: Tokens) -> Tensor:
        """Scores of the token after each; (t, id)."""
        out: Tensor = self.score(self.trunk(tokens))
        return out


class NextTokenLoss:
    """Weighted cross-entropy of the next token, among the ids of its own type, over the binned numbers of a batch.

    Labels of forces and energies are smoothed over neighbouring ids, as in the paper's code; those of positions are
    not, and ids of joint force bins are neighbours along z alone.
    """

    def __init__(self, weights: NextTokenConfig = NextTokenConfig()) -> None:
        self.weights = weights

    def __call__(self, network: NextToken, tokens: Tokens) -> Tensor:
        """Of a batch, shape ()."""
        ranges = Ranges.of(network.config, network.sequence)
        hidden = network.trunk(tokens)[:-1]
        following = tokens.ids[1:]  # the id after a sequence's last is the next one's BOS, which counts nothing
        kinds = [
            (ranges.position, ranges.force, self.weights.position, 0.0),
            (ranges.force, ranges.energy, self.weights.force, self.weights.smoothing),
            (ranges.energy, ranges.end, self.weights.energy, self.weights.smoothing),
        ]
        total = hidden.new_zeros(())
        for start, end, weight, smoothing in kinds:
            rows = (following >= start) & (following < end)
            scores = F.linear(hidden[rows], network.score.weight[start:end])
            target = smoothed(following[rows] - start, end - start, smoothing).to(scores.dtype)
            total = total + weight * F.cross_entropy(scores, target, reduction="sum")
        out: Tensor = total / (following >= ranges.position).sum()
        return out


def pretrain(
    frames: Sequence[Frame],
    validation: Sequence[Frame],
    config: GraphFreeConfig,
    training: TrainingConfig,
    sequence: SequenceConfig = SequenceConfig(),
    weights: NextTokenConfig = NextTokenConfig(),
    charge: int = 0,
    spin: int = 1,
    *,
    folder: str | Path | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> tuple[NextToken, Outcome]:
    """Learn sequences of labelled frames; the epoch that says `validation` best is kept.

    Raises InputError for frames without labels, elements without a row in the table, and data too few for the bins.
    """
    require_labels(list(frames))
    rows = Sequences(frames, config, sequence, charge=charge, spin=spin)
    held = Sequences(validation, config, sequence, rows.bins, charge, spin, still=True) if validation else None
    loss = NextTokenLoss(weights)
    with seeded(derive_seed(training.seed, 7)):
        network = NextToken(config, sequence)

    def validate(trained: NextToken) -> float:
        assert held is not None
        parts = torch.split(torch.arange(len(held)), 64)
        return sum(float(loss(trained, held.batch(rows).to(device))) * len(rows) for rows in parts) / len(held)

    given = validate if held is not None else None
    outcome = train(network, loss, rows, training, validate=given, folder=folder, device=device, progress=progress)
    return network.cpu(), outcome


def pretrained(network: NextToken) -> dict[str, Tensor]:
    """The trunk's tensors for the second stage: without the ids of bins, which it does not use."""
    tensors = {name: tensor.detach().clone() for name, tensor in network.trunk.state_dict().items()}
    tensors["embed.token.weight"] = tensors["embed.token.weight"][: vocabulary(network.config)].clone()
    return tensors
