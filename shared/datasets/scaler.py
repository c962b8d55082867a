"""Standardisation of series by the mean and spread of the train rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError

Values = TypeVar("Values", Tensor, np.ndarray[Any, np.dtype[Any]])


@dataclass(frozen=True, slots=True)
class StandardScaler:
    """Mean and divisor of each series, in the units of the series; made by `fit` or `from_dict`."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.scale):
            raise InputError(
                f"a scaler needs one mean and one scale a series; got {len(self.mean)}, {len(self.scale)}."
            )
        if not all(map(isfinite, self.mean)) or not all(isfinite(scale) and scale > 0 for scale in self.scale):
            raise InputError("the means of a scaler must be finite and its scales finite and above 0.")

    @classmethod
    def fit(cls, train: Tensor | np.ndarray[Any, np.dtype[Any]]) -> Self:
        """Learn from the train rows (time, series) alone, with the population deviation (ddof 0).

        A constant series keeps the divisor 1. Raises InputError when a value is missing or infinite.
        """
        rows = torch.as_tensor(train).detach().double()
        if rows.ndim != 2 or not len(rows):
            raise InputError(f"a scaler is fitted on rows (time, series); got the shape {tuple(rows.shape)}.")
        if bad := torch.nonzero(~rows.isfinite().all(0)).flatten().tolist():
            raise InputError(f"missing or infinite values in series number {bad} (from 0); fill or drop them first.")
        # the deviation of a constant may round to a tiny number instead of 0, so constancy is asked for directly
        constant = rows.amax(0) == rows.amin(0)
        scale = torch.where(constant, 1.0, rows.std(0, correction=0))
        return cls(tuple(rows.mean(0).tolist()), tuple(scale.tolist()))

    def encode(self, values: Values) -> Values:
        """(..., series) in the units of the series -> the same shape, standardised."""
        values, mean, scale = self._along(values)
        encoded: Values = (values - mean) / scale
        return encoded

    def decode(self, values: Values) -> Values:
        """Undo `encode`: (..., series) standardised -> the same shape in the units of the series."""
        values, mean, scale = self._along(values)
        decoded: Values = values * scale + mean
        return decoded

    def to_dict(self) -> dict[str, list[float]]:
        """Plain values for config.json; `from_dict` brings back an equal scaler."""
        return {"mean": list(self.mean), "scale": list(self.scale)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Sequence[float]]) -> Self:
        """Make a scaler from what `to_dict` gave; raises InputError when a part is missing or cannot be a scaler."""
        if missing := {"mean", "scale"} - set(plain):
            raise InputError(f"a saved scaler has a mean and a scale; missing: {', '.join(sorted(missing))}.")
        return cls(tuple(map(float, plain["mean"])), tuple(map(float, plain["scale"])))

    def _along(self, values: Values) -> tuple[Values, Values, Values]:
        """The values as floating-point numbers, with mean and scale of their type, precision and device."""
        if values.shape[-1:] != (len(self.mean),):
            raise InputError(f"this scaler knows {len(self.mean)} series; got the shape {tuple(values.shape)}.")
        if isinstance(values, Tensor):
            values = values if values.is_floating_point() else values.double()
            return values, values.new_tensor(self.mean), values.new_tensor(self.scale)
        values = values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)
        return values, np.asarray(self.mean, values.dtype), np.asarray(self.scale, values.dtype)
