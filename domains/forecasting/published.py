"""One model, one horizon under the published protocol: fitted, tested on every window, beside the paper's figure."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...shared.errors import InputError
from ...shared.evaluation.bootstrap import Blocks, mean_interval
from ...shared.learning.config import TrainingConfig
from .models.itransformer import ITransformer, ITransformerConfig
from .models.linear import DLinear, LinearConfig, NLinear, solve_linear
from .protocol import Case, Floats, window_errors
from .training import ForecastWindows, fit_by_gradient, forecast_all

# mean squared and absolute error as published, by (case, model, lookback, horizon):
# Liu et al. 2024 table 10 (iTransformer); Zeng et al. 2023 table 2 (DLinear, NLinear)
PAPERS: dict[tuple[str, str, int, int], dict[str, float]] = {
    ("etth1", "itransformer", 96, 96): {"mse": 0.386, "mae": 0.405},
    ("etth1", "itransformer", 96, 192): {"mse": 0.441, "mae": 0.436},
    ("etth1", "itransformer", 96, 336): {"mse": 0.487, "mae": 0.458},
    ("etth1", "itransformer", 96, 720): {"mse": 0.503, "mae": 0.491},
    ("etth1", "dlinear", 336, 96): {"mse": 0.375, "mae": 0.399},
    ("etth1", "dlinear", 336, 192): {"mse": 0.405, "mae": 0.416},
    ("etth1", "dlinear", 336, 336): {"mse": 0.439, "mae": 0.443},
    ("etth1", "dlinear", 336, 720): {"mse": 0.472, "mae": 0.490},
    ("etth1", "nlinear", 336, 96): {"mse": 0.374, "mae": 0.394},
    ("etth1", "nlinear", 336, 192): {"mse": 0.408, "mae": 0.415},
    ("etth1", "nlinear", 336, 336): {"mse": 0.429, "mae": 0.427},
    ("etth1", "nlinear", 336, 720): {"mse": 0.440, "mae": 0.453},
}


@dataclass(frozen=True)
class Setting:
    """What is asked of every model alike."""

    case: Case
    lookback: int
    horizon: int
    seed: int = 0
    ema_decay: float = 0.0  # of the weight average that is validated and tested; 0 as published
    device: str = "cpu"
    progress: bool = True
    checkpoints: Path | None = None  # training that was stopped goes on from here

    def windows(self, part: str, marks: bool = False) -> ForecastWindows:
        """Windows of `train`, `validation` or `test`, one step apart; with the calendar of the lookback if asked."""
        rows = getattr(self.case.split(self.lookback), part).rows
        calendar = self.case.marks[rows] if marks else None
        return ForecastWindows(self.case.values[rows], self.lookback, self.horizon, calendar)


@dataclass(frozen=True)
class Fitted:
    """A model that answers windows; -> (window, series, horizon)."""

    forecast: Callable[[ForecastWindows], torch.Tensor]
    parameters: int
    marks: bool = False  # it takes the calendar of the lookback
    validation_mse: float | None = None  # of the weights that were kept


def _last_value(setting: Setting) -> Fitted:
    return Fitted(lambda data: _past(data)[..., -1:].expand(-1, -1, setting.horizon), 0)


def _last_day(setting: Setting) -> Fitted:
    day = _steps_a_day(setting.case)
    if setting.lookback < day:
        raise InputError(
            f"a lookback of {setting.lookback} holds no whole day of {day} steps; give one of {day} or more."
        )
    return Fitted(lambda data: _past(data)[..., -day + torch.arange(setting.horizon) % day], 0)


def _ridge(kind: type[NLinear] | type[DLinear]) -> Callable[[Setting], Fitted]:
    def fit(setting: Setting) -> Fitted:
        split, values = setting.case.split(setting.lookback), setting.case.values
        config = LinearConfig(setting.lookback, setting.horizon)
        solved = solve_linear(kind, config, values[split.train.rows], values[split.validation.rows])
        return _network(solved.model, validation_mse=solved.validation_mse)

    return fit


def _trained(
    name: str, build: Callable[[Setting], nn.Module], training: Callable[[Setting], TrainingConfig], marks: bool = False
) -> Callable[[Setting], Fitted]:
    def fit(setting: Setting) -> Fitted:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            model = build(setting)
        data = setting.windows("train", marks)
        outcome = fit_by_gradient(
            model,
            data,
            setting.windows("validation", marks),
            training(setting),
            folder=_folder(name, setting, data),
            device=setting.device,
            progress=setting.progress,
        )
        return _network(model.cpu(), marks, outcome.best_validation)

    return fit


def _itransformer(setting: Setting) -> nn.Module:
    # the published scripts of ETT: hourly files 256 up to a horizon of 192 and 512 beyond, quarter-hourly ones 128
    width = 128 if setting.case.borders == "quarter-hourly" else 256 if setting.horizon <= 192 else 512
    return ITransformer(ITransformerConfig(setting.lookback, setting.horizon, width, width))


def _recipe(learning_rate: float) -> Callable[[Setting], TrainingConfig]:
    """Adam, batches of 32, ten epochs, the rate halved, three epochs of patience: both papers' scripts."""
    return lambda setting: TrainingConfig(
        10, 32, learning_rate, "adam", schedule="halved", patience=3, ema_decay=setting.ema_decay, seed=setting.seed
    )


MODELS: dict[str, Callable[[Setting], Fitted]] = {
    "last-value": _last_value,
    "seasonal-naive-day": _last_day,
    "nlinear-ridge": _ridge(NLinear),
    "dlinear-ridge": _ridge(DLinear),
    "nlinear": _trained("nlinear", lambda s: NLinear(LinearConfig(s.lookback, s.horizon)), _recipe(5e-3)),
    "dlinear": _trained("dlinear", lambda s: DLinear(LinearConfig(s.lookback, s.horizon)), _recipe(5e-3)),
    "itransformer": _trained("itransformer", _itransformer, _recipe(1e-4), marks=True),
}
SEEDLESS = ("last-value", "seasonal-naive-day", "nlinear-ridge", "dlinear-ridge")


def measure(model: str, setting: Setting, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Fit for every seed and test once each; -> one row a metric, the mean over seeds.

    The interval is a bootstrap over test windows, in blocks as long as a horizon since neighbours share their future.
    """
    if model not in MODELS:
        raise InputError(f"no model named {model!r} for this bench; known: {', '.join(MODELS)}.")
    errors: dict[str, list[Floats]] = {"mse": [], "mae": []}
    fitting, predicting, validation, parameters = [], [], [], 0
    for seed in seeds[:1] if model in SEEDLESS else seeds:
        started = time.perf_counter()
        fitted = MODELS[model](replace(setting, seed=seed))
        fitting.append(time.perf_counter() - started)
        test = setting.windows("test", fitted.marks)
        started = time.perf_counter()
        forecast = fitted.forecast(test)
        predicting.append(time.perf_counter() - started)
        validation.append(fitted.validation_mse)
        parameters = fitted.parameters
        for metric, values in window_errors(forecast.numpy(), _future(test).numpy()).items():
            errors[metric].append(values)
    key = (setting.case.name, model.removesuffix("-ridge"), setting.lookback, setting.horizon)
    published = PAPERS.get(key, {})
    return [
        {
            "case": setting.case.name,
            "model": model,
            "lookback": setting.lookback,
            "horizon": setting.horizon,
            "metric": metric,
            **_interval(np.mean(found, axis=0), setting.horizon),
            "by_seed": [float(one.mean()) for one in found],
            "validation_mse_by_seed": validation,
            "seeds": [] if model in SEEDLESS else list(seeds),
            "ema_decay": 0.0 if model in SEEDLESS else setting.ema_decay,
            "paper": published.get(metric),
            "seconds_fit": float(np.mean(fitting)),
            "seconds_predict": float(np.mean(predicting)),
            "parameters": parameters,
        }
        for metric, found in errors.items()
    ]


def _folder(name: str, setting: Setting, data: ForecastWindows) -> Path | None:
    if setting.checkpoints is None:
        return None
    what = f"{name}-{setting.lookback}-{setting.horizon}-{setting.ema_decay}-{setting.seed}-{data.fingerprint()}"
    return setting.checkpoints / what


def _interval(errors: NDArray[np.float64], horizon: int) -> dict[str, float]:
    return mean_interval(errors, Blocks(min(horizon, len(errors) // 2)))._asdict()


def _network(model: nn.Module, marks: bool = False, validation_mse: float | None = None) -> Fitted:
    count = sum(parameter.numel() for parameter in model.parameters())
    return Fitted(lambda data: forecast_all(model, data), count, marks, validation_mse)


def _past(data: ForecastWindows) -> torch.Tensor:
    return data.batch(torch.arange(len(data))).past


def _future(data: ForecastWindows) -> torch.Tensor:
    assert data.values is not None
    return data.values[data.starts][..., data.lookback :]


def _steps_a_day(case: Case) -> int:
    """Rows from one midnight to the next, 1 when rows are days apart; all rows when they hold no whole day."""
    midnights = np.flatnonzero(np.diff(case.marks[:, 3]))
    return int(np.median(np.diff(midnights))) if len(midnights) > 1 else len(case.marks)
