"""Laws that are the same are found the same however they are written; others are not."""

import pytest
import sympy

from labformer.domains.symbolic.judging.odebench import odebench
from labformer.domains.symbolic.judging.structure import complexity, recovered, term_recall
from labformer.domains.symbolic.system import System

SAME = [
    ("x_0*(1 - x_0/3)", "1.02*x_0 - 0.33*x_0^2"),
    ("x_0/(1 + x_0^2)", "2*x_0/(2 + 2.01*x_0^2)"),
    ("1/x_0 + x_0", "(1 + x_0^2)/x_0"),
    ("1/(1 + exp(0.5 - x_0/0.96))", "exp(x_0/0.96)/(exp(x_0/0.96) + 1.66)"),
    ("1/(1 + exp(0.5 - x_0/0.96)) - 0.5", "0.5*tanh((x_0/0.96 - 0.5)/2)"),
    ("2*exp(-x_0)", "2.01/exp(x_0)"),
    ("2^x_0", "exp(0.69315*x_0)"),
    ("sin(2*x_0 + 0.3)", "cos(2.02*x_0 + 0.3 - pi/2)"),
    ("sin(x_0 - x_1)", "-sin(x_1 - x_0)"),
    ("sin(x_0 - x_1)", "sin(x_0)*cos(x_1) - cos(x_0)*sin(x_1)"),
    ("sin(x_0)*cos(x_0)", "0.5*sin(2*x_0)"),
    ("cos(x_1)^2 + 4.2*sin(x_1)^2", "1 + 3.2*sin(x_1)^2"),
    ("cos(x_1)^2 + 4.2*sin(x_1)^2", "2.6 - 1.6*cos(2*x_1)"),
    ("cot(x_1)*cos(x_0)", "cos(x_0)/tan(x_1)"),
    ("x_0*log(2.29*x_0)", "x_0*log(x_0) + 0.8286*x_0"),
    ("x_1*abs(x_1)", "sign(x_1)*x_1^2"),
    ("3*sqrt(x_0)", "3.01*x_0^0.5"),
    ("0.2*(1 - x_0)*x_0^1.2", "0.2*x_0^1.2 - 0.2*x_0^2.2"),
    ("x_0*x_1", "x_0*x_1 + 1e-13*x_0^2"),
    ("0", "0"),
]
OTHER = [
    ("x_0*(1 - x_0/3)", "1.02*x_0 - 0.33*x_0^2 + 0.01"),  # a term too many
    ("x_0*(1 - x_0/3)", "1.07*x_0 - 0.33*x_0^2"),  # a constant 7 % off
    ("x_0 + x_1", "x_0"),
    ("x_0 + x_1", "x_0 - x_1"),
    ("sin(2*x_0)", "sin(2.2*x_0)"),
    ("sin(2*x_0 + 0.3)", "sin(2*x_0 - 0.3)"),
    ("sin(x_0)", "x_0"),
    ("x_0/(1 + x_0^2)", "x_0/(1 + x_0)"),
    ("x_0/(1 + x_0^2)", "x_0/(1.2 + x_0^2)"),
    ("exp(x_0)", "exp(-x_0)"),
    ("0", "x_0"),
    ("x_0", "0"),
]


def pair(a: str, b: str) -> tuple[System, System]:
    return System.parse([a, "x_0"]), System.parse([b, "x_0"])


@pytest.mark.parametrize("texts", SAME, ids=[f"{place:02d}" for place in range(len(SAME))])
def test_two_ways_to_write_one_law(texts: tuple[str, str]) -> None:
    truth, found = pair(*texts)
    assert recovered(truth, found)
    assert recovered(found, truth)
    assert term_recall(truth, found) == 1


@pytest.mark.parametrize("texts", OTHER, ids=[f"{place:02d}" for place in range(len(OTHER))])
def test_two_laws_are_told_apart(texts: tuple[str, str]) -> None:
    assert not recovered(*pair(*texts))


def test_every_component_counts_and_dimensions_must_agree() -> None:
    truth = System.parse(["x_1", "-x_0"])
    assert not recovered(truth, System.parse(["x_1", "x_0"]))
    assert not recovered(truth, System.parse(["x_0"]))


def test_recall_counts_true_terms_alone() -> None:
    truth = System.parse(["x_0 + x_1 + x_0*x_1", "x_0"])
    assert term_recall(truth, System.parse(["7*x_0 + x_0*x_1 + x_1^3", "x_1"])) == pytest.approx(2 / 4)


def test_known_systems_are_met_by_themselves_and_not_by_others() -> None:
    for one in (odebench()[place] for place in (3, 9, 13, 32, 34, 41, 46, 50, 61)):
        constants = one.system.skeleton[2]
        assert recovered(one.system, one.system.with_constants([value * 1.002 for value in constants]))
        assert not recovered(one.system, one.system.with_constants([value * 1.2 for value in constants]))


def test_complexity_counts_the_prefix_of_the_expanded_law() -> None:
    assert complexity(System.parse(["2.5*x_0"])) == 3  # mul 2.5 x_0
    assert complexity(System.parse(["x_0^2"])) == 3  # pow x_0 2
    assert complexity(System.parse(["2.5*x_0*(1 - x_0)"])) == 3 + 1 + 5  # add (mul 2.5 x_0) (mul -2.5 pow x_0 2)
    assert complexity(System.parse(["sin(x_0)", "x_0 + x_1"])) == 2 + 3
    assert complexity(System.parse([str(sympy.pi), "1.5"])) == 2
