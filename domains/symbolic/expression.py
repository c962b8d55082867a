"""A formula that a user wrote becomes a sympy expression; nothing of it is ever run as Python code."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from ...shared.errors import InputError

FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    name: getattr(sympy, name)
    for name in ("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp",
                 "log", "sqrt", "Abs", "sign")
} | {"abs": sympy.Abs, "ln": sympy.log}  # fmt: skip
NUMBERS: dict[str, sympy.Expr] = {"pi": sympy.pi, "E": sympy.E}
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], sympy.Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
LONGEST = 20_000  # characters
LARGEST_POWER = 64  # as an exponent
LARGEST_NUMBER = 300  # decimal digits of a number raised to a power: 9**9**9 would keep a machine busy for good


def read_expression(text: str, names: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """Read "0.5*x_0^2 + sin(x_1)" with these names, the functions above, + - * / ^ ** and parentheses.

    The text is cut by Python's grammar and walked by hand: anything but numbers, known names, operators and calls of
    known functions raises InputError that names it, as does what is not a finite real formula.
    """
    where = f"cannot read the equation {text[:200]!r}"
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: it is empty; write a formula such as -0.5*x_0 + x_1^2.")
    if len(text) > LONGEST:
        raise InputError(f"{where}: it has {len(text):,} characters; up to {LONGEST:,} are read.")
    try:
        tree = ast.parse(" ".join(text.split()).replace("^", "**"), mode="eval")
        found = _read(tree.body, names)
    except _NotFormulaError as error:
        raise InputError(f"{where}: {error}.") from None
    except SyntaxError as error:
        raise InputError(f"{where}: it breaks off or is no formula near character {error.offset or 1}.") from None
    except (RecursionError, MemoryError):
        raise InputError(f"{where}: it is nested too deeply.") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{where}: {str(error).splitlines()[0] if str(error) else type(error).__name__}.") from None
    if found.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise InputError(f"{where}: it divides by zero or is infinite.")
    if found.has(sympy.I):
        raise InputError(f"{where}: it is complex (the root or logarithm of a negative number).")
    return found


class _NotFormulaError(Exception):
    """What stands in the text and may not."""


def _read(node: ast.AST, names: Mapping[str, sympy.Expr]) -> sympy.Expr:
    match node:
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            raise _NotFormulaError(f"{node.value!r} is not a real number")
        case ast.Constant(value=int() as number):
            return sympy.Integer(number)
        case ast.Constant(value=float() as number):
            return sympy.Float(number)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Name(id=name) if name in NUMBERS:
            return NUMBERS[name]
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise _NotFormulaError(f"{name} is a function; write {name}(...)")
            raise _NotFormulaError(f"{name!r} is not known; known are {', '.join(names)}")
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_read(inner, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _read(inner, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_read(left, names), _read(right, names))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            return OPERATORS[type(operator)](_read(left, names), _read(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            if len(arguments) != 1:
                raise _NotFormulaError(f"{name} takes one argument, not {len(arguments)}")
            return FUNCTIONS[name](_read(arguments[0], names))
        case ast.Call(func=ast.Name(id=name)):
            raise _NotFormulaError(f"{name!r} is no known function; known are {', '.join(FUNCTIONS)}")
    raise _NotFormulaError(f"{ast.unparse(node)[:80]!r} is not part of a formula")


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    if exponent.is_number and abs(exponent) > LARGEST_POWER:
        raise _NotFormulaError(f"the power {str(exponent)[:40]} is larger than {LARGEST_POWER}")
    if base.is_number and exponent.is_number and base != 0:
        digits = abs(float(exponent) * float(sympy.log(abs(base.evalf(5)), 10)))
        if digits > LARGEST_NUMBER:
            raise _NotFormulaError(f"a number to the power {str(exponent)[:40]} has {digits:,.0f} digits")
    return base**exponent
