"""Two boosted models that learnt from different made-up houses, in their mean.

One learns from houses made up of real appliances alone, the other from houses to which simulated households lend
theirs, too. On real houses left out of training (IDEAL 65 for REFIT 2 and the other way round) the mean finds more of
the dishwasher than either, and its score changes less with the threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..appliances import Appliance
from ..blending import blended
from ..house import Estimate, House
from .boosted import Boosted


@dataclass
class BoostedPair:
    """A `MainsModel`."""

    copies: int = 5  # as of `Boosted`, for both
    rounds: int = 150
    rest: int = 8_000
    seed: int = 0
    members_: list[Boosted] = field(init=False, default_factory=list)

    def fit(self, houses: Sequence[House], appliances: Sequence[Appliance]) -> Self:
        """Learn from every house that has an appliance; raises InputError when none has."""
        seeds = np.random.default_rng([self.seed, 17]).integers(0, 2**31, 2)
        self.members_ = [
            Boosted(self.copies, rounds=self.rounds, rest=self.rest, seed=int(seed), simulated=lent).fit(
                houses, appliances
            )
            for lent, seed in enumerate(seeds)
        ]
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """Mean probability, and mean power weighted by it."""
        return blended([one.predict(house) for one in self.members_])

    def only(self, names: Sequence[str]) -> Self:
        """The part that answers these appliances."""
        return self._of([one.only(names) for one in self.members_])

    def with_those_of(self, other: "BoostedPair") -> Self:
        """Answer the other's appliances too; raises ValueError unless both were fitted together."""
        return self._of([mine.with_those_of(one) for mine, one in zip(self.members_, other.members_, strict=True)])

    def parameters(self) -> int:
        """Splits and leaves."""
        return sum(one.parameters() for one in self.members_)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The trees, by member and appliance."""
        return {
            f"{place}:{name}": array
            for place, one in enumerate(self.members_)
            for name, array in one.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for key, array in arrays.items():
            place, _, name = key.partition(":")
            parts.setdefault(place, {})[name] = array
        return cls()._of([Boosted.from_arrays(parts[place]) for place in sorted(parts)])

    def _of(self, members: list[Boosted]) -> Self:
        part = replace(self)
        part.members_ = members
        return part
