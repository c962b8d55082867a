"""Two potentials around the graph-free transformer: direct forces, as in its paper, and forces by gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from ....shared.errors import InputError
from ....shared.learning.folder import rebuild_config
from ....shared.learning.loop import Outcome, train
from ....shared.learning.seed import derive_seed, seeded
from ....shared.transformer.attention import attend, attend_by_products
from ..batch import Batch
from ..frame import Frame, require_labels
from ..part import AtomEnergies, Evaluated, Part, gradient_of
from .graph_free_config import GraphFreeConfig, GraphFreeTraining
from .graph_free_network import GraphFreeNetwork
from .graph_free_scales import Scales
from .graph_free_training import EnergyForceLoss, MoleculeRows, ask


class GraphFreeTransformer(Part):
    """Energies as sums over atoms and forces from a readout of their own (Kreiman et al. 2025, arXiv:2510.02259).

    Molecules only: it knows no cell. Forces are no gradient, so energy drifts in dynamics, net force and torque are
    not zero, and the answer turns with the molecule only as well as training taught it (exactly with
    frames="inertia"). Every molecule has the `charge` and `spin` (multiplicity) given here.
    """

    name: ClassVar[str] = "graph-free-transformer"
    conservative: ClassVar[bool] = False

    def __init__(
        self,
        config: GraphFreeConfig = GraphFreeConfig(),
        training: GraphFreeTraining = GraphFreeTraining(),
        charge: int = 0,
        spin: int = 1,
        *,
        folder: Path | None = None,
        device: str = "cpu",
        progress: bool = False,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        """`folder` keeps checkpoints, `start` holds the weights of a pre-trained trunk (`graph_free_pretraining`)."""
        super().__init__()
        if self.conservative and training.frames == "inertia":
            raise InputError('frames="inertia" makes the energy jump; take "random" or "cube" for forces by gradient.')
        self.config, self.training_, self.charge, self.spin = config, training, charge, spin
        self.folder, self.device, self.progress, self.start = folder, device, progress, start
        self.network: GraphFreeNetwork | None = None
        self.scales: Scales | None = None
        self.outcome: Outcome | None = None

    def fit_frames(self, train: Sequence[Frame], validation: Sequence[Frame], seed: int = 0) -> None:
        """Learn; the epoch with the lowest loss over `validation` is kept (the last one where there is none).

        Raises InputError for frames without labels or with a cell, and for elements, charges, spins without a token.
        """
        require_labels(list(train))
        for frame in (*train, *validation):
            _refuse_cell(frame.periodic)
        self.scales = Scales.of(train, self.conservative)
        with seeded(derive_seed(seed, 7)):
            network = self._made()
        if self.start is not None:
            network.trunk.load_state_dict(dict(self.start))
        random = "inertia" if self.training_.frames == "inertia" else "random"
        rows = MoleculeRows(train, self.scales, random)
        held = MoleculeRows(validation, self.scales, "as they lie") if validation else None
        loss = EnergyForceLoss(self.training_, self.charge, self.spin)
        folder = None if self.folder is None else self.folder / f"{self.name}-{rows.fingerprint()}"
        self.outcome = _train(
            network, loss, rows, held, self.training_, seed, folder=folder, device=self.device, progress=self.progress
        )
        self.network = network.cpu()

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies and forces; stress is zero (there is no cell). Raises InputError for a cell and before `fit`."""
        network, scales = self._ready(batch)
        dtype = next(network.parameters()).dtype
        with torch.no_grad():
            said = self._ask(network, batch, batch.positions.to(dtype))
            energies = _summed(batch, scales.energy_ev * said.shares.double() + self._constants(batch, scales))
            assert said.forces is not None  # this network was built with a readout for them
            forces = scales.force_ev * said.forces.to(batch.positions.dtype)
        return Evaluated(energies, forces, forces.new_zeros(len(batch.sizes), 6) if stress else None)

    def settings(self) -> Mapping[str, Any]:
        """Sizes, training, charge, spin and scales as plain values."""
        scales = None if self.scales is None else self.scales.plain()
        about = {"config": asdict(self.config), "training": asdict(self.training_)}
        return {**about, "charge": self.charge, "spin": self.spin, "scales": scales}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The part again; raises InputError where settings and tensors do not fit."""
        part = cls(
            rebuild_config(GraphFreeConfig, settings["config"], cls.name),
            rebuild_config(GraphFreeTraining, settings["training"], cls.name),
            int(settings["charge"]),
            int(settings["spin"]),
        )
        if settings["scales"] is not None:
            part.scales = Scales.from_plain(settings["scales"])
            with torch.random.fork_rng(devices=[]):
                part.network = part._made()
            try:
                part.load_state_dict(dict(tensors))
            except RuntimeError as error:
                raise InputError(f"the weights of {cls.name} do not fit its settings: {error}") from error
        return part.eval()

    def _made(self) -> GraphFreeNetwork:
        return GraphFreeNetwork(self.config, direct=not self.conservative, mixer=self._mixer())

    def _mixer(self) -> Any:
        return attend

    def _ready(self, batch: Batch) -> tuple[GraphFreeNetwork, Scales]:
        _refuse_cell(bool(batch.cells.any()))
        if self.network is None or self.scales is None:
            raise InputError(f"{self.name} has not learned yet; call fit first.")
        return self.network, self.scales

    def _ask(self, network: GraphFreeNetwork, batch: Batch, positions: Tensor) -> Any:
        return ask(network, batch.numbers, positions, batch.sizes, self.charge, self.spin, self.training_.frames)

    def _constants(self, batch: Batch, scales: Scales) -> Tensor:
        """(n,) float64 eV: references of the elements, and the mean divided among the atoms of a molecule."""
        counts = torch.tensor(batch.sizes, dtype=torch.float64, device=batch.numbers.device)
        return scales.references(batch.numbers) + (scales.mean_ev / counts).index_select(0, batch.structure)


class ConservativeGraphFreeTransformer(GraphFreeTransformer, AtomEnergies):
    """The same network with forces as minus the gradient of its energy: for dynamics.

    The centroid is taken out inside the graph, so net forces are zero. The four frames of inertia are refused: their
    axes jump where two moments are equal, and the energy with them.
    """

    name: ClassVar[str] = "graph-free-transformer-conservative"
    conservative: ClassVar[bool] = True

    def evaluate(self, batch: Batch, stress: bool = False) -> Evaluated:
        """Energies and their gradient; raises InputError for a cell and before `fit`."""
        self._ready(batch)
        return Evaluated(*gradient_of(self, batch, stress))

    def atom_energies(self, batch: Batch, positions: Tensor, vectors: Tensor) -> Tensor:
        """(n,) float64 eV."""
        network, scales = self._ready(batch)
        said = self._ask(network, batch, positions.to(next(network.parameters()).dtype))
        atoms: Tensor = scales.energy_ev * said.shares.double() + self._constants(batch, scales)
        return atoms

    def _mixer(self) -> Any:
        return attend_by_products


def _train(
    network: GraphFreeNetwork,
    loss: EnergyForceLoss,
    rows: MoleculeRows,
    held: MoleculeRows | None,
    training: GraphFreeTraining,
    seed: int,
    **options: Any,
) -> Outcome:
    """The shared loop; the warm-up never takes more than a tenth of the steps."""
    steps = training.epochs * -(-len(rows) // training.batch)
    settings = replace(training.run(seed), warmup=min(training.warmup, steps // 10))
    validate = None if held is None else (lambda trained: loss.over(trained, held))
    return train(network, loss, rows, settings, validate=validate, **options)


def _summed(batch: Batch, atoms: Tensor) -> Tensor:
    zero = torch.zeros(len(batch.sizes), dtype=torch.float64, device=atoms.device)
    return zero.index_add(0, batch.structure, atoms)


def _refuse_cell(periodic: bool) -> None:
    if periodic:
        raise InputError("the graph-free transformer reads molecules; it has no notion of a cell. Take another model.")
