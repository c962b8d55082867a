"""An exponential moving average of the weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .optimiser import unchanged


class WeightAverage:
    """Follows `parameters`: average <- d average + (1 - d) weight after each step.

    d = min(decay, (1 + n) / (10 + n)) after n steps, so that the random start is soon forgotten.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = list(parameters), decay
        self.average: list[Tensor] = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Take in the weights after `steps` steps."""
        decay = min(self.decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    def load(self, average: Sequence[Tensor]) -> None:
        """Go on from a stored average."""
        for mine, stored in zip(self.average, average, strict=True):
            mine.copy_(stored)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters hold the average inside, and their own values again afterwards."""
        with unchanged(self.parameters):
            with torch.no_grad():
                for parameter, average in zip(self.parameters, self.average, strict=True):
                    parameter.copy_(average)
            yield
