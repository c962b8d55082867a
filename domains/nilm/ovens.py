"""Ovens, no two alike: the programs of one, drawn from its household's random numbers.

[P] in `kinds` has them heat until they are hot and switch from then on; how long and how fast has no source of its own.
A heating that is followed by short ones is what a washing machine that keeps its water warm looks like, too, so what is
learnt must have met many of both.
"""

import numpy as np

from .draws import log_uniform
from .stages import Program, Stage

# share of the uses, and length of heating up and of baking against the usual ones
BAKES = ((0.3, 0.8, 0.5), (0.5, 1.0, 1.0), (0.2, 1.1, 2.0))


def ovens(rng: np.random.Generator) -> tuple[Program, ...]:
    """The programs of one oven: a short, a usual and a long bake."""
    duty, period_s = rng.uniform(0.2, 0.65), log_uniform(rng, 60, 480)
    heat, bake = log_uniform(rng, 6, 18), log_uniform(rng, 12, 40)
    return tuple(
        Program(weight, (Stage(1, heat * first), Stage(1, bake * then, duty, period_s)))
        for weight, first, then in BAKES
    )
