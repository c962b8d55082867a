"""What a published comparison asks of every model, and what a fitted model answers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..training import ForecastWindows
from .protocol import Case, Floats


@dataclass(frozen=True)
class Setting:
    """What is asked of every model alike."""

    case: Case
    lookback: int
    horizon: int
    seed: int = 0
    ema_decay: float = 0.0  # of the weight average that is validated and tested; 0 as published
    sam_rho: float | None = None  # radius of sharpness-aware minimisation; None as published
    refit: bool = False  # solve again on train and validation with what validation chose; not the published protocol
    device: str = "cpu"
    progress: bool = True
    checkpoints: Path | None = None  # training that was stopped goes on from here

    def rows(self, part: str) -> slice:
        """Rows of `train`, `validation` or `test` with those looked back on, or of the first two: `known`."""
        split = self.case.split(self.lookback)
        return slice(0, split.validation.stop) if part == "known" else getattr(split, part).rows

    def values(self, part: str) -> Floats:
        """Standardised values of these rows, (time, series)."""
        return self.case.values[self.rows(part)]

    def windows(self, part: str, marks: bool = False, most: int | None = None) -> ForecastWindows:
        """Windows of a part, one step apart, with the calendar of the lookback if asked; at most so many, evenly."""
        rows = self.rows(part)
        count = max(0, rows.stop - rows.start - self.lookback - self.horizon + 1)
        starts = None if most is None or count <= most else np.linspace(0, count - 1, most).astype(np.int64)
        calendar = self.case.marks[rows] if marks else None
        return ForecastWindows(self.case.values[rows], self.lookback, self.horizon, calendar, starts=starts)


@dataclass(frozen=True)
class Fitted:
    """A model that answers windows; -> (window, series, horizon)."""

    forecast: Callable[[ForecastWindows], torch.Tensor]
    parameters: int
    marks: bool = False  # it takes the calendar of the lookback
    validation_mse: float | None = None  # of the weights that were kept
    choice: dict[str, Any] | None = None  # what validation chose, in plain values
