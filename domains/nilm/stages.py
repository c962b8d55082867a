"""What a cycle of an appliance is made of."""

from typing import NamedTuple


class Stage(NamedTuple):
    """A part of a cycle."""

    share: float  # of the appliance's power
    minutes: float
    duty: float = 1.0  # part of each period with power: thermostats, a drum that turns and rests
    period_s: float = 60.0


class Program(NamedTuple):
    """One way in which an appliance runs."""

    weight: float  # how often, against its others
    stages: tuple[Stage, ...]
