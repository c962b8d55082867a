"""Forecasters of load that are trained by gradients: DLinear, SAMformer, and iTransformer with weather and calendar."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...shared.datasets.scaler import StandardScaler
from ...shared.learning.config import TrainingConfig
from ...shared.learning.loop import Outcome
from ...shared.learning.seed import derive_seed
from ...shared.transformer.position import calendar_features
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, Rows, Saved
from .models.itransformer import ITransformer, ITransformerConfig
from .models.linear import DLinear, LinearConfig
from .models.samformer import SAMformer, SAMformerConfig
from .training import ForecastWindows, as_long_as, fit_by_gradient, forecast_all

MOST_WINDOWS = 12_000  # an epoch over more, one step apart, would see the same days again and again


class Run(NamedTuple):
    """Where and how training runs; it changes no result but rounding."""

    device: str = "cpu"
    progress: bool = False
    checkpoints: Path | None = None  # a folder; training that was stopped goes on from it


@dataclass
class DLinearLoad:
    """DLinear over the targets, trained as published (Adam, halved rate, best of ten epochs on validation)."""

    horizon: int
    lookback: int | None = None  # steps; None is a week and a day
    seed: int = 0
    run: Run = Run()
    training: TrainingConfig = TrainingConfig(10, 32, 5e-3, "adam", schedule="halved", patience=3)
    refitting: TrainingConfig = field(init=False)  # as long as validation found best
    scaler: StandardScaler = field(init=False)
    model: nn.Module = field(init=False)
    name: ClassVar[str] = "dlinear"
    is_transformer: ClassVar[bool] = False
    uses_covariates: ClassVar[bool] = False

    def needs(self, data: LoadData) -> int:
        """The lookback."""
        return self.lookback or 8 * steps_a_day(data)

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Train on windows of the train rows; the best epoch on validation is kept."""
        self._prepare(data, train)
        config = TrainingConfig(**{**asdict(self.training), "seed": self.seed})
        early = slice(validation.start - self.needs(data), validation.stop)
        outcome = self._train(self._windows(data, train), self._windows(data, early), config)
        self.refitting = as_long_as(config, outcome)

    def refit(self, data: LoadData, rows: slice) -> None:
        """Train anew on other rows for as many epochs as validation found best."""
        self._prepare(data, rows)
        self._train(self._windows(data, rows), None, self.refitting)

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        lookback = self.needs(data)
        # rows that are not known yet are cut or zeroed before any window is made
        windows = self._windows(data, slice(0, len(data.times)), starts=origins - lookback)
        answer = forecast_all(self.model, windows).double().numpy().swapaxes(1, 2)
        targets = len(data.target_names)
        scaler = StandardScaler(self.scaler.mean[:targets], self.scaler.scale[:targets])
        return scaler.decode(answer[..., :targets])

    def parameters(self) -> int:
        """Weights and biases."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def saved(self) -> Saved:
        """Weights, scaler, size and how long it was trained."""
        config = {
            "model": asdict(self.model.config),  # type: ignore[call-overload]
            "lookback": self.lookback,
            "scaler": self.scaler.to_dict(),
            "training": asdict(self.refitting),
            **self._saved_beside(),
        }
        return Saved(config, {name: tensor.numpy() for name, tensor in self.model.state_dict().items()})

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""
        self.lookback = config["model"]["lookback"]
        self.scaler = StandardScaler.from_dict(config["scaler"])
        self.refitting = TrainingConfig(**config["training"])
        self._load_beside(config)
        self.model = self._build(int(config["model"]["lookback"]))
        self.model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        self.model.eval()

    def _train(self, rows: ForecastWindows, check: ForecastWindows | None, config: TrainingConfig) -> Outcome:
        kept = self.run.checkpoints
        folder = (
            None if kept is None else kept / f"{self.name}-{'refit' if check is None else 'fit'}-{rows.fingerprint()}"
        )
        outcome = fit_by_gradient(
            self.model, rows, check, config, folder=folder, device=self.run.device, progress=self.run.progress
        )
        self.model.cpu()
        return outcome

    def _prepare(self, data: LoadData, rows: slice) -> None:
        self.scaler = StandardScaler.fit(self._variates(data)[rows])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, 1))
            self.model = self._build(self.needs(data))

    def _build(self, lookback: int) -> nn.Module:
        return DLinear(LinearConfig(lookback, self.horizon))

    def _variates(self, data: LoadData) -> Floats:
        return np.asarray(data.targets)

    def _known(self, data: LoadData) -> Floats | None:
        return None

    def _windows(self, data: LoadData, rows: slice, starts: Rows | None = None) -> ForecastWindows:
        values = np.nan_to_num(self.scaler.encode(self._variates(data)[rows]))
        known = self._known(data)
        lookback = self.needs(data)
        if starts is None:
            count = len(values) - lookback - self.horizon + 1
            if count > MOST_WINDOWS:
                starts = np.linspace(0, count - 1, MOST_WINDOWS).astype(np.int64)
        return ForecastWindows(
            values, lookback, self.horizon, known=None if known is None else known[rows], starts=starts
        )

    def _saved_beside(self) -> dict[str, Any]:
        return {}

    def _load_beside(self, config: Mapping[str, Any]) -> None:
        """Nothing more."""


@dataclass
class SAMformerLoad(DLinearLoad):
    """SAMformer over targets and past covariates, trained as published (sharpness-aware steps, cosine restarts)."""

    training: TrainingConfig = TrainingConfig(
        100, 32, 1e-3, "adam", schedule="restarts", final_rate=1e-6, patience=5, sam_rho=0.7
    )
    name: ClassVar[str] = "samformer"
    is_transformer: ClassVar[bool] = True
    uses_covariates: ClassVar[bool] = True

    def _build(self, lookback: int) -> nn.Module:
        return SAMformer(SAMformerConfig(len(self.scaler.mean), lookback, self.horizon))

    def _variates(self, data: LoadData) -> Floats:
        return np.concatenate([data.targets, data.past], axis=1)


@dataclass
class ITransformerLoad(DLinearLoad):
    """iTransformer; targets and past covariates are variates, future covariates and the calendar are known tokens."""

    training: TrainingConfig = TrainingConfig(10, 32, 5e-4, "adam", schedule="halved", patience=3)
    width: int = 128
    known_scaler: StandardScaler | None = field(default=None, init=False)
    name: ClassVar[str] = "itransformer"
    is_transformer: ClassVar[bool] = True
    uses_covariates: ClassVar[bool] = True

    def _build(self, lookback: int) -> nn.Module:
        return ITransformer(ITransformerConfig(lookback, self.horizon, self.width, self.width, 8, 2, 0.1, known=True))

    def _prepare(self, data: LoadData, rows: slice) -> None:
        self.known_scaler = StandardScaler.fit(data.future[rows]) if data.future_names else None
        super()._prepare(data, rows)

    def _variates(self, data: LoadData) -> Floats:
        return np.concatenate([data.targets, data.past], axis=1)

    def _known(self, data: LoadData) -> Floats:
        local = data.local()
        year = np.where(local.is_leap_year, 366, 365)
        clock = (local.hour * 60 + local.minute, local.dayofweek, local.dayofyear, year)
        minute, weekday, day, length = (torch.as_tensor(np.array(part, dtype=np.float64)) for part in clock)
        # a holiday is a future covariate of the user's file, so the calendar's own column is left out
        calendar = calendar_features(minute, weekday, day, length, torch.zeros_like(minute)).numpy()[:, :-1]
        if self.known_scaler is None:
            return np.asarray(calendar)
        return np.concatenate([calendar, self.known_scaler.encode(data.future)], axis=1)

    def _saved_beside(self) -> dict[str, Any]:
        return {"width": self.width, "known": self.known_scaler.to_dict() if self.known_scaler else None}

    def _load_beside(self, config: Mapping[str, Any]) -> None:
        self.width = int(config["width"])
        self.known_scaler = StandardScaler.from_dict(config["known"]) if config["known"] else None
