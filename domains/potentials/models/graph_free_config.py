"""Sizes and training of the graph-free transformer (Kreiman et al. 2025, arXiv:2510.02259)."""

from dataclasses import dataclass
from typing import Literal

from ....shared.errors import InputError
from ....shared.learning.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class GraphFreeConfig:
    """Size of the network; the default trains on a CPU."""

    width: int = 192
    depth: int = 6
    heads: int = 8
    hidden: int = 512  # channels of the gated feed-forward part
    elements: int = 100  # rows of the element table; row 0 stands at tokens that are no atom
    spins: int = 11  # multiplicities 1, 2, ..., each a token
    charges: int = 10  # charges -10 to 10, each a token
    readout_norm: bool = False  # one more norm before the readouts
    small_heads: bool = False  # readouts start at a fifth of that deviation
    initial: float = 0.08  # deviation of the first weights; narrow networks started at the usual 0.02 hardly learn

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads, self.hidden, self.elements - 1, self.spins, self.initial) <= 0:
            raise InputError(f"{self} needs sizes above zero, and two elements or more.")
        if self.charges < 0 or self.width % (2 * self.heads):
            raise InputError(f"width={self.width} must divide by twice heads={self.heads}; charges be 0 or more.")


SMALL = GraphFreeConfig()
# The smallest of the paper's scaling study has about 57 million weights; how it divides them is not in the text.
PUBLISHED = GraphFreeConfig(width=768, depth=8, heads=12, hidden=2048, initial=0.02)


@dataclass(frozen=True, slots=True)
class GraphFreeTraining:
    """How the readouts are trained (stage 2 of the paper); rates and weights are ours, the form of the loss its."""

    epochs: int = 300
    batch: int = 16  # molecules a step
    learning_rate: float = 1e-3
    warmup: int = 200  # steps
    clip: float = 5.0
    patience: int = 0  # epochs without a better validation before stopping; 0 goes on to the end of the cosine
    ema_decay: float = 0.99
    weight_decay: float = 1e-3
    force_weight: float = 1.0  # of the mean length of a force error, in deviations of force components
    energy_weight: float = 1.0  # of the error of an energy per atom, in deviations of energies
    frames: Literal["random", "inertia", "cube"] = "random"

    def __post_init__(self) -> None:
        if self.frames not in FRAMES:
            raise InputError(f"frames={self.frames!r} is not known; choose one of {', '.join(FRAMES)}.")
        if min(self.force_weight, self.energy_weight) < 0 or self.force_weight + self.energy_weight == 0:
            raise InputError(
                f"force_weight={self.force_weight} and energy_weight={self.energy_weight} must not be negative, "
                "and one of them above zero."
            )
        self.run(0)

    def run(self, seed: int) -> TrainingConfig:
        """The part of it that the training loop reads."""
        return TrainingConfig(
            self.epochs,
            self.batch,
            self.learning_rate,
            weight_decay=self.weight_decay,
            schedule="cosine",
            warmup=self.warmup,
            clip=self.clip,
            patience=self.patience,
            ema_decay=self.ema_decay,
            seed=seed,
        )


FRAMES = {
    "random": "each molecule is turned at random in training and read as it stands, as in the paper",
    "inertia": "molecules are read in their four right-handed axes of inertia, and the answers averaged",
    "cube": "trained as random, and read as the mean over the 24 rotations of a cube",
}
