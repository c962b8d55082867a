"""Noise levels and smooth curves of measured trajectories, on regular or irregular times.

Clean data are interpolated (quintic spline). Noisy data get a penalised cubic B-spline whose roughness is chosen by
generalised cross-validation (Eilers & Marx 1996; Craven & Wahba 1979) under the noise model found; its posterior
covariance says how sure the curve is, which the weak form uses as its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.linalg import eigh
from scipy.ndimage import uniform_filter1d

from ..trajectory import Trajectory

Floats = NDArray[np.float64]
CLEAN = 3e-3  # relative noise under which data are interpolated
FLOOR = 3e-4  # of a state's spread: differences under it are no evidence (integrators' errors, rounding)


def _local_errors(times: Floats, values: Floats, order: int) -> Floats:
    """Every point against the polynomial through its `order` neighbours, in units of its own noise; (time - order,)."""
    count = len(times) - order
    index = np.arange(count)[:, None] + np.arange(order + 1)
    local = times[index]
    # weights of the divided difference of this order: they annul polynomials of lower degree
    gaps = local[:, :, None] - local[:, None, :]
    gaps[:, np.arange(order + 1), np.arange(order + 1)] = 1.0
    gaps /= gaps.std(axis=(1, 2), keepdims=True) + 1e-300
    weights = 1.0 / gaps.prod(2)
    weights /= np.sqrt((weights**2).sum(1, keepdims=True))
    found: Floats = (weights * values[index]).sum(1)
    return found


@dataclass(frozen=True)
class Noise:
    """Noise of each state: relative (of its value) or absolute (in its unit)."""

    multiplicative: bool
    level: Floats  # (state,)

    def sigma(self, states: Floats, spread: Floats) -> Floats:
        """Standard deviation of each number; states (time, state) smoothed -> same shape, never under the floor."""
        size = np.abs(states) if self.multiplicative else np.ones_like(states)
        # near zero a multiplicative model would trust a point without bound
        return np.sqrt((self.level * size) ** 2 + (0.1 * self.level * spread * self.multiplicative) ** 2
                       + (FLOOR * spread) ** 2)  # fmt: skip

    def sizes(self, runs: Sequence[Trajectory]) -> Floats:
        """Root mean square of the noise of each state, in its unit; (state,)."""
        size = np.sqrt(np.mean(np.concatenate([run.states for run in runs]) ** 2, axis=0))
        return np.asarray(self.level * size if self.multiplicative else self.level)


def spreads(runs: Sequence[Trajectory]) -> Floats:
    """Size of the variation of each state over all runs (state,); its magnitude when it does not vary."""
    stacked = np.concatenate([run.states for run in runs])
    spread = stacked.std(0)
    magnitude = np.abs(stacked).max(0)
    return np.where(spread > 1e-9 * magnitude, spread, np.where(magnitude > 0, magnitude, 1.0))


def estimate_noise(runs: Sequence[Trajectory]) -> Noise:
    """Noise from differences: orders 2 to 9, each robust (median absolute deviation); the lowest near the least."""
    d = runs[0].dimension
    absolute, relative = np.zeros(d), np.zeros(d)
    likelihood = 0.0  # of multiplicative against additive
    for j in range(d):
        found = []
        for order in range(2, 10):
            errors, sizes = [], []
            for run in runs:
                if len(run.times) > order + 2:
                    errors.append(_local_errors(run.times, run.states[:, j], order))
                    index = np.arange(len(errors[-1]))[:, None] + np.arange(order + 1)
                    sizes.append(np.abs(np.median(run.states[index, j], 1)))
            if not errors:
                continue
            error, size = np.concatenate(errors), np.concatenate(sizes)
            size = np.maximum(size, 1e-6 * size.max() + 1e-300)
            found.append((1.4826 * np.median(np.abs(error)), 1.4826 * np.median(np.abs(error) / size), error, size))
        if not found:
            continue
        # the least of many estimates is biased: the lowest order that comes near it
        absolute[j], _, error, size = next(one for one in found if one[0] <= 1.3 * min(f[0] for f in found))
        _, relative[j], *_ = next(one for one in found if one[1] <= 1.3 * min(f[1] for f in found))
        if absolute[j] > 0 and relative[j] > 0:
            plain = 0.5 * (error / absolute[j]) ** 2 + np.log(absolute[j])
            scaled = 0.5 * (error / (relative[j] * size)) ** 2 + np.log(relative[j] * size)
            likelihood += float(np.minimum(plain, 50).sum() - np.minimum(scaled, 50).sum())
    multiplicative = likelihood > 0
    return Noise(multiplicative, relative if multiplicative else absolute)


@dataclass(frozen=True, eq=False)
class Curve:
    """A smooth run on a fine even grid.

    times (grid,), states and slopes (grid, state); at (time, state) at the measured times;
    root by state (grid, r): posterior covariance = root root', r = 0 columns where the data are interpolated;
    error (grid, state): of the interpolation, 0 where smoothed
    """

    times: Floats
    states: Floats
    slopes: Floats
    at: Floats
    root: list[Floats]
    error: Floats


@dataclass(frozen=True, eq=False)
class _Smoothed:
    """A penalised fit: states and slopes on the grid, states at the times, root of the covariance, criterion."""

    states: Floats
    slopes: Floats
    at: Floats
    root: Floats
    criterion: float


def _penalised(times: Floats, values: Floats, sigma: Floats, grid: Floats, rounds: int = 3) -> _Smoothed:
    """The best of `rounds` fits: the first with even roughness, the others allowed to bend where the one before did."""
    span, first = times[-1] - times[0], times[0]
    times, grid = (times - first) / span, (grid - first) / span
    inner = np.unique(np.quantile(times, np.linspace(0, 1, min(len(times), 140))))
    knots = np.r_[[inner[0]] * 3, inner, [inner[-1]] * 3]
    width = len(knots) - 4
    basis = BSpline.design_matrix(times, knots, 3).toarray()
    # integral of the squared third derivative: piecewise constant for a cubic
    third = BSpline(knots, np.eye(width), 3).derivative(3)(0.5 * (inner[1:] + inner[:-1]))
    weighted = basis / sigma[:, None]
    normal = weighted.T @ weighted
    normal += 1e-9 * np.trace(normal) / width * np.eye(width)
    aim_all = weighted.T @ (values / sigma)
    total = float(((values / sigma) ** 2).sum())
    best: tuple[float, Floats, Floats, Floats] | None = None
    ease = np.ones(len(inner) - 1)
    for _ in range(rounds):
        penalty = third.T @ (third * (np.diff(inner) * ease)[:, None])
        values_of, vectors = eigh(penalty, normal)  # vectors' normal vectors = 1
        values_of = np.maximum(values_of, 0)
        aim = vectors.T @ aim_all
        strengths = np.logspace(-1, 16, 69) / values_of[-1]
        shrinks = 1.0 / (1.0 + strengths[:, None] * values_of)
        rest = total - (2 * shrinks - shrinks**2) @ aim**2
        # 1.4 guards against the undersmoothing that cross-validation is known for
        scores = rest / np.maximum(len(times) - 1.4 * shrinks.sum(1), 1e-3) ** 2
        chosen = int(scores.argmin())
        shrink = shrinks[chosen]
        weights = vectors @ (shrink * aim)
        if best is not None and scores[chosen] > best[0]:
            break
        best = (float(scores[chosen]), weights, vectors, shrink)
        bend = np.abs(third @ weights)
        bend = np.exp(uniform_filter1d(np.log(bend + 1e-3 * bend.max() + 1e-300), 9, mode="nearest"))
        ease = (bend.mean() / bend) ** 1.5
    assert best is not None
    score, weights, vectors, shrink = best
    fine = BSpline.design_matrix(grid, knots, 3).toarray()
    slope = BSpline(knots, weights, 3).derivative()(grid) / span
    return _Smoothed(fine @ weights, slope, basis @ weights, fine @ (vectors * np.sqrt(shrink)), score)


def _of_logarithm(times: Floats, values: Floats, level: float, grid: Floats) -> _Smoothed:
    """Multiplicative noise on positive values: the logarithm is smoothed, where that noise is even."""
    one = _penalised(times, np.log(values) + 0.5 * level**2, np.full(len(values), level), grid)
    states = np.exp(one.states)
    return _Smoothed(states, states * one.slopes, np.exp(one.at), states[:, None] * one.root, one.criterion)


def _multiplicative(times: Floats, values: Floats, level: float, spread: float, grid: Floats) -> _Smoothed:
    """Smoothed values themselves, or their logarithm, whichever leaves less under the same weights."""
    # weights need a first curve
    first = _penalised(times, values, 0.3 * spread + np.abs(values), grid[:4], 1)
    sigma = level * (np.abs(first.at) + 0.05 * spread)
    plain = _penalised(times, values, sigma, grid)
    if values.min() <= 0:
        return plain
    logarithmic = _of_logarithm(times, values, level, grid)
    return logarithmic if logarithmic.criterion < plain.criterion else plain


def _interpolation_error(times: Floats, values: Floats, grid: Floats) -> Floats:
    """Local error of the quintic spline, from the one through every other point; (grid,)."""
    if len(times) < 16:
        return np.zeros(len(grid))
    half = np.r_[np.arange(0, len(times) - 1, 2), len(times) - 1]
    missed = np.abs(make_interp_spline(times[half], values[half], k=5)(times) - values)
    near = np.stack([np.roll(missed, by) for by in range(-3, 4)]).max(0)
    # sixth order: half the step, a 64th of the error; in practice less is gained
    return np.asarray(np.interp(grid, times, near) / 30.0, np.float64)


def smooth(run: Trajectory, noise: Noise, spread: Floats, points: int = 2400) -> Curve:
    """The smooth curve of a run; `points` of the grid."""
    grid = np.linspace(run.times[0], run.times[-1], points)
    d = run.dimension
    states, slopes, at, roots = np.empty((points, d)), np.empty((points, d)), np.empty_like(run.states), []
    error = np.zeros((points, d))
    for j in range(d):
        values = run.states[:, j]
        relative = noise.level[j] * (np.abs(values).mean() if noise.multiplicative else 1.0) / spread[j]
        if relative < CLEAN:
            spline = make_interp_spline(run.times, values, k=min(5, len(run.times) - 1))
            states[:, j], slopes[:, j], at[:, j] = spline(grid), spline.derivative()(grid), values
            roots.append(np.zeros((points, 0)))
            error[:, j] = _interpolation_error(run.times, values, grid)
            continue
        if noise.multiplicative:
            found = _multiplicative(run.times, values, noise.level[j], spread[j], grid)
        else:
            found = _penalised(run.times, values, np.full(len(values), noise.level[j]), grid)
        states[:, j], slopes[:, j], at[:, j] = found.states, found.slopes, found.at
        roots.append(found.root)
    return Curve(grid, states, slopes, at, roots, error)
