"""Every way the suite knows of finding a law, by name."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Role
from ...shared.reading.table import nearest
from .system import System
from .trajectory import Trajectory

if TYPE_CHECKING:
    from .hybrid.discovery import Discovery
    from .proposing.proposals import Proposer

Fit = Callable[[Sequence[Trajectory], int], System]
HYBRID = "hybrid"
WITH_TRANSFORMER = "hybrid-odeformer"
ALONE = "odeformer"
PROPOSALS = 20  # of the transformer that the hybrid looks at


class Method(NamedTuple):
    """How a law is found, and what the method is."""

    fit: Fit  # runs of one system, seed -> law
    role: Role
    text: str


def _late(module: str, name: str, **settings: object) -> Fit:
    """A function of a module that is imported when it is used: a peer's package may be missing or slow to come."""

    def fit(runs: Sequence[Trajectory], seed: int) -> System:
        found: System = getattr(import_module(module, __package__), name)(runs, **settings)
        return found

    return fit


def is_hybrid(name: str) -> bool:
    """Whether a method knows intervals, rivals and warnings: the hybrid, with or without the transformer."""
    return name.partition(":")[0] in (HYBRID, WITH_TRANSFORMER)


def discovered(name: str, runs: Sequence[Trajectory], seed: int, profile: float = 0.0) -> "Discovery":
    """What the hybrid, or the hybrid with the transformer, finds, with all it knows of how sure that is.

    profile  share that intervals by profile likelihood shall hold; 0: none are made
    """
    from .hybrid.discovery import discover

    if name == HYBRID:
        return discover(runs, seed=seed, profile=profile)
    from .proposing.term_prior import term_prior

    laws = proposals(runs, seed, folder=name.partition(":")[2])
    return discover(runs, laws, term_prior(laws), seed, profile=profile)


def _alone(runs: Sequence[Trajectory], seed: int, folder: str = "") -> System:
    found = proposals(runs, seed, folder=folder)
    if not found:
        raise InputError("the transformer wrote no formula that can be read for this run.")
    return found[0]


def proposals(runs: Sequence[Trajectory], seed: int, count: int = PROPOSALS, folder: str = "") -> list[System]:
    """What the transformer, the shipped one or that of a folder, reads from the longest run, the best first."""
    longest = max(runs, key=lambda run: len(run.times))
    return _proposer(folder or ALONE).propose(longest, count, seed)


@cache
def _proposer(folder: str) -> "Proposer":
    from .proposing.proposals import Proposer

    return Proposer.from_pretrained(folder)


METHODS: dict[str, Method] = {
    "stlsq": Method(_late(".models.stlsq", "fit_stlsq"), "baseline", "thresholded least squares on derivatives"),
    "pysindy": Method(
        _late(".models.pysindy_baseline", "fit_pysindy"), "baseline", "PySINDy, the best of the next three on the runs"
    ),
    "pysindy-polynomial": Method(
        _late(".models.pysindy_baseline", "fit_pysindy", kinds=("polynomial",)), "baseline", "PySINDy, polynomials"
    ),
    "pysindy-trig": Method(
        _late(".models.pysindy_baseline", "fit_pysindy", kinds=("trig",)), "baseline",
        "PySINDy, polynomials and angles",
    ),
    "pysindy-weak": Method(
        _late(".models.pysindy_baseline", "fit_pysindy", kinds=("weak",)), "baseline", "PySINDy, weak form"
    ),
    "operon": Method(_late(".models.operon", "fit_operon"), "simple", "Operon, genetic programming on derivatives"),
    HYBRID: Method(
        lambda runs, seed: discovered(HYBRID, runs, seed).system, "simple",
        "weak form, beam search, shooting; no transformer",
    ),
    WITH_TRANSFORMER: Method(
        lambda runs, seed: discovered(WITH_TRANSFORMER, runs, seed).system, "transformer",
        "the same with the transformer's proposals, and their terms as a prior",
    ),
    ALONE: Method(_alone, "transformer", "the transformer alone, its best of 20 by reconstruction"),
}  # fmt: skip


def method(name: str) -> Method:
    """The method of this name; raises InputError with the names that are known.

    `odeformer:FOLDER` and `hybrid-odeformer:FOLDER` take a transformer that was trained anew, not the shipped one.
    """
    known, _, folder = name.partition(":")
    if known not in METHODS or (folder and known not in (ALONE, WITH_TRANSFORMER)):
        raise InputError(f"no method is named {name!r}{nearest(name, METHODS)}; known are {', '.join(METHODS)}.")
    found = METHODS[known]
    if not folder:
        return found
    if known == ALONE:
        return found._replace(fit=lambda runs, seed: _alone(runs, seed, folder))
    return found._replace(fit=lambda runs, seed: discovered(name, runs, seed).system)
