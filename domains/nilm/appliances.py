"""The appliances the suite knows: what counts as running, and what their columns are called."""

from dataclasses import dataclass, replace
from difflib import get_close_matches

import pandas as pd

from ...shared.errors import InputError

MINUTE = pd.Timedelta("1min")


@dataclass(frozen=True, slots=True)
class Appliance:
    """An appliance and its on-rule: on while `on_w` <= power <= `max_w` (the simple rule, specs of REFIT)."""

    name: str
    title: str
    on_w: float  # W; below it the appliance counts as off, and a prediction under it becomes 0
    max_w: float  # W
    pause_min: float  # minutes without power that belong to one use (a dishwasher between its two heatings)
    lasts_min: float = 1  # minutes for which it takes its power at a stretch, at the least
    idles: bool = False  # a fifth or so of its energy is taken below `on_w`, for an hour at a time
    columns: tuple[str, ...] = ()  # other spellings of its column, lower case, letters and digits only

    def at(self, step: pd.Timedelta) -> "Appliance":
        """The rule for steps longer than a minute, which the appliance fills in part.

        The least power falls with the root of the part that it fills at the least: to 91 W for a kettle in half an
        hour, to which a cup or two come on average. With the part itself, what a house never rests from would count
        as running; unchanged, hardly any kettle would.
        """
        if step <= MINUTE:
            return self
        return replace(self, on_w=self.on_w * min(self.lasts_min * MINUTE / step, 1.0) ** 0.5)


APPLIANCES: dict[str, Appliance] = {
    one.name: one
    for one in (
        Appliance("kettle", "kettle", 500, 6000, 1, 1),
        Appliance("dishwasher", "dishwasher", 300, 4000, 90, 12, columns=("dishwashermachine",)),
        Appliance("washing_machine", "washing machine", 300, 4000, 45, 12, True, ("washer", "clotheswasher", "wm")),
        Appliance("microwave", "microwave", 200, 6000, 3, 1, columns=("microwaveoven",)),
        Appliance("shower", "electric shower", 1000, 12000, 3, 7, columns=("electricshower",)),
    )
}


def appliance(name: str) -> Appliance:
    """The appliance of this name; raises InputError with the names that are known."""
    if name not in APPLIANCES:
        near = get_close_matches(name, APPLIANCES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"no appliance is named {name!r}{hint} Known are {', '.join(APPLIANCES)}.")
    return APPLIANCES[name]
