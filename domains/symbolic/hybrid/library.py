"""The tiered library: which functions of the states a law may be built from.

Nothing here follows one benchmark. A term is one factor of one state, or a product of two; the tiers are the forms that
textbooks of the sciences use: (0) polynomials, (1) angles, (2) exponentials, logarithms, roots and poles,
(3) saturation (Hill functions and tanh). A constant inside a function (`A`) starts from a grid of the data's range.
"""

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from ..system import state

Floats = NDArray[np.float64]
TIERS = ("polynomials", "angles", "exponentials, roots and poles", "saturation", "ratios of polynomials")
INNER = (sympy.Symbol("A", real=True), sympy.Symbol("B", real=True))
ARRAYS = {"sin": np.sin, "cos": np.cos, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "Abs": np.abs, "tanh": np.tanh}


@lru_cache(maxsize=4096)
def _symbolic(text: str, dimension: int) -> sympy.Expr:
    names: dict[str, Any] = {f"x_{j}": state(j) for j in range(dimension)}
    return sympy.sympify(text, locals=names | {"A": INNER[0], "B": INNER[1]})


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    return compile(text, "term", "eval")


@dataclass(frozen=True)
class Term:
    """A product of factors, each a text in x_0, x_1, .. and A, B, the constants inside; `cost` is -log prior (nats)."""

    factors: tuple[str, ...]
    inner: tuple[float, ...] = ()
    tier: int = 0
    cost: float = 0.0

    @property
    def form(self) -> str:
        """The text without the constant's value: terms of one form exclude each other."""
        return "*".join(self.factors) or "1"

    def values(self, x: Floats) -> Floats:
        """The term on states (time, state) -> (time,)."""
        space: dict[str, Any] = {f"x_{j}": x[:, j] for j in range(x.shape[1])} | ARRAYS
        space |= dict(zip("AB", self.inner, strict=False))
        out = np.ones(len(x))
        with np.errstate(all="ignore"):
            for one in self.factors:
                out = out * eval(_compiled(one), {"__builtins__": {}}, space)
        return out

    def expression(self, dimension: int) -> sympy.Expr:
        """The term in sympy, with the symbols A, B for the constants inside."""
        out = sympy.Integer(1)
        for one in self.factors:
            out = out * _symbolic(one, dimension)
        return out

    def at(self, inner: tuple[float, ...]) -> "Term":
        """The same form with other constants inside."""
        return replace(self, inner=inner)

    def renamed(self, states: Sequence[int]) -> "Term":
        """The same term in which state k is called states[k]."""
        factors = tuple(re.sub(r"x_(\d+)", lambda found: f"x_{states[int(found[1])]}", one) for one in self.factors)
        return replace(self, factors=factors)


def monomials(states: Sequence[int], degree: int, total: int) -> list[tuple[str, ...]]:
    """All monomials of these states up to a degree, the constant first; `total` states thin the highest degree."""
    out: list[tuple[str, ...]] = [()]
    for order in range(1, degree + 1):
        for chosen in itertools.combinations_with_replacement(states, order):
            counts = {j: chosen.count(j) for j in sorted(set(chosen))}
            if order >= 3 and total >= 5 and len(counts) > 1:
                continue
            out.append(tuple(f"x_{j}" if n == 1 else f"x_{j}**{n}" for j, n in counts.items()))
    return out


@dataclass(frozen=True, eq=False)
class Ranges:
    """What the data allow: low, high, spread (state,) and the states that vary."""

    low: Floats
    high: Floats
    spread: Floats
    live: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """How many states, constant ones included."""
        return len(self.low)

    def positive(self, j: int) -> bool:
        """The state stays above zero by a margin: logarithm, root and pole are safe."""
        return bool(self.low[j] > 0.01 * self.high[j])

    def poleless(self, j: int) -> bool:
        """The state keeps away from zero on one side."""
        return self.positive(j) or bool(self.high[j] < 0.01 * self.low[j])

    def halfline(self, j: int) -> bool:
        """The state is never below zero but for noise."""
        return bool(self.low[j] > -0.02 * self.high[j])


# -log prior of a factor beyond the choice of its state, in nats: about what its symbols take to write down, with
# rarer functions dearer. The numbers are rough on purpose; a constant costs log(n) / 2 beside them.
TERM = 0.5
FACTOR = 0.7
POWER = 0.8  # each degree above one, in one state
RARE = {"sin": 3.5, "cos": 3.5, "exp": 2.5, "log": 2.8, "sqrt": 3.0, "Abs": 3.0, "tanh": 2.8, "1/x": 2.5}


def _factor_cost(factor: str, live: int) -> float:
    """-log prior of one factor: which state, which function, which power."""
    out = FACTOR + math.log(max(live, 1)) * max(1, len(set(re.findall(r"x_\d+", factor))))
    out += sum(price for name, price in RARE.items() if factor.startswith(name) or f"{name}(" in factor[1:])
    if "(A" in factor and "/" in factor:  # Hill and logistic functions
        out += 1.5
    powers = re.findall(r"\*\*(\d)", factor)
    return out + POWER * (int(powers[0]) - 1 if powers else 0)


def term_cost(factors: Sequence[str], live: int) -> float:
    """-log prior of a term."""
    return TERM + sum(_factor_cost(one, live) for one in factors)


def polynomials(ranges: Ranges, degree: int) -> list[Term]:
    """Tier 0 to a degree."""
    live = len(ranges.live)
    return [Term(factors, cost=term_cost(factors, live)) for factors in monomials(ranges.live, degree, live)]


Forms = list[tuple[tuple[str, ...], list[Any]]]  # factors, grid of values of A, or of (A, B)


def _angles(ranges: Ranges) -> Forms:
    out: Forms = []
    live = ranges.live
    for j in live:
        width = ranges.high[j] - ranges.low[j]
        grid = [float(w) for w in np.geomspace(1.2, 18.0, 8) / max(width, 1e-300)]
        for name in ("sin", "cos"):
            one = f"{name}(x_{j})"
            out.append(((one,), []))
            out.append(((f"{name}(A*x_{j})",), grid))
            out.extend(((f"x_{k}", one), []) for k in live)
            out.extend(((f"1/x_{k}", one), []) for k in live if k != j and ranges.poleless(k))
            out.append(((f"{name}(x_{j})**2",), []))
        out.append(((f"sin(x_{j})", f"cos(x_{j})"), []))
        out.extend(((f"sin(x_{j})", f"cos(x_{k})"), []) for k in live if k != j)
    for j, k in itertools.combinations(live, 2):
        out.extend(
            ((one,), [])
            for one in (
                f"sin(x_{j} - x_{k})",
                f"cos(x_{j} - x_{k})",
                f"sin(x_{j})*sin(x_{k})",
                f"cos(x_{j})*cos(x_{k})",
            )
        )
    return out


def _exponentials(ranges: Ranges) -> Forms:
    out: Forms = []
    live = ranges.live
    for j in live:
        grid = [float(s * w / ranges.spread[j]) for w in (0.25, 0.6, 1.5, 3.5) for s in (-1, 1)]
        atoms: list[tuple[str, list[Any]]] = [(f"exp(A*x_{j})", grid), (f"exp(-x_{j})", []), (f"exp(x_{j})", [])]
        if ranges.positive(j):
            atoms.append((f"log(x_{j})", []))
        if ranges.halfline(j):
            atoms.append((f"sqrt(Abs(x_{j}))" if ranges.low[j] <= 0 else f"sqrt(x_{j})", []))
        if ranges.poleless(j):
            atoms += [(f"1/x_{j}", []), (f"1/x_{j}**2", [])]
        if ranges.low[j] < 0 < ranges.high[j]:
            atoms.append((f"Abs(x_{j})", []))
        for one, values in atoms:
            out.append(((one,), values))
            out.extend(((f"x_{k}", one), values) for k in live if k != j or not one.startswith(("1/", "sqrt")))
            out.extend(((f"x_{k}**2", one), values) for k in live if k != j and one == f"1/x_{j}")
    return out


def _saturation(ranges: Ranges) -> Forms:
    out: Forms = []
    live = ranges.live
    for j in live:
        size = max(abs(ranges.low[j]), abs(ranges.high[j]))
        grid = [float(a) for a in np.geomspace(0.08, 2.0, 7) * size]
        atoms: list[tuple[str, list[Any]]] = [
            (f"tanh(A*x_{j})", [float(a / ranges.spread[j]) for a in (0.4, 1.0, 2.5)])
        ]
        places = ranges.low[j] + np.array([0.1, 0.35, 0.65, 0.9]) * (ranges.high[j] - ranges.low[j])
        steps = [float(a / ranges.spread[j]) for a in (0.7, 1.8, 5.0)]
        atoms.append((f"1/(1 + exp(A*(B - x_{j})))", [(a, float(b)) for a in steps for b in places]))
        powers = (1, 2, 3, 4) if ranges.halfline(j) else (2, 4)
        for p in powers:
            top, bottom = (f"x_{j}", f"A + x_{j}") if p == 1 else (f"x_{j}**{p}", f"A**{p} + x_{j}**{p}")
            atoms += [(f"{top}/({bottom})", grid), (f"1/({bottom})", grid)]
        for one, values in atoms:
            out.append(((one,), values))
            out.extend(((f"x_{k}", one), values) for k in live if k != j or not one.startswith("1/"))
    return out


def tier(ranges: Ranges, number: int) -> list[Term]:
    """The terms of tier 1, 2 or 3, a term for each value of its grid."""
    forms = {1: _angles, 2: _exponentials, 3: _saturation}[number](ranges)
    out: list[Term] = []
    for factors, grid in forms:
        cost = term_cost(factors, len(ranges.live))
        if grid:
            values = [value if isinstance(value, tuple) else (value,) for value in grid]
            out.extend(Term(factors, value, number, cost) for value in values)
        else:
            out.append(Term(factors, (), number, cost))
    return out


Prior = Callable[[int, Term], float]  # component, term -> -log prior to add, in nats


@dataclass(frozen=True)
class Component:
    """One right-hand side: sum of coefficient * term, over 1 + sum of coefficient * term."""

    terms: tuple[Term, ...]
    weights: tuple[float, ...]
    below: tuple[Term, ...] = ()
    below_weights: tuple[float, ...] = ()

    @cached_property
    def cost(self) -> float:
        """-log prior of the structure, in nats."""
        return sum(one.cost for one in self.terms) + sum(one.cost + 1.0 for one in self.below)

    @property
    def plain(self) -> bool:
        """A polynomial."""
        return not self.below and all(one.tier == 0 for one in self.terms)

    @property
    def key(self) -> tuple[Any, ...]:
        """The structure without numbers."""
        return (frozenset(one.form for one in self.terms), frozenset(one.form for one in self.below))

    @property
    def constants(self) -> int:
        """How many numbers it has."""
        return len(self.weights) + len(self.below_weights) + sum(len(one.inner) for one in self.terms)

    def lifted(self, dimension: int, first: int) -> tuple[sympy.Expr, list[sympy.Symbol], list[float]]:
        """The expression with symbols c_first, .. for its constants, these symbols and their values."""
        symbols: list[sympy.Symbol] = []
        values: list[float] = []

        def new(value: float) -> sympy.Symbol:
            symbols.append(sympy.Symbol(f"c_{first + len(symbols)}", real=True))
            values.append(float(value))
            return symbols[-1]

        def total(terms: Sequence[Term], weights: Sequence[float]) -> sympy.Expr:
            out: sympy.Expr = sympy.Integer(0)
            for term, weight in zip(terms, weights, strict=True):
                one = term.expression(dimension)
                if term.inner:
                    one = one.xreplace({symbol: new(value) for symbol, value in zip(INNER, term.inner, strict=False)})
                out = out + new(weight) * one
            return out

        above = total(self.terms, self.weights)
        if self.below:
            above = above / (1 + total(self.below, self.below_weights))
        return above, symbols, values
