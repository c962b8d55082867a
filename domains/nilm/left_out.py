"""What a model says of houses that it did not learn from, when there are several: each is left out in its turn.

The last quarter of a house of training, and houses made up of it, are more like what was learnt than a stranger's house
is: there a model is surer of itself, and what it finds adds up to more of the truth.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...shared.errors import InputError
from .appliances import Appliance
from .house import Estimate, House
from .keeping import fitted
from .registry import Run
from .split import cut
from .standing_still import with_meters_moved

GROUPS = 3  # of houses, each left out as a whole: at most so many fits


class LeftOut(NamedTuple):
    """A house and what a model says of it that learnt from others."""

    house: House  # its meters are those of the appliances that are answered; none of them stands still
    said: dict[str, Estimate]  # those that another house has, too


def left_out(name: str, run: Run, houses: Sequence[House], appliances: Sequence[Appliance]) -> list[LeftOut]:
    """Each house, answered by a cheaper model of the same kind (`Entry.cheaper`) that learnt from the other groups.

    An appliance that no house of another group has, early and late, is not answered, nor is a house whose others
    cannot be learnt from alone. None come back of a single house. Where meters stood still they come back moved
    (`with_meters_moved`): what a meter missed is nothing that a model found too much.
    """
    count = min(len(houses), GROUPS)
    found: list[LeftOut] = []
    for group in range(count if count > 1 else 0):
        others = [house for place, house in enumerate(houses) if place % count != group]
        known = [one for one in appliances if all(any(_runs(h, one) for h in half) for half in cut(others, 0.5))]
        mine = [house for house in houses[group::count] if any(one.name in house.appliances_w for one in known)]
        if not mine:
            continue
        try:
            model, _ = fitted(name, run, others, known, cheaper=True)
        except InputError:  # the others alone cannot teach it, and nobody asked that of them
            continue
        for house in mine:
            said = model.predict(house)
            metered = {one: power for one, power in house.appliances_w.items() if one in said}
            found.append(LeftOut(with_meters_moved(replace(house, appliances_w=metered)), said))
    return found


def _runs(house: House, one: Appliance) -> bool:
    power = house.appliances_w.get(one.name)
    return power is not None and bool((power[np.isfinite(house.mains_w)] >= one.on_w).any())
