"""Integration stops at what cannot be integrated, and R² is scikit-learn's."""

import time

import numpy as np
import pytest
from sklearn.metrics import r2_score

from labformer.domains.symbolic.judging.scoring import best_of, fit_quality, integrate, r2, retold
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory

TIMES = np.linspace(0, 10, 200)
CIRCLE = System.parse(["x_1", "-x_0"])


def test_a_known_solution_is_followed() -> None:
    found = integrate(CIRCLE, [1, 0], TIMES)
    assert found is not None
    np.testing.assert_allclose(found, np.stack([np.cos(TIMES), -np.sin(TIMES)], 1), atol=1e-4)
    assert retold(CIRCLE, TIMES, found) == pytest.approx(1)


def test_times_may_start_anywhere_and_be_uneven() -> None:
    times = np.sort(np.random.default_rng(0).uniform(-5, 5, 50))
    found = integrate(System.parse(["-0.5*x_0"]), [2.0], times)
    assert found is not None
    np.testing.assert_allclose(found[:, 0], 2 * np.exp(-0.5 * (times - times[0])), rtol=1e-4)


@pytest.mark.parametrize("law", ["x_0^2", "exp(x_0)", "log(-x_0)", "1/(x_0 - 1)", "sqrt(x_0 - 2)"])
def test_what_blows_up_or_is_undefined_scores_zero(law: str) -> None:
    begun = time.perf_counter()
    system = System.parse([law])
    assert integrate(system, [1.0], TIMES) is None
    assert retold(system, TIMES, np.linspace(1, 2, 200)[:, None]) == 0
    assert time.perf_counter() - begun < 5


def test_the_clock_stops_a_stiff_integration() -> None:
    begun = time.perf_counter()
    assert integrate(System.parse(["x_1", "-1e14*x_0"]), [1.0, 0.0], TIMES, limit_s=0.2) is None
    assert time.perf_counter() - begun < 2


def test_r2_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(1)
    truth = draw.normal(size=(50, 3)) * [1, 10, 0.1]
    found = truth + draw.normal(size=(50, 3))
    for flat in (False, True):
        truth[:, 2] = 3.0 if flat else truth[:, 2]
        assert r2(truth, found) == pytest.approx(r2_score(truth, found, multioutput="variance_weighted"))
    assert r2(np.ones((5, 1)), np.ones((5, 1))) == 1
    assert r2(np.ones((5, 1)), np.zeros((5, 1))) == 0
    assert r2(truth, None) == 0


def test_the_law_that_retells_best_is_chosen() -> None:
    states = integrate(CIRCLE, [1, 0], TIMES)
    run = Trajectory(TIMES, np.asarray(states))
    other = System.parse(["x_1", "-1.1*x_0"])
    assert best_of([other, CIRCLE, System.parse(["x_0^3", "1"])], [run]) is CIRCLE
    assert fit_quality(other, [run]) < 1
