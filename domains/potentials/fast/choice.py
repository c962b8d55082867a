"""The prior is chosen by leaving frames out, one setting after the other."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Protocol

from .solve import Equations, LeftOut, Prior

STEPS = 2  # rounds over all settings
GRID = (0.1, 10.0)  # factors that are tried
LEAST = 1e-8  # of the variance of forces, that noise must be
ENERGIES = 20  # frames below which their energies do not say how noisy they are
FARTHEST = 4  # tens by which a noise may leave what was chosen on few frames
ENERGY_SHARE = 0.25  # of energies where forces come first
EACH = 0.01  # eV²; noise of an energy there, for each atom, over that of a force component


class Errors(Protocol):
    """Mean absolute errors of energies and of force components, or of anything that stands for them."""

    @property
    def energy(self) -> float:
        """Of a frame, eV."""

    @property
    def force(self) -> float:
        """Of a component, eV/Å."""


def choose(equations: Equations, start: Prior = Prior(), atoms: float | None = None) -> Prior:
    """The prior with the least error on frames left out: noise, shares of terms, quiet energies where there are many.

    atoms  of a frame in the mean, where the equations have forces of some of them only

    With fewer the noise of an energy grows with the atoms from ten on: from five cells of copper it once followed that
    energies are worth nothing, and the noise of small molecules is too little for a hundred atoms.
    """
    few = len(equations.ends) < ENERGIES
    if few:
        atoms = int((equations.kinds == 1).sum()) / 3 / len(equations.ends) if atoms is None else atoms
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


def quieted(judged: Callable[[Prior], Errors], start: Prior, energies: bool, share: float = ENERGY_SHARE) -> Prior:
    """The noises with which a judge finds least error, one after the other: those of few frames are not those of many.

    Noise is judged by forces first, as a prior is; that of energies by both alike, since it trades one for the other.

    energies  whether there are enough of them to say how noisy they are
    share     of their error in the choice of the noise of forces
    """
    errors = cache(judged)

    def walked(prior: Prior, change: Callable[[Prior, float], Prior], factor: float, weight: float) -> Prior:
        for _ in range(FARTHEST):
            tried = change(prior, factor)
            if merit(errors(tried), weight) >= merit(errors(prior), weight):
                break
            prior = tried
        return prior

    best = walked(start, _noise, 0.1, share)
    if energies:
        quieter = walked(best, _quiet, 0.1, 1.0)
        best = walked(best, _quiet, 10.0, 1.0) if quieter == best else quieter
    return best


def left_best(left_out: Callable[[Prior], LeftOut], start: Prior) -> tuple[Prior, LeftOut]:
    """The noises with which frames left out are said best, and what is said of them."""
    left = cache(left_out)
    best = quieted(left, start, len(left(start).errors) >= ENERGIES)
    return best, left(best)


def merit(errors: Errors, share: float = ENERGY_SHARE) -> float:
    """Logarithm of the error: that of forces, and this share of that of energies."""
    return math.log(max(errors.force, 1e-12)) + share * math.log(max(errors.energy, 1e-12))


def _judged(equations: Equations, prior: Prior) -> float:
    return merit(equations.left_out(prior))


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
