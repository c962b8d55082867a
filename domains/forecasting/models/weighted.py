"""Windows that do not count alike: calm ones more, wild ones less.

Least squares over windows is ruled by those of large variance. A weight of variance^-1 is what dividing each window by
its deviation amounts to for a linear map (RevIN); variance^-1/2 is half-way there. With weights the running sums of
`closed_form.py` hold no more, so the sums over windows are matrix products, block by block.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .closed_form import Normal

Array = NDArray[np.float64]
FLOOR = 0.01  # added to the variance of standardised values, so that a flat window has a finite weight
BLOCK = 2048  # windows a product


def variance_weights(series: Array, lookback: int, windows: int) -> Array:
    """(variance of the lookback + FLOOR)^-1/2 of each window, scaled to mean 1; (time,) -> (window,)."""
    centred = series - series.mean()  # keeps the difference of two sums exact
    sums = np.cumsum(np.stack([np.zeros(2), *np.stack([centred, centred**2], 1)]), 0)
    mean, square = (sums[lookback : lookback + windows] - sums[:windows]).T / lookback
    weight = (np.maximum(square - mean**2, 0.0) + FLOOR) ** -0.5
    return np.asarray(weight / weight.mean())


def weighted_normal(series: Array, lookback: int, horizon: int) -> Normal:
    """Normal equations of the weighted windows of all series, each less its last known value.

    series (time, series)  ->  features (lookback - 1), targets (horizon); products are made in single precision
    Raises ValueError when the rows hold no window.
    """
    window = lookback + horizon
    count = len(series) - window + 1
    if count < 1:
        raise ValueError(f"{len(series)} rows hold no window of {window}; give more rows or a shorter window.")
    sums, squares = np.zeros((lookback - 1, window)), 0.0
    for x in series.T:
        weight = variance_weights(x, lookback, count).astype(np.float32)[:, None]
        views = sliding_window_view(x.astype(np.float32), window)
        for start in range(0, count, BLOCK):
            part = views[start : start + BLOCK] - views[start : start + BLOCK, lookback - 1 : lookback]
            scaled = part * weight[start : start + BLOCK]
            sums += scaled[:, : lookback - 1].T @ part
            squares += float(np.vdot(scaled[:, lookback:], part[:, lookback:]))
    return Normal(sums[:, : lookback - 1], sums[:, lookback:], squares, count * series.shape[1])
