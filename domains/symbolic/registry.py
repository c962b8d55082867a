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


def discovered(name: str, runs: Sequence[Trajectory], seed: int) -> "Discovery":
    """What the hybrid, or the hybrid with the transformer, finds, with all it knows of how sure that is."""
    from .hybrid.discovery import discover

    return discover(runs, proposals(runs, seed) if name == WITH_TRANSFORMER else (), seed=seed)


def _alone(runs: Sequence[Trajectory], seed: int) -> System:
    found = proposals(runs, seed)
    if not found:
        raise InputError("the transformer wrote no formula that can be read for this run.")
    return found[0]


def proposals(runs: Sequence[Trajectory], seed: int, count: int = PROPOSALS) -> list[System]:
    """What the transformer reads from the longest run, the best reconstruction first."""
    longest = max(runs, key=lambda run: len(run.times))
    return _proposer().propose(longest, count, seed)


@cache
def _proposer() -> "Proposer":
    from .proposing.proposals import Proposer

    return Proposer.from_pretrained()


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
        "the same with the transformer's proposals",
    ),
    "odeformer": Method(_alone, "transformer", "the transformer alone, its best of 20 by reconstruction"),
}  # fmt: skip


def method(name: str) -> Method:
    """The method of this name; raises InputError with the names that are known."""
    if name not in METHODS:
        raise InputError(f"no method is named {name!r}{nearest(name, METHODS)}; known are {', '.join(METHODS)}.")
    return METHODS[name]
