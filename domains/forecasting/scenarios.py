"""Scenario paths: samples of whole forecasts that hang together in time, for planning of storage and reserves.

Ensemble copula coupling (Schefzik et al. 2013; the Schaake shuffle of Clark et al. 2004): a path takes from one earlier
forecast the ranks of its errors, step by step, and from the calibrated quantiles of this forecast the values at those
ranks. So each step is spread as its interval says, and neighbouring steps and targets move together as errors did.
"""

import numpy as np
import xarray as xr

from ...shared.errors import InputError
from .load_model import Floats

LEAST = 10  # remembered forecasts, below which ranks say little


def scenario_paths(levels: Floats, quantiles: Floats, errors: Floats, count: int, seed: int = 0) -> Floats:
    """Sample paths.

    levels     (level,), rising inside (0, 1)
    quantiles  (step, target, level), calibrated
    errors     (forecast, step, target), of earlier forecasts; those with NaN are left out
    ->         (scenario, step, target)
    Raises InputError when fewer than `LEAST` whole forecasts are remembered.
    """
    whole = errors[np.isfinite(errors).all((1, 2))]
    if len(whole) < LEAST:
        raise InputError(
            f"{len(whole)} earlier forecasts without a gap are remembered; scenario paths need at least {LEAST}. "
            "Fit on a longer history."
        )
    random = np.random.default_rng(seed)
    rank = whole.argsort(0, kind="stable").argsort(0)
    # every remembered forecast serves equally often; one number a path keeps its place inside the rank
    picked = np.concatenate([random.permutation(len(whole)) for _ in range(-(-count // len(whole)))])[:count]
    share = (rank[picked] + random.random((count, 1, 1))) / len(whole)
    return _at_levels(levels, quantiles, share)


def with_scenarios(forecast: xr.Dataset, errors: Floats, count: int, seed: int = 0) -> xr.Dataset:
    """The forecast with `path` (scenario, time, target) beside it; see `scenario_paths`."""
    if count < 1:
        raise InputError(f"{count} scenarios are too few; ask for at least one.")
    paths = scenario_paths(forecast["quantile"].values, forecast.forecast.values, errors, count, seed)
    about = {
        **{name: value for name, value in forecast.point.attrs.items() if name == "units"},
        "long_name": "sample paths that hang together in time",
        "comment": f"ensemble copula coupling over the last {len(errors)} forecasts, seed {seed}",
    }
    return forecast.assign(path=(("scenario", "time", "target"), paths, about))


def _at_levels(levels: Floats, quantiles: Floats, share: Floats) -> Floats:
    """The quantile function at `share` (scenario, step, target): straight between known levels over normal scores."""
    from scipy.special import ndtri

    known, wanted = ndtri(levels), ndtri(share)
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    part = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    step, target = np.ogrid[: share.shape[1], : share.shape[2]]
    low, high = quantiles[step, target, right - 1], quantiles[step, target, right]
    return np.asarray(low + part * (high - low))
