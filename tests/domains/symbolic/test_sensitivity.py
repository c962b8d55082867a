"""Straight-line code and variational equations against differences."""

import numpy as np

from labformer.domains.symbolic.hybrid.sensitivity import Program
from labformer.domains.symbolic.hybrid.shooting import integrate, propagate
from labformer.domains.symbolic.system import System

EQUATIONS = [
    "1.2*x_0*(1 - x_0/3.0) - 0.5*x_0**2*x_1/(1.0 + x_0**2)",
    "sin(2.0*x_0 - x_1) + 0.3*exp(-0.4*x_1)*x_0**1.5 + Abs(x_1)**0.3 + tanh(0.2*x_0) + log(1.5 + x_1**2)",
]


def test_derivatives_agree_with_differences():
    system = System.parse(EQUATIONS)
    expressions, symbols, values = system.skeleton
    program, constants = Program(expressions, symbols), np.array(values)
    x = np.array([0.7, 1.3])
    by_state, by_constant = program.slopes(x[None], constants)

    def f(x, c):
        return np.array(program.scalar(list(x), list(c)))

    np.testing.assert_allclose(f(x, constants), system.rhs(0.0, x), rtol=1e-12)
    step = 1e-6
    for found, at in ((by_state[0], 0), (by_constant[0], 1)):
        for place in range(found.shape[1]):
            move = np.zeros(found.shape[1])
            move[place] = step
            up, down = (f(x + s * move, constants) if at == 0 else f(x, constants + s * move) for s in (1, -1))
            np.testing.assert_allclose(found[:, place], (up - down) / (2 * step), atol=1e-7)


def test_sensitivities_of_a_linear_law_are_exact():
    # x' = c x from x(0) = a: dx/dc = a t exp(c t), dx/da = exp(c t)
    expressions, symbols, values = System.parse(["-0.7*x_0"]).skeleton
    program, times = Program(expressions, symbols), np.linspace(0, 3, 600)
    states = integrate(program, np.array(values), np.array([2.0]), times, np.ones(1), 1e-10)
    by_state, by_constant = program.slopes(states, np.array(values))
    source = np.concatenate([by_constant, np.zeros((600, 1, 1))], 2)
    moved = propagate(by_state, source, np.diff(times), np.array([[0.0, 1.0]]))
    # the skeleton holds the sign outside its constant
    sign = np.sign(values[0]) * -1
    np.testing.assert_allclose(moved[:, 0, 1], np.exp(-0.7 * times), atol=1e-5)
    np.testing.assert_allclose(np.abs(moved[:, 0, 0]), 2 * times * np.exp(-0.7 * times), atol=1e-4)
    assert abs(sign) == 1


def test_blow_up_and_overwork_are_refused():
    expressions, symbols, values = System.parse(["1.0*x_0**2"]).skeleton
    program = Program(expressions, symbols)
    assert integrate(program, np.array(values), np.array([1.0]), np.linspace(0, 5, 10), np.ones(1)) is None
    assert (
        integrate(program, np.array(values), np.array([0.1]), np.linspace(0, 5, 10), np.ones(1), evaluations=5) is None
    )
