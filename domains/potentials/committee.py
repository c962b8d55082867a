"""Several fits of one model as one: their mean is the answer, their disagreement its doubt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...shared.errors import InputError
from .batch import Batch
from .frame import Frame
from .part import Evaluated, Part
from .parts import Answered, answers
from .registry import known_part

LEAST = 2


class Committee(Part):
    """Members of one kind, each with its own seed and fitted without another share of the frames.

    make     builds a member
    members  how many; each leaves out one part in so many of the frames
    The mean of conservative members is conservative. Doubt is the root mean square distance of the members' forces
    from their mean (Behler 2014, doi:10.1002/qua.24890, section on committees).
    """

    name: ClassVar[str] = "committee"

    def __init__(self, make: Callable[[], Part], members: int = 4) -> None:
        super().__init__()
        if members < LEAST:
            raise InputError(f"a committee of {members} cannot disagree; give 2 members or more.")
        self.members = nn.ModuleList(make() for _ in range(members))
        self._settle()

    def _settle(self) -> None:
        self.cutoff = max(one.cutoff for one in self._all())
        self.conservative = all(one.conservative for one in self._all())  # type: ignore[misc]

    def _all(self) -> list[Part]:
        return [one for one in self.members if isinstance(one, Part)]

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Fit every member on all but its share of the frames; fewer frames than members: all on all."""
        share = np.random.default_rng([seed, 19]).permutation(len(train)) % len(self.members)
        if len(train) < 2 * len(self.members):
            share[:] = -1
        self._answers: list[Answered] = []
        places: list[int] = []
        for number, member in enumerate(self._all()):
            member.fit_frames(
                [one for one, at in zip(train, share, strict=True) if at != number], validation, seed + number
            )
            unseen = [place for place, at in enumerate(share) if at == number]
            self._settle()
            self._answers += answers(member, [train[place] for place in unseen], stress=False)
            places += unseen
        self._answers = [self._answers[at] for at in np.argsort(places)]

    def left_out(self) -> dict[int, Answered]:
        """By place of each frame of training what the member says that has not seen it, with the committee's doubt.

        The others have seen it and agree too well: factors calibrated on this are on the large side.
        """
        doubts = answers(self, [one.frame for one in self._answers], stress=False)
        return {
            place: one._replace(spread=said.spread, novelty=said.novelty)
            for place, (one, said) in enumerate(zip(self._answers, doubts, strict=True))
        }

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Means over the members."""
        said = [one.evaluate(batch, stress) for one in self._all()]
        forces = torch.stack([one.forces for one in said])
        tension = [one.stress for one in said if one.stress is not None]
        strange = [one.novelty for one in said if one.novelty is not None]
        mean = forces.mean(0)
        return Evaluated(
            torch.stack([one.energies for one in said]).mean(0),
            mean,
            torch.stack(tension).mean(0) if tension else None,
            (forces - mean).square().sum(2).mean(0).sqrt(),
            torch.stack(strange).mean(0) if strange else None,
        )

    def settings(self) -> Mapping[str, Any]:
        """The class of the members and the settings of each."""
        members = self._all()
        return {"kind": type(members[0]).__name__, "members": [dict(one.settings()) for one in members]}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The members again."""
        kind = known_part(settings["kind"])
        made = cls.__new__(cls)
        Part.__init__(made)
        made.members = nn.ModuleList(
            kind.restore(one, _of(tensors, f"members.{place}.")) for place, one in enumerate(settings["members"])
        )
        made._settle()
        return made


def _of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
