"""Trigonometric polynomials of angles, over a sine or cosine that keeps away from zero: tangents and cotangents.

The equations of rotating bodies in angles are such sums (Euler's angles, Jeffery's orbits): products of sines and
cosines of one or two angles, and tan, cot, sec, csc where the coordinates have a pole. A denominator without constants
needs no implicit form: the other terms over it are columns like any others.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .library import Term, term_cost

DEGREE = 3
MOST = 4  # states beyond which there are too many products
POLE = 0.02  # of its greatest size, that a denominator must keep from zero
TIER = 1

Factors = tuple[str, ...]


def rotations(live: Sequence[int], states: NDArray[np.float64]) -> list[Term]:
    """The constant, trigonometric monomials to degree 3, and those to degree 2 over each safe sine and cosine.

    live  the states that vary; states (time, state), against which denominators are tried
    """
    if len(live) > MOST:
        return []
    found = [*_monomials(live, DEGREE)]
    for j in live:
        for name, own in (("sin", f"cos(x_{j})"), ("cos", f"sin(x_{j})")):
            if _safe(states[:, j], name):
                rest = _monomials([k for k in live if k != j], DEGREE - 1)
                bottom = f"1/{name}(x_{j})"
                found += [(*one, bottom) for one in rest]
                # at most two factors above: the other function of the same angle, and one of another angle
                found += [(own, *one, bottom) for one in rest if len(one) < 2 and not any("**" in f for f in one)]
    return [Term(one, tier=TIER if one else 0, cost=term_cost(one, len(live))) for one in found]


def _monomials(states: Sequence[int], degree: int) -> list[Factors]:
    """Products of powers of sines and cosines of at most two angles; cos^2 is 1 - sin^2 and is left out."""
    out: list[Factors] = [()]
    out += [one for j in states for order in range(1, degree + 1) for one in _powers(j, order)]
    for j, k in itertools.combinations(states, 2):
        for first in range(1, degree):
            for second in range(1, degree - first + 1):
                out += [(*a, *b) for a in _powers(j, first) for b in _powers(k, second)]
    return out


def _powers(j: int, order: int) -> list[Factors]:
    sine, cosine = f"sin(x_{j})", f"cos(x_{j})"
    if order == 1:
        return [(sine,), (cosine,)]
    less = sine if order == 2 else f"{sine}**{order - 1}"
    return [(f"{sine}**{order}",), (less, cosine)]


def _safe(angle: NDArray[np.float64], name: str) -> bool:
    values = np.abs(getattr(np, name)(angle))
    return bool(values.min() > POLE * values.max())
