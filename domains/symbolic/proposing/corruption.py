"""What training does to a clean example at each visit, so that no two visits are alike."""

from dataclasses import dataclass

import numpy as np

from ....shared.errors import InputError
from .normal_form import Expression, constant, power, product, sine, total, variable
from .points import Path


@dataclass(frozen=True)
class CorruptionConfig:
    """The published draws; `rescaled` is an addition."""

    dropped: tuple[float, ...] = (0.0, 0.125, 0.25, 0.375, 0.5)  # fractions of the points, each as likely
    noise: tuple[float, ...] = (0.0, 0.025, 0.05, 0.075, 0.1)  # deviation of the factor on each value
    rescaled: float = 0.0  # probability that states are put in other units and another order, and the law with them
    scale: float = 0.5  # decades to each side of these units

    def __post_init__(self) -> None:
        if not self.dropped or not self.noise or not all(0 <= one < 1 for one in (*self.dropped, *self.noise)):
            raise InputError(f"dropped={self.dropped} and noise={self.noise} must be fractions in [0, 1), one or more.")
        if not 0 <= self.rescaled <= 1 or self.scale < 0:
            raise InputError(f"rescaled={self.rescaled} must be a probability, scale={self.scale} not negative.")


def corrupted(path: Path, random: np.random.Generator, config: CorruptionConfig = CorruptionConfig()) -> Path:
    """The trajectory with points dropped and multiplied by noise, in this order."""
    times, states = path
    count = len(times) - int(random.choice(config.dropped) * len(times))
    kept = np.sort(random.choice(len(times), count, replace=False))
    noise = random.choice(config.noise) * random.standard_normal((count, states.shape[1]))
    return times[kept], states[kept] * (1 + noise)


def drawn_units(dimension: int, random: np.random.Generator, config: CorruptionConfig) -> tuple[list[float], list[int]]:
    """Factors on the states, of either sign, and an order of them."""
    size = 10.0 ** random.uniform(-config.scale, config.scale, dimension)
    return (size * random.choice([-1.0, 1.0], dimension)).tolist(), random.permutation(dimension).tolist()


def in_units(
    components: tuple[Expression, ...], scale: list[float], order: list[int], rate: float = 1.0
) -> tuple[Expression, ...]:
    """The law of X_i = scale_i x_i, new state i being the old state order[i], in time T = t / rate.

    dX_i/dT = rate scale_i f_i(X_0 / scale_0, ..) by the chain rule.
    """
    place = {old: new for new, old in enumerate(order)}

    def put(one: Expression) -> Expression:
        match one[0]:
            case "c":
                return one
            case "x":
                return product((constant(1 / scale[one[1]]), variable(place[one[1]])))
            case "+":
                return total(map(put, one[1]))
            case "*":
                return product(map(put, one[1]))
            case "^":
                return power(put(one[1]), one[2])
        return sine(put(one[1]))

    return tuple(product((constant(rate * scale[old]), put(components[old]))) for old in order)
