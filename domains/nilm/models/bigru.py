"""A bidirectional GRU from window to window, as compared with NILMFormer (Precioso and Gomez-Ullate 2023).

Only the recurrent layers are nonlinear: neither the convolutions nor the dense layer have an activation.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from .nilmformer import Answer


@dataclass(frozen=True, slots=True)
class BiGRUConfig:
    """Size of the network; the defaults are those of the comparison published with NILMFormer."""

    outputs: int = 1  # appliances
    states: bool = False  # beside each power, the logit of running
    filters: tuple[int, int] = (16, 8)  # channels of the two convolutions
    units: tuple[int, int] = (64, 128)  # of each direction of the two recurrent layers
    dense: int = 64
    kernel: int = 5
    dropout: float = 0.1  # between all layers

    def __post_init__(self) -> None:
        if min(self.outputs, *self.filters, *self.units, self.dense) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"{self} needs at least one output and channel, and a dropout in [0, 1).")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} must be odd, so that a window keeps its length.")


class BiGRU(nn.Module):
    """Power at every sample of a window; see `forward`."""

    Config = BiGRUConfig
    margin = 0  # samples at either end of a window that are not answered
    at_once = 2**14  # samples to answer in a pass: each step in time serves so many windows together

    def __init__(self, config: BiGRUConfig = BiGRUConfig()) -> None:
        super().__init__()
        self.config = config
        (first, second), (short, long) = config.filters, config.units
        self.filters = nn.Sequential(
            nn.Conv1d(1, first, config.kernel, padding="same"),
            nn.Dropout(config.dropout),
            nn.Conv1d(first, second, config.kernel, padding="same"),
            nn.Dropout(config.dropout),
        )
        self.first = nn.GRU(second, short, batch_first=True, bidirectional=True)
        self.second = nn.GRU(2 * short, long, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(config.dropout)
        self.dense = nn.Linear(2 * long, config.dense)
        self.head = nn.Linear(config.dense, config.outputs * (1 + config.states))

    def forward(self, mains: Tensor, calendar: Tensor) -> Answer:
        """mains (batch, 1, time), any length; -> power (batch, output, time). The calendar is not looked at."""
        x = self.drop(self.first(self.filters(mains).transpose(1, 2))[0])
        x = self.drop(self.dense(self.drop(self.second(x)[0])))
        out = self.head(x).transpose(1, 2)
        return Answer.parted(out, self.config.outputs)
