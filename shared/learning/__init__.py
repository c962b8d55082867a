"""Training: one loop, its optimisers, schedules and checkpoints."""

from .folder import from_pretrained, save_pretrained
from .loop import Data, Outcome, TrainingConfig, train
from .seed import seeded

__all__ = ["Data", "Outcome", "TrainingConfig", "from_pretrained", "save_pretrained", "seeded", "train"]
