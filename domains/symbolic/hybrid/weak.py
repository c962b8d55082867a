"""The weak form of x' = f(x): integrals against test functions, so that no derivative of data is taken.

For a window with test function phi that vanishes at its ends, integral phi f(x) dt = -integral phi' x dt
(Schaeffer & McCalla 2017; Messenger & Bortz 2021, "Weak SINDy").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.sparse import csr_matrix

from .smoothing import FLOOR, Curve

Floats = NDArray[np.float64]
POWER = 3  # phi = (1 - z^2)^POWER


def windows(points: int, step: float, lengths: Sequence[float]) -> tuple[csr_matrix, csr_matrix, Floats]:
    """phi and phi' on an even grid with quadrature weights.

    lengths  of the windows as shares of the whole
    -> two matrices (window, grid) with sum_grid phi = 1, and the length (window,) in time
    """
    rows, columns, values, slopes, spans = [], [], [], [], []
    count = 0
    for share in lengths:
        half = max(int(round(share * points / 2)), 4)
        stride = max(half // 2, 1)
        z = np.linspace(-1, 1, 2 * half + 1)
        phi = (1 - z * z) ** POWER
        slope = -2 * POWER * z * (1 - z * z) ** (POWER - 1) / (half * step)
        size = phi.sum()
        starts = np.unique(np.r_[np.arange(0, points - 2 * half, stride), points - 2 * half - 1])
        for start in starts[starts >= 0]:
            rows.append(np.full(len(z), count))
            columns.append(start + np.arange(len(z)))
            values.append(phi / size)
            slopes.append(slope / size)
            spans.append(2 * half * step)
            count += 1
    index = (np.concatenate(rows), np.concatenate(columns))
    shape = (count, points)
    return (
        csr_matrix((np.concatenate(values), index), shape),
        csr_matrix((np.concatenate(slopes), index), shape),
        np.array(spans),
    )


@dataclass(frozen=True, eq=False)
class WeakForm:
    """Runs in weak form, each state's rows divided by their expected errors.

    states, slopes  (grid of all runs, state)
    """

    curves: Sequence[Curve]
    tests: Sequence[csr_matrix]
    roots: list[list[Floats]]  # by state, by run: lower triangular (window, window), or diagonal (window,)
    responses: list[Floats]  # by state: (window of all runs,)
    independent: float  # how many rows are worth counting

    def project(self, values: Floats) -> list[Floats]:
        """Functions on the grid of all runs (grid, function) -> their integrals, by run (window, function)."""
        out, first = [], 0
        for curve, test in zip(self.curves, self.tests, strict=True):
            out.append(test @ values[first : first + len(curve.times)])
            first += len(curve.times)
        return out

    def whiten(self, projected: Sequence[Floats], component: int) -> Floats:
        """Integrals in units of this component's expected errors (window of all runs, function)."""
        return np.concatenate([
            part / root[:, None] if root.ndim == 1 else solve_triangular(root, part, lower=True)
            for part, root in zip(projected, self.roots[component], strict=True)
        ])  # fmt: skip

    @property
    def states(self) -> Floats:
        """All runs' states on their grids (grid, state)."""
        return np.concatenate([one.states for one in self.curves])

    @property
    def slopes(self) -> Floats:
        """All runs' slopes on their grids (grid, state)."""
        return np.concatenate([one.slopes for one in self.curves])


def weak_form(curves: Sequence[Curve], spread: Floats, lengths: Sequence[float], points: int) -> WeakForm:
    """Set up; spread (state,), lengths of windows as shares of a run, points measured in all."""
    d = len(spread)
    tests: list[csr_matrix] = []
    roots: list[list[Floats]] = [[] for _ in range(d)]
    responses: list[list[Floats]] = [[] for _ in range(d)]
    for curve in curves:
        step = curve.times[1] - curve.times[0]
        phi, slope, spans = windows(len(curve.times), step, lengths)
        tests.append(phi)
        for j in range(d):
            local = np.maximum(phi @ curve.error[:, j] ** 2, 0.0)
            floor = np.sqrt((FLOOR * spread[j]) ** 2 + local) / spans
            response = -(slope @ curve.states[:, j])
            if curve.root[j].shape[1] == 0:
                roots[j].append(floor)
                responses[j].append(response / floor)
                continue
            factor = slope @ curve.root[j]
            covariance = factor @ factor.T
            size = np.diag(covariance)
            # the state's error inside f is not in this covariance: half as much again, independent
            root = np.linalg.cholesky(covariance + np.diag(0.25 * size + floor**2))
            roots[j].append(root)
            responses[j].append(solve_triangular(root, response, lower=True))
    rows = sum(test.shape[0] for test in tests)
    return WeakForm(curves, tests, roots, [np.concatenate(one) for one in responses], float(min(rows, points)))
