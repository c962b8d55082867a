"""The number code of ODEFormer: a float is a sign, a mantissa of four digits and an exponent (section 3)."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....shared.errors import InputError

MANTISSAS, LOWEST, HIGHEST = 10_000, -100, 100


def encode_numbers(values: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sign (1 or -1), mantissa (0 to 9999) and exponent (-100 to 100) of each value, in its shape.

    value = sign mantissa 10^exponent, to four digits: -2.718 is (-1, 2718, -3), 0 is (1, 0, -3). Values under 10^-100
    become (1, 0, 0). Raises InputError for values that are not finite or too large for the code.
    """
    given = np.asarray(values, np.float64)
    size = np.abs(given)
    if not np.isfinite(size).all():
        raise InputError("only finite numbers have tokens; leave the others out.")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        power = np.floor(np.log10(np.where(size > 0, size, 1.0))).astype(np.int64)
        power += size >= 10.0 ** (power + 1)  # the logarithm may round to the wrong side of a power of ten
        power -= size < 10.0**power
        power = np.where(size > 0, power, 0)
        shift = np.clip(3 - power, -300, 300)
        mantissa = np.rint(size * 10.0**shift)
    carried = mantissa >= MANTISSAS
    mantissa = np.where(carried, mantissa // 10, mantissa)
    exponent = power - 3 + carried
    if (exponent > HIGHEST).any():
        raise InputError(
            f"{given.flat[int(np.argmax(exponent))]:g} is too large for the number code; rescale the data."
        )
    small = exponent < LOWEST
    mantissa = np.where(small, 0, mantissa).astype(np.int64)
    sign = np.where((given < 0) & (mantissa > 0), -1, 1)
    return sign.astype(np.int64), mantissa, np.where(small, 0, exponent).astype(np.int64)


def encode_number(value: float) -> tuple[int, int, int]:
    """What `encode_numbers` says of one number."""
    if not math.isfinite(value):
        raise InputError("only finite numbers have tokens; leave the others out.")
    if value == 0:
        return 1, 0, -3
    digits, _, power = f"{abs(value):.3e}".partition("e")
    mantissa, exponent = int(digits.replace(".", "")), int(power) - 3
    if exponent > HIGHEST:
        raise InputError(f"{value:g} is too large for the number code; rescale the data.")
    return (1, 0, 0) if exponent < LOWEST else (1 if value > 0 else -1, mantissa, exponent)


def decode_number(sign: int, mantissa: int, exponent: int) -> float:
    """sign mantissa 10^exponent, rounded as the decimal text is."""
    return float(f"{sign * mantissa}e{exponent}")


def significant(value: float, digits: int = 4) -> float:
    """The value to so many digits."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value
