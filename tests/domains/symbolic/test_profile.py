"""Profile likelihood: Laplace's interval where the data decide, another where they do not."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.hybrid.profile import Limits, profile_limits
from labformer.domains.symbolic.hybrid.selection import Judge, law_of_system
from labformer.domains.symbolic.hybrid.shooting import Target, refined
from labformer.domains.symbolic.hybrid.uncertainty import covariance, intervals
from labformer.domains.symbolic.system import System

spec = spec_from_file_location("symbolic_runs", Path(__file__).with_name("runs.py"))
assert spec is not None and spec.loader is not None
module = module_from_spec(spec)
spec.loader.exec_module(module)


def both(equations: list[str], start: list[float], end: float, noise: float) -> tuple[Limits, Limits]:
    """Limits by profile likelihood and by Laplace's approximation of the true structure, fitted to a noisy run."""
    clean = module.simulated(equations, start, end, 60)
    size = noise * clean.states.std(0)
    states = clean.states + size * np.random.default_rng(3).standard_normal(clean.states.shape)
    grid, places = refined(clean.times)
    sigma = np.broadcast_to(size, states.shape)
    judge = Judge([Target(clean.times, states, sigma, grid, places, clean.states, states.std(0))], states.var(0))
    system = System.parse(equations)
    fit = judge.fit(law_of_system(system))
    assert fit is not None
    found = law_of_system(system).system(fit.constants)
    laplace = [(low, high) for _, low, high in intervals(found, covariance(judge, found, fit))]
    return profile_limits(judge, found, fit), laplace


def test_a_linear_law_that_the_data_fix_has_the_interval_of_laplace() -> None:
    profile, laplace = both(["1.0*x_1", "-2.0*x_0 - 0.4*x_1"], [1.0, 0.0], 8, 0.02)
    assert len(profile) == 3
    for one, other in zip(profile, laplace, strict=True):
        assert one == pytest.approx(other, abs=0.12 * (other[1] - other[0]))


def test_a_saturation_that_the_run_hardly_reaches_has_a_lopsided_interval() -> None:
    # x / (K + x) with x far below K: how large K is the data say from below only
    profile, laplace = both(["-3.0*x_0/(4.0 + x_0)"], [1.0], 2, 0.05)
    ((low, high), (below, above)) = profile[1], laplace[1]
    middle = 0.5 * (below + above)
    assert high - middle > 1.3 * (middle - low)
    assert high - low > 1.15 * (above - below)
    assert low > below
