"""A world that is simulated exactly: Morse bonds between all atoms, and a part that can learn it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from labformer.domains.potentials.batch import Batch, collate
from labformer.domains.potentials.frame import Frame
from labformer.domains.potentials.part import AtomEnergies, Evaluated, Part, gradient_of

ATOMS = {1: -13.0, 6: -1030.0, 8: -2040.0}  # eV, of isolated atoms
WATER = np.array([8, 1, 1])
METHANE = np.array([6, 1, 1, 1, 1])
SHAPES = {
    3: np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]),
    5: np.array([[0.0, 0, 0], [0.63, 0.63, 0.63], [-0.63, -0.63, 0.63], [-0.63, 0.63, -0.63], [0.63, -0.63, -0.63]]),
}


class Morse(Part, AtomEnergies):
    """Depths of pairs of elements by least squares of forces, one energy an atom; widths and lengths are known."""

    name: ClassVar[str] = "morse"
    cutoff = 4.0

    def __init__(self, bias: float = 0.0, leave: int = 0) -> None:
        """`bias` is added to what is learnt, `leave` of the frames are not looked at."""
        super().__init__()
        self.bias, self.leave = bias, leave
        self.depths = torch.nn.Parameter(torch.zeros(9, 9, dtype=torch.float64), requires_grad=False)
        self.shift = torch.nn.Parameter(torch.zeros((), dtype=torch.float64), requires_grad=False)

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        one, other = batch.numbers[batch.first], batch.numbers[batch.second]
        pairs = self.depths.to(vectors.dtype)[one, other] * morse(vectors.norm(dim=-1)) / 2
        return self.shift.to(pairs.dtype).expand(len(batch.numbers)).index_add(0, batch.first, pairs)

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        kept = [frame for frame in train if random.random() > 0.3] if self.leave else list(train)
        kinds = sorted({(int(a), int(b)) for one in kept for a in one.numbers for b in one.numbers if a <= b})
        batch, columns = collate(kept, self.cutoff), []
        for a, b in kinds:
            self.depths.zero_()
            self.depths[a, b] = self.depths[b, a] = 1.0
            columns.append(gradient_of(self, batch)[1].flatten())
        wanted = torch.from_numpy(np.concatenate([one.forces for one in kept])).flatten()
        found = torch.linalg.lstsq(torch.stack(columns, 1), wanted[:, None], driver="gelsd").solution[:, 0]
        self.depths.zero_()
        for (a, b), depth in zip(kinds, found + self.bias, strict=True):
            self.depths[a, b] = self.depths[b, a] = depth
        missed = np.array([frame.energy for frame in kept]) - self.evaluate(batch).energies.numpy()
        self.shift.fill_(float(np.mean(missed / [len(frame) for frame in kept])))

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        return Evaluated(*gradient_of(self, batch, stress))

    def settings(self) -> Mapping[str, Any]:
        return {"bias": self.bias, "leave": self.leave}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        made = cls(**settings)
        made.load_state_dict(dict(tensors))
        return made


def morse(distances: Any) -> Any:
    """Of depth 1, which fades to nothing at 4 Å."""
    fade = (1 - (distances / 4.0).clamp(max=1.0) ** 2) ** 3
    return ((1 - torch.exp(-1.8 * (distances - 1.0))) ** 2 - 1) * fade


def world() -> Morse:
    """The truth."""
    made = Morse()
    for (a, b), depth in {(1, 1): 0.6, (1, 6): 4.0, (1, 8): 5.0, (6, 6): 3.5, (6, 8): 3.7, (8, 8): 1.5}.items():
        made.depths[a, b] = made.depths[b, a] = depth
    return made


def frames(
    count: int, numbers: np.ndarray = WATER, seed: int = 0, noise: float = 0.0, shake: float = 0.05
) -> list[Frame]:
    """Molecules about their shape, labelled by the truth; forces with `noise` eV/Å that grows with an atom's place."""
    random, truth, bare = np.random.default_rng(seed), world(), []
    for place in range(count):
        positions = SHAPES[len(numbers)] + random.normal(0, shake, (len(numbers), 3))
        bare.append(Frame(numbers, positions, np.zeros((3, 3)), np.zeros(3, bool), name=f"frame {place}"))
    found = truth.evaluate(collate(bare, truth.cutoff))
    made = []
    for frame, energy, forces in zip(bare, found.energies, found.forces.reshape(count, -1, 3).numpy(), strict=True):
        rough = noise * np.arange(1, len(numbers) + 1)[:, None] * random.normal(0, 1, forces.shape)
        made.append(frame.labelled(float(energy) + sum(ATOMS[int(one)] for one in numbers), forces + rough))
    return made
