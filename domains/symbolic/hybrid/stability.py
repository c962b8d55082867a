"""Does a law stay bounded from starts near those measured?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .sensitivity import Program
from .shooting import Target, integrate

Floats = NDArray[np.float64]
BOUND = 30.0  # times the largest value measured


def perturbed_starts(targets: Sequence[Target], count: int, seed: int) -> Floats:
    """Starts about those measured (start, state): factors of up to three where a state has one sign, shifts else."""
    draw = np.random.default_rng(seed)
    states = np.concatenate([one.guess for one in targets])
    low, high = states.min(0), states.max(0)
    one_signed = (low > -0.02 * high) | (high < -0.02 * low)
    begins = np.array([one.guess[0] for one in targets])
    picked = np.concatenate([begins[draw.integers(len(begins), size=count - count // 2)],
                             states[draw.integers(len(states), size=count // 2)]])  # fmt: skip
    factors = np.exp(draw.uniform(-1.1, 1.1, picked.shape))
    shifts = draw.uniform(-0.6, 0.6, picked.shape) * (high - low)
    scaled = np.maximum(np.abs(picked), 0.02 * (high - low)) * factors * np.sign(high + low)
    return np.asarray(np.where(one_signed, scaled, picked + shifts), np.float64)


def blown(program: Program, constants: Floats, targets: Sequence[Target], starts: Floats) -> float:
    """The share of starts (start, state) from which the law leaves every bound within the time measured."""
    one = max(targets, key=lambda target: target.times[-1] - target.times[0])
    times = np.linspace(one.times[0], one.times[-1], 30)
    largest = np.max([np.abs(target.states).max(0) for target in targets], 0)
    lost = 0
    for start in starts:
        found = integrate(program, constants, start, times, np.maximum(largest, 1e-300), 1e-4, BOUND, 4000)
        lost += found is None
    return lost / len(starts)
