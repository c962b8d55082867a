import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labformer.domains.symbolic.proposing.generator import draw_system
from labformer.domains.symbolic.proposing.numbers import decode_number, encode_number, encode_numbers
from labformer.domains.symbolic.proposing.tokens import (
    END,
    NUMBER,
    PAD,
    WORDS,
    Unreadable,
    point_tokens,
    read_tokens,
    system_tokens,
    tokens_system,
)  # fmt: skip
from labformer.domains.symbolic.system import System
from labformer.shared.errors import InputError


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-2.718, (-1, 2718, -3)), (99.996, (1, 1000, -1)), (0.0, (1, 0, -3)), (1.0, (1, 1000, -3)), (1e-120, (1, 0, 0)),
        (0.001, (1, 1000, -6)), (9.9996e5, (1, 1000, 3)), (-1e-100, (1, 0, 0)),
    ],
)  # fmt: skip
def test_the_number_code_is_the_published_one(value: float, code: tuple[int, int, int]) -> None:
    assert encode_number(value) == code
    assert tuple(int(part) for part in encode_numbers(value)) == code


@settings(max_examples=300, deadline=None)
@given(st.floats(-1e90, 1e90))
def test_a_number_comes_back_to_four_digits(value: float) -> None:
    back = decode_number(*encode_number(value))
    assert math.isclose(back, value, rel_tol=5.001e-4, abs_tol=1e-96)
    assert decode_number(*encode_number(back)) == back
    assert tuple(int(part) for part in encode_numbers(value)) == encode_number(value)


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e110])
def test_what_has_no_code_is_refused(value: float) -> None:
    with pytest.raises(InputError):
        encode_number(value)
    with pytest.raises(InputError):
        encode_numbers([1.0, value])


def test_only_four_operators_and_the_published_layout() -> None:
    words = system_tokens(System.parse(["0.5*x_0*(x_1+2.5)^2 - sin(3*x_0+1)/x_1", "-x_0 + 2*x_1 + 1.2345678"]))
    assert " ".join(words) == (
        "<end> add mul + N5000 E-4 mul x_0 pow add + N2500 E-3 x_1 INT+ 2 mul INT- 1 mul pow x_1 INT- 1 "
        "sin add INT+ 1 mul + N3000 E-3 x_0 | add + N1235 E-3 add mul INT- 1 x_0 mul + N2000 E-3 x_1 <end>"
    )
    assert len(WORDS) == len(set(WORDS)) == 10_000 + 201 + 30


@pytest.mark.parametrize("seed", range(25))
def test_a_generated_system_survives_the_tokens(seed: int) -> None:
    components = draw_system(np.random.default_rng(seed))
    assert components is not None
    words = system_tokens(components)
    assert set(words) <= set(WORDS)
    assert not {"inv", "pow2", "id"} & set(words)
    read = read_tokens(words)
    assert system_tokens(read) == words
    assert system_tokens(tokens_system(words)) == words, "through sympy"


def test_reading_keeps_the_values_to_four_digits() -> None:
    system = System.parse(["1.23456*x_0 - 0.5*x_1*sin(2.00006*x_0 + 1.5) + 3.0", "x_0**3/(1.7 + x_1)**2"])
    x = np.array([0.4, -0.7])
    np.testing.assert_allclose(tokens_system(system_tokens(system)).rhs(0.0, x), system.rhs(0.0, x), rtol=1e-3)


@pytest.mark.parametrize(
    "words",
    [
        [], [END], [END, END], [END, "x_0"], [END, "add", "x_0", END], [END, "x_1", END], [END, "x_0", "x_0", END],
        [END, "+", "N1000", END], [END, "+", "E0", "N1000", END], [END, "pow", "x_0", "x_0", END], [END, "INT+", END],
        [END, "x_0", "|", END], [END, "x_0", END, END], [END, "pow", "x_0", "INT+", "9", "9", "9", "9", END],
        [END, "pow", "+", "N0000", "E0", "INT-", "1", END], [END, "N1000", END], [END, PAD, END],
    ],
    ids=lambda words: "_".join(words) or "empty",
)  # fmt: skip
def test_what_does_not_parse_is_not_repaired(words: list[str]) -> None:
    with pytest.raises(Unreadable):
        read_tokens(words)


@pytest.mark.parametrize("text", ["exp(x_0)", "sqrt(x_0)", "x_0**1.5", "log(x_0)"])
def test_what_the_vocabulary_cannot_say_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError):
        system_tokens(System.parse([text]))


def test_a_cosine_is_a_shifted_sine() -> None:
    system = System.parse(["cos(x_0)"])
    back = tokens_system(system_tokens(system))
    np.testing.assert_allclose(back.rhs(0.0, np.array([0.3])), np.cos([0.3]), atol=5e-4)


def test_a_point_is_three_words_a_number_and_padding_for_missing_states() -> None:
    words = point_tokens(np.array([1.0, 2.0]), np.array([[0.5], [-0.25]]), 6)
    assert words.shape == (2, 21)
    assert [WORDS[word] for word in words[1][:7]] == ["+", "N2000", "E-3", "-", "N2500", "E-4", PAD]
    assert (words[:, 6:] == NUMBER[PAD]).all()
