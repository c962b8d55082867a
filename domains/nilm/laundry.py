"""Washing machines, no two alike: the programs of one, drawn from its household's random numbers.

How warm people wash is that of [A] in `kinds`, the order of the stages that of [S], minutes of heating are physics. How
a make tumbles, keeps warm, rinses and spins has no source of its own: the ranges are to hold machines of any age, since
what is learnt from a few manners is looked for in every house. With machines that all rinsed and spun alike, what was
learnt from IDEAL 65 and four such households found energy in REFIT 2 short by 2.2 times; with these by 1.1 to 1.7.
"""

import numpy as np

from .draws import log_uniform
from .stages import Program, Stage

# share of the washes and minutes of heating: cold, 30, 40, 60 and 90 degrees by [A]; 17 l of water (laundry and drum
# count as 2) from 15 degrees at 2 kW
WASHES = ((0.05, 0.0), (0.24, 8.0), (0.46, 15.0), (0.21, 26.0), (0.04, 44.0))
KEEPS_WARM = (0, 0, 1, 2, 3, 5, 8)  # times, by short heatings; each as likely
IN_TWO = 0.2  # share of the machines that pause within a long heating


def laundry(rng: np.random.Generator) -> tuple[Program, ...]:
    """The programs of one machine: fill, heat, keep warm, tumble, rinse and spin, and spin for longer."""

    def between(low: float, high: float) -> float:
        return log_uniform(rng, low, high)

    drum = Stage(between(0.03, 0.13), 1, rng.uniform(0.4, 0.9), between(20, 120))
    fill = Stage(between(0.005, 0.05), between(1.5, 8))
    wash, drain = between(12, 50), Stage(0.01, between(0.5, 4))
    short, gap, times = between(0.4, 2.5), between(1.5, 7), int(rng.choice(KEEPS_WARM))
    in_two = rng.random() < IN_TWO
    rinses, rinse = int(rng.integers(2, 5)), between(4, 13)
    spin, last = Stage(between(0.06, 0.3), between(0.8, 3)), Stage(between(0.1, 0.35), between(2, 9))
    programs = []
    for weight, heating in WASHES:
        stages = [fill]
        if heating:
            stages.append(Stage(1, heating))
            if in_two and heating > 10:
                pause = drum._replace(minutes=between(2, 6))
                stages[-1:] = [Stage(1, heating * 0.7), pause, Stage(1, heating * 0.3)]
            stages += [drum._replace(minutes=gap), Stage(1, short)] * times
        stages += [drum._replace(minutes=wash)]
        stages += [drain, drum._replace(minutes=rinse), spin] * rinses
        stages += [last._replace(share=last.share / 2, minutes=last.minutes / 2), last]
        programs.append(Program(weight, tuple(stages)))
    return tuple(programs)
