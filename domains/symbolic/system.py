"""A system of autonomous ordinary differential equations as sympy expressions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy
from numpy.typing import NDArray

from ...shared.errors import InputError
from .expression import read_expression

Floats = NDArray[np.float64]


def state(place: int) -> sympy.Symbol:
    """The symbol x_0, x_1, .. of a state; real."""
    return sympy.Symbol(f"x_{place}", real=True)


@dataclass(frozen=True)
class System:
    """x_i' = f_i(x_0, x_1, ..); one expression a state, in the symbols of `state`."""

    equations: tuple[sympy.Expr, ...]

    def __post_init__(self) -> None:
        known = {state(place) for place in range(len(self.equations))}
        for place, one in enumerate(self.equations):
            if strange := sorted(map(str, one.free_symbols - known)):
                raise InputError(f"equation {place} has {', '.join(strange)}, which is no state of the system.")

    @classmethod
    def parse(
        cls,
        equations: Sequence[str],
        names: Mapping[str, int] | None = None,
        constants: Mapping[str, sympy.Expr] | None = None,
    ) -> "System":
        """Read "c*x_0^2 + sin(x_1)", one string a state.

        names      other names of states -> their places
        constants  names of constants -> their numbers

        Raises InputError for what cannot be read.
        """
        known = {f"x_{place}": state(place) for place in range(len(equations))}
        known |= {name: state(place) for name, place in (names or {}).items()} | dict(constants or {})
        return cls(tuple(read_expression(text, known) for text in equations))

    @property
    def dimension(self) -> int:
        """How many states there are."""
        return len(self.equations)

    @cached_property
    def rhs(self) -> Callable[[float, Floats], Floats]:
        """f(t, x), for scipy's integrators; x (state,) or (state, batch) -> same shape. Overflow gives inf or NaN."""
        symbols = [state(place) for place in range(self.dimension)]
        compiled = sympy.lambdify([symbols], list(self.equations), "numpy", cse=True)

        def derivative(_: float, x: Floats) -> Floats:
            with np.errstate(all="ignore"):
                found = compiled(x)
            out = np.empty_like(x, dtype=np.float64)
            for place, one in enumerate(found):
                out[place] = one
            return out

        return derivative

    @cached_property
    def skeleton(self) -> tuple[tuple[sympy.Expr, ...], tuple[sympy.Symbol, ...], tuple[float, ...]]:
        """Expressions with c_0, c_1, .. for constants, these symbols, and their values.

        A constant is a number that is added or that multiplies, or any float; integer and simple rational powers
        belong to the structure, and so does a sign, and the 1 of a denominator 1 + .., which only fixes its scale.
        """
        symbols: list[sympy.Symbol] = []
        values: list[float] = []

        def new(value: sympy.Expr) -> sympy.Symbol:
            symbols.append(sympy.Symbol(f"c_{len(symbols)}", real=True))
            values.append(float(value))
            return symbols[-1]

        def lifted(one: sympy.Expr) -> sympy.Expr:
            if one.is_number:
                return new(one)
            if one.is_Pow and one.exp.is_Rational:
                if one.exp < 0 and one.base.is_Add and sympy.Integer(1) in one.base.args:
                    rest = [lifted(part) for part in one.base.args if part != 1]
                    return one.func(sympy.Add(sympy.Integer(1), *rest), one.exp)
                return one.func(lifted(one.base), one.exp)
            if one.is_Mul and one.args[0] == -1:
                return -lifted(one.func(*one.args[1:]))
            if not one.args:
                return one
            return one.func(*(lifted(part) for part in one.args))

        expressions = tuple(lifted(one) for one in self.equations)
        return expressions, tuple(symbols), tuple(values)

    def with_constants(self, values: Sequence[float]) -> "System":
        """The same structure with other constants, in the order of `skeleton`."""
        expressions, symbols, _ = self.skeleton
        put = {symbol: sympy.Float(value) for symbol, value in zip(symbols, values, strict=True)}
        return System(tuple(one.xreplace(put) for one in expressions))

    def rescaled(self, scale: Sequence[float], rate: float = 1.0) -> "System":
        """The law of X_i = scale_i x_i in time T = t / rate: dX_i/dT = rate scale_i f_i(X_0 / scale_0, ..)."""
        put = {state(place): state(place) / sympy.Float(by) for place, by in enumerate(scale)}
        return System(
            tuple(rate * by * one.subs(put, simultaneous=True) for by, one in zip(scale, self.equations, strict=True))
        )

    def permuted(self, order: Sequence[int]) -> "System":
        """The law of the states in another order: new state i is the old state order[i]."""
        put = {state(old): state(new) for new, old in enumerate(order)}
        return System(tuple(self.equations[old].xreplace(put) for old in order))

    def strings(self) -> list[str]:
        """The right-hand sides as text that `parse` reads."""
        return [str(one) for one in self.equations]
