"""Linear forecasters solved exactly: ridge regression over every window of every series, with no window ever made.

All windows z(t) = (x[t], ..., x[t+M-1], 1) of a series enter a least-squares problem only through their Gram
matrix sum_t z(t) z(t)'. Its entries obey G[i+1, j+1] = G[i, j] - x[i] x[j] + x[n+i] x[n+j] (n windows), so one
correlation gives the first row and running sums along the diagonals give the rest: O(n log n + M^2) a series
instead of O(n M^2). Whatever is linear in the window (minus the last value, trend and remainder, an intercept) is
then a matrix on that Gram matrix, the whole penalty path is one eigendecomposition, and the error on other rows
follows from their own Gram matrix.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def window_gram(series: Array, length: int) -> tuple[Array, int]:
    """Sum of z z' over all windows z = (length values, 1) of all series, and the number of windows.

    series (time, series), finite  ->  (length + 1, length + 1), windows * series
    Raises ValueError when the rows hold no window of that length.
    """
    windows = len(series) - length + 1
    if windows < 1:
        raise ValueError(f"{len(series)} rows hold no window of {length}; give more rows or a shorter window.")
    gram = np.zeros((length + 1, length + 1))
    for x in np.ascontiguousarray(series.T):
        gram[:-1, :-1] += _gram_of_one(x, length, windows)
        running = np.concatenate(([0.0], np.cumsum(x)))
        sums = running[windows:] - running[:length]
        gram[-1, :-1] += sums
        gram[:-1, -1] += sums
    gram[-1, -1] = windows * series.shape[1]
    return gram, windows * series.shape[1]


def window_gram_plainly(series: Array, length: int) -> tuple[Array, int]:
    """What `window_gram` computes, window by window."""
    gram = np.zeros((length + 1, length + 1))
    windows = len(series) - length + 1
    for x in series.T:
        for start in range(windows):
            z = np.append(x[start : start + length], 1.0)
            gram += np.outer(z, z)
    return gram, windows * series.shape[1]


def _gram_of_one(x: Array, length: int, windows: int) -> Array:
    """(time,) -> (length, length)."""
    gram = np.empty((length, length))
    size = 1 << (len(x) - 1).bit_length()  # of a fast transform; the lags that are kept do not wrap around
    gram[0] = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(x[:windows], size).conj(), size)[:length]
    head, tail = x[:length], x[windows:]
    for row in range(length - 1):
        step = tail[row] * tail[row : length - 1] - head[row] * head[row : length - 1]
        gram[row + 1, row + 1 :] = gram[row, row:-1] + step
    return np.triu(gram) + np.triu(gram, 1).T


class Normal(NamedTuple):
    """Normal equations of a least-squares problem: sums over its windows."""

    xx: Array  # (feature, feature)
    xy: Array  # (feature, target)
    yy: float  # squares of all targets
    windows: int

    def error_of(self, weight: Array) -> float:
        """Mean squared error of a map (feature, target) on these windows."""
        squares = self.yy - 2 * np.sum(weight * self.xy) + np.sum(weight * (self.xx @ weight))
        return float(squares / (self.windows * self.xy.shape[1]))


def normal_equations(gram: Array, count: int, features: Array, targets: Array) -> Normal:
    """Those of features (feature, window + 1) and targets (target, window + 1), linear functions of the windows."""
    seen = features @ gram
    return Normal(seen @ features.T, seen @ targets.T, float(np.sum((targets @ gram) * targets)), count)


def less_last_value(gram: Array, count: int, lookback: int) -> Normal:
    """Normal equations of windows less their last known value: features (lookback - 1), targets (window - lookback)."""
    last = gram[:-1, lookback - 1]
    centred = gram[:-1, :-1] - last[:, None] - last + last[lookback - 1]
    past, future = slice(lookback - 1), slice(lookback, None)
    return Normal(centred[past, past], centred[past, future], float(np.trace(centred[future, future])), count)


class Ridge(NamedTuple):
    """A solved map from features to targets."""

    weight: Array  # (feature, target)
    penalty: float  # per window: the ridge adds penalty * windows to the diagonal
    validation_mse: float


PENALTIES = tuple(float(p) for p in 10.0 ** np.arange(-6.0, 0.51, 0.25))


def solve(train: Normal, check: Normal, free: int = 0) -> Ridge:
    """Ridge regression on the train windows, its penalty the best of `PENALTIES` on the check windows.

    free  that many last features carry no penalty (an intercept)
    """
    xx, xy = train.xx, train.xy
    shrunk = len(xx) - free
    # a free feature is solved for and eliminated first: what remains is an ordinary ridge (Schur complement)
    lead = np.linalg.solve(xx[shrunk:, shrunk:], np.hstack([xx[shrunk:, :shrunk], xy[shrunk:]]))
    value, vector = np.linalg.eigh(xx[:shrunk, :shrunk] - xx[:shrunk, shrunk:] @ lead[:, :shrunk])
    rotated = vector.T @ (xy[:shrunk] - xx[:shrunk, shrunk:] @ lead[:, shrunk:])

    def solved(penalty: float) -> Ridge:
        weight = vector @ (rotated / (np.maximum(value, 0.0) + penalty * train.windows)[:, None])
        whole = np.vstack([weight, lead[:, shrunk:] - lead[:, :shrunk] @ weight])
        return Ridge(whole, penalty, check.error_of(whole))

    return min((solved(penalty) for penalty in PENALTIES), key=lambda ridge: ridge.validation_mse)


def refit(train: Normal, penalty: float, free: int = 0) -> Array:
    """The ridge weight (feature, target) for a known penalty."""
    shrink = np.full(len(train.xx), penalty * train.windows)
    shrink[len(train.xx) - free :] = 0.0
    return np.asarray(np.linalg.solve(train.xx + np.diag(shrink), train.xy))
