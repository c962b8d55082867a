"""A fitted regressor as a folder, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from ...shared.errors import InputError
from ...shared.learning.folder import read_folder, write_folder
from .card import card
from .system import System

if TYPE_CHECKING:
    from .predictor import SymbolicODERegressor

Fitted = TypeVar("Fitted", bound="SymbolicODERegressor")
KIND = "SymbolicODERegressor"


def write_model(made: "SymbolicODERegressor", folder: str | Path, overwrite: bool) -> None:
    """Write the folder; raises InputError when it exists."""
    config = {
        "method": made.method, "coverage": made.coverage, "max_points": made.max_points, "seed": made.seed,
        "intervals": made.intervals,
        "names": list(made.names_), "equations": made.system_.strings(),
        "rivals": [one.strings() for one in made.rivals_], "warnings": made.warnings_, "repairs": made.repairs_,
        "r2": made.r2_, "runs": len(made.runs_),
    }  # fmt: skip
    tensors = {
        "constants": torch.tensor(made.system_.skeleton[2], dtype=torch.float64),
        "covariance": torch.from_numpy(made.covariance_),
        "noise": torch.from_numpy(made.noise_),
    }
    if made.limits_ is not None:
        tensors["limits"] = torch.tensor(made.limits_, dtype=torch.float64).reshape(-1, 2)
    write_folder(folder, KIND, config, tensors, made.card_ or card(made), overwrite)


def read_model(kind: type[Fitted], folder: str | Path) -> Fitted:
    """The regressor of a folder; raises InputError when it is missing or damaged."""
    saved = read_folder(folder, KIND)
    config = saved.config
    try:
        # folders of before there was a choice have Laplace's
        intervals = config.get("intervals", "laplace")
        made = kind(config["method"], config["coverage"], config["max_points"], config["seed"], intervals)
        # constants come from the tensors, since text may round them
        read, exact = System.parse(config["equations"]), saved.tensors["constants"].tolist()
        if not np.allclose(read.skeleton[2], exact, rtol=1e-9, atol=0):
            raise ValueError("constants of another model")
        made.system_ = read.with_constants(exact)
        made.names_, made.runs_ = tuple(config["names"]), []
        made.covariance_ = saved.tensors["covariance"].numpy()
        made.noise_ = saved.tensors["noise"].numpy()
        limits = saved.tensors.get("limits")
        made.limits_ = None if limits is None else [(low, high) for low, high in limits.tolist()]
        made.rivals_ = [System.parse(one) for one in config["rivals"]]
        made.warnings_, made.repairs_ = config["warnings"], config["repairs"]
        made.r2_, made.card_ = config["r2"], saved.card
        if made.covariance_.shape != (len(saved.tensors["constants"]),) * 2 or len(made.names_) != len(made.noise_):
            raise ValueError("shapes of another model")
        if limits is not None and limits.shape != (len(made.covariance_), 2):
            raise ValueError("limits of another model")
        if made.system_.dimension != len(made.names_) or not np.isfinite(made.system_.skeleton[2]).all():
            raise ValueError("equations of another model")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the model folder {folder} is damaged or of another version ({error!r}).") from error
    return made
