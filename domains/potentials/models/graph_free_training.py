"""How the graph-free transformer learns energies and forces (its paper's second stage), and how it is asked."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..frame import Frame
from .graph_free_config import GraphFreeTraining
from .graph_free_frames import cube_rotations, inertia_frames, random_rotations, turned
from .graph_free_network import GraphFreeNetwork
from .graph_free_scales import Scales
from .graph_free_tokens import centred, tokens_of


class Molecules(NamedTuple):
    """b molecules of n atoms in all, with labels in the deviations of `Scales`."""

    numbers: Tensor  # (n,) int64
    positions: Tensor  # (n, 3) Å
    forces: Tensor  # (n, 3)
    energies: Tensor  # (b,) what the shares of a molecule should add up to
    sizes: tuple[int, ...]

    def to(self, device: torch.device) -> "Molecules":
        """The same on another device."""
        numbers, positions, forces, energies, sizes = self
        return Molecules(numbers.to(device), positions.to(device), forces.to(device), energies.to(device), sizes)

    @property
    def structure(self) -> Tensor:
        """(n,) the molecule of an atom."""
        return torch.repeat_interleave(torch.tensor(self.sizes, device=self.positions.device))


class MoleculeRows:
    """Labelled frames as rows for the training loop, turned by `frames` (random, inertia, or as they lie)."""

    def __init__(self, frames: Sequence[Frame], scales: Scales, orientation: str) -> None:
        self.sizes = np.array([len(frame) for frame in frames])
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.numbers = torch.from_numpy(np.concatenate([frame.numbers for frame in frames]))
        positions = np.concatenate([frame.positions - frame.positions.mean(0) for frame in frames])
        self.positions = torch.from_numpy(positions).float()
        forces = np.concatenate([frame.forces for frame in frames])
        self.forces = torch.from_numpy(forces / scales.force_ev).float()
        energies = torch.tensor([frame.energy for frame in frames], dtype=torch.float64)
        owner = torch.repeat_interleave(torch.from_numpy(self.sizes))
        energies = energies.index_add(0, owner, -scales.references(self.numbers)) - scales.mean_ev
        self.energies = (energies / scales.energy_ev).float()
        self.orientation = orientation

    def __len__(self) -> int:
        return len(self.sizes)

    def batch(self, indices: Tensor) -> Molecules:
        """The rows, molecules of one size side by side (they are mixed at once)."""
        rows = indices.numpy()
        rows = rows[np.argsort(self.sizes[rows], kind="stable")]
        spans = [np.arange(self.starts[row], self.starts[row] + self.sizes[row]) for row in rows]
        atoms = torch.from_numpy(np.concatenate(spans))
        sizes = tuple(int(size) for size in self.sizes[rows])
        found = Molecules(
            self.numbers[atoms], self.positions[atoms], self.forces[atoms], self.energies[torch.from_numpy(rows)], sizes
        )
        if self.orientation == "as they lie":
            return found
        rotations = random_rotations(len(rows))
        if self.orientation == "inertia":
            frames = inertia_frames(found.positions, found.structure, len(rows))
            rotations = frames[torch.randint(4, (len(rows),)), torch.arange(len(rows))]
        return found._replace(
            positions=turned(found.positions, rotations, found.structure),
            forces=turned(found.forces, rotations, found.structure),
        )

    def fingerprint(self) -> str:
        """Eight letters that tell these labels from others, for a folder's name."""
        parts = (self.numbers, self.positions, self.forces, self.energies)
        return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()[:8]


class Asked(NamedTuple):
    """A network's answer for molecules, in deviations."""

    shares: Tensor  # (n,) of the energy
    forces: Tensor | None  # (n, 3) where they have a readout of their own


def ask(
    network: GraphFreeNetwork,
    numbers: Tensor,
    positions: Tensor,
    sizes: tuple[int, ...],
    charge: int = 0,
    spin: int = 1,
    frames: str = "random",
) -> Asked:
    """Answers for molecules as they lie, or the mean over the orientations of `frames` (`graph_free_config.FRAMES`)."""
    structure = torch.repeat_interleave(torch.tensor(sizes, device=positions.device))
    if frames == "random":
        return Asked(*network(tokens_of(network.config, numbers, positions, sizes, charge, spin)))
    if frames == "cube":
        cube = cube_rotations(positions.dtype).to(positions.device)
        rotations = cube[:, None].expand(-1, len(sizes), -1, -1)
    else:
        rotations = inertia_frames(centred(positions, structure, sizes), structure, len(sizes))
    every = rotations.index_select(1, structure)  # (orientation, n, 3, 3)
    seen = torch.einsum("ni,knij->knj", centred(positions, structure, sizes), every).flatten(0, 1)
    count = len(rotations)
    tokens = tokens_of(network.config, numbers.repeat(count), seen, sizes * count, charge, spin)
    shares, forces = network(tokens)
    if forces is not None:
        forces = torch.einsum("knj,knij->ni", torch.unflatten(forces, 0, (count, -1)), every) / count
    return Asked(torch.unflatten(shares, 0, (count, -1)).mean(0), forces)


class EnergyForceLoss:
    """w_F mean over atoms of |f - F| + w_E mean over molecules of |sum of shares - E| / atoms, in deviations.

    Without a readout for forces they are minus the gradient of the sum, and the loss is one on a gradient.
    """

    def __init__(self, training: GraphFreeTraining, charge: int, spin: int) -> None:
        self.training, self.charge, self.spin = training, charge, spin

    def __call__(self, network: GraphFreeNetwork, batch: Molecules, frames: str = "random") -> Tensor:
        """Of a batch, shape (); as the molecules lie, or averaged over `frames`."""
        direct = network.force is not None
        positions = batch.positions if direct else batch.positions.detach().requires_grad_(True)
        with torch.set_grad_enabled(torch.is_grad_enabled() or not direct):
            said = ask(network, batch.numbers, positions, batch.sizes, self.charge, self.spin, frames)
            forces = said.forces
            if forces is None:
                forces = -torch.autograd.grad(said.shares.sum(), positions, create_graph=network.training)[0]
        sums = torch.zeros_like(batch.energies).index_add(0, batch.structure, said.shares)
        counts = torch.tensor(batch.sizes, dtype=sums.dtype, device=sums.device)
        of_forces = torch.linalg.vector_norm(forces - batch.forces, dim=1).mean()
        of_energies = ((sums - batch.energies).abs() / counts).mean()
        out: Tensor = self.training.force_weight * of_forces + self.training.energy_weight * of_energies
        return out

    def over(self, network: GraphFreeNetwork, rows: MoleculeRows, size: int = 64) -> float:
        """Mean over all rows as they lie; averaged over the axes of inertia where the model is."""
        frames = "inertia" if self.training.frames == "inertia" else "random"
        device, total = next(network.parameters()).device, 0.0
        for indices in torch.split(torch.arange(len(rows)), size):
            batch = rows.batch(indices)
            total += float(self(network, batch.to(device), frames)) * len(indices)
        return total / len(rows)
