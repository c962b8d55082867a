"""Systems and trajectories as the tokens of ODEFormer (d'Ascoli et al. 2024, section 3): words, and their numbers.

A system is its components in prefix notation, joined by "|" and enclosed by one end token. Sums and products of more
than two parts nest to the right. Exponents and signs are integers (INT+ 2), every other number is a float of three
words (+ N2718 E-3), after rounding to four decimals.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ..system import System
from .normal_form import (
    Expression,
    constant,
    from_sympy,
    is_finite,
    power,
    product,
    rounded,
    sine,
    to_system,
    total,
    variable,
)  # fmt: skip
from .numbers import HIGHEST, LOWEST, MANTISSAS, decode_number, encode_number, encode_numbers

STATES = 6  # dimensions of the published vocabulary
END, PAD, NEXT = "<end>", "<pad>", "|"
SIGNS, INTEGERS = ("+", "-"), ("INT+", "INT-")
OPERATORS = {"add": 2, "mul": 2, "pow": 2, "sin": 1, "inv": 1, "pow2": 1, "id": 1}  # the last three never in targets
PLAIN = [
    END, PAD, NEXT, *SIGNS, *INTEGERS, *map(str, range(10)), *OPERATORS, *(f"x_{place}" for place in range(STATES)),
    *(f"E{power}" for power in range(LOWEST, HIGHEST + 1)),
]  # fmt: skip
WORDS = [*PLAIN, *(f"N{mantissa:04d}" for mantissa in range(MANTISSAS))]
NUMBER = {word: place for place, word in enumerate(WORDS)}
MANTISSA = len(PLAIN)  # number of N0000
EXPONENT = NUMBER[f"E{LOWEST}"]  # number of E-100


class Unreadable(ValueError):
    """A sequence of tokens that is no system."""


def system_tokens(system: System | Sequence[Expression]) -> list[str]:
    """The words of a system; raises InputError for what the four operators or six states cannot say."""
    parts = [from_sympy(one) for one in system.equations] if isinstance(system, System) else list(system)
    if len(parts) > STATES:
        raise InputError(f"the vocabulary has {STATES} states, the system {len(parts)}.")
    words = [END]
    for place, one in enumerate(parts):
        words += [NEXT] * (place > 0) + _words(rounded(one))
    return [*words, END]


def read_tokens(words: Sequence[str]) -> tuple[Expression, ...]:
    """The components that the words say; raises Unreadable for words that are no system, which are not repaired."""
    if len(words) < 3 or words[0] != END or words[-1] != END:
        raise Unreadable("the sequence is not closed.")
    components, at = [], 1
    while True:
        one, at = _read(words, at)
        components.append(one)
        if at >= len(words) or words[at] not in (NEXT, END):
            raise Unreadable(f"word {at} should end a component.")
        at += 1
        if words[at - 1] == END:
            break
    if at != len(words) or not all(map(is_finite, components)):
        raise Unreadable("words after the end, or a number that is not finite.")
    if any(place >= len(components) for one in components for place in _states(one)):
        raise Unreadable("a state without an equation.")
    return tuple(components)


def tokens_system(words: Sequence[str]) -> System:
    """The system that the words say, as sympy; raises Unreadable as `read_tokens` does."""
    return to_system(read_tokens(words))


def token_numbers(words: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of words in the vocabulary."""
    return np.array([NUMBER[word] for word in words], np.int64)


def point_tokens(times: NDArray[np.float64], states: NDArray[np.float64], width: int = STATES) -> NDArray[np.int64]:
    """The points of a trajectory, as numbers of words.

    times (time,), states (time, state) -> (time, 3 (width + 1)): sign, mantissa and exponent of the time and of each
    state, missing states as padding. Leading batch axes pass through. Raises InputError as `encode_numbers` does.
    """
    values = np.concatenate([np.asarray(times)[..., None], states], -1)
    sign, mantissa, exponent = encode_numbers(values)
    words = np.stack(
        [np.where(sign > 0, NUMBER["+"], NUMBER["-"]), MANTISSA + mantissa, EXPONENT - LOWEST + exponent], -1
    )
    words = words.reshape(*values.shape[:-1], -1)
    missing = 3 * (width + 1) - words.shape[-1]
    if missing < 0:
        raise InputError(f"the network takes {width} states, the data have {states.shape[-1]}.")
    return np.concatenate([words, np.full((*words.shape[:-1], missing), NUMBER[PAD])], -1)


def _words(one: Expression) -> list[str]:
    match one[0]:
        case "c":
            return list(_number(one[1]))
        case "x":
            return [f"x_{one[1]}"]
        case "^":
            return ["pow", *_words(one[1]), *_integer(one[2])]
        case "sin":
            return ["sin", *_words(one[1])]
    name, parts = ("add" if one[0] == "+" else "mul"), one[1]
    words: list[str] = []
    for part in parts[:-1]:
        words += [name, *_words(part)]
    return words + _words(parts[-1])


def _integer(value: int) -> list[str]:
    return ["INT+" if value >= 0 else "INT-", *str(abs(value))]


def _number(value: float) -> tuple[str, ...]:
    sign, mantissa, exponent = encode_number(value)
    if (mantissa, exponent) == (1000, -3):  # one, that simplification leaves before a term or alone
        return ("INT+" if sign > 0 else "INT-", "1")
    return ("+" if sign > 0 else "-", f"N{mantissa:04d}", f"E{exponent}")


def _read(words: Sequence[str], at: int) -> tuple[Expression, int]:
    if at >= len(words):
        raise Unreadable("the sequence ends inside an expression.")
    word = words[at]
    if word in SIGNS:
        return _read_float(words, at)
    if word in INTEGERS:
        value, at = _read_integer(words, at)
        return constant(value), at
    if word.startswith("x_"):
        return variable(int(word[2:])), at + 1
    if word not in OPERATORS:
        raise Unreadable(f"word {at}, {word}, begins no expression.")
    first, at = _read(words, at + 1)
    if word in ("add", "mul"):
        second, at = _read(words, at)
        return (total if word == "add" else product)((first, second)), at
    if word == "pow":
        if at >= len(words) or words[at] not in INTEGERS:
            raise Unreadable("a power needs an integer.")
        exponent, at = _read_integer(words, at)
        return power(first, exponent), at
    match word:
        case "sin":
            return sine(first), at
        case "inv":
            return power(first, -1), at
        case "pow2":
            return power(first, 2), at
    return first, at


def _read_integer(words: Sequence[str], at: int) -> tuple[int, int]:
    end = at + 1
    while end < len(words) and len(words[end]) == 1 and words[end].isdigit():
        end += 1
    if not 1 <= end - at - 1 <= 3:
        raise Unreadable("a sign of an integer without one to three digits.")
    value = int("".join(words[at + 1 : end]))
    return (value if words[at] == "INT+" else -value), end


def _read_float(words: Sequence[str], at: int) -> tuple[Expression, int]:
    if at + 2 >= len(words) or words[at + 1][0] != "N" or words[at + 2][0] != "E" or words[at + 2] == END:
        raise Unreadable("a sign without mantissa and exponent.")
    value = decode_number(1 if words[at] == "+" else -1, int(words[at + 1][1:]), int(words[at + 2][1:]))
    return constant(value), at + 3


def _states(one: Expression) -> set[int]:
    if one[0] == "x":
        return {one[1]}
    if one[0] in ("+", "*"):
        return set().union(*map(_states, one[1]))
    return set() if one[0] == "c" else _states(one[1])
