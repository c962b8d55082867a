"""One model, one horizon under the published protocol: fitted, tested on every window, beside the paper's figure."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ....shared.errors import InputError
from ....shared.evaluation.bootstrap import Blocks, mean_interval
from ....shared.learning.config import TrainingConfig
from ..models.itransformer import ITransformer, ITransformerConfig
from ..models.linear import DLinear, LinearConfig, NLinear, refit_linear, solve_linear
from ..models.samformer import SAMformer, SAMformerConfig
from ..training import ForecastWindows, fit_by_gradient, forecast_all
from .papers import PAPERS
from .protocol import Case, Floats, window_errors
from .ridge_blend import fit_ridge_blend
from .setting import Fitted, Setting

__all__ = ["MODELS", "SEEDLESS", "Fitted", "Setting", "measure"]


def _last_value(setting: Setting) -> Fitted:
    return Fitted(lambda data: _past(data)[..., -1:].expand(-1, -1, setting.horizon), 0)


def _last_day(setting: Setting) -> Fitted:
    day = _steps_a_day(setting.case)
    if setting.lookback < day:
        raise InputError(
            f"a lookback of {setting.lookback} holds no whole day of {day} steps; give one of {day} or more."
        )
    return Fitted(lambda data: _past(data)[..., -day + torch.arange(setting.horizon) % day], 0)


def _ridge(kind: type[NLinear] | type[DLinear], weighted: bool = False) -> Callable[[Setting], Fitted]:
    def fit(setting: Setting) -> Fitted:
        config = LinearConfig(setting.lookback, setting.horizon)
        solved = solve_linear(kind, config, setting.values("train"), setting.values("validation"), weighted)
        final = refit_linear(solved, setting.values("known")) if setting.refit else solved
        fitted = _network(final.model, validation_mse=solved.validation_mse)
        return replace(fitted, choice={"penalty": solved.penalty})

    return fit


def _trained(
    name: str, build: Callable[[Setting], nn.Module], training: Callable[[Setting], TrainingConfig], marks: bool = False
) -> Callable[[Setting], Fitted]:
    def fit(setting: Setting) -> Fitted:
        if setting.refit:
            raise InputError(f"{name} is trained by gradients; --refit is for {', '.join(CLOSED_FORMS)}.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            model = build(setting)
        data, config = setting.windows("train", marks), training(setting)
        outcome = fit_by_gradient(
            model,
            data,
            setting.windows("validation", marks),
            config,
            folder=_folder(name, setting, data),
            device=setting.device,
            progress=setting.progress,
        )
        choice = {"epoch": outcome.best_epoch} | ({"sam_rho": config.sam_rho} if config.sam_rho else {})
        return replace(_network(model.cpu(), marks, outcome.best_validation), choice=choice)

    return fit


def _itransformer(setting: Setting) -> nn.Module:
    # the published scripts: hourly ETT 256 up to a horizon of 192 and 512 beyond, its quarter-hourly files and exchange
    # 128; weather and electricity, which are wider, 512 with a third layer
    narrow = setting.case.values.shape[1] <= 10
    width = 512 if setting.horizon > 192 or not narrow else 256
    if narrow and setting.case.borders != "hourly":
        width = 128
    return ITransformer(ITransformerConfig(setting.lookback, setting.horizon, width, width, depth=2 if narrow else 3))


def _recipe(learning_rate: float) -> Callable[[Setting], TrainingConfig]:
    """Adam, batches of 32, ten epochs, the rate halved, three epochs of patience: both papers' scripts."""
    return lambda setting: TrainingConfig(
        10, 32, learning_rate, "adam", schedule="halved", patience=3, ema_decay=setting.ema_decay, seed=setting.seed
    )


def _samformer(setting: Setting) -> nn.Module:
    return SAMformer(SAMformerConfig(setting.case.values.shape[1], setting.lookback, setting.horizon))


def _sam_recipe(setting: Setting) -> TrainingConfig:
    """The released script: cosine restarts, at most 100 epochs, five of patience, rho 0.7."""
    # it takes 1e-3 for files of 7 and 8 variates, and 1e-4 for those of 21 and more
    rate = 1e-3 if setting.case.values.shape[1] <= 10 else 1e-4
    return TrainingConfig(
        100, 32, rate, "adam", schedule="restarts", final_rate=1e-6, restart_epochs=5, patience=5,
        sam_rho=0.7 if setting.sam_rho is None else setting.sam_rho, ema_decay=setting.ema_decay, seed=setting.seed,
    )  # fmt: skip


MODELS: dict[str, Callable[[Setting], Fitted]] = {
    "last-value": _last_value,
    "seasonal-naive-day": _last_day,
    "nlinear-ridge": _ridge(NLinear),
    "dlinear-ridge": _ridge(DLinear),
    "ridge-weighted": _ridge(NLinear, weighted=True),
    "ridge-blend": fit_ridge_blend,
    "nlinear": _trained("nlinear", lambda s: NLinear(LinearConfig(s.lookback, s.horizon)), _recipe(5e-3)),
    "dlinear": _trained("dlinear", lambda s: DLinear(LinearConfig(s.lookback, s.horizon)), _recipe(5e-3)),
    "itransformer": _trained("itransformer", _itransformer, _recipe(1e-4), marks=True),
    "samformer": _trained("samformer", _samformer, _sam_recipe),
    "samformer-adam": _trained("samformer-adam", _samformer, lambda s: _sam_recipe(replace(s, sam_rho=0.0))),
}
CLOSED_FORMS = ("nlinear-ridge", "dlinear-ridge", "ridge-weighted", "ridge-blend")
SEEDLESS = ("last-value", "seasonal-naive-day", *CLOSED_FORMS)


def measure(model: str, setting: Setting, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Fit for every seed and test once each; -> one row a metric, the mean over seeds.

    The interval is a bootstrap over test windows, in blocks as long as a horizon since neighbours share their future.
    """
    if model not in MODELS:
        raise InputError(f"no model named {model!r} for this bench; known: {', '.join(MODELS)}.")
    errors: dict[str, list[Floats]] = {"mse": [], "mae": []}
    fitting, predicting, fits = [], [], []
    for seed in seeds[:1] if model in SEEDLESS else seeds:
        started = time.perf_counter()
        fitted = MODELS[model](replace(setting, seed=seed))
        fitting.append(time.perf_counter() - started)
        test = setting.windows("test", fitted.marks)
        started = time.perf_counter()
        forecast = fitted.forecast(test)
        predicting.append(time.perf_counter() - started)
        fits.append(fitted)
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
            "validation_mse_by_seed": [fitted.validation_mse for fitted in fits],
            "choice_by_seed": [fitted.choice for fitted in fits],
            "seeds": [] if model in SEEDLESS else list(seeds),
            "ema_decay": 0.0 if model in SEEDLESS else setting.ema_decay,
            "setting": "refit on train + validation" if setting.refit and model in CLOSED_FORMS else "published",
            "note": setting.case.note,
            "paper": published.get(metric),
            "seconds_fit": float(np.mean(fitting)),
            "seconds_predict": float(np.mean(predicting)),
            "parameters": fits[-1].parameters,
        }
        for metric, found in errors.items()
    ]


def _folder(name: str, setting: Setting, data: ForecastWindows) -> Path | None:
    if setting.checkpoints is None:
        return None
    size = f"{setting.lookback}-{setting.horizon}-{setting.ema_decay}-{setting.sam_rho}-{setting.seed}"
    return setting.checkpoints / f"{name}-{size}-{data.fingerprint()}"


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
