"""Formulas of users are read as mathematics; nothing of them is run."""

from pathlib import Path

import pytest
import sympy

from labformer.domains.symbolic.system import System, state
from labformer.shared.errors import InputError

X, Y = state(0), state(1)
GOOD = {
    "x_0^2 + 0.5*x_1": X**2 + 0.5 * Y,
    "-sin(x_0)/3.": -sympy.sin(X) / 3.0,
    "1e-3 * abs(x_1) ** 1.5": 1e-3 * sympy.Abs(Y) ** 1.5,
    "x_0*ln(x_1) - +x_0": X * sympy.log(Y) - X,
    "2^-x_0": 2 ** (-X),
    "-x_0^2": -(X**2),
    "  ( x_0\n+ x_1 ) ": X + Y,
    "pi*x_0": sympy.pi * X,
}
BAD = {
    "__import__('os').system('true')": "not part of a formula",
    "open('x')": "'open' is no known function",
    "x_0.evalf()": "not part of a formula",
    "(lambda: 1)()": "not part of a formula",
    "[x_0 for x_0 in (1, 2)][0]": "not part of a formula",
    "x_0 if x_0 else 1": "not part of a formula",
    "x_0 := 3": "no formula",
    "x_0 == 1": "not part of a formula",
    "f'{x_0}'": "not part of a formula",
    "'x_0'": "not a real number",
    "1j*x_0": "not a real number",
    "True": "not a real number",
    "z + x_0": "'z' is not known",
    "x_2": "'x_2' is not known",
    "eval(x_0)": "'eval' is no known function",
    "sin": "write sin(...)",
    "sin(x_0, x_1)": "takes one argument",
    "sin(x=x_0)": "no known function",
    "2x_0": "no formula",
    "(x_0": "no formula",
    "": "it is empty",
    "9**9**9": "larger than 64",
    "((2^64)^64)^64": "digits",
    "x_0^1000000": "larger than 64",
    "1/0": "divides by zero",
    "1e999*x_0": "infinite",
    "sqrt(-1)*x_0": "complex",
    "(" * 400 + "x_0" + ")" * 400: "",
    "x_0" + "+x_0" * 9000: "characters",
}


@pytest.mark.parametrize("text", GOOD)
def test_formulas_are_read_with_their_meaning(text: str) -> None:
    assert sympy.simplify(System.parse([text, "0"]).equations[0] - GOOD[text]) == 0


@pytest.mark.parametrize("text", BAD, ids=[f"{place:02d}" for place in range(len(BAD))])
def test_anything_else_is_refused_in_one_line_that_names_it(text: str) -> None:
    with pytest.raises(InputError) as caught:
        System.parse([text, "x_0"])
    assert BAD[text] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_nothing_is_run(tmp_path: Path) -> None:
    target = tmp_path / "made"
    for text in (f"open({str(target)!r}, 'w')", f"__import__('pathlib').Path({str(target)!r}).touch()"):
        with pytest.raises(InputError):
            System.parse([text])
    assert not target.exists()


def test_what_a_system_writes_it_reads_again() -> None:
    system = System.parse(["-1.5*x_0*exp(-x_1)/(0.3 + x_0^2)", "sqrt(x_0)*cos(2*x_1 + 0.25) - x_1^3"])
    assert System.parse(system.strings()) == system


def test_names_of_states_and_constants_can_be_given() -> None:
    assert System.parse(["a*prey", "-hunter"], {"prey": 0, "hunter": 1}, {"a": sympy.Float(2)}).equations == (
        2.0 * X,
        -Y,
    )
