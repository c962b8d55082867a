"""How far a prediction may be off because its constants are: draws of the constants, each followed."""

import numpy as np
from numpy.typing import NDArray

from .judging.scoring import integrate
from .system import System

Floats = NDArray[np.float64]
ENOUGH = 10  # draws that could be followed, below which a band says nothing


def ensemble(
    system: System, covariance: Floats, times: Floats, start: Floats, coverage: float, draws: int, seed: int
) -> tuple[Floats, Floats, float]:
    """Band of a prediction: -> low, high (time, state), and the share of draws that left every bound.

    covariance  (constant, constant) of the constants of `system.skeleton`
    NaN where the covariance is not known, or nearly every draw leaves all bounds.
    """
    values = np.array(system.skeleton[2])
    nothing = np.full((len(times), len(start)), np.nan)
    if not np.isfinite(covariance).all():
        return nothing, nothing, float("nan")
    if not len(values) or not covariance.any():
        found = integrate(system, start, times)
        same = nothing if found is None else found
        return same, same, 0.0
    random = np.random.default_rng([seed, 29])
    # Cholesky by eigenvalues: a constant that the data do not bind makes the matrix nearly singular
    scale, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(scale, 0))
    paths = []
    for _ in range(draws):
        drawn = system.with_constants(values + root @ random.standard_normal(len(values)))
        path = integrate(drawn, start, times, rtol=1e-5, atol=1e-8, limit_s=2.0)
        if path is not None:
            paths.append(path)
    lost = 1 - len(paths) / draws
    if len(paths) < ENOUGH:
        return nothing, nothing, lost
    low, high = np.quantile(paths, [(1 - coverage) / 2, (1 + coverage) / 2], axis=0)
    return low, high, lost
