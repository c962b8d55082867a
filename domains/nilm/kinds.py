"""Household appliances as documented: how much they take, how long, how often, and when.

Every power, length and rate below is a published one, or a range around it from which each household draws its own:

[R] Richardson, Thomson, Infield & Clifford 2010, "Domestic electricity use: a high-resolution energy demand model",
    Energy and Buildings 42: mean power, length and yearly number of cycles of each appliance (UK).
[M] Murray, Stankovic & Stankovic 2017, "An electrical load measurements dataset of United Kingdom households from a
    two-year longitudinal study" (REFIT), Scientific Data 4: in two of its houses a kettle runs at 2.0 and 2.2 kW for
    two minutes (6.5 times a day in one), a dishwasher heats twice at 2.2 kW 0.95 times a day, a washing machine at
    2.0 and 2.2 kW 0.8 times a day, a microwave at 0.6 and 1.2 kW for two minutes twice a day; starts by the hour.
[I] Pullinger et al. 2021, "The IDEAL household energy dataset", Scientific Data 8: an electric shower of 8.7 kW runs
    six minutes, once a day, in the morning or late in the evening.
[S] Stamminger 2008, "Synergy potential of smart appliances" (Smart-A, D2.3): the order of heating, tumbling, rinsing
    and spinning in washing machines, and the two heatings of dishwashers.
[P] Pipattanasomporn, Kuzlu, Rahman & Teklu 2014, "Load profiles of selected major household appliances and their
    demand response opportunities", IEEE Trans. Smart Grid 5: ovens and dryers switch their heaters, fridges cycle.
[L] Richardson, Thomson, Infield & Delahunty 2009, "Domestic lighting: A high-resolution energy demand model", Energy
    and Buildings 41: lamps are lit where people are awake and daylight has gone.
[A] A.I.S.E. 2013, "The case for the A.I.S.E. low temperature washing initiative"; Pakula & Stamminger 2010,
    "Electricity and water consumption for laundry washing by washing machine worldwide", Energy Efficiency 3: nearly
    half of Europe's washes are at 40 degrees, others at 30 and 60, hardly any at 90; the mean is a little above 40.
Where a range has no source of its own (standby, lights, the spread between uses) the comment says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .laundry import laundry
from .ovens import ovens
from .stages import Program, Stage


class Peak(NamedTuple):
    """When in the day uses begin: one hump of the density."""

    hour: float
    spread: float  # h
    weight: float


@dataclass(frozen=True, slots=True)
class Kind:
    """What is documented of an appliance; each household draws its own from the ranges."""

    power_w: tuple[float, float]
    per_day: tuple[float, float]
    peaks: tuple[Peak, ...]
    programs: tuple[Program, ...] | Callable[[np.random.Generator], tuple[Program, ...]]  # or draws those of a machine
    spread: float = 0.1  # of the logarithm of the length, between uses
    rest_min: float = 3.0  # before it can run again
    owned: float = 1.0  # share of the households that have one
    heats: bool = False  # the room: it is used as the cold asks for it
    chore: bool = False  # begun beside others, at times

    def drawn(self, rng: np.random.Generator) -> tuple[Program, ...]:
        """The programs of one machine."""
        return self.programs(rng) if callable(self.programs) else self.programs


MEALS = (Peak(8, 0.8, 0.2), Peak(12.7, 0.8, 0.25), Peak(18.3, 1.2, 0.55))
DAYTIME = (Peak(10, 1.8, 0.5), Peak(16, 2.5, 0.5))


def once(*stages: Stage) -> tuple[Program, ...]:
    """The only program of an appliance."""
    return (Program(1, stages),)


# two heatings by [S] and [M] in the usual program; a rinse that is heated before both, or a short program, in others
DISHES = (
    Program(0.55, (Stage(0.03, 6), Stage(1, 17), Stage(0.03, 45), Stage(1, 14), Stage(0.02, 15))),
    Program(
        0.2,
        (Stage(0.03, 4), Stage(1, 8), Stage(0.03, 12), Stage(1, 16), Stage(0.03, 35), Stage(1, 15), Stage(0.02, 15)),
    ),
    Program(0.25, (Stage(0.03, 3), Stage(1, 11), Stage(0.03, 14), Stage(1, 9), Stage(0.02, 6))),
)
WATER = (0.6, 1.3)  # of a machine and what is in it, against the documented one; no source of its own

KINDS: dict[str, Kind] = {
    # [R] 2000 W, 3 min, 1520 a year; [M]
    "kettle": Kind(
        (1900, 2900), (3.5, 7), (Peak(6.9, 0.8, 0.25), Peak(13, 2, 0.25), Peak(16.5, 1.5, 0.25), Peak(19.8, 1.2, 0.25)),
        once(Stage(1, 2.4)), 0.35,
    ),
    # [R] 1131 W over 60 min, 241 a year; [M] 1.5 h from the first heating to the last; [S]
    "dishwasher": Kind(
        (1900, 2300), (0.4, 0.95), (Peak(8, 1, 0.15), Peak(13, 1.5, 0.2), Peak(19, 1.3, 0.65)),
        DISHES, 0.06, rest_min=150, chore=True,
    ),
    # [R] 406 W over 138 min, 196 a year; [M]; [S]; [A]
    "washing_machine": Kind(
        (1850, 2250), (0.35, 0.8), (Peak(9, 1.5, 0.45), Peak(14, 2.5, 0.35), Peak(18, 1.5, 0.2)),
        laundry, 0.15, rest_min=60, chore=True,
    ),
    # [M]; [R] 1250 W
    "microwave": Kind((750, 1450), (1, 3), MEALS, once(Stage(1, 2.5)), 0.5, rest_min=5),
    # [I]
    "shower": Kind((7500, 9500), (0.7, 1.5), (Peak(6.8, 0.7, 0.6), Peak(21.8, 1, 0.4)), once(Stage(1, 6)), 0.3, 8),
    # the loads below are in the mains and never metered by themselves; [R] for all; thermostats by [P]
    "oven": Kind((1900, 2400), (0.4, 0.9), MEALS, ovens, 0.3, 20, 0.62),
    "hob": Kind((1200, 2400), (0.8, 1.4), MEALS, once(Stage(1, 4), Stage(1, 12, 0.5, 40)), 0.4, 5, 0.46),
    "toaster": Kind((800, 1200), (0.5, 1.1), (Peak(7.5, 1, 0.8), Peak(13, 1, 0.2)), once(Stage(1, 3)), 0.2),
    "vacuum cleaner": Kind((1200, 2000), (0.15, 0.4), DAYTIME, once(Stage(1, 15)), 0.4, 30, 0.94),
    "iron": Kind((1000, 2200), (0.05, 0.2), DAYTIME, once(Stage(1, 30, 0.4, 70)), 0.4, 60, 0.9),
    "tumble dryer": Kind(
        (2000, 2500), (0.2, 0.45), DAYTIME, once(Stage(1, 45, 0.9, 300), Stage(0.08, 8)), 0.2, 60, 0.42
    ),
    "television": Kind((60, 160), (2, 4), (Peak(13, 3, 0.2), Peak(19.5, 1.8, 0.8)), once(Stage(1, 73)), 0.5, 5),
    # no source of their own: a hair dryer after getting up, a portable heater in a third of the homes
    "hair dryer": Kind((1000, 2000), (0.3, 1), (Peak(7.3, 0.6, 0.7), Peak(20, 1, 0.3)), once(Stage(1, 5)), 0.4),
    "heater": Kind(
        (1000, 2000), (0.2, 0.8), (Peak(7, 1, 0.4), Peak(19, 2, 0.6)), once(Stage(1, 80, 0.5, 900)), 0.4, 20, 0.3,
        heats=True,
    ),
}  # fmt: skip
