"""Expressions in sums, products, integer powers and sines, kept in one normal form by plain arithmetic.

What sympy's automatic evaluation does to such expressions, at a small part of its time: sums and products are
flattened, numbers folded, like terms and like factors collected, a number in front of a sum is dealt out to its terms,
and the operands stand in a fixed order. Nothing is expanded.

An expression is a tuple: ("c", number), ("x", state), ("+", terms), ("*", factors), ("^", base, integer),
("sin", argument). A number stands first in a sum or a product.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from ....shared.errors import InputError
from ..system import System, state
from .programs import Program, Writer

Expression = tuple[Any, ...]


def constant(value: float) -> Expression:
    """A number."""
    return ("c", float(value))


def variable(place: int) -> Expression:
    """A state."""
    return ("x", place)


def total(parts: Iterable[Expression]) -> Expression:
    """The sum of expressions."""
    number = 0.0
    rests: dict[Expression, float] = {}
    for part in parts:
        for term in part[1] if part[0] == "+" else (part,):
            if term[0] == "c":
                number += term[1]
            else:
                factor, rest = split(term)
                rests[rest] = rests.get(rest, 0.0) + factor
    terms = [_times(factor, rest) for rest, factor in sorted(rests.items(), key=_order) if factor]
    if number or not terms:
        terms.insert(0, ("c", number))
    return terms[0] if len(terms) == 1 else ("+", tuple(terms))


def product(parts: Iterable[Expression]) -> Expression:
    """The product of expressions."""
    number = 1.0
    powers: dict[Expression, int] = {}
    for part in parts:
        for factor in part[1] if part[0] == "*" else (part,):
            if factor[0] == "c":
                number *= factor[1]
            else:
                base, exponent = (factor[1], factor[2]) if factor[0] == "^" else (factor, 1)
                powers[base] = powers.get(base, 0) + exponent
    factors = [
        base if exponent == 1 else ("^", base, exponent)
        for base, exponent in sorted(powers.items(), key=_order)
        if exponent
    ]
    if not number or not factors:
        return ("c", number)
    rest = factors[0] if len(factors) == 1 else ("*", tuple(factors))
    return _times(number, rest)


def power(base: Expression, exponent: int) -> Expression:
    """An integer power of an expression."""
    if exponent == 1:
        return base
    if base[0] == "c":
        try:
            return ("c", float(base[1] ** exponent))
        except (OverflowError, ZeroDivisionError):
            return ("c", math.inf)
    if exponent == 0:
        return ("c", 1.0)
    if base[0] == "^":
        return power(base[1], base[2] * exponent)
    if base[0] == "*":
        return product(power(factor, exponent) for factor in base[1])
    return ("^", base, exponent)


def sine(argument: Expression) -> Expression:
    """The sine of an expression; a leading minus is taken out."""
    if argument[0] == "c":
        return ("c", math.sin(argument[1]))
    leading = argument[1][0] if argument[0] == "+" else argument
    if (leading[1] if leading[0] == "c" else split(leading)[0]) < 0:
        return product((("c", -1.0), ("sin", product((("c", -1.0), argument)))))
    return ("sin", argument)


def split(term: Expression) -> tuple[float, Expression]:
    """The number in front of a term, and the rest."""
    if term[0] == "*" and term[1][0][0] == "c":
        rest = term[1][1:]
        return term[1][0][1], rest[0] if len(rest) == 1 else ("*", rest)
    return 1.0, term


def rounded(one: Expression, decimals: int = 4) -> Expression:
    """The expression with its numbers rounded; what becomes zero goes."""
    match one[0]:
        case "c":
            return ("c", round(one[1], decimals) + 0.0)
        case "+":
            return total(rounded(part, decimals) for part in one[1])
        case "*":
            return product(rounded(part, decimals) for part in one[1])
        case "^":
            return power(rounded(one[1], decimals), one[2])
        case "sin":
            return sine(rounded(one[1], decimals))
    return one


def with_numbers(one: Expression, put: Mapping[float, float]) -> Expression:
    """The expression with some of its numbers replaced by others."""
    match one[0]:
        case "c":
            return ("c", put.get(one[1], one[1]))
        case "+":
            return total(with_numbers(part, put) for part in one[1])
        case "*":
            return product(with_numbers(part, put) for part in one[1])
        case "^":
            return power(with_numbers(one[1], put), one[2])
        case "sin":
            return sine(with_numbers(one[1], put))
    return one


def structure(one: Expression) -> Expression:
    """The expression without the values of its numbers."""
    match one[0]:
        case "c":
            return ("c",)
        case "+" | "*":
            return (one[0], tuple(map(structure, one[1])))
        case "^":
            return ("^", structure(one[1]), one[2])
        case "sin":
            return ("sin", structure(one[1]))
    return one


def expanded(one: Expression) -> Expression:
    """Products and small positive powers of sums multiplied out."""
    match one[0]:
        case "+":
            return total(expanded(part) for part in one[1])
        case "*":
            out = ("c", 1.0)
            for part in one[1]:
                right = expanded(part)
                out = total(product((a, b)) for a in _terms(out) for b in _terms(right))
            return out
        case "^":
            base = expanded(one[1])
            if base[0] == "+" and 0 < one[2] <= 4:
                return expanded(("*", (base,) * one[2]))
            return power(base, one[2])
        case "sin":
            return sine(expanded(one[1]))
    return one


def term_shapes(one: Expression) -> set[Expression]:
    """The terms of the expanded expression without their numbers: inner numbers become 1, a number alone ("c", 1)."""
    return {_shape(split(term)[1]) for term in _terms(expanded(one)) if term != ("c", 0.0)}


def _terms(one: Expression) -> tuple[Expression, ...]:
    return one[1] if one[0] == "+" else (one,)


def _shape(one: Expression) -> Expression:
    match one[0]:
        case "c":
            return ("c", 1.0)
        case "+" | "*":
            parts = {_shape(split(part)[1]) for part in one[1]} if one[0] == "+" else [_shape(part) for part in one[1]]
            return (one[0], tuple(sorted(parts, key=repr)))
        case "^":
            return ("^", _shape(one[1]), one[2])
        case "sin":
            return ("sin", _shape(one[1]))
    return one


def is_finite(one: Expression) -> bool:
    """Whether every number of it is finite."""
    if one[0] == "c":
        return math.isfinite(one[1])
    if one[0] in ("+", "*"):
        return all(map(is_finite, one[1]))
    return one[0] == "x" or is_finite(one[1])


def from_sympy(one: sympy.Expr) -> Expression:
    """The normal form of a sympy expression; raises InputError for what the four operators cannot say."""
    if one.is_Symbol:
        return variable(int(one.name.removeprefix("x_")))
    if one.is_number and one.is_real:
        return constant(float(one))
    if one.is_Add:
        return total(map(from_sympy, one.args))
    if one.is_Mul:
        return product(map(from_sympy, one.args))
    if one.is_Pow and one.exp.is_number and float(one.exp).is_integer():
        return power(from_sympy(one.base), int(one.exp))
    if isinstance(one, sympy.sin):
        return sine(from_sympy(one.args[0]))
    if isinstance(one, sympy.cos):
        return sine(total((from_sympy(one.args[0]), constant(math.pi / 2))))
    raise InputError(f"{one} cannot be written with sums, products, integer powers and sines.")


def to_sympy(one: Expression) -> sympy.Expr:
    """The expression as sympy; whole numbers stay floats unless they are signs."""
    match one[0]:
        case "c":
            return sympy.Integer(int(one[1])) if one[1] in (0.0, 1.0, -1.0) else sympy.Float(one[1])
        case "x":
            return state(one[1])
        case "+":
            return sympy.Add(*map(to_sympy, one[1]))
        case "*":
            return sympy.Mul(*map(to_sympy, one[1]))
        case "^":
            return sympy.Pow(to_sympy(one[1]), one[2])
    return sympy.sin(to_sympy(one[1]))


def to_system(components: Iterable[Expression]) -> System:
    """The system of these right-hand sides."""
    return System(tuple(map(to_sympy, components)))


def compile_expressions(components: tuple[Expression, ...]) -> Program:
    """The program of a system in normal form."""
    writer = Writer(len(components))
    return writer.finish([_write(writer, one) for one in components])


def _write(writer: Writer, one: Expression) -> int:
    match one[0]:
        case "c":
            return writer.constant(one[1])
        case "x":
            return int(one[1])
        case "^":
            return writer.power(_write(writer, one[1]), one[2])
        case "sin":
            return writer.call("sin", _write(writer, one[1]))
    parts = [_write(writer, part) for part in one[1]]
    name = "add" if one[0] == "+" else "mul"
    while len(parts) > 1:
        pairs = [writer.call(name, *two) for two in zip(parts[::2], parts[1::2])]  # noqa: B905
        parts = pairs + parts[2 * len(pairs) :]
    return parts[0]


def _times(number: float, rest: Expression) -> Expression:
    if number == 1.0:
        return rest
    if rest[0] == "+":
        return ("+", tuple(product((("c", number), term)) for term in rest[1]))
    return ("*", (("c", number), *(rest[1] if rest[0] == "*" else (rest,))))


RANKS = {"c": 0, "x": 1, "^": 2, "*": 3, "+": 4, "sin": 5}


def _order(item: tuple[Expression, Any]) -> tuple[Any, ...]:
    return _key(item[0])


def _key(one: Expression) -> tuple[Any, ...]:
    """Small things first: variables, powers, products, sums, sines; numbers inside do not count before structure."""
    match one[0]:
        case "c" | "x":
            return (RANKS[one[0]], one[1])
        case "^":
            return (2, one[2], _key(one[1]))
        case "sin":
            return (5, _key(one[1]))
    return (RANKS[one[0]], len(one[1]), *map(_key, one[1]))
