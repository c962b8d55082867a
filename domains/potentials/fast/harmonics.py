"""Real spherical harmonics as polynomials of a unit vector, and the numbers that couple them to invariants."""

from functools import cache
from math import factorial, pi, sqrt

import numpy as np
import torch
from torch import Tensor


def real_harmonics(directions: Tensor, degree: int) -> Tensor:
    """Unit vectors (e, 3) -> (e, (degree + 1)²), orthonormal on the sphere; degree l stands at l² to (l + 1)² - 1.

    Within a degree, orders run from -l (sines) to l (cosines).
    """
    return harmonics_and_slopes(directions, degree)[0]


def harmonics_and_slopes(directions: Tensor, degree: int) -> tuple[Tensor, Tensor]:
    """Unit vectors (e, 3) -> `real_harmonics` and the slopes of their polynomials by x, y, z, (e, 3, (degree + 1)²).

    Products of powers of the coordinates times a matrix: few operations, and slopes exist at the poles too.
    """
    count = (degree + 1) ** 2
    x, y, z, matrix = _tables(degree, directions.dtype, directions.device)
    ones = torch.ones_like(directions)[:, :, None]
    powers = torch.cat([ones, directions[:, :, None].expand(-1, -1, degree).cumprod(2)], 2).flatten(1)
    both = (powers.index_select(1, x) * powers.index_select(1, y) * powers.index_select(1, z)) @ matrix
    return both[:, :count], both[:, count:].reshape(-1, 3, count)


@cache
def _tables(degree: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the powers of x, y and z of each product stand, and products -> harmonics and their three slopes."""
    products = [
        (i, j, power - i - j) for power in range(degree + 1) for i in range(power + 1) for j in range(power - i + 1)
    ]
    place = {one: number for number, one in enumerate(products)}
    made = np.zeros((len(products), 4, (degree + 1) ** 2))
    for column, harmonic in enumerate(_polynomials(degree)):
        for (i, j, k), factor in harmonic.items():
            made[place[i, j, k], 0, column] = factor
            for axis, (power, lower) in enumerate(((i, (i - 1, j, k)), (j, (i, j - 1, k)), (k, (i, j, k - 1)))):
                if power:
                    made[place[lower], 1 + axis, column] += power * factor
    x, y, z = (torch.tensor(products).T + (degree + 1) * torch.arange(3)[:, None]).to(device).unbind()
    return x, y, z, torch.from_numpy(made.reshape(len(products), -1)).to(device, dtype)


Power = tuple[int, int, int]
Polynomial = dict[Power, float]


def _polynomials(degree: int) -> list[Polynomial]:
    """Each harmonic as a polynomial: Legendre functions without their sin^m by recursion, times (x + iy)^m."""
    legendre: dict[tuple[int, int], Polynomial] = {(0, 0): {(0, 0, 0): 1.0}}
    cosine: list[Polynomial] = [{(0, 0, 0): 1.0}]
    sine: list[Polynomial] = [{}]
    x, y, z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
    for m in range(1, degree + 1):
        legendre[m, m] = _sum((legendre[m - 1, m - 1], (0, 0, 0), -(2 * m - 1)))
        cosine.append(_sum((cosine[m - 1], x, 1), (sine[m - 1], y, -1)))
        sine.append(_sum((sine[m - 1], x, 1), (cosine[m - 1], y, 1)))
    for m in range(degree):
        legendre[m + 1, m] = _sum((legendre[m, m], z, 2 * m + 1))
        for l in range(m + 2, degree + 1):  # noqa: E741
            two = (
                (legendre[l - 1, m], z, (2 * l - 1) / (l - m)),
                (legendre[l - 2, m], (0, 0, 0), -(l + m - 1) / (l - m)),
            )
            legendre[l, m] = _sum(*two)
    found = []
    for l in range(degree + 1):  # noqa: E741
        for m in range(-l, l + 1):
            scale = sqrt((2 if m else 1) * (2 * l + 1) / (4 * pi) * factorial(l - abs(m)) / factorial(l + abs(m)))
            turn = cosine[m] if m >= 0 else sine[-m]
            found.append(_sum(*((legendre[l, abs(m)], power, scale * factor) for power, factor in turn.items())))
    return found


def _sum(*terms: tuple[Polynomial, Power, float]) -> Polynomial:
    """Sum of polynomials, each times a product of coordinates and a number."""
    made: Polynomial = {}
    for polynomial, (i, j, k), factor in terms:
        for (a, b, c), value in polynomial.items():
            made[a + i, b + j, c + k] = made.get((a + i, b + j, c + k), 0.0) + factor * value
    return made


@cache
def gaunt(degree: int) -> np.ndarray:
    """(L, L, L) with L = (degree + 1)²: integrals of three harmonics over the sphere, exact by quadrature.

    Each block of three degrees is, up to a factor, the only invariant of their product; it vanishes where the sum of
    the degrees is odd, as it must for a mirror-symmetric energy.
    """
    heights, weights = np.polynomial.legendre.leggauss(4 * degree + 4)
    angles = np.arange(8 * degree + 8) * 2 * np.pi / (8 * degree + 8)
    z, turn = np.meshgrid(heights, angles, indexing="ij")
    around = np.sqrt(1 - z**2)
    points = np.stack([around * np.cos(turn), around * np.sin(turn), z], -1).reshape(-1, 3)
    weight = np.repeat(weights, len(angles)) * 2 * np.pi / len(angles)
    y = real_harmonics(torch.from_numpy(points), degree).numpy()
    blocks: np.ndarray = np.einsum("qa,qb,qc,q->abc", y, y, y, weight, optimize=True)
    blocks[np.abs(blocks) < 1e-12] = 0
    return blocks


def couplings(degree: int) -> list[tuple[int, int, int]]:
    """Degrees a <= b <= c whose three harmonics have an invariant that a mirror leaves alone."""
    some = range(degree + 1)
    return [
        (a, b, c) for a in some for b in some for c in some if a <= b <= c <= a + b and (a + b + c) % 2 == 0
    ]  # fmt: skip
