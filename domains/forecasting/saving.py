"""A fitted forecaster as a folder, and back: plain values, safetensors and a card."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import torch

from ...shared.errors import InputError
from ...shared.learning.folder import read_folder, rebuild_config, write_folder
from .intervals import AdaptiveQuantiles
from .layout import Layout
from .registry import Size, load_model
from .standing import Usual

if TYPE_CHECKING:
    from .predictor import LoadForecaster

Forecaster = TypeVar("Forecaster", bound="LoadForecaster")
SETTINGS = ("horizon", "lookback", "coverage", "validation", "test", "seed")


def save(made: "LoadForecaster", folder: str | Path, overwrite: bool) -> None:
    """Write `config.json`, `model.safetensors` and `card.md`; raises InputError when the folder exists."""
    model, arrays = made.model_.saved()
    intervals, states = made.intervals_.state()
    config = {
        "settings": {**{name: getattr(made, name) for name in SETTINGS}, "models": list(made.models)},
        "layout": made.layout_.__dict__,
        "chosen": made.chosen_,
        "horizon_steps": made.horizon_,
        "model": model,
        "intervals": intervals,
        "learnt_until": made.learnt_until_.isoformat(),
        "calibration": made.calibration_(),
        "measured_coverage": made.measured_coverage_,
    }
    everything = {f"model.{name}": array for name, array in arrays.items()}
    everything |= {f"intervals.{name}": array for name, array in states.items()}
    everything |= {f"usual.{name}": array for name, array in made.usual_._asdict().items()}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in everything.items()}
    write_folder(folder, "LoadForecaster", config, tensors, made.card_, overwrite)


def restore(kind: type[Forecaster], folder: str | Path) -> Forecaster:
    """The forecaster that `save` wrote; raises InputError when the folder is damaged or holds something else."""
    saved = read_folder(folder, "LoadForecaster")
    config = saved.config

    def under(part: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(part): one.numpy() for name, one in saved.tensors.items() if name.startswith(part)}

    try:
        made = kind(**{**config["settings"], "models": tuple(config["settings"]["models"])})
        made.layout_ = rebuild_config(Layout, config["layout"], folder)
        made.chosen_, made.horizon_ = config["chosen"], int(config["horizon_steps"])
        made.model_ = load_model(made.chosen_, Size(made.horizon_, seed=made.seed))
        made.model_.load(config["model"], under("model."))
        made.usual_ = Usual(**under("usual."))
        made.intervals_ = AdaptiveQuantiles.from_state(config["intervals"], under("intervals."))
        made.learnt_until_ = pd.Timestamp(config["learnt_until"])
        made.measured_coverage_, made.card_ = float(config["measured_coverage"]), saved.card
    except (KeyError, TypeError) as error:
        raise InputError(f"the model folder {folder} is damaged or of another version ({error!r}).") from error
    return made
