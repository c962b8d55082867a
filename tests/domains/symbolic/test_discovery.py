"""Known systems come back; the laws of science hold for what is found."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import sympy

from labformer.domains.symbolic.hybrid.discovery import DiscoveryOptions, discover
from labformer.domains.symbolic.hybrid.uncertainty import intervals
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory
from labformer.shared.errors import InputError

spec = spec_from_file_location("symbolic_runs", Path(__file__).with_name("runs.py"))
assert spec is not None and spec.loader is not None
module = module_from_spec(spec)
spec.loader.exec_module(module)
simulated = module.simulated

QUICK = DiscoveryOptions(tiers=(1, 2), fits=8, rounds=2)
KNOWN = {
    "linear": (["-0.5*x_0 + 2.0*x_1", "-2.0*x_0 - 0.3*x_1"], [1.0, 0.4], 6),
    "lotka-volterra": (["1.1*x_0 - 0.5*x_0*x_1", "0.3*x_0*x_1 - 0.9*x_1"], [4.0, 1.0], 12),
    "pendulum": (["1.0*x_1", "-2.0*sin(x_0) - 0.1*x_1"], [2.4, 0.0], 12),
    "lorenz": (["-10.0*x_0 + 10.0*x_1", "28.0*x_0 - x_0*x_2 - x_1", "x_0*x_1 - 2.6667*x_2"], [1.0, 2.0, 20.0], 2),
}


def terms(expression):
    """Monomial -> coefficient."""
    found = {}
    for one in sympy.Add.make_args(sympy.expand(expression)):
        coefficient, rest = one.as_coeff_Mul()
        found[rest] = float(coefficient)
    return found


def same(found, truth, rtol):
    """The same terms in every equation, with coefficients this close."""
    for one, other in zip(found.equations, truth.equations, strict=True):
        one, other = terms(one), terms(other)
        assert set(one) == set(other), (one, other)
        for key, value in other.items():
            assert one[key] == pytest.approx(value, rel=rtol)


@pytest.mark.parametrize("name", list(KNOWN))
def test_known_systems_come_back_term_by_term(name):
    equations, start, end = KNOWN[name]
    found = discover([simulated(equations, start, end, 300)], options=QUICK)
    same(found.system, System.parse(equations), 1e-2)
    assert found.candidates[0].r2 > 0.9999


@pytest.mark.parametrize("name", ["linear", "lotka-volterra"])
def test_five_per_cent_noise_leaves_the_terms(name):
    equations, start, end = KNOWN[name]
    run = simulated(equations, start, end, 300, noise=0.05, seed=1, keep=0.7)
    found = discover([run], options=QUICK)
    same(found.system, System.parse(equations), 0.15)
    np.testing.assert_allclose(found.noise / np.sqrt(np.mean(run.states**2, axis=0)), 0.05, rtol=0.4)
    covered = [low <= value <= high for value, low, high in intervals(found.system, found.covariance)]
    assert all(covered) and len(covered) == len(found.system.skeleton[2])


def test_time_and_states_in_other_units_follow_the_chain_rule():
    equations, start, end = KNOWN["lotka-volterra"]
    run = simulated(equations, start, end)
    scale, rate = np.array([20.0, 0.01]), 5.0
    other = Trajectory(run.times / rate, run.states * scale)
    same(discover([other], options=QUICK).system, System.parse(equations).rescaled(scale, rate), 1e-2)


def test_permuted_states_give_permuted_equations():
    equations, start, end = KNOWN["lotka-volterra"]
    run = simulated(equations, start, end)
    swapped = Trajectory(run.times, run.states[:, ::-1])
    same(discover([swapped], options=QUICK).system, System.parse(equations).permuted([1, 0]), 1e-2)


def test_an_unrelated_state_does_not_enter():
    run = simulated(["-0.5*x_0 + 2.0*x_1", "-2.0*x_0 - 0.3*x_1", "0.8*x_2 - 0.2*x_2**2"], [1.0, 0.4, 0.3], 6)
    found = discover([run], options=QUICK).system
    symbols = [{str(s) for s in one.free_symbols} for one in found.equations]
    assert symbols == [{"x_0", "x_1"}, {"x_0", "x_1"}, {"x_2"}]


def test_two_runs_decide_what_one_leaves_open():
    # started at equal values the two states stay equal, and every mixture of them explains the run
    equations = ["-1.0*x_0", "-1.0*x_1"]
    tied = discover([simulated(equations, [2.0, 2.0], 4)], options=QUICK)
    assert any("cannot be told apart" in one for one in tied.warnings)
    apart = discover([simulated(equations, [2.0, 2.0], 4), simulated(equations, [0.3, 1.0], 4)], options=QUICK)
    same(apart.system, System.parse(equations), 1e-3)
    assert not any("cannot be told apart" in one for one in apart.warnings)


def test_a_proposal_outside_the_library_wins_when_it_is_right():
    equations = ["-1.0*x_0 + 1.0*sin(2.0*x_0**2 + 0.5)"]
    run = simulated(equations, [2.2], 4, 150)
    hint = System.parse(["-0.95*x_0 + 1.05*sin(1.95*x_0**2 + 0.55)"])
    few = DiscoveryOptions(tiers=(), degree=2, fits=3, rounds=0)
    found = discover([run], [hint], options=few)
    (wave,) = found.system.equations[0].atoms(sympy.sin)
    assert float(wave.args[0].coeff(sympy.Symbol("x_0", real=True), 2)) == pytest.approx(2.0, rel=0.02)


def test_a_prior_changes_which_terms_enter():
    run = simulated(["1.0*x_0 - 1.0*x_0**2"], [0.1], 6, 100, noise=0.05)
    few = DiscoveryOptions(tiers=(), fits=4, rounds=1)
    against = discover([run], prior=lambda _, term: 1e4 * (term.form == "x_0**2"), options=few)
    assert sympy.Symbol("x_0", real=True) ** 2 not in terms(against.system.equations[0])


def test_states_at_rest_get_zero_and_a_warning():
    run = simulated(["1.0*x_0 - 1.0*x_0**2"], [0.1], 8)
    with_rest = Trajectory(run.times, np.c_[np.full(len(run.times), 3.0), run.states], ("held", "grown"))
    found = discover([with_rest], options=QUICK)
    assert found.system.equations[0] == 0
    assert {str(s) for s in found.system.equations[1].free_symbols} == {"x_1"}
    assert any(one.startswith("held does not change") for one in found.warnings)
    still = discover([Trajectory(run.times, np.full((len(run.times), 1), 2.0))])
    assert still.system.equations == (0,)
    assert any("fixed point" in one for one in still.warnings)


def test_long_runs_are_thinned_and_few_points_are_taken():
    run = simulated(["-0.7*x_0 + 1.0"], [4.0], 6, 5000)
    found = discover([run], options=QUICK)
    assert any("one in 3 is used" in one for one in found.warnings)
    same(found.system, System.parse(["-0.7*x_0 + 1.0"]), 1e-2)
    few = discover([run.rows(slice(None, None, 700))], options=QUICK)
    assert few.system.dimension == 1 and few.candidates[0].r2 > 0.9


def test_the_same_input_gives_the_same_answer():
    run = simulated(["1.0*x_0 - 1.0*x_0**2"], [0.1], 6, 100, noise=0.05)
    first, second = (discover([run], options=QUICK).system.strings() for _ in range(2))
    assert first == second


def test_runs_of_different_systems_are_refused():
    one = simulated(["-0.7*x_0"], [4.0], 6)
    other = simulated(KNOWN["linear"][0], [1.0, 0.4], 6)
    with pytest.raises(InputError, match="same states"):
        discover([one, other])
