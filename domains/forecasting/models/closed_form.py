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
from scipy.signal import correlate

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
    gram[0] = correlate(x, x[:windows], mode="valid")
    head, tail = x[:length], x[windows:]
    for row in range(length - 1):
        step = tail[row] * tail[row : length - 1] - head[row] * head[row : length - 1]
        gram[row + 1, row + 1 :] = gram[row, row:-1] + step
    return np.triu(gram) + np.triu(gram, 1).T


class Ridge(NamedTuple):
    """A solved map from features to targets."""

    weight: Array  # (feature, target)
    penalty: float  # per window: the ridge adds penalty * windows to the diagonal
    validation_mse: float


PENALTIES = tuple(float(p) for p in 10.0 ** np.arange(-6.0, 0.51, 0.25))


def solve(
    gram: Array, count: int, check: Array, check_count: int, features: Array, targets: Array, free: int = 0
) -> Ridge:
    """Ridge regression by Gram matrices, its penalty the best of `PENALTIES` on the check windows.

    gram      (window + 1, window + 1) of the training windows, check the same of the validation windows
    features  (feature, window + 1)  rows are linear functions of the augmented window
    targets   (target, window + 1)
    free      that many last features carry no penalty (an intercept)
    ->        weight (feature, target), its penalty and its mean squared error on the check windows
    """
    xx, xy = features @ gram @ features.T, features @ gram @ targets.T
    shrunk = len(xx) - free
    # a free feature is solved for and eliminated first: what remains is an ordinary ridge (Schur complement)
    lead = np.linalg.solve(xx[shrunk:, shrunk:], np.hstack([xx[shrunk:, :shrunk], xy[shrunk:]]))
    xx_left = xx[:shrunk, :shrunk] - xx[:shrunk, shrunk:] @ lead[:, :shrunk]
    xy_left = xy[:shrunk] - xx[:shrunk, shrunk:] @ lead[:, shrunk:]
    value, vector = np.linalg.eigh(xx_left)
    rotated = vector.T @ xy_left

    check_xx, check_xy = features @ check @ features.T, features @ check @ targets.T
    check_yy = np.sum((targets @ check) * targets)

    def weight_for(penalty: float) -> Array:
        weight = vector @ (rotated / (np.maximum(value, 0.0) + penalty * count)[:, None])
        return np.vstack([weight, lead[:, shrunk:] - lead[:, :shrunk] @ weight])

    def error_of(weight: Array) -> float:
        squares = check_yy - 2 * np.sum(weight * check_xy) + np.sum(weight * (check_xx @ weight))
        return float(squares / (check_count * len(targets)))

    weights = [weight_for(penalty) for penalty in PENALTIES]
    errors = [error_of(weight) for weight in weights]
    best = int(np.argmin(errors))
    return Ridge(weights[best], PENALTIES[best], errors[best])


def refit(gram: Array, count: int, features: Array, targets: Array, penalty: float, free: int = 0) -> Array:
    """The ridge weight (feature, target) for a known penalty."""
    xx, xy = features @ gram @ features.T, features @ gram @ targets.T
    shrink = np.full(len(xx), penalty * count)
    shrink[len(xx) - free :] = 0.0
    return np.asarray(np.linalg.solve(xx + np.diag(shrink), xy))
