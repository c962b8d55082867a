"""The settings of a training run."""

import math
from dataclasses import dataclass
from typing import Literal

from ..errors import InputError
from .optimiser import OPTIMISERS
from .schedule import SCHEDULES


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a model is trained; zero switches an option off."""

    epochs: int = 10
    batch: int = 32  # rows a step, over all processes together; the last batch of an epoch may be smaller
    learning_rate: float = 1e-3
    optimiser: Literal["adamw", "adam"] = "adamw"
    weight_decay: float = 0.0  # adamw: decoupled, not on norms and biases; adam: an L2 term in every gradient
    schedule: Literal["constant", "cosine", "halved", "plateau", "restarts"] = "constant"
    warmup: int = 0  # steps of linear rise to the learning rate, before any schedule
    final_rate: float = 0.0  # where the cosines and the plateaus end
    restart_epochs: int = 5  # epochs between restarts
    clip: float = 0.0  # largest norm of the gradient over all parameters
    patience: int = 0  # epochs without a better validation before stopping
    sam_rho: float = 0.0  # radius of sharpness-aware minimisation
    ema_decay: float = 0.0  # decay a step of the weight average that is validated and kept
    checkpoint_every: int = 0  # steps between checkpoints inside an epoch; every epoch ends with one
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "learning_rate", "restart_epochs"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)} must be above zero and finite.")
        for name in (
            *("weight_decay", "warmup", "final_rate", "clip", "patience"),
            *("sam_rho", "checkpoint_every", "seed"),
        ):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)} must be zero (off) or above, and finite.")
        if not 0 <= self.ema_decay < 1:
            raise InputError(f"ema_decay={self.ema_decay} must lie in [0, 1), e.g. 0.999; 0 keeps no average.")
        for name, known in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name}={getattr(self, name)!r} is not known; choose one of {', '.join(known)}.")
