"""Is a found law the true one? Its terms after expansion, compared with those of the truth; and how complex it is.

Two laws are the same in structure when each component has the same set of terms, and every constant of the truth is
met within 5 % (phases of sines within 0.05 rad, broken exponents within 0.05). A rational function is one fraction,
with 1 before the highest term of its denominator. Products and powers of sines are compared as they stand (with
cos^2 = 1 - sin^2), and else as sums of sines: sin x cos x is sin(2 x) / 2.
"""

from collections import defaultdict
from dataclasses import dataclass
from math import pi

import sympy
from sympy.simplify.fu import TR8

from ..system import System
from .canonical import SINE, bare, canonical

CLOSE = 0.05  # relative, of a constant
PHASE = 0.05  # rad, and of exponents
ROUNDING = 1e-10  # of the largest coefficient: smaller ones are rounding
MOST_OPERATIONS = 2_000  # larger formulas are not compared


def complexity(system: System) -> int:
    """Count operators, variables and constants of the expanded equations in prefix notation; a number counts once."""
    return sum(_size(_expanded(one)) for one in system.equations)


def _expanded(one: sympy.Expr) -> sympy.Expr:
    return sympy.expand(one, power_exp=False, power_base=False, log=False)


def _size(one: sympy.Expr) -> int:
    if not one.args or one.is_number:
        return 1
    return sum(map(_size, one.args)) + (len(one.args) - 1 if one.is_Add or one.is_Mul else 1)


@dataclass(frozen=True, order=True)
class Term:
    """One term: what it is made of, without its numbers, and the numbers, its coefficient last."""

    form: str
    numbers: tuple[float, ...]
    phases: tuple[float, ...] = ()

    def meets(self, other: "Term") -> bool:
        """The same form and numbers, within the tolerance of the module."""
        return (
            self.form == other.form
            and all(abs(a - b) <= CLOSE * abs(a) for a, b in zip(self.numbers, other.numbers, strict=True))
            and all(abs(a - b) <= PHASE for a, b in zip(self.phases, other.phases, strict=True))
        )


@dataclass(frozen=True)
class Fraction:
    """The terms above and below the line, sorted; below stands one term without a state when there is no division."""

    above: tuple[Term, ...]
    below: tuple[Term, ...]

    def meets(self, other: "Fraction") -> bool:
        """The same terms, one to one, those of one form in the order of their numbers."""
        return all(
            len(mine) == len(theirs) and all(a.meets(b) for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in ((self.above, other.above), (self.below, other.below))
        )

    def forms(self) -> dict[str, int]:
        """How often each form occurs."""
        count: dict[str, int] = defaultdict(int)
        divided = len(self.below) > 1 or self.below[0].form != "1"
        for line, terms in (("above", self.above), ("below", self.below if divided else ())):
            for term in terms:
                count[f"{line} {term.form}"] += 1
        return count


def recovered(truth: System, found: System) -> bool:
    """Is every component found, term by term and number by number?"""
    return truth.dimension == found.dimension and all(components_recovered(truth, found))


def components_recovered(truth: System, found: System) -> list[bool]:
    """For each component, whether it has the terms of the truth and no others, and its numbers."""
    return [
        any(_meets(one_fraction(a, sums), one_fraction(b, sums)) for sums in (False, True))
        for a, b in zip(truth.equations, found.equations, strict=True)
    ]


def _meets(wanted: Fraction | None, found: Fraction | None) -> bool:
    return wanted is not None and found is not None and wanted.meets(found)


def term_recall(truth: System, found: System) -> float:
    """Share of the true terms, whatever their numbers, that the found system has in the same component."""
    met = total = 0
    for a, b in zip(truth.equations, found.equations, strict=True):
        counts = [_terms_met(one_fraction(a, sums), one_fraction(b, sums)) for sums in (False, True)]
        best = max(counts, key=lambda pair: (pair[0] / max(pair[1], 1), -pair[1]))
        met, total = met + best[0], total + best[1]
    return met / total if total else 1.0


def _terms_met(wanted: Fraction | None, found: Fraction | None) -> tuple[int, int]:
    if wanted is None:
        return 0, 1
    forms, there = wanted.forms(), found.forms() if found is not None else {}
    return sum(min(count, there.get(form, 0)) for form, count in forms.items()), sum(forms.values())


def one_fraction(one: sympy.Expr, sums: bool = False) -> Fraction | None:
    """The one fraction that an expression is; None when it is too large or divides by zero.

    sums  write products of sines as sums of sines
    """
    if one.count_ops() > MOST_OPERATIONS:
        return None
    if sums and not one.has(sympy.sin, sympy.cos):
        sums = False
    above, below = sympy.fraction(sympy.together(canonical(TR8(sympy.expand(one)) if sums else one)))
    over, under = _polynomial(above), _polynomial(below)
    if not under:
        return None
    over, under = _reduced(over, under)
    highest = max(under, key=lambda key: (sum(power for _, power in key), str(key)))
    by = under[highest]
    return Fraction(*(tuple(sorted(_term(key, value / by) for key, value in part.items())) for part in (over, under)))


_Monomial = tuple[tuple[sympy.Expr, int], ...]  # (state or function, power)


def _polynomial(one: sympy.Expr) -> dict[_Monomial, float]:
    """A polynomial in states, sines, exponentials and the like: -> coefficient by monomial, without rounding."""
    found: dict[_Monomial, float] = defaultdict(float)
    for part in sympy.Add.make_args(sympy.expand(_without_squared_cosines(sympy.expand(one)))):
        number, rest = part.as_coeff_Mul()
        powers: dict[sympy.Expr, int] = defaultdict(int)
        for factor in sympy.Mul.make_args(rest):
            if factor.is_number:
                number *= factor
            else:
                base, power = factor.as_base_exp()
                powers[base] += int(power)
        found[_monomial(powers)] += float(number)
    largest = max(map(abs, found.values()), default=0.0)
    return {key: value for key, value in found.items() if abs(value) > ROUNDING * largest}


def _monomial(powers: dict[sympy.Expr, int]) -> _Monomial:
    return tuple(sorted(((base, power) for base, power in powers.items() if power), key=str))


def _without_squared_cosines(one: sympy.Expr) -> sympy.Expr:
    """sin^2(u + b) with b from pi/4 on is 1 - sin^2(u + b - pi/2)."""

    def rewritten(power: sympy.Expr) -> sympy.Expr:
        argument, phase = power.base.args
        square = 1 - SINE(argument, _rounded(phase - pi / 2)) ** 2
        return square ** (int(power.exp) // 2) * power.base ** (int(power.exp) % 2)

    return one.replace(
        lambda e: e.is_Pow and e.base.func == SINE and e.exp.is_Integer and e.exp > 1 and e.base.args[1] >= pi / 4,
        rewritten,
    )


def _rounded(phase: sympy.Expr) -> sympy.Float:
    """A cosine less a quarter turn is a sine, exactly."""
    return sympy.Float(0.0 if abs(phase) < ROUNDING else phase)


def _reduced(
    over: dict[_Monomial, float], under: dict[_Monomial, float]
) -> tuple[dict[_Monomial, float], dict[_Monomial, float]]:
    """Divide both by what all their monomials share; no power is negative then."""
    every = [dict(key) for key in (*over, *under)]
    bases = {base for key in every for base in key}
    least = {base: min(key.get(base, 0) for key in every) for base in bases}

    def divided(part: dict[_Monomial, float]) -> dict[_Monomial, float]:
        return {_monomial({base: dict(key).get(base, 0) - least[base] for base in bases}): v for key, v in part.items()}

    return divided(over), divided(under)


def _term(key: _Monomial, coefficient: float) -> Term:
    parts = sorted((form, power, numbers, phases) for base, power in key for form, numbers, phases in [bare(base)])
    return Term(
        "*".join(f"{form}^{power}" for form, power, _, _ in parts) or "1",
        (*(number for _, _, numbers, _ in parts for number in numbers), coefficient),
        tuple(phase for *_, phases in parts for phase in phases),
    )
