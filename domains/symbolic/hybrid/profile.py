"""How sure the constants are, by profile likelihood: no parabola is assumed, and intervals may be lopsided or open.

For each constant the others, and the starts, are fitted anew while it is held at a value; the interval holds the values
at which the misfit rises by less than the quantile of chi squared with one degree of freedom (Raue et al. 2009,
Bioinformatics 25, 1923).
"""

from collections.abc import Sequence

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy.stats import chi2

from ..system import System
from .selection import Judge
from .sensitivity import Program
from .shooting import Fit, Shooter, Target
from .uncertainty import covariance

Floats = NDArray[np.float64]
Limits = list[tuple[float, float]]
STEPS = 4  # of the others' fit at each held value
REACH = 12  # held values on each side at most
FARTHEST = 50.0  # of Laplace's half-widths, beyond which an interval is open


def profile_limits(judge: Judge, system: System, fit: Fit, share: float = 0.9) -> Limits:
    """(low, high) of each constant of `system.skeleton`; infinite where the data set no limit, NaN where nothing fits.

    share  of the intervals
    """
    expressions, symbols, values = system.skeleton
    if not values:
        return []
    spread = covariance(judge, system, fit)
    level = max(1.0, fit.chi2 / fit.points)
    rise = float(chi2.ppf(share, 1)) * level
    whole = Shooter(Program(expressions, symbols), judge.targets, fit.segments)
    best = whole.fit(np.array(values, np.float64), np.concatenate(fit.starts), 10)
    if best is None:
        return [(np.nan, np.nan)] * len(values)
    found = []
    for place in range(len(values)):
        half = float(np.sqrt(chi2.ppf(share, 1) * spread[place, place]))
        if not 0 < half < np.inf:
            half = 0.1 * abs(values[place]) + 1e-12
        profile = _Profile(expressions, symbols, place, best, judge.targets, fit.segments)
        found.append((profile.limit(-half, rise), profile.limit(half, rise)))
    # the law's own constants may be rounded ones beside the best: they are values that the data allow
    return [(min(low, value), max(high, value)) for (low, high), value in zip(found, values, strict=True)]


class _Profile:
    """The misfit as a function of one constant, all else fitted."""

    def __init__(
        self, expressions: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol], place: int, best: Fit,
        targets: Sequence[Target], segments: int,
    ) -> None:  # fmt: skip
        self.expressions, self.symbols, self.place, self.best = expressions, list(symbols), place, best
        self.targets, self.segments = targets, segments

    def limit(self, half: float, rise: float) -> float:
        """Where the misfit has risen by so much, on the side to which `half`, a first step, points."""
        middle = float(self.best.constants[self.place])
        inside, outside, step, last = 0.0, np.inf, half, self.best
        known = [(0.0, 0.0)]  # step, square root of the rise: nearly a straight line
        for _ in range(REACH):
            fit = self._held(middle + step, last)
            more = np.inf if fit is None else fit.chi2 - self.best.chi2
            if more > rise:
                outside = step
            else:
                inside, last = step, fit or last
            if np.isfinite(more):
                known.append((step, float(np.sqrt(max(more, 0.0)))))
            if np.isfinite(outside) and abs(outside - inside) < 0.03 * abs(outside):
                break
            if not np.isfinite(outside):
                if abs(step) > FARTHEST * abs(half):
                    return float(np.copysign(np.inf, half))
                step *= 1.5 if more > 0.3 * rise else 2.5
                continue
            step = self._between(known, inside, outside, float(np.sqrt(rise)))
        return middle + (0.5 * (inside + outside) if np.isfinite(outside) else float(np.copysign(np.inf, half)))

    def _held(self, value: float, last: Fit) -> Fit | None:
        """All else fitted with the constant at this value, from where the last fit ended."""
        symbols = [one for k, one in enumerate(self.symbols) if k != self.place]
        put = {self.symbols[self.place]: sympy.Float(value)}
        program = Program(tuple(one.xreplace(put) for one in self.expressions), tuple(symbols))
        others = np.delete(last.constants, self.place) if len(last.constants) == len(self.symbols) else last.constants
        return Shooter(program, self.targets, self.segments).fit(others, np.concatenate(last.starts), STEPS)

    @staticmethod
    def _between(known: Sequence[tuple[float, float]], inside: float, outside: float, aim: float) -> float:
        """The next value to hold: on the line through the two that enclose the aim, else halfway."""
        ends = dict(known)
        if inside in ends and outside in ends and ends[outside] > ends[inside]:
            share = (aim - ends[inside]) / (ends[outside] - ends[inside])
            return inside + float(np.clip(share, 0.1, 0.9)) * (outside - inside)
        return 0.5 * (inside + outside)
