"""Constants put on round numbers where the likelihood allows it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .selection import Judge, Law, deviation
from .shooting import Fit

Floats = NDArray[np.float64]
ROUND = np.array([0.1, 0.2, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 50.0, 100.0])
SURE = 0.02  # relative precision from which a round number is no chance


def snapped(judge: Judge, law: Law, fit: Fit) -> tuple[Law, Fit]:
    """Round constants that lie within their error of a round number, if the misfit rises by less than two each."""
    deviations = deviation(fit) * np.sqrt(max(1.0, fit.chi2 / fit.points))
    values = fit.constants.copy()
    changed = []
    for k, (value, s) in enumerate(zip(fit.constants, deviations, strict=True)):
        if not 0 < s < SURE * abs(value):
            continue
        target = float(np.sign(value) * ROUND[np.abs(ROUND - abs(value)).argmin()])
        if abs(target - value) < max(2 * s, 1e-6 * abs(value)):
            values[k] = target
            changed.append(k)
    if not changed:
        return law, fit
    free = [k for k in range(len(values)) if k not in changed]
    # the quadratic form says where the others go and what it costs
    n = len(fit.constants)
    move = values[changed] - fit.constants[changed]
    rest = free + list(range(n, fit.normal.shape[0]))
    cross = fit.normal[np.ix_(rest, changed)]
    follow = np.linalg.lstsq(fit.normal[np.ix_(rest, rest)], -cross @ move, rcond=1e-13)[0] if rest else np.zeros(0)
    rise = float(move @ fit.normal[np.ix_(changed, changed)] @ move + move @ cross.T @ follow)
    if not rise / judge.level < 2.0 * len(changed):
        return law, fit
    values[free] += follow[: len(free)]
    return replace(law, values=values), replace(fit, constants=values)
