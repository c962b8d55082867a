"""One way of writing an expression, so that two laws can be compared term by term.

cos(u + b) is a sine with a phase in [-pi/4, 3 pi/4); tan, cot, sec, csc, sinh, cosh and tanh are sines and
exponentials; numbers leave exponentials, logarithms, absolute values and broken powers:
exp(a x + b) = e^b exp(a x), log(a x + b) = log a + log(x + b/a), |a x| = |a| |x|, (a x)^p = a^p x^p.
"""

from math import floor, pi

import sympy

SINE = sympy.Function("sine")  # (argument without a constant and with a positive first coefficient, phase)
GROWTH = sympy.Function("growth")  # e to the argument, which is one term with a positive coefficient
LOGARITHM = sympy.Function("logarithm")  # of an argument whose first coefficient is 1 or -1
SIZE = sympy.Function("size")  # absolute value, of the like
POWER = sympy.Function("power")  # (base of the like, exponent between 0 and 1); the whole part stands beside it
WHOLE = 1e-6  # how near to a whole number an exponent is one


def canonical(one: sympy.Expr) -> sympy.Expr:
    """The expression in states, numbers and the functions above."""
    if one.is_number:
        return sympy.Float(float(one))
    if one.is_Symbol:
        return one
    if one.is_Pow and one.base != sympy.E:
        return _power(canonical(one.base), one.exp)
    match one:
        case sympy.exp():
            return _growth(canonical(one.exp))
        case sympy.sin():
            return _sine(canonical(one.args[0]), 0.0)
        case sympy.cos():
            return _sine(canonical(one.args[0]), pi / 2)
        case sympy.tan() | sympy.cot() | sympy.sec() | sympy.csc():
            return canonical(one.rewrite(sympy.sin, sympy.cos) if one.func is sympy.csc else _over_cosine(one))
        case sympy.tanh():
            up = canonical(sympy.exp(2 * one.args[0]))
            return (up - 1) / (up + 1)
        case sympy.sinh() | sympy.cosh():
            up = canonical(sympy.exp(one.args[0]))
            return (up + (1 if one.func is sympy.cosh else -1) / up) / 2
        case sympy.log():
            inside, by = monic(canonical(one.args[0]))
            return sympy.log(by) + LOGARITHM(inside)
        case sympy.Abs():
            inside, by = monic(canonical(one.args[0]))
            return by * (inside if inside.is_nonnegative else SIZE(inside))
        case sympy.sign():
            inside, _ = monic(canonical(one.args[0]))
            return SIZE(inside) / inside
    return one.func(*map(canonical, one.args))


def _over_cosine(one: sympy.Expr) -> sympy.Expr:
    sine, cosine = sympy.sin(one.args[0]), sympy.cos(one.args[0])
    return {sympy.tan: sine / cosine, sympy.cot: cosine / sine, sympy.sec: 1 / cosine}[one.func]


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    if not exponent.is_number:
        return _growth(canonical(exponent * sympy.log(base)))
    value = float(exponent)
    if abs(value - round(value)) < WHOLE:
        return base ** round(value)
    inside, by = monic(base)
    return sympy.Float(by**value) * inside ** floor(value) * POWER(inside, sympy.Float(value - floor(value)))


def _growth(argument: sympy.Expr) -> sympy.Expr:
    """A product of one exponential a term; a negative coefficient divides."""
    found = sympy.Integer(1)
    for term in sympy.Add.make_args(sympy.expand(argument)):
        number, rest = term.as_coeff_Mul()
        if rest == 1:
            found *= sympy.exp(number)
        else:
            found *= GROWTH(rest * abs(number)) ** (1 if number > 0 else -1)
    return found


def _sine(argument: sympy.Expr, phase: float) -> sympy.Expr:
    constant, moving = sympy.expand(argument).as_coeff_Add()
    phase += float(constant)
    if moving == 0:
        return sympy.sin(phase)
    if _first(moving) < 0:  # sin(phase - u) = sin(u + pi - phase)
        moving, phase = -moving, pi - phase
    turns = floor((phase + pi / 4) / pi)
    return (-1) ** turns * SINE(moving, sympy.Float(phase - turns * pi))


def monic(one: sympy.Expr) -> tuple[sympy.Expr, float]:
    """Divide by the size of the first coefficient: -> (what is left, that size)."""
    expanded = sympy.expand(one)
    by = abs(_first(expanded))
    return sympy.expand(expanded / by), by


def _first(one: sympy.Expr) -> float:
    """The coefficient of the first term that is no number, in an order that does not look at numbers."""
    parts = [part.as_coeff_Mul() for part in sympy.Add.make_args(one) if not part.is_number]
    return float(min(parts, key=lambda part: bare(part[1])[0])[0]) if parts else float(one)


def bare(one: sympy.Expr) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """Take the numbers out: -> (form, numbers in the order of the form, phases and exponents)."""
    if one.is_Symbol:
        return one.name, (), ()
    if one.is_number:
        return "1", (float(one),), ()
    if one.is_Add:
        parts = sorted(_counted(part) for part in one.args)
        return "(" + "+".join(form for form, _, _ in parts) + ")", *_chained(parts)
    if one.is_Mul:
        parts = sorted(bare(part) for part in one.args)
        return "*".join(form for form, _, _ in parts), *_chained(parts)
    if one.is_Pow:
        form, numbers, phases = bare(one.base)
        return f"{form}^{one.exp}", numbers, phases
    form, numbers, phases = _counted(one.args[0])
    if one.func in (SINE, POWER):
        phases += (float(one.args[1]),)
    return f"{one.func.__name__}({form})", numbers, phases


def _counted(one: sympy.Expr) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """A term with its coefficient first, 1 where none is written."""
    number, rest = one.as_coeff_Mul()
    if rest == 1:
        return "1", (float(number),), ()
    form, numbers, phases = bare(rest)
    return form, (float(number), *numbers), phases


def _chained(
    parts: list[tuple[str, tuple[float, ...], tuple[float, ...]]],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(n for _, numbers, _ in parts for n in numbers), tuple(p for *_, phases in parts for p in phases)
