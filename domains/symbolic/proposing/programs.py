"""Systems as straight-line programs, and many programs as one tape that a few array operations run together."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..system import System

Ints = NDArray[np.int64]
STATE, CONSTANT = 0, 1  # the leaves
BINARY: dict[str, Callable[..., Tensor]] = {"add": torch.add, "mul": torch.mul, "pow": torch.pow}
UNARY: dict[str, Callable[..., Tensor]] = {
    "inv": torch.reciprocal, "sqrt": torch.sqrt, "Abs": torch.abs, "sign": torch.sign, "exp": torch.exp,
    "log": torch.log, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "atan": torch.atan, "sinh": torch.sinh,
    "cosh": torch.cosh, "tanh": torch.tanh,
}  # fmt: skip
FUNCTIONS = {**BINARY, **UNARY}
CODES = {name: place + 2 for place, name in enumerate(FUNCTIONS)}
NAMES = {code: name for name, code in CODES.items()}


@dataclass(frozen=True, eq=False)
class Program:
    """One system as nodes in the order of computation; the first `dimension` nodes are the states.

    code    (node,) STATE, CONSTANT or a function of `CODES`
    left    (node,) node of the first operand; right that of the second (both 0 where there is none)
    value   (node,) of constants; 0 elsewhere. Another array of it is the same law with other constants
    level   (node,) length of the longest way to a leaf
    output  (state,) nodes of the right-hand sides
    """

    code: Ints
    left: Ints
    right: Ints
    value: NDArray[np.float64]
    level: Ints
    output: Ints

    @property
    def dimension(self) -> int:
        """How many states there are."""
        return len(self.output)


class Writer:
    """Writes the nodes of a program; equal nodes are written once."""

    def __init__(self, dimension: int) -> None:
        self.rows: list[tuple[int, int, int, float, int]] = [(STATE, 0, 0, 0.0, 0)] * dimension
        self.known: dict[Hashable, int] = {}

    def constant(self, value: float) -> int:
        """The node of a number."""
        return self._node((CONSTANT, 0, 0, float(value)), 0)

    def call(self, name: str, left: int, right: int = 0) -> int:
        """The node of a function in `CODES` of one or two nodes."""
        level = max(self.rows[left][4], self.rows[right][4] if name in BINARY else 0) + 1
        return self._node((CODES[name], left, right, 0.0), level)

    def power(self, base: int, exponent: int) -> int:
        """An integer power: small ones by products."""
        if exponent < 0:
            return self.call("inv", self.power(base, -exponent))
        if exponent == 0:
            return self.constant(1.0)
        if exponent > 8:
            return self.call("pow", base, self.constant(exponent))
        half = base if exponent < 4 else self.power(base, exponent // 2)
        if exponent == 1:
            return base
        square = self.call("mul", half, half)
        return self.call("mul", square, base) if exponent % 2 else square

    def finish(self, output: Sequence[int]) -> Program:
        """The program with these nodes as right-hand sides."""
        columns = list(zip(*self.rows, strict=True))
        code, left, right, level = (np.array(columns[place], np.int64) for place in (0, 1, 2, 4))
        return Program(code, left, right, np.array(columns[3], np.float64), level, np.array(output, np.int64))

    def _node(self, row: tuple[int, int, int, float], level: int) -> int:
        if row not in self.known:
            self.known[row] = len(self.rows)
            self.rows.append((*row, level))
        return self.known[row]


def compile_system(system: System) -> Program:
    """The program of a system; raises InputError for a function that has no code."""
    writer = Writer(system.dimension)
    seen: dict[sympy.Expr, int] = {}

    def node(one: sympy.Expr) -> int:
        if one not in seen:
            seen[one] = build(one)
        return seen[one]

    def build(one: sympy.Expr) -> int:
        if one.is_Symbol:
            return int(one.name.removeprefix("x_"))
        if one.is_number:
            value = complex(one)
            return writer.constant(value.real if value.imag == 0 else np.nan)
        if one.is_Add or one.is_Mul:
            parts = [node(part) for part in one.args]
            while len(parts) > 1:  # in pairs: short ways to the leaves make few levels
                pairs = [writer.call("add" if one.is_Add else "mul", *two) for two in zip(parts[::2], parts[1::2])]  # noqa: B905
                parts = pairs + parts[2 * len(pairs) :]
            return parts[0]
        if one.is_Pow:
            if one.exp.is_Integer:
                return writer.power(node(one.base), int(one.exp))
            if one.exp == sympy.Rational(1, 2):
                return writer.call("sqrt", node(one.base))
            return writer.call("pow", node(one.base), node(one.exp))
        name = type(one).__name__
        if name == "cot":
            return writer.call("inv", writer.call("tan", node(one.args[0])))
        if name not in UNARY:
            raise InputError(f"cannot integrate {one}: the function {name} is not known; known: {', '.join(UNARY)}.")
        return writer.call(name, node(one.args[0]))

    return writer.finish([node(sympy.sympify(one)) for one in system.equations])


class Tape:
    """Many programs, run together: nodes of one level and one function lie side by side and are one array operation.

    Called with states (batch, state) it gives the derivatives, same shape. States beyond a program's own stand still.
    """

    def __init__(self, programs: Sequence[Program], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.batch, self.width = len(programs), max(one.dimension for one in programs)
        sizes = np.array([len(one.code) for one in programs])
        dimensions = np.array([one.dimension for one in programs])
        shift = np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.code = np.concatenate([one.code for one in programs])
        self.level = np.concatenate([one.level for one in programs])
        self.value = np.concatenate([one.value for one in programs])
        self.left = np.concatenate([one.left for one in programs]) + shift
        self.right = np.concatenate([one.right for one in programs]) + shift
        self.owner = np.repeat(np.arange(self.batch), sizes)
        self.state = np.arange(len(self.code)) - shift  # of a state's node: which state
        self.output = np.full((self.batch, self.width), -1)
        first = np.cumsum(sizes) - sizes
        place = np.arange(self.width)[None] < dimensions[:, None]
        self.output[place] = np.concatenate([one.output for one in programs]) + np.repeat(first, dimensions)
        self._lay()

    def narrowed(self, kept: NDArray[np.bool_]) -> "Tape":
        """The tape of some of the programs; kept (batch,)."""
        new = object.__new__(Tape)
        node = kept[self.owner]
        number = np.cumsum(node) - 1
        new.device, new.batch, new.width = self.device, int(kept.sum()), self.width
        new.code, new.level, new.value, new.state = (x[node] for x in (self.code, self.level, self.value, self.state))
        new.left, new.right = number[self.left[node]], number[self.right[node]]
        new.owner = (np.cumsum(kept) - 1)[self.owner[node]]
        output = self.output[kept]
        new.output = np.where(output < 0, -1, number[output])
        new._lay()
        return new

    def _lay(self) -> None:
        """Order nodes by level and function behind a block of states, and note the groups."""
        states = self.batch * self.width
        rank = self.level * (len(CODES) + 2) + self.code
        order = np.argsort(rank, kind="stable")
        order = order[self.code[order] != STATE]
        where = np.empty(len(self.code), np.int64)
        where[order] = states + np.arange(len(order))
        leaf = self.code == STATE
        where[leaf] = self.owner[leaf] * self.width + self.state[leaf]
        size = states + len(order) + 1  # the last one stays zero
        self.values = torch.zeros(size, dtype=torch.float64, device=self.device)
        constants = self.code[order] == CONSTANT
        self.values[states : states + int(constants.sum())] = torch.from_numpy(self.value[order[constants]])
        left, right = torch.from_numpy(where[self.left[order]]), torch.from_numpy(where[self.right[order]])
        ranks = rank[order]
        edges = [0, *(np.flatnonzero(np.diff(ranks)) + 1).tolist(), len(order)]
        self.groups = []
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            if stop == start or self.code[order[start]] == CONSTANT:
                continue
            name = NAMES[int(self.code[order[start]])]
            into = self.values[states + start : states + stop]
            first, second = (one[start:stop].to(self.device) for one in (left, right))
            self.groups.append((FUNCTIONS[name], into, first, second if name in BINARY else None))
        found = np.where(self.output < 0, size - 1, where[self.output])
        self.found = torch.from_numpy(found.reshape(-1)).to(self.device)

    @cached_property
    def states(self) -> Tensor:
        """The block of states inside the values."""
        return self.values[: self.batch * self.width]

    def __call__(self, states: Tensor) -> Tensor:
        """(batch, state) -> (batch, state)."""
        self.states.copy_(states.reshape(-1))
        for function, into, left, right in self.groups:
            first = self.values.index_select(0, left)
            if right is None:
                function(first, out=into)
            else:
                function(first, self.values.index_select(0, right), out=into)
        return self.values.index_select(0, self.found).view(self.batch, self.width)
