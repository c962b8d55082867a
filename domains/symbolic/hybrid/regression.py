"""Candidate right-hand sides of one component from the weak form, tier by tier."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .library import Component, Prior, Ranges, Term, polynomials, tier
from .projection import dense
from .rotations import rotations
from .search import Support, backward, beam, every, solve
from .weak import WeakForm

Floats = NDArray[np.float64]
WORDY = 4  # constants in one equation, beyond which a plainer law is looked for in the last resorts too


@dataclass(frozen=True)
class Scored:
    """A component's candidate with its weak-form misfit (chi2 of the windows) and criterion."""

    component: Component
    rest: float
    score: float


@dataclass(frozen=True, eq=False)
class _Tier:
    terms: tuple[Term, ...]
    below: int  # the last `below` terms belong to the denominator
    projected: list[Floats]


class Regression:
    """The weak form with its library, shared by all components."""

    def __init__(
        self, weak: WeakForm, ranges: Ranges, degree: int, tiers: Sequence[int], width: int, depth: int,
        prior: Prior | None = None, least: float = 1e-3,
    ) -> None:  # fmt: skip
        self.weak, self.ranges, self.width, self.depth, self.prior = weak, ranges, width, depth, prior
        self.least = least  # of a denominator, beside the sizes of its parts
        self.states = weak.states
        self.slopes = weak.slopes
        plain = polynomials(ranges, degree)
        live = len(ranges.live)
        modest = polynomials(ranges, 2)
        self.tiers: list[_Tier] = [self._tier(plain)]
        wide = list(modest)
        for number in tiers:
            if number == 4:
                self.tiers.append(self._rational(plain, plain if live <= 2 else modest))
            elif terms := tier(ranges, number):
                self.tiers.append(self._tier([*modest, *terms]))
                wide += terms
        # searched only when the tiers one by one do not reach the noise
        self.late: dict[int, _Tier] = {}
        self.last_resorts = [wide] if len(wide) > len(modest) else []
        if 1 in tiers and (angles := rotations(ranges.live, self.states)):
            self.last_resorts.insert(0, angles)
        if live <= 4:
            self.last_resorts.insert(0, polynomials(ranges, degree + 1))

    def _columns(self, terms: Sequence[Term]) -> tuple[list[Term], Floats]:
        values = np.stack([one.values(self.states) for one in terms], 1)
        sound = np.asarray(np.isfinite(values).all(0))
        # a column that hardly varies beside the constant is the constant over again
        spread = values[:, sound].std(0) / (np.abs(values[:, sound]).max(0) + 1e-300)
        kept = [one for one, ok in zip(terms, sound, strict=True) if ok]
        varied = (spread > 1e-5) | np.array([not one.factors for one in kept])
        return [one for one, ok in zip(kept, varied, strict=True) if ok], values[:, sound][:, varied]

    def _tier(self, terms: Sequence[Term]) -> _Tier:
        kept, values = self._columns(terms)
        return _Tier(tuple(kept), 0, self.weak.project(values))

    def _rational(self, plain: Sequence[Term], bottoms: Sequence[Term]) -> _Tier:
        """x' (1 + sum d q) = sum c theta: columns theta, and q to be multiplied by each component's -x'."""
        above, values = self._columns(plain)
        below = [one for one in above if one.factors and one in bottoms]
        place = {one.form: j for j, one in enumerate(above)}
        q = values[:, [place[one.form] for one in below]]
        everything = [values] + [-self.slopes[:, [j]] * q for j in range(self.ranges.dimension)]
        return _Tier((*above, *below), len(below), self.weak.project(np.concatenate(everything, 1)))

    def _matrix(self, one: _Tier, component: int) -> Floats:
        if not one.below:
            return self.weak.whiten(one.projected, component)
        above = len(one.terms) - one.below
        first = above + component * one.below
        parts = [np.concatenate([p[:, :above], p[:, first : first + one.below]], 1) for p in one.projected]
        return self.weak.whiten(parts, component)

    def price(self, component: int, term: Term) -> float:
        """What a term costs in units of chi2: description length of choosing it and of its numbers."""
        numbers = 1 + len(term.inner)
        extra = self.prior(component, term) if self.prior else 0.0
        return numbers * float(np.log(self.weak.independent)) + 2 * (term.cost + extra)

    def score(self, component: int, found: Component, rest: float, level: float = 1.0) -> float:
        """Bayesian information criterion with the description length of the structure; less is better."""
        return (
            rest / level
            + sum(self.price(component, one) for one in (*found.terms, *found.below))
            + 2 * len(found.below)
        )

    def _component(self, one: _Tier, support: Support) -> Component | None:
        above = len(one.terms) - one.below
        terms = [(one.terms[j], w) for j, w in zip(support.columns, support.weights, strict=True) if j < above]
        below = [(one.terms[j], w) for j, w in zip(support.columns, support.weights, strict=True) if j >= above]
        if below:
            if not terms:
                return None
            parts = np.stack([w * term.values(self.states) for term, w in below])
            bottom = 1 + parts.sum(0)
            # a denominator that cancels, or beside which the 1 is nothing, is a relation among the states
            if (bottom < self.least * (1 + np.abs(parts).sum(0))).any() or bottom.max() > 1e4:
                return None
        return Component(
            tuple(term for term, _ in terms), tuple(w for _, w in terms),
            tuple(term for term, _ in below), tuple(w for _, w in below),
        )  # fmt: skip

    def refine(self, component: int, found: Component, steps: int = 6) -> tuple[Component, float]:
        """Constants inside functions by variable projection: Gauss-Newton on all numbers in the weak form."""
        response = self.weak.responses[component]
        places = [(j, k) for j, one in enumerate(found.terms) for k in range(len(one.inner))]
        terms = list(found.terms)

        def moved(candidates: Sequence[Term], at: tuple[int, int], by: float) -> Term:
            j, k = at
            inner = list(candidates[j].inner)
            inner[k] += by
            return candidates[j].at(tuple(inner))

        def fitted(candidates: Sequence[Term]) -> tuple[Floats, Support] | None:
            values = np.stack([one.values(self.states) for one in candidates], 1)
            if not np.isfinite(values).all():
                return None
            matrix = self.weak.whiten(self.weak.project(values), component)
            return matrix, solve(matrix, response, range(len(candidates)))

        now = fitted(terms)
        assert now is not None
        for _ in range(steps):
            matrix, support = now
            shifted = []
            for j, k in places:
                by = 1e-3 * (abs(terms[j].inner[k]) + 1e-9)
                change = (moved(terms, (j, k), by).values(self.states) - terms[j].values(self.states)) / by
                shifted.append(change * support.weights[j])
            slopes = self.weak.whiten(self.weak.project(np.stack(shifted, 1)), component)
            if not np.isfinite(slopes).all():
                break
            rest = response - matrix @ np.array(support.weights)
            step = np.linalg.lstsq(np.concatenate([matrix, slopes], 1), rest, rcond=1e-10)[0][len(terms) :]
            better = False
            for share in (1.0, 0.3, 0.05):
                tried = list(terms)
                for (j, k), by in zip(places, step, strict=True):
                    # a constant keeps its sign and moves at most twofold
                    inner = terms[j].inner[k]
                    tried[j] = moved(tried, (j, k), inner * float(np.clip(share * by / (inner or 1.0), -0.5, 1.0)))
                new = fitted(tried)
                if new is not None and new[1].rest < support.rest:
                    better = True
                    break
            if not better or new is None:
                break
            gain = support.rest - new[1].rest
            terms, now = tried, new
            if gain < 1e-4 * new[1].rest + 0.05:
                break
        return replace(found, terms=tuple(terms), weights=now[1].weights), now[1].rest

    def candidates(self, component: int, keep: int = 40) -> list[Scored]:
        """The candidates of one component, the best first; a few of each size, refined."""
        response = self.weak.responses[component]
        pool: dict[tuple[object, ...], Scored] = {}
        for one in self.tiers:
            self._search(one, component, response, pool)
        ranked = self._ranked(component, pool.values())
        for number in range(len(self.last_resorts) + 1):
            if ranked[0].rest < 1.5 * len(response) and ranked[0].component.constants <= WORDY:
                break
            if number == len(self.last_resorts):
                self._project(component, response, pool)
            else:
                if number not in self.late:
                    self.late[number] = self._tier(self.last_resorts[number])
                self._search(self.late[number], component, response, pool)
            ranked = self._ranked(component, pool.values())
        refined = []
        for place, scored in enumerate(ranked):
            if place < keep and any(term.inner for term in scored.component.terms):
                refined.append(Scored(*self.refine(component, scored.component), 0.0))
            else:
                refined.append(scored)
        return self._ranked(component, refined)[:keep]

    def ladder(self, component: int, most: int = 6, each: int = 2) -> list[list[Component]]:
        """The best polynomials of one term, of two, and so on, whatever their misfit; `each` of every size.

        Smoothing bends sharp turns by more than its own error bars say. The weak form then buys terms that the runs do
        not need, and the few that they do need rank far down; through the integrator they are judged anew.
        """
        tier, response = self.tiers[0], self.weak.responses[component]
        matrix = self._matrix(tier, component)
        found = [*every(matrix, response, most, each), *backward(matrix, response, most)]
        steps: list[list[Component]] = []
        for size in range(1, most + 1):
            same = sorted((one for one in found if len(one.columns) == size), key=lambda one: one.rest)
            made = [self._component(tier, solve(matrix, response, one.columns)) for one in same]
            unique = {one.key: one for one in made if one is not None}
            if unique:
                steps.append(list(unique.values())[:each])
        return steps

    def _project(self, component: int, response: Floats, pool: dict[tuple[object, ...], Scored]) -> None:
        """Laws with one or two functions whose constants were found beside all polynomials of degree two."""
        for terms in dense(self.weak, self.ranges, component):
            start, _ = self.refine(component, Component(tuple(terms), (1.0,) * len(terms)))
            kept, values = self._columns(start.terms)
            matrix = self.weak.whiten(self.weak.project(values), component)
            supports = every(matrix, response, min(self.depth, 5), 4) + backward(matrix, response, self.depth + 1)
            for support in supports:
                chosen = Component(tuple(kept[j] for j in support.columns), (1.0,) * len(support.columns))
                if any(term.inner for term in chosen.terms):
                    made, rest = self.refine(component, chosen)
                    if made.key not in pool or rest < pool[made.key].rest:
                        pool[made.key] = Scored(made, rest, 0.0)

    def _search(
        self, one: _Tier, component: int, response: Floats, pool: dict[tuple[object, ...], Scored]
    ) -> None:  # fmt: skip
        matrix = self._matrix(one, component)
        prices = np.array([self.price(component, term) for term in one.terms])
        forms: dict[tuple[str, bool], int] = {}
        above = len(one.terms) - one.below
        labels = [forms.setdefault((term.form, j >= above), len(forms)) for j, term in enumerate(one.terms)]
        width = self.width * (6 if len(labels) <= 40 else 2 if len(labels) <= 100 else 1)
        supports = beam(matrix, response, labels, prices, width, self.depth)
        if len(labels) <= 40 and len(set(labels)) == len(labels):
            supports += backward(matrix, response, self.depth + 3)
            supports += every(matrix, response, self.depth, self.width)
        supports.sort(key=lambda s: len(response) * np.log1p(s.rest / len(response)) + prices[list(s.columns)].sum())
        sizes: dict[int, int] = {}
        for support in supports:
            size = len(support.columns)
            if sizes.get(size, 0) >= 5:
                continue
            if not support.weights:
                support = solve(matrix, response, support.columns)
            made = self._component(one, support)
            if made is None or (made.key in pool and pool[made.key].rest <= support.rest):
                continue
            sizes[size] = sizes.get(size, 0) + 1
            pool[made.key] = Scored(made, support.rest, 0.0)

    def _ranked(self, component: int, pool: Collection[Scored]) -> list[Scored]:
        rows = len(self.weak.responses[component])
        best = min(one.rest for one in pool)
        # when nothing reaches the noise, what is left of the best fit is the yardstick
        level = max(1.0, best / rows)
        # rows overlap: they count as so many independent ones
        level *= rows / self.weak.independent
        scored = [replace(one, score=self.score(component, one.component, one.rest, level)) for one in pool]
        return sorted(scored, key=lambda one: one.score)
