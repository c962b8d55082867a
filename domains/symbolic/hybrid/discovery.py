"""From measured runs of one system to its equations: the hybrid.

Smoothing, weak-form regression over a tiered library, proposals from elsewhere, joint selection through the
integrator, constants refined by shooting, a check from perturbed starts, and what the data cannot tell.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..system import System, state
from ..trajectory import Trajectory, same_system
from .identifiability import constant_states, warnings_of
from .library import Component, Prior, Ranges, polynomials, tier
from .profile import Limits, profile_limits
from .regression import Regression, Scored
from .selection import Candidate, Judge, law_of, law_of_system, size
from .sensitivity import Program
from .shooting import Shooter, Target, refined
from .smoothing import Curve, Noise, estimate_noise, smooth, spreads
from .snapping import snapped
from .stability import blown, perturbed_starts
from .trajectory_search import Column, neighbours, pruned
from .uncertainty import among, covariance, widened
from .weak import weak_form

Floats = NDArray[np.float64]
RIVAL = 6.0  # in the score: the odds are then under 20 to 1
PIECES = 10  # of each run, when one trajectory cannot be followed
SHORTER, LONGER = (20, 40), (5, 3, 2, 1)  # and how many of other lengths
FEWEST = 8  # points of a piece
UNEXPLAINED = 0.05  # chi2 a point of clean data, which a law that is right leaves far below
BLOWN = 25.0  # added to the score of a law that blows up from every perturbed start, a share of it for a share


@dataclass(frozen=True)
class DiscoveryOptions:
    """How hard to search.

    tiers   of the library beside the polynomials: 1 angles, 2 exponentials/roots/poles, 3 saturation, 4 ratios
    degree  of the polynomials (None: 5 for one state, 3 else)
    width, depth  of the beam: how many supports of each size, how many terms
    fits    laws fitted through the integrator at most
    rounds  of changing the structure about the best laws so far
    most    points of a run used; longer ones are thinned
    """

    tiers: tuple[int, ...] = (1, 2, 3, 4)
    degree: int | None = None
    width: int = 16
    depth: int = 6
    fits: int = 24
    rounds: int = 3
    most: int = 2000


@dataclass
class Discovery:
    """The answer and how sure it is.

    system      the law; candidates: all that were fitted, the best first; rivals: those the data cannot tell from it
    covariance  (constant, constant) of the constants of `system.skeleton`; warnings in words
    limits      (low, high) of each of them by profile likelihood, where that was asked for
    noise       (state,) root mean square, in the unit of the state
    """

    system: System
    candidates: list[Candidate]
    rivals: list[Candidate]
    covariance: Floats
    noise: Floats
    warnings: list[str]
    seconds: float
    limits: Limits | None = None


def _targets(
    runs: Sequence[Trajectory], curves: Sequence[Curve], noise: Noise, spread: Floats, clean: bool
) -> list[Target]:
    out = []
    for run, curve in zip(runs, curves, strict=True):
        grid, places = refined(run.times)
        sigma = noise.sigma(curve.at, spread)
        tolerance = 1e-8 if clean else 1e-6
        out.append(Target(run.times, run.states, sigma, grid, places, curve.at, spread, tolerance))
    return out


@np.errstate(all="ignore")  # trial laws overflow, and are given up
def discover(
    runs: Sequence[Trajectory], proposals: Sequence[System] = (), prior: Prior | None = None, seed: int = 0,
    options: DiscoveryOptions = DiscoveryOptions(), profile: float = 0.0,
) -> Discovery:  # fmt: skip
    """Find x' = f(x) from one or several runs of one system.

    proposals  laws from elsewhere that compete on equal terms
    prior      (component, Term) -> -log prior of that term there, in nats, added to the library's own
    seed       of the perturbed starts
    profile    share that intervals by profile likelihood shall hold, such as 0.9; 0: none are made
    Raises InputError when the runs do not have the same states.
    """
    started = time.perf_counter()
    same_system(runs)
    warnings: list[str] = []
    kept = []
    for run in runs:
        every = -(-len(run.times) // options.most)
        if every > 1:
            warnings.append(f"{run.name or 'the run'} has {len(run.times)} points; one in {every} is used.")
        kept.append(run.rows(slice(None, None, every)) if every > 1 else run)
    d = kept[0].dimension
    noise = estimate_noise(kept)
    spread = spreads(kept)
    still = constant_states(kept, noise)
    live = [j for j in range(d) if j not in still]
    curves = [smooth(run, noise, spread) for run in kept]
    warnings += warnings_of(kept, curves, noise, spread, still)
    if not live:
        zero = System((sympy.Integer(0),) * d)
        exact = np.zeros((d, d))
        seconds = time.perf_counter() - started
        limits = [(0.0, 0.0)] * d if profile else None
        return Discovery(zero, [], [], exact, noise.sizes(kept), warnings, seconds, limits)
    setting = _Setting(kept, curves, noise, spread, live)
    candidates, judge = _candidates(setting, proposals, prior, seed, options)
    if not candidates:
        raise InputError("no law could be followed over these data; give denser points, or shorter runs.")
    best = candidates[0]
    law, fit = snapped(judge, best.law, best.fit)
    best = candidates[0] = replace(best, system=setting.full(law.system(fit.constants)),
                                   law=law, fit=fit)  # fmt: skip
    known = widened(best.system, live, covariance(judge, law.system(fit.constants), fit))
    limits = None
    if profile:
        limits = among(best.system, live, profile_limits(judge, law.system(fit.constants), fit, profile))
    rivals = [one for one in candidates[1:] if one.score - best.score < RIVAL][:5]
    if rivals:
        warnings.append(f"{len(rivals)} other law(s) explain these data about as well; see the rivals.")
    if not best.stable:
        warnings.append("from some starts near those measured the law leaves every bound: do not extrapolate with it.")
    seconds = time.perf_counter() - started
    return Discovery(best.system, candidates, rivals, known, noise.sizes(kept), warnings, seconds, limits)


@dataclass(frozen=True, eq=False)
class _Setting:
    """The runs as measured and smoothed; `live` are the states that change, and only they have equations to find."""

    runs: Sequence[Trajectory]
    curves: Sequence[Curve]
    noise: Noise
    spread: Floats
    live: Sequence[int]

    @property
    def clean(self) -> bool:
        """No live state was smoothed."""
        return all(curve.root[j].shape[1] == 0 for curve in self.curves for j in self.live)

    def reduced(self) -> "_Setting":
        """The live states alone."""
        at = list(self.live)
        runs = [Trajectory(run.times, run.states[:, at], name=run.name) for run in self.runs]
        curves = [
            Curve(c.times, c.states[:, at], c.slopes[:, at], c.at[:, at], [c.root[j] for j in at], c.error[:, at])
            for c in self.curves
        ]
        noise = Noise(self.noise.multiplicative, self.noise.level[at])
        return _Setting(runs, curves, noise, self.spread[at], range(len(at)))

    def full(self, system: System) -> System:
        """A law of the live states as one of all; those that rest get 0."""
        put = {state(k): state(j) for k, j in enumerate(self.live)}
        found: list[sympy.Expr] = [sympy.Integer(0)] * len(self.spread)
        for k, j in enumerate(self.live):
            found[j] = system.equations[k].xreplace(put)
        return System(tuple(found))

    def part(self, system: System) -> System | None:
        """A law of all states as one of the live ones, those that rest at their means; None where it needs no such."""
        rest = np.concatenate([run.states for run in self.runs]).mean(0)
        put = {state(j): sympy.Float(rest[j]) for j in range(len(rest)) if j not in self.live}
        put |= {state(j): state(k) for k, j in enumerate(self.live)}
        if system.dimension != len(rest):
            return None
        return System(tuple(system.equations[j].xreplace(put) for j in self.live))


def _candidates(
    setting: _Setting, proposals: Sequence[System], prior: Prior | None, seed: int, options: DiscoveryOptions
) -> tuple[list[Candidate], Judge]:
    """All laws that could be fitted, the best first."""
    small = setting.reduced()
    runs, curves, spread, d = small.runs, small.curves, small.spread, len(small.live)
    stacked = np.concatenate([one.states for one in curves])
    ranges = Ranges(stacked.min(0), stacked.max(0), spread, tuple(range(d)))
    points = sum(run.states.size for run in runs)
    weak = weak_form(curves, spread, (0.03, 0.08, 0.2) if small.clean else (0.08, 0.2, 0.4), points)
    there = None if prior is None else (lambda j, term: prior(setting.live[j], term.renamed(setting.live)))
    depth = min(options.depth, max(1, points // d // 3))
    regression = Regression(
        weak, ranges, options.degree or (5 if d == 1 else 3), options.tiers, options.width, depth, there,
        1e-3 if small.clean else 0.05,
    )  # fmt: skip
    found = [regression.candidates(j) for j in range(d)]
    measured = np.concatenate([run.states for run in runs])
    judge = Judge(_targets(runs, curves, small.noise, spread, small.clean), measured.var(0), there)
    for one in proposals:
        if (proposed := setting.part(one)) is not None:
            judge.fit(law_of_system(proposed))
    ladders = [] if small.clean else [regression.ladder(j) for j in range(d)]
    _combine(judge, found, options.fits + len(proposals), ladders)
    if not small.clean or judge.best > 1.5 * judge.points:
        _restructure(judge, found, ranges, options)
    if not judge.fitted():
        judge.segments = 1
        judge.fit(law_of([Component((), ())] * d, d))
    elif small.clean:
        _prune(judge)
    if judge.segments > 1 or (small.clean and judge.best > UNEXPLAINED * judge.points):
        _joined(judge)
    starts = perturbed_starts(judge.targets, 8, seed)
    candidates = []
    for score, law, fit in judge.ranked()[:12]:
        lost = blown(Program(law.expressions, law.symbols), fit.constants, judge.targets, starts)
        candidates.append(Candidate(
            setting.full(law.system(fit.constants)), score + BLOWN * lost, judge.r2(fit),
            sum(size(e) for e in law.expressions), lost == 0, law, fit,
        ))  # fmt: skip
    return sorted(candidates, key=lambda one: one.score), judge


def _climb(judge: Judge, ladders: Sequence[Sequence[Sequence[Component]]]) -> None:
    """Fit polynomials with as many terms in each equation, then change one equation at a time."""
    d = len(ladders)
    if not d or not all(ladders):
        return

    def fit(places: Sequence[tuple[int, int]]) -> float:
        law = law_of([ladders[j][k][at] for j, (k, at) in enumerate(places)], d)
        known = judge.known.get((law.key, judge.segments))
        if known is None:
            done = judge.fit(law)
            return np.inf if done is None else judge.score(law, done)
        return judge.score(known[0], known[1])

    before = min((judge.score(law, one) for law, one in judge.fitted()), default=np.inf)
    score, rung, worse = np.inf, 0, 0
    for k in range(max(map(len, ladders))):
        new = fit([(min(k, len(one) - 1), 0) for one in ladders])
        worse = 0 if new < score else worse + 1
        if new < score:
            score, rung = new, k
        if worse == 2:
            break
    # far from everything, steps of single equations lead nowhere
    if score > 10 * before and judge.best > 3 * judge.points:
        return
    best = [(min(rung, len(one) - 1), 0) for one in ladders]
    for j in range(d):
        near = [k for k in range(rung - 2, rung + 3) if 0 <= k < len(ladders[j])]
        for place in [(k, at) for k in near for at in range(len(ladders[j][k]))]:
            tried = [*best[:j], place, *best[j + 1 :]]
            new = fit(tried) if tried != best else np.inf
            if new < score:
                best, score = tried, new


def _combine(
    judge: Judge,
    found: Sequence[Sequence[Scored]],
    fits: int,
    ladders: Sequence[Sequence[Sequence[Component]]] = (),
) -> None:
    """Fit combinations of the components' candidates: the best of all first, then one component changed at a time."""
    d = len(found)

    def fit(places: Sequence[int]) -> float:
        components: list[Component] = [found[j][k].component for j, k in enumerate(places)]
        law = law_of(components, d)
        if (law.key, judge.segments) in judge.known:
            return np.inf
        done = judge.fit(law)
        return np.inf if done is None else judge.score(law, done)

    best = [0] * d
    score = fit(best)
    plain = [next((k for k, one in enumerate(part) if one.component.plain), 0) for part in found]
    explicit = [next((k for k, one in enumerate(part) if not one.component.below), 0) for part in found]
    # polynomials, and laws without a denominator, are the ground from which structures are changed later
    for places in (plain, explicit):
        if any(places) and (new := fit(places)) < score:
            best, score = places, new
    spent = judge.spent
    _climb(judge, ladders)
    fits += judge.spent - spent
    if judge.best > 3 * judge.points:
        # chaos, or a wrong law: pieces tell the two apart
        single = judge.best
        judge.segments = PIECES
        score = min((fit(places), places) for places in ([0] * d, plain))[0]
        if judge.best > 0.2 * single:
            judge.segments = 1
            score = min((value for value, _, _ in judge.ranked()), default=np.inf)
    for k in range(1, 12):
        for j in range(d):
            if k < len(found[j]) and judge.spent < fits:
                tried = [*best[:j], k, *best[j + 1 :]]
                new = fit(tried)
                if new < score:
                    best, score = tried, new
        if judge.best < judge.points and k > 1:
            break


def _restructure(judge: Judge, found: Sequence[Sequence[Scored]], ranges: Ranges, options: DiscoveryOptions) -> None:
    """Better structures about the laws fitted so far, by the linearised misfit of the trajectories."""
    d = len(found)
    plain = [Column(j, term) for term in polynomials(ranges, 3 if d <= 3 else 2) for j in range(d)]
    wide = list(plain)
    for number in (one for one in options.tiers if one in (1, 2, 3)):
        wide += [Column(j, term) for term in tier(ranges, number) if not term.inner for j in range(d)]
    known = {(one.component, one.term.form) for one in wide}
    for j, part in enumerate(found):
        for one in part[:12]:
            for term in one.component.terms:
                if (j, term.form) not in known:
                    known.add((j, term.form))
                    wide.append(Column(j, term))
    done: set[object] = set()
    for _ in range(options.rounds):
        ranked = [
            (law, fit) for _, law, fit in judge.ranked() if law.components and not any(c.below for c in law.components)
        ]
        polynomial = [(law, fit) for law, fit in ranked if all(c.plain for c in law.components or ())]
        fresh = [
            next(((law, fit) for law, fit in ranks[:3] if law.key not in done), None) for ranks in (ranked, polynomial)
        ]
        if not any(fresh):
            return
        for base in fresh:
            if base is None or base[0].key in done:
                continue
            law, fit = base
            done.add(law.key)
            segments = judge.segments
            if segments == 1 and fit.chi2 > 2 * fit.points:
                segments = 6
                again = judge.fit(replace(law, values=fit.constants), 6, segments)
                if again is None:
                    continue
                fit = again
            shooter = Shooter(Program(law.expressions, law.symbols), judge.targets, segments)
            for library, width in ((plain, 60), (wide, options.width)):
                prices = np.array([judge.price(c.component, c.term) for c in library])
                for near in neighbours(law, fit, shooter, library, prices, width, 5):
                    if (near.key, judge.segments) not in judge.known:
                        judge.fit(near, 8)
        _prune(judge)


def _joined(judge: Judge) -> None:
    """Sharpen the best laws' constants on pieces of the length that suits the errors of the data.

    Errors of measurement leave as much misfit a point in short pieces as in long ones, and long ones know more. Errors
    that act on along the run, such as those of an integrator, pile up in long pieces, which then bend the constants.
    """
    longest = min(len(one.times) for one in judge.targets) // FEWEST
    for _, law, fit in judge.ranked()[:2]:
        best, program = fit, Program(law.expressions, law.symbols)
        for lengths, most in ((SHORTER, 0.8), (LONGER, 1.3)):
            for pieces in (one for one in lengths if one <= longest):
                other = Shooter(program, judge.targets, pieces).fit(best.constants, None, 8)
                if other is None or other.chi2 > most * best.chi2:
                    break
                best = other
            if best is not fit:
                break
        # scored as before, by its pieces; the constants are those of the length that suited
        judge.known[(law.key, judge.segments)] = (law, replace(fit, constants=best.constants, normal=best.normal))


def _prune(judge: Judge) -> None:
    """Drop terms of the best laws while the score falls."""
    done: set[object] = set()
    for _ in range(4):
        fresh = [(law, fit) for _, law, fit in judge.ranked()[:2] if law.key not in done]
        if not fresh:
            return
        for law, fit in fresh:
            done.add(law.key)
            for less in pruned(law, fit):
                if (less.key, judge.segments) not in judge.known:
                    judge.fit(less, 8)
