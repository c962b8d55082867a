"""Which terms: sparse regression in the trajectories' own misfit.

About a fitted law the trajectory's response to every library term is a linear variational equation. Solved for all
terms at once it turns the choice of terms into a sparse regression whose residuals are the measurements themselves,
with white noise of known level: no derivative, no smoothing bias. (Gauss-Newton on the structure; the weak form only
has to bring the first law near.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .library import Component, Term
from .search import backward, beam
from .selection import Law, law_of
from .sensitivity import Program
from .shooting import Fit, Shooter, propagate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A library term in one component."""

    component: int
    term: Term


def responses(law: Law, fit: Fit, shooter: Shooter, columns: Sequence[Column]) -> tuple[Floats, Floats] | None:
    """Change of all measured numbers by a unit of each column, starts' own changes projected out.

    -> matrix (number, column) and target (number,): residual plus what the law's own terms already give
    """
    program = Program(law.expressions, law.symbols)
    d = program.dimension
    starts = np.concatenate(fit.starts)
    states, chi2 = shooter.run(fit.constants, starts)
    if not np.isfinite(chi2):
        return None
    rows, rest, free = [], [], []
    for piece, ((run, a, b), found) in enumerate(zip(shooter.cuts, states, strict=True)):
        one = shooter.targets[run]
        jacobian, _ = program.slopes(found, fit.constants)
        values: dict[Term, Floats] = {}
        source = np.zeros((len(found), d, len(columns) + d))
        for place, column in enumerate(columns):
            if column.term not in values:
                values[column.term] = column.term.values(found)
            source[:, column.component, place] = values[column.term]
        first = np.zeros((d, len(columns) + d))
        first[:, len(columns) :] = np.eye(d)
        places = one.places
        grid = one.grid[int(places[a]) : int(places[b - 1]) + 1]
        moved = propagate(jacobian, source, np.diff(grid), first)
        at = places[a:b] - places[a]
        scaled = moved[at] / one.sigma[a:b, :, None]
        rows.append(scaled[..., : len(columns)].reshape(-1, len(columns)))
        begin = np.zeros((scaled.shape[0] * d, d * len(shooter.cuts)))
        begin[:, d * piece : d * (piece + 1)] = scaled[..., len(columns) :].reshape(-1, d)
        free.append(begin)
        rest.append(((one.states[a:b] - found[at]) / one.sigma[a:b]).ravel())
    matrix, target, nuisance = np.concatenate(rows), np.concatenate(rest), np.concatenate(free)
    if not np.isfinite(matrix).all():
        return None
    basis, _ = np.linalg.qr(nuisance)
    return matrix - basis @ (basis.T @ matrix), target - basis @ (basis.T @ target)


def neighbours(
    law: Law, fit: Fit, shooter: Shooter, library: Sequence[Column], prices: Floats, width: int, most: int
) -> list[Law]:
    """Laws that the linearised misfit prefers, the best first.

    library  columns without constants inside beyond those fixed; the law's own terms are added to it
    prices   (column,) of the library, in chi2
    """
    if law.components is None:
        return []
    own: list[Column] = []
    weights: list[float] = []
    place = 0
    for component, one in enumerate(law.components):
        if one.below:
            return []
        for term in one.terms:
            # constants of the fit, in the order of Component.lifted
            inner = tuple(float(v) for v in fit.constants[place : place + len(term.inner)])
            place += len(term.inner)
            own.append(Column(component, term.at(inner)))
            weights.append(float(fit.constants[place]))
            place += 1
    known = {(one.component, one.term.form) for one in own}
    others = [
        (one, price) for one, price in zip(library, prices, strict=True) if (one.component, one.term.form) not in known
    ]
    listed = {(one.component, one.term.form): price for one, price in zip(library, prices, strict=True)}
    columns = own + [one for one, _ in others]
    log = float(np.log(shooter.points))
    own_prices = [listed.get((c.component, c.term.form), (1 + len(c.term.inner)) * log + 2 * c.term.cost) for c in own]
    cost = np.array(own_prices + [price for _, price in others])
    found = responses(law, fit, shooter, columns)
    if found is None:
        return []
    matrix, rest = found
    target = rest + matrix[:, : len(own)] @ np.array(weights)
    # fewer rows, same inner products
    reduced = np.asarray(np.linalg.qr(np.concatenate([matrix, target[:, None]], 1), mode="r"))
    matrix, target = reduced[:, :-1], reduced[:, -1]
    level = max(1.0, fit.chi2 / fit.points)
    supports = beam(matrix, target, list(range(len(columns))), cost, width, len(own) + 4, False, level)
    if len(columns) <= 100:
        supports += backward(matrix, target, len(own) + 6)
    supports.sort(key=lambda s: s.rest / level + cost[list(s.columns)].sum())
    laws, keys = [], set()
    for support in supports:
        chosen: list[list[tuple[Term, float]]] = [[] for _ in law.components]
        solution = np.linalg.lstsq(matrix[:, list(support.columns)], target, rcond=1e-12)[0]
        for j, weight in zip(support.columns, solution, strict=True):
            chosen[columns[j].component].append((columns[j].term, float(weight)))
        made = law_of([Component(tuple(t for t, _ in part), tuple(w for _, w in part)) for part in chosen], len(chosen))
        if made.key not in keys:
            keys.add(made.key)
            laws.append(replace(made))
        if len(laws) >= most:
            break
    return laws


def pruned(law: Law, fit: Fit, most: int = 3) -> list[Law]:
    """The law without the terms that the fit misses least, by the quadratic form of the misfit; the best first."""
    if law.components is None:
        return []
    count = len(law.values)
    if fit.normal.shape[0] < count:
        return []
    size = np.sqrt(np.diag(fit.normal)) + 1e-100
    scaled = fit.normal / np.outer(size, size)
    weights = fit.constants * size[:count]
    terms: list[tuple[int, int, int]] = []  # component, term, place of its weight
    place = 0
    for j, one in enumerate(law.components):
        for k, term in enumerate(one.terms):
            place += len(term.inner) + 1
            terms.append((j, k, place - 1))
        place += sum(len(term.inner) + 1 for term in one.below)
    log = float(np.log(fit.points))
    gone: list[int] = []
    found: list[tuple[float, list[int]]] = []
    saved = 0.0
    while len(gone) < len(terms) - 1:
        best: tuple[float, int] | None = None
        for number, (j, k, at) in enumerate(terms):
            if number in gone:
                continue
            dropped = [terms[g][2] for g in gone] + [at]
            kept = [p for p in range(len(scaled)) if p not in dropped]
            # rise of chi2 when these weights are set to zero and the others follow
            cross = scaled[np.ix_(dropped, kept)]
            try:
                inner = (
                    scaled[np.ix_(dropped, dropped)]
                    - cross @ np.linalg.lstsq(scaled[np.ix_(kept, kept)], cross.T, rcond=1e-12)[0]
                )
            except np.linalg.LinAlgError:
                return []
            rise = float(weights[dropped] @ inner @ weights[dropped])
            term = law.components[j].terms[k]
            price = (1 + len(term.inner)) * log + 2 * term.cost
            if best is None or rise - saved - price < best[0]:
                best = (rise - saved - price, number)
        if best is None or best[0] > 60:
            break
        number = best[1]
        gone = [*gone, number]
        j, k, _ = terms[number]
        term = law.components[j].terms[k]
        saved += (1 + len(term.inner)) * log + 2 * term.cost
        found.append((best[0], gone))
    out = []
    for _, dropped in sorted(found, key=lambda one: one[0])[:most]:
        components, place = [], 0
        lost = {terms[g][:2] for g in dropped}
        for j, one in enumerate(law.components):
            kept_terms, kept_weights = [], []
            for k, term in enumerate(one.terms):
                inner_values = tuple(float(v) for v in fit.constants[place : place + len(term.inner)])
                weight = float(fit.constants[place + len(term.inner)])
                place += len(term.inner) + 1
                if (j, k) not in lost:
                    kept_terms.append(term.at(inner_values))
                    kept_weights.append(weight)
            below = fit.constants[place : place + len(one.below)]
            place += len(one.below)
            components.append(
                Component(tuple(kept_terms), tuple(kept_weights), one.below, tuple(float(v) for v in below))
            )
        out.append(law_of(components, len(components)))
    return out
