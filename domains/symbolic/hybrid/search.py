"""Sparse regression over the columns of a library: all small supports, a forward beam, backward elimination."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLLINEAR = 1e-9  # a column this small after projection says nothing of its own
EVERY = 30_000  # supports of one size, up to which all of them are tried
AT_ONCE = 3_000


@dataclass(frozen=True)
class Support:
    """Columns with their least-squares weights and the sum of squares that is left."""

    columns: tuple[int, ...]
    weights: tuple[float, ...]
    rest: float


def solve(matrix: Floats, response: Floats, columns: Sequence[int]) -> Support:
    """Least squares on these columns, scaled to unit norm first."""
    part = matrix[:, list(columns)]
    size = np.sqrt((part * part).sum(0)) + 1e-300
    weights, *_ = np.linalg.lstsq(part / size, response, rcond=1e-12)
    rest = response - (part / size) @ weights
    return Support(tuple(int(j) for j in columns), tuple(float(w) for w in weights / size), float(rest @ rest))


def beam(
    matrix: Floats, response: Floats, forms: Sequence[int], prices: Floats, width: int, depth: int,
    logarithmic: bool = True, level: float = 1.0,
) -> list[Support]:  # fmt: skip
    """Supports of up to `depth` columns, grown one column at a time, the `width` best of each size.

    matrix (row, column), response (row,), forms (column,): columns of one form exclude each other,
    prices (column,): what a column costs in the unit of the sum of squares over `level`, so that plain ones come first
    logarithmic: rank by rows * log(1 + misfit / rows), for problems whose first columns explain little
    """
    size = np.sqrt((matrix * matrix).sum(0))
    usable = size > 0
    start = matrix / np.where(usable, size, 1.0)
    form = np.asarray(forms)
    found: list[Support] = []
    alive: list[tuple[tuple[int, ...], Floats, Floats]] = [((), start, response)]
    total = float(response @ response)
    count = len(response)
    for _ in range(depth):
        children: dict[tuple[int, ...], tuple[float, int, int]] = {}
        for place, (chosen, deflated, rest) in enumerate(alive):
            norms = (deflated * deflated).sum(0)
            free = usable & (norms > COLLINEAR)
            if chosen:
                free &= ~np.isin(form, form[list(chosen)])
            gain = np.where(free, (rest @ deflated) ** 2 / np.maximum(norms, COLLINEAR), -np.inf)
            left = np.maximum(float(rest @ rest) - gain, 1e-300)
            # far from a fit prices are no guide to single steps: then what counts is the share of the rest explained
            misfit = count * np.log1p(left / count) if logarithmic else left / level
            score = misfit + prices + prices[list(chosen)].sum()
            for j in np.argsort(score)[: min(width, 24)]:
                if np.isfinite(gain[j]):
                    key = tuple(sorted((*chosen, int(j))))
                    if key not in children or score[j] < children[key][0]:
                        children[key] = (float(score[j]), place, int(j))
        ranked = sorted(children.items(), key=lambda one: one[1][0])[:width]
        grown = []
        for key, (_, place, j) in ranked:
            _, deflated, rest = alive[place]
            unit = deflated[:, j] / np.sqrt((deflated[:, j] ** 2).sum())
            less = deflated - np.outer(unit, unit @ deflated)
            after = rest - unit * (unit @ rest)
            grown.append((key, less, after))
            found.append(Support(key, (), float(after @ after)))
        alive = grown
        if not alive or (len(alive[0][0]) > 2 and float(alive[0][2] @ alive[0][2]) < 1e-14 * total):
            break
    return found


def every(matrix: Floats, response: Floats, depth: int, keep: int) -> list[Support]:
    """The `keep` best supports of each size up to `depth`, of all there are; sizes with more than `EVERY` are left out.

    In a library whose columns are nearly collinear the best support of four may hold none of the best of three, and no
    greedy search comes to it. Weights are left to `solve`.
    """
    size = np.sqrt((matrix * matrix).sum(0))
    usable = np.flatnonzero(size > 0)
    # the same inner products in as few rows as there are columns
    reduced = np.asarray(np.linalg.qr(np.column_stack([matrix[:, usable] / size[usable], response]), mode="r"))
    columns, target = reduced[:, :-1], reduced[:, -1]
    total, found = float(target @ target), []
    for count in range(1, min(depth, len(usable)) + 1):
        if comb(len(usable), count) > EVERY:
            break
        chosen = np.array(list(combinations(range(len(usable)), count)))
        left = np.empty(len(chosen))
        for begin in range(0, len(chosen), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            q, r = np.linalg.qr(columns[:, chosen[part]].transpose(1, 0, 2))
            sound = np.abs(np.diagonal(r, axis1=1, axis2=2)).min(1) > COLLINEAR
            explained = ((q.transpose(0, 2, 1) @ target) ** 2).sum(1)
            left[part] = np.where(sound, np.maximum(total - explained, 0.0), np.inf)
        best = np.argsort(left, kind="stable")[:keep]
        found += [
            Support(tuple(int(j) for j in usable[chosen[row]]), (), float(left[row]))
            for row in best
            if np.isfinite(left[row])
        ]
    return found


def backward(matrix: Floats, response: Floats, most: int) -> list[Support]:
    """From all columns down, each time without the one that is missed least; the supports of at most `most`."""
    size = np.sqrt((matrix * matrix).sum(0))
    columns = [int(j) for j in np.flatnonzero(size > 0)]
    found = []
    while columns:
        part = matrix[:, columns] / size[columns]
        q, r = np.linalg.qr(part)
        diagonal = np.abs(np.diag(r))
        if diagonal.min() < 1e-10:  # linearly dependent: drop the dependent one
            del columns[int(diagonal.argmin())]
            continue
        aim = q.T @ response
        inverse = np.linalg.inv(r)
        weights = inverse @ aim
        loss = weights**2 / (inverse**2).sum(1)
        if len(columns) <= most:
            rest = response - q @ aim
            found.append(Support(tuple(columns), tuple(weights / size[columns]), float(rest @ rest)))
        del columns[int(loss.argmin())]
    return found
