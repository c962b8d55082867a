"""Terms that proposals name become cheaper, by how often they are named; others cost what they did."""

import numpy as np
import pytest

from labformer.domains.symbolic.hybrid.library import Ranges, Term, polynomials, tier
from labformer.domains.symbolic.proposing.term_prior import term_prior
from labformer.domains.symbolic.system import System

LAWS = [
    System.parse(["1.2*x_0 - 0.7*x_0*x_1", "sin(2.3*x_1 + 0.1)"]),
    System.parse(["0.4*x_0*(1 - x_1)", "0.5*x_1/x_0"]),
    System.parse(["3.0*x_1**2", "x_0"]),
]


def test_credit_grows_with_the_number_of_laws_and_is_of_one_equation() -> None:
    prior = term_prior(LAWS)
    assert prior is not None
    dear = {"cost": 9.0}  # so that no credit is cut
    assert prior(0, Term(("x_0", "x_1"), **dear)) == pytest.approx(-np.log(3))
    assert prior(0, Term(("x_1**2",), **dear)) == pytest.approx(-np.log(2))
    assert prior(1, Term(("x_0", "x_1"), **dear)) == 0
    assert prior(1, Term(("sin(A*x_1)",), (1.0,), **dear)) == pytest.approx(-np.log(2))
    assert prior(1, Term(("x_1", "1/x_0"), **dear)) == pytest.approx(-np.log(2))


def test_no_term_costs_less_than_nothing_and_no_laws_give_no_prior() -> None:
    assert term_prior([]) is None
    prior = term_prior(LAWS * 50)
    assert prior is not None
    ranges = Ranges(np.array([0.5, -1.0]), np.array([1.0, 1.0]), np.array([0.2, 0.5]), (0, 1))
    for term in [*polynomials(ranges, 3), *tier(ranges, 1)]:
        assert -term.cost <= prior(0, term) <= 0
