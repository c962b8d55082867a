"""Labelled molecules as sequences of discrete tokens, for the first stage of the graph-free transformer.

BOS, SPIN value SPIN_END, CHARGE value CHARGE_END, POS an atom each POS_END, FORCE an atom each FORCE_END, TARGET energy
TARGET_END, EOS. Each number stands there twice: as the id of its bin and as itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from ....shared.errors import InputError
from ....shared.learning.seed import seeded
from ..frame import Frame
from .graph_free_bins import Bins
from .graph_free_config import GraphFreeConfig
from .graph_free_frames import random_rotations
from .graph_free_scales import Scales
from .graph_free_tokens import HEAD, Mark, Tokens, head_of, require_elements, vocabulary


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """How numbers become tokens; a field of n bins an axis takes n cubed ids, so n stays small."""

    position_bins: int = 8
    force_bins: int = 8
    energy_bins: int = 64
    forces: Literal["joint", "axes", "first"] = "joint"  # a token an atom, three an atom, or the first atom's alone

    def __post_init__(self) -> None:
        if min(self.position_bins, self.force_bins, self.energy_bins) < 2 or self.position_bins > 32:
            raise InputError(f"{self} needs 2 bins or more of each kind, and no more than 32 of positions.")
        if self.forces not in ("joint", "axes", "first"):
            raise InputError(f"forces={self.forces!r} is not known; choose joint, axes or first.")


class Ranges(NamedTuple):
    """Where the ids of binned numbers begin; `end` is the size of the vocabulary."""

    position: int
    force: int
    energy: int
    end: int

    @classmethod
    def of(cls, config: GraphFreeConfig, sequence: SequenceConfig) -> Self:
        """After the ids that both stages know."""
        position = vocabulary(config)
        force = position + sequence.position_bins**3
        energy = force + (sequence.force_bins if sequence.forces == "axes" else sequence.force_bins**3)
        return cls(position, force, energy, energy + sequence.energy_bins)


class Sequences:
    """Frames as rows of token sequences: turned at random and atoms shuffled each time they are read.

    Random numbers come from torch's global stream. `still` keeps molecules as they lie.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        config: GraphFreeConfig,
        sequence: SequenceConfig = SequenceConfig(),
        bins: "FieldBins | None" = None,
        charge: int = 0,
        spin: int = 1,
        still: bool = False,
    ) -> None:
        self.config, self.sequence, self.still = config, sequence, still
        self.head = head_of(config, charge, spin)
        self.bins = bins or FieldBins.of(frames, sequence)
        self.numbers = [torch.from_numpy(frame.numbers) for frame in frames]
        self.positions = [torch.from_numpy(frame.positions - frame.positions.mean(0)).float() for frame in frames]
        self.forces = [torch.from_numpy(np.asarray(frame.forces)).float() for frame in frames]
        references = [self.bins.scales.references(numbers).sum() for numbers in self.numbers]
        energies = torch.tensor([frame.energy for frame in frames], dtype=torch.float64)
        self.energies = (energies - torch.stack(references)).float()

    def __len__(self) -> int:
        return len(self.numbers)

    def batch(self, indices: Tensor) -> Tokens:
        """The rows, end to end."""
        parts = []
        for row in indices.tolist():
            numbers, positions, forces = self.numbers[row], self.positions[row], self.forces[row]
            if not self.still:
                order, turn = torch.randperm(len(numbers)), random_rotations(1)[0]
                numbers, positions, forces = numbers[order], positions[order] @ turn, forces[order] @ turn
            parts.append(self._sequence(numbers, positions, forces, self.energies[row]))
        starts = torch.tensor([0, *(len(part.ids) for part in parts[:-1])]).cumsum(0)
        return Tokens(
            torch.cat([part.ids for part in parts]),
            torch.cat([part.values for part in parts]),
            torch.cat([part.elements for part in parts]),
            torch.cat([part.atoms + start for part, start in zip(parts, starts, strict=True)]),
            tuple(len(part.ids) for part in parts),
        )

    def _sequence(self, numbers: Tensor, positions: Tensor, forces: Tensor, energy: Tensor) -> Tokens:
        ranges, bins = Ranges.of(self.config, self.sequence), self.bins
        require_elements(self.config, numbers)
        if self.sequence.forces == "first":
            forces = forces[:1]
        if self.sequence.forces == "axes":
            forces = torch.nn.functional.pad(forces.reshape(-1, 1), (0, 2))  # (3 n, 3): each as (v, 0, 0)
            force_ids = bins.force.bin(forces[:, 0])
        else:
            force_ids = bins.force.joint(forces)
        energy_id = bins.energy.bin(energy.reshape(1))
        scalar = torch.nn.functional.pad(energy.reshape(1, 1), (0, 2))
        head, firsts = self.head
        pieces: list[tuple[Tensor, Tensor]] = [
            (torch.tensor(head), torch.nn.functional.pad(torch.tensor(firsts)[:, None], (0, 2))),
            (ranges.position + bins.position.joint(positions), positions),
            _marks(Mark.POS_END, Mark.FORCE),
            (ranges.force + force_ids, forces),
            _marks(Mark.FORCE_END, Mark.TARGET),
            (ranges.energy + energy_id, scalar),
            _marks(Mark.TARGET_END, Mark.EOS),
        ]
        ids, values = torch.cat([one[0] for one in pieces]), torch.cat([one[1] for one in pieces])
        atoms = torch.arange(HEAD, HEAD + len(numbers))
        return Tokens(ids, values, torch.zeros_like(ids).index_copy(0, atoms, numbers), atoms, (len(ids),))


class FieldBins(NamedTuple):
    """Bins of the three fields, and the scales whose element references energies are taken from."""

    position: Bins
    force: Bins
    energy: Bins
    scales: Scales

    @classmethod
    def of(cls, frames: Sequence[Frame], sequence: SequenceConfig) -> Self:
        """From training frames, each turned at random (always alike): components along any axis are of one kind."""
        scales = Scales.of(frames, conservative=False)
        with seeded(0):
            turns = random_rotations(len(frames), torch.float64)
        around = [torch.from_numpy(frame.positions - frame.positions.mean(0)) for frame in frames]
        positions = torch.cat([one @ turn for one, turn in zip(around, turns, strict=True)])
        pushed = [torch.from_numpy(np.asarray(frame.forces, np.float64)) for frame in frames]
        forces = torch.cat([one @ turn for one, turn in zip(pushed, turns, strict=True)])
        references = torch.stack([scales.references(torch.from_numpy(frame.numbers)).sum() for frame in frames])
        energies = torch.tensor([frame.energy for frame in frames], dtype=torch.float64) - references
        return cls(
            Bins.of(positions, sequence.position_bins),
            Bins.of(forces, sequence.force_bins),
            Bins.of(energies, sequence.energy_bins),
            scales,
        )


class Decoded(NamedTuple):
    """What a sequence says, at the centres of its bins."""

    numbers: Tensor  # (n,)
    positions: Tensor  # (n, 3) Å
    forces: Tensor  # (n or 1, 3) eV/Å
    energy: Tensor  # () eV, above the element references


def decoded(tokens: Tokens, config: GraphFreeConfig, sequence: SequenceConfig, bins: FieldBins) -> Decoded:
    """One sequence read back from its ids and elements alone."""
    ranges, ids = Ranges.of(config, sequence), tokens.ids
    position = ids[(ids >= ranges.position) & (ids < ranges.force)] - ranges.position
    force = ids[(ids >= ranges.force) & (ids < ranges.energy)] - ranges.force
    energy = ids[ids >= ranges.energy] - ranges.energy
    axes = sequence.forces == "axes"
    forces = bins.force.centres[force].reshape(-1, 3) if axes else bins.force.vectors(force)
    return Decoded(
        tokens.elements[tokens.atoms], bins.position.vectors(position), forces, bins.energy.centres[energy][0]
    )


def _marks(*marks: Mark) -> tuple[Tensor, Tensor]:
    return torch.tensor([int(one) for one in marks]), torch.zeros(len(marks), 3)
