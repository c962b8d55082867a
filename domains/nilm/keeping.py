"""Fitted candidates that are kept in a folder, so that a run which was stopped does not fit them again."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ... import __version__
from ...shared.errors import InputError
from ...shared.writing import whole_file
from .appliances import Appliance
from .house import House, Watts
from .model import MainsModel
from .registry import Run, entry
from .windows import fingerprint

SECONDS = "seconds"  # of the fit, beside the arrays of the model


class Fitted(NamedTuple):
    """A candidate and how long it took to fit."""

    model: MainsModel
    seconds: float


def fitted(
    name: str, run: Run, houses: Sequence[House], appliances: Sequence[Appliance], cheaper: bool = False
) -> Fitted:
    """Fit a model of the registry, or read it from the run's folder if this version fitted it there to the same data.

    Networks keep their own checkpoints there, step by step; they are always asked to fit.
    cheaper  the cheaper model of the same kind that the registry has
    """
    build = entry(name).cheaper if cheaper else entry(name).build
    if build is None:
        raise ValueError(f"{name} has no cheaper model of its kind.")
    model = build(run)
    started = time.perf_counter()
    if run.folder is None or hasattr(model, "folder"):
        return Fitted(model.fit(houses, appliances), time.perf_counter() - started)
    tensors = [torch.from_numpy(np.ascontiguousarray(one)) for house in houses for one in _readings(house)]
    words = "-".join([*(one.name for one in appliances), f"{run.seed}", fingerprint(*tensors), __version__])
    path = run.folder / f"{name}{'-cheaper' * cheaper}-{words}.safetensors"
    if path.exists():
        try:
            arrays = {key: tensor.numpy() for key, tensor in load_file(path).items()}
            seconds = float(arrays.pop(SECONDS))
            return Fitted(entry(name).read(arrays), seconds)
        except (SafetensorError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"{path} is damaged ({error}); delete it, and the model is fitted anew.") from error
    model.fit(houses, appliances)
    seconds = time.perf_counter() - started
    run.folder.mkdir(parents=True, exist_ok=True)
    arrays = {**model.to_arrays(), SECONDS: np.array(seconds)}
    with whole_file(path, True) as partial:
        partial.write_bytes(save({key: torch.from_numpy(np.array(one)) for key, one in arrays.items()}))
    return Fitted(model, seconds)


def _readings(house: House) -> list[Watts]:
    return [house.mains_w, *(house.appliances_w[name] for name in sorted(house.appliances_w))]
