"""Constants and starts of a law fitted through the integrator: (multiple) shooting by Levenberg and Marquardt.

The trajectory comes from LSODA, its sensitivities from the variational equations on the given grid by the implicit
midpoint rule: they only steer the steps, so second order is enough. With `segments` > 1 each run is cut into pieces
with starts of their own (multiple shooting without continuity, after Bock 1983), which long and chaotic runs need.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import ODEintWarning, odeint

from .sensitivity import Program

Floats = NDArray[np.float64]
EVALUATIONS = 8_000  # of the right-hand side in one integration; a law that needs more is given up
TROUBLE = (OverflowError, ZeroDivisionError, ValueError, TypeError, FloatingPointError)


@dataclass(frozen=True, eq=False)
class Target:
    """What a run's integration is held against.

    times, states, sigma  (time,), (time, state), (time, state): measured, with the noise level of each number
    grid, places          finer times for the sensitivities, and where the measured times are among them
    guess                 (time, state) smoothed states, where segments start
    scale                 (state,) size of each state, for the integrator's absolute tolerance
    """

    times: Floats
    states: Floats
    sigma: Floats
    grid: Floats
    places: NDArray[np.int64]
    guess: Floats
    scale: Floats
    tolerance: float = 1e-7


def refined(times: Floats, steps: int = 800) -> tuple[Floats, NDArray[np.int64]]:
    """Times with points between them so that no gap is over 1/steps of the whole, and where the old ones are."""
    parts = np.maximum(1, np.ceil(np.diff(times) / (times[-1] - times[0]) * steps - 1e-9)).astype(int)
    places = np.r_[0, np.cumsum(parts)]
    return np.interp(np.arange(places[-1] + 1), places, times), places


class TooHardError(Exception):
    """An integration took too many evaluations."""


def integrate(
    program: Program, constants: Floats, start: Floats, times: Floats, scale: Floats, tolerance: float = 1e-7,
    bound: float = 1e3, evaluations: int = EVALUATIONS,
) -> Floats | None:  # fmt: skip
    """States (time, state) from start at times[0]; None when it leaves `bound` scales, is too hard or undefined."""
    values = constants.tolist()
    compute = program.scalar
    limit = (bound * scale + np.abs(start)).tolist()
    left = evaluations

    def slope(x: Floats, _: float) -> list[float]:
        nonlocal left
        left -= 1
        here = x.tolist()
        for one, most in zip(here, limit, strict=True):
            if not -most <= one <= most:
                raise OverflowError
        if left < 0:
            raise TooHardError
        return compute(here, values)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ODEintWarning)
            found = odeint(slope, start, times, rtol=tolerance, atol=tolerance * scale, mxstep=1000)
    except (*TROUBLE, TooHardError, ODEintWarning):
        return None
    if not np.isfinite(found).all() or np.iscomplexobj(found):
        return None
    return found  # type: ignore[no-any-return]


def propagate(jacobian: Floats, source: Floats, steps: Floats, first: Floats) -> Floats:
    """S' = J S + F by the implicit midpoint rule.

    jacobian (time, state, state), source (time, state, column), steps (time - 1,), first (state, column)
    ->       S (time, state, column)
    """
    count, d, _ = jacobian.shape
    half = 0.5 * steps[:, None, None]
    middle = 0.5 * (jacobian[1:] + jacobian[:-1])
    eye = np.eye(d)
    if d == 1:
        inverse = 1.0 / (1.0 - half * middle)
    else:
        inverse = np.asarray(np.linalg.inv(eye - half * middle), np.float64)
    onward = inverse @ (eye + half * middle)
    added = inverse @ (half * (source[1:] + source[:-1]))
    out = np.empty((count, d, source.shape[2]))
    out[0] = now = first
    for n in range(count - 1):
        out[n + 1] = now = onward[n] @ now + added[n]
    return out


@dataclass
class Fit:
    """A law's constants and starts after shooting.

    constants (constant,), starts: for each run (segment, state), chi2 summed over all measured numbers,
    normal = J'J of [constants, starts], found: for each run (time, state) at the measured times.
    """

    constants: Floats
    starts: list[Floats]
    chi2: float
    points: int
    normal: Floats = field(repr=False)
    found: list[Floats] = field(repr=False)
    segments: int = 1


def _pieces(count: int, segments: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, count, segments + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a]


class Shooter:
    """Fits one program to the runs."""

    def __init__(self, program: Program, targets: Sequence[Target], segments: int = 1) -> None:
        self.program = program
        self.targets = targets
        self.segments = segments
        self.cuts = [(run, a, b) for run, one in enumerate(targets) for a, b in _pieces(len(one.times), segments)]
        self.points = sum(one.states.size for one in targets)

    def _grid(self, run: int, a: int, b: int) -> slice:
        places = self.targets[run].places
        return slice(int(places[a]), int(places[b - 1]) + 1)

    def run(self, constants: Floats, starts: Floats) -> tuple[list[Floats], float]:
        """Trajectories of the pieces on the grid and chi2 (inf when one fails); starts (piece, state)."""
        out = []
        chi2 = 0.0
        for (run, a, b), start in zip(self.cuts, starts, strict=True):
            one = self.targets[run]
            part = self._grid(run, a, b)
            if b - a == 1:
                found: Floats | None = start[None]
            else:
                found = integrate(self.program, constants, start, one.grid[part], one.scale, one.tolerance)
            if found is None:
                return [], np.inf
            out.append(found)
            rest = (one.states[a:b] - found[one.places[a:b] - one.places[a]]) / one.sigma[a:b]
            chi2 += float((rest * rest).sum())
        return out, chi2

    def system(self, constants: Floats, states: list[Floats]) -> tuple[Floats, Floats]:
        """Jacobian (number, constant + piece * state) and residuals (number,), both in units of sigma."""
        d, count = self.program.dimension, self.program.count
        width = count + d * len(self.cuts)
        rows, rest = [], []
        for piece, ((run, a, b), found) in enumerate(zip(self.cuts, states, strict=True)):
            one = self.targets[run]
            by_state, by_constant = self.program.slopes(found, constants)
            source = np.concatenate([by_constant, np.zeros((len(found), d, d))], 2)
            first = np.concatenate([np.zeros((d, count)), np.eye(d)], 1)
            moved = propagate(by_state, source, np.diff(one.grid[self._grid(run, a, b)]), first)
            at = one.places[a:b] - one.places[a]
            block = np.zeros((b - a, d, width))
            block[..., :count] = moved[at][..., :count]
            block[..., count + d * piece : count + d * (piece + 1)] = moved[at][..., count:]
            rows.append((block / one.sigma[a:b, :, None]).reshape(-1, width))
            rest.append(((one.states[a:b] - found[at]) / one.sigma[a:b]).ravel())
        return np.concatenate(rows), np.concatenate(rest)

    def fit(
        self, constants: Floats, starts: Floats | None = None, steps: int = 12, hopeless: float = np.inf
    ) -> Fit | None:  # fmt: skip
        """Levenberg-Marquardt from these constants; None when the law cannot be integrated.

        hopeless  a chi2: given up when three steps leave it more than tenfold above
        """
        d, count = self.program.dimension, self.program.count
        if starts is None:
            starts = np.array([self.targets[run].guess[a] for run, a, _ in self.cuts])
        states, chi2 = self.run(constants, starts)
        if not np.isfinite(chi2):
            return None
        normal = np.zeros((0, 0))
        damping = 1e-3
        for step in range(steps):
            matrix, rest = self.system(constants, states)
            if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e120:
                break
            normal, slope = matrix.T @ matrix, matrix.T @ rest
            size = np.sqrt(np.diag(normal)) + 1e-100
            scaled, aim = normal / np.outer(size, size), slope / size
            better = False
            for _ in range(5):
                try:
                    move = np.linalg.solve(scaled + damping * np.eye(len(scaled)), aim) / size
                except np.linalg.LinAlgError:
                    damping = max(10 * damping, 1e-6)
                    continue
                tried = constants + move[:count]
                begun = starts + move[count:].reshape(-1, d)
                new_states, new_chi2 = self.run(tried, begun)
                if new_chi2 < chi2:
                    better = True
                    break
                damping = max(damping * 8, 1e-7)
            if not better:
                break
            gain = chi2 - new_chi2
            constants, starts, states, chi2 = tried, begun, new_states, new_chi2
            damping *= 0.1
            if gain < 0.02 + 1e-5 * chi2:
                break
            if step >= 2 and chi2 > 10 * hopeless:
                break
        at = [one.places[a:b] - one.places[a] for run, a, b in self.cuts for one in [self.targets[run]]]
        found: list[list[Floats]] = [[] for _ in self.targets]
        begun_at: list[list[Floats]] = [[] for _ in self.targets]
        for (run, _, _), piece, where, start in zip(self.cuts, states, at, starts, strict=True):
            found[run].append(piece[where])
            begun_at[run].append(start)
        return Fit(
            constants, [np.array(one) for one in begun_at], chi2, self.points, normal,
            [np.concatenate(one) for one in found], self.segments,
        )  # fmt: skip
