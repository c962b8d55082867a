"""A convex combination of forecasts, its weights fitted on forecasts that the members made of rows they never saw.

Forecast combination: Bates and Granger 1969, "The Combination of Forecasts"; weights that are not negative and sum to
one keep a blend between its members, so it can be explained and cannot run away on another part of the data.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHRINK = 0.02  # pull towards equal weights, as a share of the members' mean squared error


def convex_weights(
    forecasts: Floats, truth: Floats, real: NDArray[np.bool_] | None = None, shrink: float = SHRINK
) -> Floats:
    """Weights on the simplex that minimise the mean squared error of the blend.

    forecasts (member, sample), truth (sample,), real (sample,) True where the truth was measured  ->  (member,)
    Raises ValueError when there is nothing finite to fit on.
    """
    from scipy.optimize import nnls  # slow to import, and weights that are known need it no more

    error = np.asarray(forecasts, np.float64) - truth
    error = error if real is None else error[:, real]
    if not error.size or not np.isfinite(error).all():
        raise ValueError("a blend needs finite forecasts of at least one measured value from each member.")
    moment = error @ error.T / error.shape[1]
    scale = np.trace(moment) / len(moment)
    if scale == 0:
        return np.full(len(moment), 1 / len(moment))
    moment = moment / scale + shrink * np.eye(len(moment))
    # min u'Mu + (1'u - 1)^2 over u >= 0 points at the minimum of w'Mw on the simplex: for a direction w the best
    # length leaves w'Mw / (1 + w'Mw), which falls with w'Mw
    value, vector = np.linalg.eigh(moment)
    root = np.sqrt(np.maximum(value, 0.0))[:, None] * vector.T
    found, _ = nnls(np.vstack([root, np.ones(len(moment))]), np.append(np.zeros(len(moment)), 1.0))
    return np.asarray(found / found.sum())


def block_weights(
    forecasts: Floats, truth: Floats, blocks: int, real: NDArray[np.bool_] | None = None, shrink: float = SHRINK
) -> Floats:
    """Weights of each block of the horizon, a block being neighbouring steps.

    forecasts  (member, window, step, ..)
    truth      (window, step, ..), real the same
    ->         (member, step), each column on the simplex and equal within a block
    """
    steps = truth.shape[1]
    weights = np.empty((len(forecasts), steps))
    for part in np.array_split(np.arange(steps), min(blocks, steps)):
        weights[:, part] = convex_weights(
            forecasts[:, :, part].reshape(len(forecasts), -1),
            truth[:, part].ravel(),
            None if real is None else real[:, part].ravel(),
            shrink,
        )[:, None]
    return weights


def blended(forecasts: Floats, weights: Floats) -> Floats:
    """(member, window, step, ..) and (member, step) -> (window, step, ..)."""
    return np.asarray(np.einsum("mws...,ms->ws...", forecasts, weights))
