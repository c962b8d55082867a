"""Laws fitted to the runs and compared: information criterion with a description length for the structure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from ..system import System
from .library import Component, Prior, Term
from .sensitivity import Program
from .shooting import Fit, Shooter, Target

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Law:
    """A structure with constants: expressions in x_j and c_k, the values of c_k, and -log prior of the structure."""

    expressions: tuple[sympy.Expr, ...]
    symbols: tuple[sympy.Symbol, ...]
    values: Floats
    cost: float
    key: Any
    components: tuple[Component, ...] | None = None

    def system(self, values: Sequence[float] | Floats | None = None) -> System:
        """With numbers put in."""
        chosen = self.values if values is None else values
        put = {symbol: sympy.Float(f"{float(value):.10g}") for symbol, value in zip(self.symbols, chosen, strict=True)}
        return System(tuple(one.xreplace(put) for one in self.expressions))


def law_of(components: Sequence[Component], dimension: int) -> Law:
    """Put components together."""
    expressions: list[sympy.Expr] = []
    symbols: list[sympy.Symbol] = []
    values: list[float] = []
    for one in components:
        expression, more, numbers = one.lifted(dimension, len(symbols))
        expressions.append(expression)
        symbols += more
        values += numbers
    return Law(
        tuple(expressions), tuple(symbols), np.array(values), sum(one.cost for one in components),
        tuple(one.key for one in components), tuple(components),
    )  # fmt: skip


def size(expression: sympy.Expr) -> int:
    """Operators, variables and constants of an expression (each counts one; -1 as a factor does not)."""
    if not expression.args:
        return 1
    args = [one for one in expression.args if one != -1]
    own = len(args) - 1 if (expression.is_Add or expression.is_Mul) else 1
    return own + sum(size(one) for one in args)


def law_of_system(system: System) -> Law:
    """A proposal from elsewhere; each symbol and function of it costs what a choice among six does."""
    expressions, symbols, values = system.skeleton
    cost = sum(0.9 * size(one) for one in expressions)
    key = tuple(str(one) for one in expressions)
    return Law(expressions, symbols, np.array(values, dtype=float), cost, key)


@dataclass
class Candidate:
    """A law after shooting.

    score  information criterion relative to the best possible fit: misfit in noise units + log(n) a constant
           + 2 * description length of the structure; r2 on the data; complexity of the expanded expressions
    """

    system: System
    score: float
    r2: float
    complexity: int
    stable: bool
    law: Law = field(repr=False)
    fit: Fit = field(repr=False)


def deviation(fit: Fit) -> Floats:
    """Standard deviation of each constant (constant,) by Laplace's approximation, in the noise level assumed."""
    count = len(fit.constants)
    if fit.normal.shape[0] < count or count == 0:
        return np.full(count, np.inf)
    size = np.sqrt(np.diag(fit.normal)) + 1e-300
    scaled = fit.normal / np.outer(size, size)
    if not np.isfinite(scaled).all():
        return np.full(count, np.inf)
    covariance = np.linalg.pinv(scaled, rcond=1e-13, hermitian=True)
    return np.sqrt(np.maximum(np.diag(covariance)[:count], 0)) / size[:count]


class Judge:
    """Fits laws through the integrator and scores them on one common scale."""

    def __init__(self, targets: Sequence[Target], variance: Floats, prior: Prior | None = None) -> None:
        self.prior = prior
        self.targets = targets
        self.variance = variance  # (state,) of the measured states
        self.points = sum(one.states.size for one in targets)
        self.level = 1.0  # chi2 per point of the best law, when none reaches the noise
        self.known: dict[Any, tuple[Law, Fit] | None] = {}
        self.spent = 0
        self.segments = 1  # pieces of a run with starts of their own

    def penalty(self, law: Law) -> float:
        """What the structure and its constants cost."""
        cost = law.cost
        if self.prior is not None and law.components is not None:
            cost += sum(
                self.prior(j, term) for j, one in enumerate(law.components) for term in (*one.terms, *one.below)
            )
        return len(law.values) * float(np.log(self.points)) + 2 * cost

    def price(self, component: int, term: Term) -> float:
        """What one more term costs."""
        extra = 0.0 if self.prior is None else self.prior(component, term)
        return (1 + len(term.inner)) * float(np.log(self.points)) + 2 * (term.cost + extra)

    def bonus(self, law: Law, fit: Fit) -> float:
        """What constants save that are 1, 2 or 1/2, or the size of another one, as far as the data can tell.

        Such a constant needs no digits of its own: of the 2 log(|c| / s) that its precision s costs, all is saved but
        the naming of which it equals.
        """
        deviations = deviation(fit)
        sizes: list[float] = [1.0, 2.0, 0.5]
        total = 0.0
        for value, s in zip(np.abs(fit.constants), deviations, strict=True):
            if not 0 < s < 0.3 * value:
                continue
            near = [one for one in sizes if abs(value - one) < 2 * s]
            if near:
                saved = 2 * np.log(value / s) - 2 * np.log(len(sizes)) - 1.0
                total += float(np.clip(saved, 0.0, np.log(self.points)))
            else:
                sizes.append(float(value))
        return total

    def score(self, law: Law, fit: Fit) -> float:
        """Less is better."""
        return fit.chi2 / self.level + self.penalty(law) - self.bonus(law, fit)

    def r2(self, fit: Fit) -> float:
        """Share of the variance explained, weighted by the variance."""
        rest = sum(float(((one.states - found) ** 2).sum()) for one, found in zip(self.targets, fit.found, strict=True))
        return 1.0 - rest / max(float(self.variance.sum()) * self.points / len(self.variance), 1e-300)

    def fit(self, law: Law, steps: int = 12, segments: int | None = None) -> Fit | None:
        """Fit one law from its values; the best of this structure is remembered."""
        segments = segments or self.segments
        before = self.known.get((law.key, segments))
        try:
            program = Program(law.expressions, law.symbols)
        except ValueError:
            return None
        self.spent += 1
        shooter = Shooter(program, self.targets, segments)
        values = law.values
        if segments == 1:
            # far from the data a single trajectory has many wrong minima: come in from short pieces
            begin = np.array([self.targets[run].guess[a] for run, a, _ in shooter.cuts])
            if shooter.run(values, begin)[1] > 30 * self.points:
                for pieces in (12, 4):
                    short = Shooter(program, self.targets, pieces).fit(values, None, 5)
                    if short is None:
                        break
                    values = short.constants
        found = shooter.fit(values, None, steps, self.best)
        if found is not None and (before is None or found.chi2 < before[1].chi2):
            self.known[(law.key, segments)] = (law, found)
        return found

    @property
    def best(self) -> float:
        """chi2 of the best law so far."""
        return min((fit.chi2 for _, fit in self.fitted()), default=np.inf)

    def fitted(self) -> list[tuple[Law, Fit]]:
        """All laws fitted with the present number of segments."""
        return [one for (_, number), one in self.known.items() if one is not None and number == self.segments]

    def ranked(self) -> list[tuple[float, Law, Fit]]:
        """All laws fitted, the best first."""
        fitted = self.fitted()
        if not fitted:
            return []
        self.level = max(1.0, min(fit.chi2 for _, fit in fitted) / self.points)
        return sorted(((self.score(law, fit), law, fit) for law, fit in fitted), key=lambda one: one[0])
