"""Sliding windows of a table: views of it, never copies; only a batch is gathered."""

from typing import Any, NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


class Windows(NamedTuple):
    """What a forecaster sees and what it must say, for each window or each member of a batch."""

    past: Tensor  # (window, lookback, series)
    future: Tensor  # (window, horizon, series)


class ArrayWindows(NamedTuple):
    """`Windows` of a NumPy table."""

    past: Array  # (window, lookback, series)
    future: Array  # (window, horizon, series)


@overload
def windows(values: Tensor, lookback: int, horizon: int) -> Windows: ...
@overload
def windows(values: Array, lookback: int, horizon: int) -> ArrayWindows: ...
def windows(values: Tensor | Array, lookback: int, horizon: int) -> Windows | ArrayWindows:
    """All windows of stride 1 of a table (time, series), as views on its memory.

    -> past    (window, lookback, series), window i holding rows [i, i + lookback)
       future  (window, horizon, series), rows [i + lookback, i + lookback + horizon)

    There are time - lookback - horizon + 1 of them. A NumPy table gives read-only arrays, a tensor gives tensors.
    Raises InputError when the table is too short for one window.
    """
    if lookback < 1 or horizon < 1:
        raise InputError(f"lookback and horizon must be at least 1 step; got {lookback} and {horizon}.")
    if values.ndim != 2:
        raise InputError(f"windows are cut from a table (time, series); got {values.ndim} axes.")
    count = len(values) - lookback - horizon + 1
    if count < 1:
        raise InputError(
            f"{len(values)} steps are too few for a lookback of {lookback} and a horizon of {horizon}: "
            f"give at least {lookback + horizon}, or choose them shorter."
        )
    if isinstance(values, Tensor):
        whole = values.unfold(0, lookback + horizon, 1).transpose(1, 2)
        return Windows(whole[:, :lookback], whole[:, lookback:])
    rolled = np.lib.stride_tricks.sliding_window_view(values, lookback + horizon, axis=0).swapaxes(1, 2)
    return ArrayWindows(rolled[:, :lookback], rolled[:, lookback:])


class WindowData:
    """The windows of a table (time, series) as a data set that is indexed by a tensor.

    Covariates known in advance are a second `WindowData` of the same lookback and horizon: the same indices give the
    same windows. Cut a table at a split by `WindowData(values[span.rows], ...)`; that copies nothing either.
    """

    def __init__(self, values: Tensor, lookback: int, horizon: int) -> None:
        self.lookback, self.horizon = lookback, horizon
        self.views = windows(values, lookback, horizon)

    def __len__(self) -> int:
        return len(self.views.past)

    def batch(self, indices: Tensor) -> Windows:
        """Gather the windows with these indices (batch,); -> past (batch, lookback, series), future likewise."""
        return Windows(*(torch.index_select(view, 0, indices.to(view.device)) for view in self.views))
