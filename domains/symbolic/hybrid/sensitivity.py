"""Expressions with constants as straight-line code with their derivatives.

Compiling a law through `sympy.lambdify` with its Jacobians takes tens of milliseconds; a search refines dozens of laws.
Here an expression becomes a list of operations once, each derivative is written by one backward sweep over that list
(reverse accumulation), and the text is compiled once for single points (`math`) and once for arrays (`numpy`).
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from ..system import state

Floats = NDArray[np.float64]
CALLS = ("sin", "cos", "tan", "exp", "log", "tanh", "sinh", "cosh", "atan", "abs", "sign")


def _sign(x: float) -> float:
    return float(x > 0.0) - float(x < 0.0)


SCALAR: dict[str, Any] = {name: getattr(math, name) for name in CALLS if hasattr(math, name)} | {
    "abs": abs,
    "sign": _sign,
}
ARRAYS = {name: getattr(np, "arctan" if name == "atan" else name) for name in CALLS}
SLOPES = {
    "sin": "cos({a})",
    "cos": "(-sin({a}))",
    "tan": "(1.0 + {v} * {v})",
    "exp": "{v}",
    "log": "(1.0 / {a})",
    "tanh": "(1.0 - {v} * {v})",
    "sinh": "cosh({a})",
    "cosh": "sinh({a})",
    "atan": "(1.0 / (1.0 + {a} * {a}))",
    "abs": "sign({a})",
    "sign": "0.0",
}


class _Tape:
    """Operations in order; equal operations are one."""

    def __init__(self, places: dict[sympy.Symbol, str]) -> None:
        self.places = places
        self.lines: list[tuple[str, str, tuple[str, ...]]] = []  # name, operation, names of its arguments
        self.known: dict[Any, str] = {}

    def push(self, operation: str, *arguments: str) -> str:
        key = (operation, arguments)
        if key not in self.known:
            self.known[key] = f"v{len(self.lines)}"
            self.lines.append((self.known[key], operation, arguments))
        return self.known[key]

    def read(self, one: sympy.Expr) -> str:
        if one in self.known:
            return self.known[one]
        if one.is_Symbol:
            name = self.places[one]
        elif one.is_number:
            value = float(one)
            name = f"({value!r})" if math.isfinite(value) else "(0.0)"
        elif one.is_Add or one.is_Mul:
            operation = "+" if one.is_Add else "*"
            name = self.read(one.args[0])
            for part in one.args[1:]:
                name = self.push(operation, name, self.read(part))
        elif one.is_Pow and one.exp.is_number:
            name = self.push(f"^{float(one.exp)!r}", self.read(one.base))
        elif one.is_Pow:
            inner = self.push("*", self.read(one.exp), self.push("log", self.read(one.base)))
            name = self.push("exp", inner)
        elif one.func is sympy.exp or str(one.func).lower() in CALLS:
            name = self.push(str(one.func).lower(), self.read(one.args[0]))
        elif one.func is sympy.cot:
            name = self.push("^-1.0", self.push("tan", self.read(one.args[0])))
        else:
            raise ValueError(f"{one.func} is not known")
        self.known[one] = name
        return name


def _power(base: str, exponent: float) -> str:
    if exponent in (2.0, 3.0, 4.0):
        return "(" + " * ".join([base] * int(exponent)) + ")"
    if exponent == -1.0:
        return f"(1.0 / {base})"
    if exponent == -2.0:
        return f"(1.0 / ({base} * {base}))"
    return f"{base} ** {int(exponent) if exponent == int(exponent) else exponent!r}"


def _value(operation: str, arguments: tuple[str, ...]) -> str:
    if operation in "+*":
        return f"{arguments[0]} {operation} {arguments[1]}"
    if operation[0] == "^":
        return _power(arguments[0], float(operation[1:]))
    return f"{operation}({arguments[0]})"


def _backward(tape: _Tape, output: str) -> dict[str, str]:
    """d output / d every name it depends on, as text."""
    parts: dict[str, list[str]] = {output: ["1.0"]}
    for name, operation, arguments in reversed(tape.lines):
        if name not in parts:
            continue
        total = " + ".join(parts[name])
        total = f"({total})" if len(parts[name]) > 1 else total
        if operation == "+":
            for one in arguments:
                parts.setdefault(one, []).append(total)
        elif operation == "*":
            for one, other in (arguments, arguments[::-1]):
                parts.setdefault(one, []).append(other if total == "1.0" else f"{total} * {other}")
        else:
            argument = arguments[0]
            if operation[0] == "^":
                exponent = float(operation[1:])
                lower = "1.0" if exponent == 1 else argument if exponent == 2 else _power(argument, exponent - 1)
                slope = f"{exponent!r} * {lower}"
            else:
                slope = SLOPES[operation].format(a=argument, v=name)
            parts.setdefault(argument, []).append(slope if total == "1.0" else f"{total} * {slope}")
    return {name: " + ".join(found) for name, found in parts.items()}


class Program:
    """f(x, c) of every state, with df/dx and df/dc.

    expressions  one a state, in x_0, x_1, .. and in `constants`
    constants    symbols, in the order of the array c
    Raises ValueError for a function it does not know.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], constants: Sequence[sympy.Symbol]) -> None:
        self.dimension = len(expressions)
        self.count = len(constants)
        self.places = {state(j): f"x[{j}]" for j in range(self.dimension)}
        self.places |= {symbol: f"c[{k}]" for k, symbol in enumerate(constants)}
        self.tape = _Tape(self.places)
        self.outputs = [self.tape.read(sympy.sympify(one)) for one in expressions]
        self.lines = [f"    {name} = {_value(operation, arguments)}" for name, operation, arguments in self.tape.lines]

    def _made(self, returned: str, names: dict[str, Any]) -> Callable[..., Any]:
        space = dict(names)
        exec("\n".join(["def f(x, c):", *self.lines, f"    return {returned}"]), space)
        return space["f"]  # type: ignore[no-any-return]

    @cached_property
    def scalar(self) -> Callable[[Sequence[float], Sequence[float]], list[float]]:
        """f at one point: x a list of states, c a list of constants -> list; may raise OverflowError and the like."""
        return self._made("[" + ", ".join(self.outputs) + "]", SCALAR)

    @cached_property
    def arrays(self) -> Callable[[Any, Any], list[Any]]:
        """f at many points: x[j], c[k] arrays that fit each other -> a list of arrays (or numbers)."""
        return self._made("[" + ", ".join(self.outputs) + "]", ARRAYS)

    @cached_property
    def _slopes(self) -> Callable[[Any, Any], tuple[list[Any], list[Any]]]:
        sweeps = [_backward(self.tape, output) for output in self.outputs]
        by_state = [sweep.get(f"x[{j}]", "0.0") for sweep in sweeps for j in range(self.dimension)]
        by_constant = [sweep.get(f"c[{k}]", "0.0") for sweep in sweeps for k in range(self.count)]
        return self._made(f"([{', '.join(by_state)}], [{', '.join(by_constant)}])", ARRAYS)

    def slopes(self, x: Floats, c: Floats) -> tuple[Floats, Floats]:
        """Derivatives along a trajectory.

        x (time, state), c (constant,) -> by state (time, state, state), by constant (time, state, constant)
        """
        with np.errstate(all="ignore"):
            by_state, by_constant = self._slopes(x.T, c)
        one = np.empty((self.dimension * self.dimension, len(x)))
        two = np.empty((self.dimension * self.count, len(x)))
        for place, found in enumerate(by_state):
            one[place] = found
        for place, found in enumerate(by_constant):
            two[place] = found
        shape = (self.dimension, self.dimension, len(x))
        return one.reshape(shape).transpose(2, 0, 1), two.reshape(self.dimension, -1, len(x)).transpose(2, 0, 1)
