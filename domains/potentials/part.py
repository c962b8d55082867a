"""What a potential is the sum of: each part gives energies, forces and stress for a batch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import torch
from torch import Tensor, nn

from .batch import Batch
from .frame import OF_NINE, Frame


class Evaluated(NamedTuple):
    """What a part says of a batch of b structures and n atoms."""

    energies: Tensor  # (b,) float64, eV
    forces: Tensor  # (n, 3) eV/Å
    stress: Tensor | None  # (b, 6) eV/Å³, xx yy zz yz xz xy, ASE's sign; None where not asked for
    spread: Tensor | None = None  # (n,) eV/Å, raw sign of doubt in an atom's force; calibrated by the predictor
    novelty: Tensor | None = None  # (n,) how far an atom's surroundings lie from all seen in training; 1: at their edge


class Part(nn.Module, ABC):
    """A term of a potential. Labels that `fit` is given are what the terms before it left over.

    name          as listed
    conservative  whether forces are minus the gradient of the energy
    cutoff        Å; pairs within it are needed in a batch (0: none); the part is smooth there
    """

    name: ClassVar[str]
    conservative: ClassVar[bool] = True
    cutoff: float = 0.0

    @abstractmethod
    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Learn from labelled frames; validation chooses settings and when to stop, never more."""

    @abstractmethod
    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies, forces, and stress where asked for, in the dtype of the batch (energies in float64)."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Plain values (as JSON allows) from which `restore` builds the same part, before its tensors are loaded."""

    @classmethod
    @abstractmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The part again, from `settings` and its `state_dict`."""

    def count(self) -> int:
        """Numbers that were learned."""
        return sum(one.numel() for one in self.parameters())


class AtomEnergies(Protocol):
    """For `gradient_of`: energy of each atom from numbers, pair vectors and pairs."""

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        """(n,) eV; differentiable in `positions` and `vectors` (either may be left unused)."""


def gradient_of(
    energy: AtomEnergies, batch: Batch, stress: bool = False, create_graph: bool = False
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Energies (b,) in float64, forces (n, 3) = -dE/dx, and stress (b, 6) = dE/dstrain / volume of a potential.

    Strain is symmetric and moves positions and cells alike (row vectors x -> x (1 + strain)), so that pair vectors
    follow it (Knuth et al. 2015). A batch whose structures have no cell gets no stress.
    """
    positions = batch.positions.detach().requires_grad_(True)
    strained, cells, strain = positions, batch.cells, None
    if stress:
        strain = torch.zeros_like(batch.cells).requires_grad_(True)
        bend = torch.eye(3, dtype=positions.dtype, device=positions.device) + (strain + strain.transpose(1, 2)) / 2
        strained = torch.einsum("ni,nij->nj", positions, bend.index_select(0, batch.structure))
        cells = batch.cells @ bend
    with torch.enable_grad():
        atoms = energy.atom_energies(batch, strained, batch.vectors(strained, cells))
        energies = torch.zeros(len(batch.sizes), dtype=torch.float64, device=atoms.device)
        energies = energies.index_add(0, batch.structure, atoms.double())
        wanted = [positions] if strain is None else [positions, strain]
        grads = torch.autograd.grad(energies.sum(), wanted, create_graph=create_graph, materialize_grads=True)
    if not create_graph:
        energies = energies.detach()
    return energies, -grads[0], None if strain is None else stress_of(batch, grads[1])


def of_slopes(
    batch: Batch, atoms: Tensor, vectors: Tensor, slopes: Tensor, stress: bool = False
) -> tuple[Tensor, Tensor, Tensor | None]:
    """As `gradient_of`, where a model works out its slopes itself.

    atoms    (n,) eV, energy of each atom
    vectors  (e, 3) Å, of the pairs
    slopes   (e, 3) eV/Å, of all energies by each of these
    """
    energies = torch.zeros(len(batch.sizes), dtype=torch.float64, device=atoms.device)
    energies.index_add_(0, batch.structure, atoms.double())
    forces = torch.zeros_like(batch.positions).index_add_(0, batch.first, slopes)
    forces.index_add_(0, batch.second, slopes, alpha=-1)
    if not stress:
        return energies, forces, None
    each = (slopes[:, :, None] * vectors[:, None, :]).reshape(-1, 9)
    strained = each.new_zeros(len(batch.sizes), 9)
    strained.index_add_(0, batch.structure.index_select(0, batch.first), each)
    strained = strained.reshape(-1, 3, 3)
    return energies, forces, stress_of(batch, (strained + strained.transpose(1, 2)) / 2)


def stress_of(batch: Batch, strained: Tensor) -> Tensor:
    """Derivatives by strain (b, 3, 3) in eV -> stress (b, 6); structures without a cell have none."""
    volumes = torch.linalg.det(batch.cells).abs()[:, None]
    flat = strained.reshape(-1, 9)[:, OF_NINE]
    return torch.where(volumes > 0, flat / volumes.clamp_min(1e-12), torch.zeros_like(flat))
