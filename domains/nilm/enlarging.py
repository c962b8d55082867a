"""More houses to learn from than were metered: made up of them and of simulated households, and these as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .house import House
from .lending import lenders
from .recompose import Recipe, recompose


@dataclass(frozen=True, slots=True)
class Enlargement:
    """What is added to the houses of training."""

    copies: int = 0  # made-up houses to each real one
    days: int | None = None  # of a made-up house; None: as many as its source has
    simulated: int = 0  # households of the simulator that lend appliances to each made-up house, beside the real ones
    households: int = 0  # of the simulator that are learnt from as they are
    recipe: Recipe = field(default_factory=Recipe)

    def of(self, houses: Sequence[House], key: Sequence[int]) -> list[House]:
        """The houses, those made up of them, then the simulated ones; others are drawn for each key."""
        if not (self.copies or self.households):
            return list(houses)
        seeds = np.random.default_rng(key).integers(0, 2**31, (len(houses), self.copies))
        longest = max(len(house.mains_w) // house.per_day() for house in houses)  # so that nothing simulated prevails
        made = [
            recompose(
                self._part(house, int(seed)), [*houses, *lenders(house.step, int(seed), self.simulated, longest)],
                int(seed), self.recipe,
            )
            for house, row in zip(houses, seeds, strict=True)
            for seed in row
        ]  # fmt: skip
        own = int(np.random.default_rng([*key, 4]).integers(0, 2**31))
        return [*houses, *made, *(one.whole() for one in lenders(houses[0].step, own, self.households, longest))]

    def _part(self, house: House, seed: int) -> House:
        """At most `days` consecutive days: many short made-up houses differ more than a few long ones."""
        count, most = (self.days or 0) * house.per_day(), len(house.mains_w)
        if not 0 < count < most:
            return house
        begin = int(np.random.default_rng([seed, 5]).integers(0, most - count + 1)) // house.per_day() * house.per_day()
        return house.rows(slice(begin, begin + count))
