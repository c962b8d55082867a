import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from labformer.domains.symbolic.proposing.generator import draw_system, spaced_times
from labformer.domains.symbolic.proposing.integrate import integrate_many
from labformer.domains.symbolic.proposing.normal_form import compile_expressions, to_system
from labformer.domains.symbolic.proposing.programs import CODES, Tape, compile_system
from labformer.domains.symbolic.system import System
from labformer.shared.errors import InputError

LAWS = [
    ["x_1", "-x_0"],
    ["10*(x_1-x_0)", "x_0*(28-x_2)-x_1", "x_0*x_1-8/3*x_2"],
    ["1.5*x_0-x_0*x_1/(1+exp(-x_0))", "-3*x_1+x_0*sqrt(x_1)"],
    ["x_1", "-9.81*sin(x_0) - 0.2*x_1*Abs(x_1)"],
    ["x_0*(1-x_0/3)"],
    [
        "1 - tanh(x_0) + atan(x_1)**2",
        "cos(x_0) - cot(1.5 + sin(x_1)/2) - log(2 + x_1**2)",
        "1 - cosh(x_2)/2 - sinh(x_2)",
    ],
]


def test_a_mixed_batch_follows_scipy() -> None:
    systems = [System.parse(law) for law in LAWS]
    starts = np.random.default_rng(0).uniform(0.2, 1.0, (len(systems), 3))
    times = np.linspace(0, 3, 40)
    states, alive = integrate_many(systems, starts, times, rtol=1e-9, atol=1e-11)
    assert alive.all()
    for place, one in enumerate(systems):
        own = one.dimension
        wanted = solve_ivp(one.rhs, (0, 3), starts[place, :own], t_eval=times, method="LSODA", rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(states[place, :, :own], wanted.y.T, rtol=1e-5, atol=1e-6, err_msg=str(LAWS[place]))
        assert np.isnan(states[place, :, own:]).all()


def test_neighbours_in_the_batch_change_nothing() -> None:
    systems = [System.parse(law) for law in LAWS]
    starts = np.random.default_rng(1).uniform(0.2, 1.0, (len(systems), 3))
    times = np.linspace(0, 2, 15)
    together = integrate_many(systems, starts, times)
    for place, one in enumerate(systems):
        alone = integrate_many([one], starts[place : place + 1], times)
        own = one.dimension
        np.testing.assert_allclose(alone.states[0, :, :own], together.states[place, :, :own], rtol=1e-9, atol=1e-9)


def test_what_blows_up_is_given_up_and_the_rest_goes_on() -> None:
    systems = [System.parse([law]) for law in ("x_0**2", "-x_0", "log(x_0)", "exp(x_0**3)", "x_0 - x_0")]
    times = np.linspace(0, 3, 31)
    states, alive = integrate_many(systems, np.ones((5, 1)), times, limit=1e3)
    assert alive.tolist() == [False, True, True, False, True]
    assert np.isnan(states[0, 11:]).all()
    np.testing.assert_allclose(states[0, :9, 0], 1 / (1 - times[:9]), rtol=1e-4)
    np.testing.assert_allclose(states[1, :, 0], np.exp(-times), rtol=1e-5)
    np.testing.assert_allclose(states[4, :, 0], 1.0)


def test_each_system_has_its_own_times() -> None:
    times = spaced_times(np.array([8, 20, 13]))
    states, alive = integrate_many([System.parse(["-x_0"])] * 3, np.ones((3, 1)), times)
    assert alive.all()
    for row, count in zip(range(3), (8, 20, 13), strict=True):
        np.testing.assert_allclose(states[row, :count, 0], np.exp(1 - times[row, :count]), rtol=1e-5)
        assert np.isnan(states[row, count:]).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_program_of_the_normal_form_computes_what_sympy_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    law = draw_system(random)
    assert law is not None
    own, system = compile_expressions(law), to_system(law)
    other = compile_system(system)
    x = random.normal(size=(1, len(law)))
    wanted = system.rhs(0.0, x[0])
    for program in (own, other):
        got = Tape([program])(torch.from_numpy(x))
        np.testing.assert_allclose(got[0].numpy(), wanted, rtol=1e-9)


def test_a_narrowed_tape_computes_the_same_for_those_kept() -> None:
    programs = [compile_system(System.parse(law)) for law in LAWS]
    tape, x = Tape(programs), torch.rand(len(LAWS), 3, dtype=torch.float64)
    kept = np.array([True, False, True, True, False, True])
    torch.testing.assert_close(tape.narrowed(kept)(x[kept]), tape(x)[kept], rtol=0, atol=0)


@pytest.mark.parametrize("exponent", [-5, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 11])
def test_integer_powers(exponent: int) -> None:
    program = compile_system(System.parse([f"x_0**({exponent}) + x_0"]))
    got = Tape([program])(torch.tensor([[1.3]], dtype=torch.float64))
    assert got.item() == pytest.approx(1.3**exponent + 1.3)


def test_equal_parts_are_computed_once() -> None:
    program = compile_system(System.parse(["sin(x_0*x_1) + 1", "sin(x_0*x_1)**2"]))
    assert (program.code == CODES["sin"]).sum() == 1


@pytest.mark.parametrize(
    ("starts", "times"),
    [(np.ones(2), [0, 1]), (np.ones((1, 1)), [0, 1]), (np.ones((2, 2)), [0, 0.0]), (np.ones((2, 2)), [1, 0.5])],
    ids=["flat", "narrow", "still", "falling"],
)
def test_shapes_and_times_that_do_not_fit_are_named(starts: np.ndarray, times: list[float]) -> None:
    with pytest.raises(InputError):
        integrate_many([System.parse(["x_1", "-x_0"])] * 2, starts, times)


def test_an_unknown_function_is_named() -> None:
    import sympy

    with pytest.raises(InputError, match="erf"):
        compile_system(System((sympy.erf(sympy.Symbol("x_0", real=True)),)))
