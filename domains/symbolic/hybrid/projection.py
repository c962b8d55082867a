"""Constants inside functions beside all low polynomials: which forms, and where their constants lie.

On nearly noiseless data a constant that is off by the width of a grid's step misses by more than every other term
explains, and no search that adds one term after the other comes to the right forms. Beside all polynomials of degree
two, and in pairs, the misfit over a fine grid of both constants is two inner products away once the polynomials are
projected out (variable projection, Golub & Pereyra 1973).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .library import Ranges, Term, polynomials, term_cost
from .weak import WeakForm

Floats = NDArray[np.float64]
GRID = 24
ALIKE = 1e-6  # 1 - squared cosine, under which two columns say the same


def forms(ranges: Ranges) -> list[list[Term]]:
    """Terms with one constant inside (a logistic has two), each over a fine grid: saturation, exponentials, angles."""
    out: list[list[Term]] = []
    live = ranges.live

    def add(factors: tuple[str, ...], grid: Sequence[tuple[float, ...]], tier: int) -> None:
        cost = term_cost(factors, len(live))
        out.append([Term(factors, value, tier, cost) for value in grid])

    for j in live:
        size = max(abs(ranges.low[j]), abs(ranges.high[j]))
        width = ranges.high[j] - ranges.low[j]
        half = [(float(a),) for a in np.geomspace(0.02, 5.0, GRID) * size]
        if ranges.halfline(j):
            one = f"x_{j}/(A + x_{j})"
            add((one,), half, 3)
            for k in live:
                if k != j:  # x times it is in the span of x, 1 and itself
                    add((f"x_{k}", one), half, 3)
        one = f"x_{j}**2/(A**2 + x_{j}**2)"
        add((one,), half, 3)
        for k in live:
            add((f"x_{k}", one), half, 3)
        rates = [(float(s * a / ranges.spread[j]),) for s in (-1, 1) for a in np.geomspace(0.1, 6.0, GRID // 2)]
        add((f"exp(A*x_{j})",), rates, 2)
        for k in live:
            add((f"x_{k}", f"exp(A*x_{j})"), rates, 2)
        waves = [(float(a / width),) for a in np.geomspace(1.0, 25.0, GRID)]
        add((f"sin(A*x_{j})",), waves, 1)
        add((f"cos(A*x_{j})",), waves, 1)
        steps = np.geomspace(0.5, 8.0, 6) / ranges.spread[j]
        places = ranges.low[j] + np.linspace(0.0, 1.0, 7) * width
        add((f"1/(1 + exp(A*(B - x_{j})))",), [(float(a), float(b)) for a in steps for b in places], 3)
    return out


def dense(weak: WeakForm, ranges: Ranges, component: int, most: int = 10) -> list[list[Term]]:
    """The polynomials of degree two with one or two forms at their best constants, the least misfit first."""
    plain = polynomials(ranges, 2)
    grids = [kept for one in forms(ranges) if (kept := _sound(one, weak.states))]
    if not grids:
        return []
    terms = [term for one in grids for term in one]
    places = np.split(np.arange(len(terms)), np.cumsum([len(one) for one in grids])[:-1])
    basis, _ = np.linalg.qr(_scaled(_columns(weak, component, plain)))
    columns = _scaled(_columns(weak, component, terms))
    columns = columns - basis @ (basis.T @ columns)
    response = weak.responses[component]
    rest = response - basis @ (basis.T @ response)
    inner, gains = columns.T @ columns, columns.T @ rest
    size = np.maximum(np.diag(inner), 1e-14)
    single = gains**2 / size
    found: list[tuple[float, tuple[int, ...]]] = []
    for a, one in enumerate(places):
        best = int(one[single[one].argmax()])
        found.append((float(single[best]), (best,)))
        for other in places[a + 1 :]:
            block = inner[np.ix_(one, other)]
            free = np.outer(size[one], size[other]) - block**2
            explained = (
                gains[one, None] ** 2 * size[other] + gains[other] ** 2 * size[one, None]
                - 2 * np.outer(gains[one], gains[other]) * block
            )  # fmt: skip
            apart = free > ALIKE * np.outer(size[one], size[other])
            both = np.where(apart, explained / np.where(apart, free, 1.0), 0.0)
            i, k = np.unravel_index(int(both.argmax()), both.shape)
            found.append((float(both[i, k]), (int(one[i]), int(other[k]))))
    found.sort(key=lambda one: -one[0])
    return [[*plain, *(terms[place] for place in chosen)] for _, chosen in found[:most]]


def _sound(grid: list[Term], states: Floats) -> list[Term]:
    return [one for one in grid if np.isfinite(one.values(states)).all()]


def _columns(weak: WeakForm, component: int, terms: list[Term]) -> Floats:
    values = np.stack([one.values(weak.states) for one in terms], 1)
    return weak.whiten(weak.project(values), component)


def _scaled(columns: Floats) -> Floats:
    return np.asarray(columns / (np.sqrt((columns * columns).sum(0)) + 1e-300), np.float64)
