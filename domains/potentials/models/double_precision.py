"""Parts with a closed form compute in float64 whatever they are cast to: their weights cancel to many digits."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from ....shared.errors import InputError
from ..batch import Batch
from ..part import Evaluated, Part


class Exact(nn.Module):
    """What was learned stays in float64: buffers set by `keep`, which casts of the module move between devices only."""

    def keep(self, **tensors: Tensor) -> None:
        """Set what was learned, under the names of `state_dict`."""
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.detach().double() if tensor.is_floating_point() else tensor)

    def kept(self, name: str) -> Tensor:
        """A learned tensor; raises InputError before it is set."""
        tensor = self._buffers.get(name)
        if tensor is None:
            raise InputError(f"{self.name} has not been fitted; call fit_frames first.")
        return tensor

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        exact = {name: one for name, one in self._buffers.items() if one is not None and one.is_floating_point()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, one in exact.items():
            self._buffers[name] = one.to(device=fn(torch.empty(0, device=one.device)).device)
        return self


class DoublePart(Exact, Part):
    """A part that `evaluate`s in float64 and answers in the dtype of the batch."""

    @abstractmethod
    def evaluate_double(self, batch: Batch, stress: bool) -> Evaluated:
        """As `evaluate`, for a batch in float64."""

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """As every part; raises InputError before `fit_frames`."""
        dtype = batch.positions.dtype
        found = self.evaluate_double(
            replace(batch, positions=batch.positions.detach().double(), cells=batch.cells.double()), stress
        )
        return Evaluated(
            found.energies.detach(),
            found.forces.detach().to(dtype),
            None if found.stress is None else found.stress.detach().to(dtype),
        )

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """From `settings`, which are arguments of the constructor, and the tensors kept."""
        part = cls(**settings)
        part.keep(**tensors)
        return part

    def count(self) -> int:
        """Numbers that were learned."""
        return sum(one.numel() for one in self._buffers.values() if one is not None and one.is_floating_point())


def known_elements(numbers: Tensor, elements: Tensor, what: str) -> Tensor:
    """(n,) the row of each atom's element in `elements`, rising; raises InputError for one that is not there."""
    place = torch.searchsorted(elements, numbers).clamp_max(len(elements) - 1)
    strange = sorted(set(numbers[elements[place] != numbers].tolist()))
    if strange:
        raise InputError(
            f"{what} was trained on the elements {elements.tolist()} and is asked about {strange} (atomic numbers); "
            "add labelled frames with them, or leave those structures out."
        )
    return place
