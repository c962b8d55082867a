"""Random systems and their trajectories, after ODEFormer's generator (d'Ascoli et al. 2024, section 3, appendix A).

The variant: `id` has its intended meaning, a place for an affine map a + b (.). (The released code writes the operand
of id twice, so that its binary nodes often hold a copy of their first operand.) Expressions are simplified by the
rules of `normal_form`, and all systems of a batch are integrated together at rtol 1e-5.
"""

from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from .integrate import integrate_many
from .normal_form import (
    Expression,
    compile_expressions,
    constant,
    is_finite,
    power,
    product,
    rounded,
    sine,
    total,
    variable,
)  # fmt: skip
from .tokens import STATES, system_tokens, token_numbers

Tree = tuple[Any, ...]
UNARIES, WEIGHTS = ("sin", "inv", "pow2", "id"), np.array([1, 1, 1, 3]) / 6
FIRST, LAST = 1.0, 10.0  # the time span of every example


@dataclass(frozen=True)
class GeneratorConfig:
    """The published distribution; fewer states make a smaller task."""

    states: int = STATES  # the dimension is uniform from 1 to this
    binaries: int = 5  # binary operators a component, uniform from 1
    unaries: int = 3  # unary operators kept a component, uniform from 0
    prefactor: float = 20.0  # constants are log-uniform in [1 / prefactor, prefactor], of either sign
    points: tuple[int, int] = (50, 200)  # of a trajectory, uniform
    limit: float = 100.0  # of the states
    settled: float = 0.9  # probability to refuse a trajectory that stands still in its last quarter
    starts: int = 1  # trajectories tried of each system
    longest: int = 200  # words of a system

    def __post_init__(self) -> None:
        if not 1 <= self.states <= STATES or self.binaries < 1 or self.unaries < 0 or self.prefactor <= 1:
            raise InputError(
                f"{self} draws no systems; take 1 to {STATES} states, 1 operator or more, prefactor above 1."
            )
        if not 8 <= self.points[0] <= self.points[1] or self.starts < 1:
            raise InputError(
                f"points={self.points} must be two rising counts, 8 or more, and starts={self.starts} 1 or more."
            )


class Example(NamedTuple):
    """One system with its trajectory."""

    components: tuple[Expression, ...]
    words: NDArray[np.int64]  # (token,) numbers of the words
    states: NDArray[np.float64]  # (time, state); the times are equally spaced from FIRST to LAST


def draw_system(
    random: np.random.Generator, config: GeneratorConfig = GeneratorConfig()
) -> tuple[Expression, ...] | None:
    """One system in normal form, numbers rounded to four decimals; None when the draw is refused."""
    dimension = int(random.integers(1, config.states + 1))
    found = []
    for _ in range(dimension):
        tree = _with_unaries(_tree(random, int(random.integers(1, config.binaries + 1)), dimension), random, config)
        dress = _Dresser(random, config.prefactor)
        one = rounded(dress(tree))
        if not is_finite(one) or _size(one) > 2 * (_tree_size(tree) + 2 * dress.given):
            return None
        found.append(one)
    return tuple(found)


def draw_examples(
    random: np.random.Generator, count: int, config: GeneratorConfig = GeneratorConfig()
) -> tuple[list[Example], int]:
    """The examples that `count` draws leave (about an eighth as published), and how many were integrated."""
    drawn, words = [], []
    for _ in range(count):
        one = draw_system(random, config)
        said = [] if one is None else system_tokens(one)
        if one is not None and len(said) <= config.longest:
            drawn += [one] * config.starts
            words += [token_numbers(said)] * config.starts
    if not drawn:
        return [], 0
    starts = random.standard_normal((len(drawn), config.states))
    points = random.integers(config.points[0], config.points[1] + 1, len(drawn))
    keep_settled = random.random(len(drawn)) >= config.settled
    width = max(map(len, drawn))
    states, alive = integrate_many(
        [compile_expressions(one) for one in drawn], starts[:, :width], spaced_times(points),
        rtol=1e-5, atol=1e-7, limit=config.limit, max_steps=400,
    )  # fmt: skip
    out = []
    for place in np.flatnonzero(alive):
        path = states[place, : points[place], : len(drawn[place])]
        if keep_settled[place] or not _stands_still(path):
            out.append(Example(drawn[place], words[place], path))
    return out, len(drawn)


def spaced_times(points: NDArray[np.int64]) -> NDArray[np.float64]:
    """Equally spaced times from FIRST to LAST, a row for each number of points, ending in inf; (row, time)."""
    step = np.arange(points.max())
    times = FIRST + (LAST - FIRST) * step / (points[:, None] - 1)
    return np.where(step < points[:, None], times, np.inf)


def _stands_still(path: NDArray[np.float64]) -> bool:
    end = path[-(len(path) // 4) :]
    return bool(((end.max(0) - end.min(0)) / len(end) < 1e-3).all())


@cache
def _split_sizes(operators: int) -> NDArray[np.float64]:
    """Probabilities of the sizes of the left branch when every binary tree of so many nodes is as likely."""
    catalan = [comb(2 * n, n) // (n + 1) for n in range(operators + 1)]
    ways = np.array([catalan[left] * catalan[operators - 1 - left] for left in range(operators)], np.float64)
    share: NDArray[np.float64] = ways / ways.sum()
    return share


def _tree(random: np.random.Generator, operators: int, dimension: int) -> Tree:
    if not operators:
        return ("x", int(random.integers(dimension)))
    left = int(np.searchsorted(_split_sizes(operators).cumsum(), random.random()))
    left = min(left, operators - 1)
    name = "add" if random.random() < 0.75 else "mul"
    return (name, _tree(random, left, dimension), _tree(random, operators - 1 - left, dimension))


def _tree_size(tree: Tree) -> int:
    return 1 if tree[0] == "x" else 1 + sum(map(_tree_size, tree[1:]))


def _size(one: Expression) -> int:
    """Prefix tokens, a float counting once."""
    match one[0]:
        case "c" | "x":
            return 1
        case "^":
            return 2 + _size(one[1])
        case "sin":
            return 1 + _size(one[1])
    return len(one[1]) - 1 + sum(map(_size, one[1]))


def _with_unaries(tree: Tree, random: np.random.Generator, config: GeneratorConfig) -> Tree:
    """Offer each small node below the root a unary operator and keep a random few."""
    places: list[tuple[int, ...]] = []

    def offer(node: Tree, path: tuple[int, ...]) -> int:
        size = 1 + sum(offer(child, (*path, side)) for side, child in enumerate(node[1:], 1)) if node[0] != "x" else 1
        if path and size < 7:
            places.append(path)
        return size

    offer(tree, ())
    count = min(int(random.integers(config.unaries + 1)), len(places))
    chosen = random.permutation(len(places))[:count]
    names = random.choice(UNARIES, size=count, p=WEIGHTS)
    kept = {places[place]: str(name) for place, name in zip(chosen.tolist(), names, strict=True)}

    def put(node: Tree, path: tuple[int, ...]) -> Tree:
        if node[0] != "x":
            node = (node[0], *(put(child, (*path, side)) for side, child in enumerate(node[1:], 1)))
        return (kept[path], node) if path in kept else node

    return put(tree, ()) if kept else tree


class _Dresser:
    """Puts the constants into a tree and makes it an expression in normal form."""

    def __init__(self, random: np.random.Generator, prefactor: float) -> None:
        self.random, self.span, self.given = random, float(np.log10(prefactor)), 0  # constants so far

    def __call__(self, tree: Tree) -> Expression:
        one = self._dress(tree)
        return one if self.given else product((self._constant(), one))

    def _constant(self) -> Expression:
        self.given += 1
        size = 10.0 ** self.random.uniform(-self.span, self.span)
        return constant(size if self.random.random() < 0.5 else -size)

    def _dress(self, tree: Tree) -> Expression:
        match tree[0]:
            case "x":
                return variable(tree[1])
            case "add":
                return total(
                    self._dress(c) if c[0] == "add" else product((self._constant(), self._dress(c))) for c in tree[1:]
                )
            case "mul":
                return product((self._dress(tree[1]), self._dress(tree[2])))
        inner = self._dress(tree[1])
        if tree[1][0] != "add":
            inner = total((self._constant(), product((self._constant(), inner))))
        match tree[0]:
            case "sin":
                return sine(inner)
            case "id":
                return inner
        return power(inner, -1 if tree[0] == "inv" else 2)
