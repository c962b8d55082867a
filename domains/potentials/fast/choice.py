"""The prior is chosen by leaving frames out, one setting after the other."""

import math
from collections.abc import Callable
from dataclasses import replace

from .solve import Equations, Prior

STEPS = 2  # rounds over all settings
GRID = (0.1, 10.0)  # factors that are tried
LEAST = 1e-8  # of the variance of forces, that noise must be
ENERGIES = 20  # frames below which their energies do not say how noisy they are
FARTHEST = 4  # tens by which a noise may leave what was chosen on few frames
EACH = 0.01  # eV²; noise of an energy there, for each atom, over that of a force component


def choose(equations: Equations, start: Prior = Prior()) -> Prior:
    """The prior with the least error on frames left out: noise, shares of terms, quiet energies where there are many.

    With fewer the noise of an energy grows with the atoms from ten on: from five cells of copper it once followed that
    energies are worth nothing, and the noise of small molecules is too little for a hundred atoms.
    """
    few = len(equations.ends) < ENERGIES
    if few:
        atoms = int((equations.kinds == 1).sum()) / 3 / len(equations.ends)
        start = replace(start, quiet=(max(start.quiet[0], EACH * atoms), start.quiet[1]))
    best, found = start, _judged(equations, start)
    used = [body for body in range(2, len(start.shares)) if equations.blocks[body].shape[1]]
    settings: list[Callable[[Prior, float], Prior]] = [_noise, *map(_share, used)]
    if not few:
        settings.append(_quiet)
    for _ in range(STEPS):
        before = found
        for change in settings:
            for factor in GRID:
                while True:
                    tried = change(best, factor)
                    if not _sound(tried):
                        break
                    value = _judged(equations, tried)
                    if not value < found - 1e-3:
                        break
                    best, found = tried, value
        if found > before - 0.01:
            break
    return best


def _sound(prior: Prior) -> bool:
    """Whether rounding leaves something of the noise, and no share outgrows that of two bodies beyond sense."""
    return prior.noise >= LEAST * sum(prior.shares[1:]) and max(prior.shares[2:]) <= 10 * prior.shares[1]


def quieted(judged: Callable[[Prior], float], start: Prior, energies: bool) -> Prior:
    """The noises with which a judge finds least, one after the other: those of few frames are not those of many.

    energies  whether there are enough of them to say how noisy they are
    """
    found: dict[Prior, float] = {}

    def value(prior: Prior) -> float:
        if prior not in found:
            found[prior] = judged(prior)
        return found[prior]

    def walked(prior: Prior, change: Callable[[Prior, float], Prior], factor: float) -> Prior:
        for _ in range(FARTHEST):
            tried = change(prior, factor)
            if value(tried) >= value(prior):
                break
            prior = tried
        return prior

    best = walked(start, _noise, 0.1)
    if energies:
        quieter = walked(best, _quiet, 0.1)
        best = walked(best, _quiet, 10.0) if quieter == best else quieter
    return best


def merit(energy: float, force: float) -> float:
    """Logarithm of the error: forces first, energies for a quarter."""
    return math.log(max(force, 1e-12)) + 0.25 * math.log(max(energy, 1e-12))


def _judged(equations: Equations, prior: Prior) -> float:
    left = equations.left_out(prior)
    return merit(left.energy, left.force)


def _noise(prior: Prior, factor: float) -> Prior:
    return replace(prior, noise=prior.noise * factor)


def _quiet(prior: Prior, factor: float) -> Prior:
    return replace(prior, quiet=(prior.quiet[0] * factor, prior.quiet[1]))


def _share(body: int) -> Callable[[Prior, float], Prior]:
    def change(prior: Prior, factor: float) -> Prior:
        shares = list(prior.shares)
        shares[body] *= factor**0.5
        return replace(prior, shares=tuple(shares))

    return change
