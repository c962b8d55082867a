"""Training a forecaster by gradients: its windows, its loss, its validation score."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...shared.errors import InputError
from ...shared.learning.config import TrainingConfig
from ...shared.learning.loop import Outcome, train


class Batch(NamedTuple):
    """Windows as a forecaster takes them; every axis of time comes last."""

    past: Tensor  # (batch, series, lookback)
    future: Tensor  # (batch, series, horizon)
    marks: Tensor | None = None  # (batch, mark, lookback), calendar of the lookback
    known: Tensor | None = None  # (batch, covariate, lookback + horizon), known ahead


class ForecastWindows:
    """Windows of standardised series as views on them; only a batch is gathered.

    values  (time, series)
    marks   (time, mark) or None
    known   (time, covariate) or None
    starts  (window,) first rows of the windows; None takes all, one step apart
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        lookback: int,
        horizon: int,
        marks: NDArray[np.float64] | None = None,
        known: NDArray[np.float64] | None = None,
        starts: NDArray[np.int64] | None = None,
    ) -> None:
        count = len(values) - lookback - horizon + 1
        if count < 1 or (starts is not None and not len(starts)):
            raise InputError(
                f"{len(values)} rows are too few for a lookback of {lookback} and a horizon of {horizon} steps; "
                "give a longer file, or choose a shorter lookback."
            )
        self.lookback, self.horizon = lookback, horizon
        self.values, self.marks, self.known = (_views(part, lookback + horizon) for part in (values, marks, known))
        self.starts = torch.arange(count) if starts is None else torch.as_tensor(starts)

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: Tensor) -> Batch:
        """Gather the windows with these indices (batch,)."""
        rows = self.starts[indices]
        whole = self._gather(self.values, rows)
        assert whole is not None
        marks, known = self._gather(self.marks, rows), self._gather(self.known, rows)
        past, future = torch.split(whole, [self.lookback, self.horizon], -1)
        return Batch(past, future, None if marks is None else marks[..., : self.lookback], known)

    def fingerprint(self) -> str:
        """A short name of this data, so that a checkpoint is never taken for one of other data."""
        digest = hashlib.sha256()
        for views in (self.values, self.marks, self.known):
            if views is not None:
                digest.update(np.ascontiguousarray(views[:, :, 0].numpy()).tobytes())
                digest.update(np.ascontiguousarray(views[-1].numpy()).tobytes())
        digest.update(self.starts.numpy().tobytes())
        return digest.hexdigest()[:12]

    @staticmethod
    def _gather(views: Tensor | None, rows: Tensor) -> Tensor | None:
        return None if views is None else views.index_select(0, rows)


def forecast(model: nn.Module, batch: Batch) -> Tensor:
    """(batch, series, horizon) by any forecaster; one that takes no calendar or covariates is given none."""
    given = {name: part for name in ("marks", "known") if (part := getattr(batch, name)) is not None}
    answer: Tensor = model(batch.past, **given)
    return answer


def forecast_all(model: nn.Module, data: ForecastWindows, size: int = 256) -> Tensor:
    """Forecast every window in turn; -> (window, series, horizon)."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([forecast(model, data.batch(part)) for part in torch.split(torch.arange(len(data)), size)])


def mean_square(model: nn.Module, batch: Batch) -> Tensor:
    """The loss of the papers: mean squared error over windows, variates and steps."""
    return F.mse_loss(forecast(model, batch), batch.future)


def mean_absolute(model: nn.Module, batch: Batch) -> Tensor:
    """Mean absolute error over windows, variates and steps; what it learns is nearer the median than the mean."""
    return F.l1_loss(forecast(model, batch), batch.future)


def validation_error(model: nn.Module, data: ForecastWindows, size: int = 256) -> float:
    """Mean squared error over all windows, each counted once."""
    with torch.inference_mode():
        parts = [data.batch(part) for part in torch.split(torch.arange(len(data)), size)]
        return sum(mean_square(model, part).item() * len(part.past) for part in parts) / len(data)


def fit_by_gradient(
    model: nn.Module,
    train_data: ForecastWindows,
    validation_data: ForecastWindows | None,
    config: TrainingConfig,
    *,
    loss: Callable[[nn.Module, Batch], Tensor] = mean_square,
    folder: Path | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> Outcome:
    """Train by the loss; with validation windows the epoch of the least squared error is kept, else the last."""
    score = None if validation_data is None else lambda trained: validation_error(trained, validation_data)
    return train(model, loss, train_data, config, validate=score, folder=folder, device=device, progress=progress)


def as_long_as(config: TrainingConfig, outcome: Outcome) -> TrainingConfig:
    """The same training for the number of epochs that validation found best."""
    return replace(config, epochs=outcome.best_epoch, patience=0)


def _views(values: NDArray[np.float64] | None, length: int) -> Tensor | None:
    """(time, column) -> views (window, column, length)."""
    if values is None:
        return None
    column_first = torch.from_numpy(np.ascontiguousarray(values.T)).float()
    return column_first.unfold(1, length, 1).transpose(0, 1)
