"""The training loop: any model, any loss, tensor-indexed data; stopped at any step, it goes on as if it never had."""

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import InputError
from . import distributed
from .average import WeightAverage
from .checkpoint import read_checkpoint, write_checkpoint
from .config import TrainingConfig
from .optimiser import ascended, make_optimiser, trained_parameters, unchanged
from .schedule import Moment, learning_rate
from .seed import derive_seed, random_states, seeded, set_random_states, set_torch_states, torch_states

__all__ = ["Data", "Epoch", "Outcome", "TrainingConfig", "train"]

Model = TypeVar("Model", bound=nn.Module)
Batch = TypeVar("Batch")
BatchOut = TypeVar("BatchOut", covariant=True)


class Data(Protocol[BatchOut]):
    """Rows that are gathered by number, e.g. windows of a series."""

    def __len__(self) -> int:
        """How many rows there are."""

    def batch(self, indices: Tensor) -> BatchOut:
        """The rows `indices`, int64 (batch,) on the CPU: a tensor, or tuples, lists and dictionaries of tensors."""


class Epoch(NamedTuple):
    """One line of the history and of `log.jsonl`."""

    epoch: int  # from 1
    step: int  # steps taken so far
    loss: float  # mean over the rows of the epoch, each at the weights of its step
    validation: float | None
    learning_rate: float  # of the last step
    seconds: float  # since the start of the run, pauses between resumed parts not counted


class Outcome(NamedTuple):
    """What a run came to."""

    best_epoch: int  # from 1; the epoch whose weights the model holds
    best_validation: float | None
    history: list[Epoch]
    seconds: float


@dataclass(slots=True)
class _Progress:
    """Where a run stands, in plain numbers."""

    epoch: int = 0  # epochs behind
    batch: int = 0  # batches of this epoch behind: the position in the data order
    step: int = 0
    loss: float = 0.0  # sum over this epoch's rows so far
    best_epoch: int = 0
    best_validation: float | None = None
    seconds: float = 0.0
    finished: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)


def train(
    model: Model,
    loss: Callable[[Model, Batch], Tensor],
    data: Data[Batch],
    config: TrainingConfig,
    *,
    validate: Callable[[Model], float] | None = None,
    folder: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: bool = True,
) -> Outcome:
    """Train `model` in place; it ends in evaluation mode with the weights of the best epoch.

    loss      mean loss of a batch over its rows, shape (); any random numbers come from torch's, numpy's or Python's
              global streams, which are seeded here and given back to the caller as they were
    validate  a score to minimise, asked after each epoch in evaluation mode without gradients; a tie counts as better.
              Without it the last epoch is the best
    folder    keeps `checkpoint.pt` and `log.jsonl`; a run that stopped there goes on, bit for bit as if it had not,
              and a finished one is only loaded

    Under torchrun each process calls this with the same arguments and learns from its share of every batch; rank 0
    writes. Raises InputError for empty data, a model with nothing to train, a device this machine lacks, a checkpoint
    that is damaged or of another run, and a loss or validation that is not finite.
    """
    device = _usable(device)
    ranks = distributed.join(device)
    if not len(data):
        raise InputError("there are no rows to train on; give more data, or shorter windows.")
    if not trained_parameters(model):
        raise InputError(f"{type(model).__name__} has no parameter that requires a gradient; unfreeze some.")
    with seeded(derive_seed(config.seed, ranks.rank), device):
        return _Run(model, loss, data, config, validate, folder, device, ranks).to_the_end(progress)


def _usable(device: str | torch.device) -> torch.device:
    """The device, once something could be put on it."""
    try:
        torch.empty(0, device=device)
        return torch.device(device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts it
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(f"the device {str(device)!r} cannot be used ({reason}); take another, such as cpu.") from error


class _Run(Generic[Model, Batch]):
    """One run of `train`: its parts, one step, the end of an epoch, and its state."""

    def __init__(
        self,
        model: Model,
        loss: Callable[[Model, Batch], Tensor],
        data: Data[Batch],
        config: TrainingConfig,
        validate: Callable[[Model], float] | None,
        folder: str | Path | None,
        device: torch.device,
        ranks: distributed.Ranks,
    ) -> None:
        self.model, self.loss, self.data, self.config, self.validate = model.to(device), loss, data, config, validate
        self.device, self.ranks = device, ranks
        self.parameters, self.buffers = trained_parameters(model), list(model.buffers())
        distributed.spread([*model.parameters(), *self.buffers], ranks)
        self.optimiser = make_optimiser(model, config.optimiser, config.learning_rate, config.weight_decay)
        self.average = WeightAverage(self.parameters, config.ema_decay) if config.ema_decay else None
        self.order = torch.Generator().manual_seed(derive_seed(config.seed, 0, 1))
        self.order_state = self.order.get_state()  # before this epoch's order was drawn
        self.steps_per_epoch = -(-len(data) // config.batch)
        self.progress = _Progress()
        self.best: dict[str, Any] = {}
        self.folder = None if folder is None else Path(folder)
        if self.folder is not None:
            self._open(self.folder)

    def to_the_end(self, show: bool) -> Outcome:
        config, at = self.config, self.progress
        self.started = time.monotonic() - at.seconds
        total = config.epochs * self.steps_per_epoch
        with tqdm(
            total=total, initial=at.step, unit="step", file=sys.stderr, disable=not show or self.ranks.rank > 0
        ) as bar:
            while not at.finished:
                self.model.train()
                batches = torch.split(torch.randperm(len(self.data), generator=self.order), config.batch)
                for indices in batches[at.batch :]:
                    self._step(indices)
                    bar.update()
                    if config.checkpoint_every and at.step % config.checkpoint_every == 0 and at.batch < len(batches):
                        self._save()
                self._close_epoch()
                bar.set_postfix({"loss": at.history[-1]["loss"], "best": at.best_validation}, refresh=False)
        self.model.load_state_dict(self.best)
        self.model.eval()
        return Outcome(at.best_epoch, at.best_validation, [Epoch(**row) for row in at.history], at.seconds)

    def _step(self, indices: Tensor) -> None:
        """Learn from the global batch `indices`."""
        config, at = self.config, self.progress
        rate = self._learning_rate(at.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        mine = distributed.share(indices, self.ranks)
        batch = self.data.batch(mine) if len(mine) else None
        if self.device.type != "cpu":
            batch = _moved(batch, self.device)
        weight = len(mine) / len(indices)
        random = torch_states(self.device) if config.sam_rho else []
        value = self._descend(batch, weight)
        if not math.isfinite(value):
            raise InputError(
                f"the loss is {value} at step {at.step + 1} (epoch {at.epoch + 1}, batch {at.batch + 1} of "
                f"{self.steps_per_epoch}); look for extreme or missing values in the data, lower "
                f"learning_rate={config.learning_rate}, or clip the gradient, e.g. clip=1."
            )
        if config.sam_rho:
            # the second pass sees the same dropout, and leaves running statistics as the weights themselves made them
            with ascended(self.parameters, config.sam_rho), unchanged(self.buffers):
                set_torch_states(random, self.device)
                self._descend(batch, weight)
        if config.clip:
            nn.utils.clip_grad_norm_(self.parameters, config.clip)
        self.optimiser.step()
        at.step += 1
        at.batch += 1
        at.loss += value * len(indices)
        if self.average:
            self.average.update(at.step)

    def _descend(self, batch: Batch | None, weight: float) -> float:
        """Leave the gradient of the global batch in the parameters; its loss."""
        self.optimiser.zero_grad()
        value = torch.zeros((), device=self.device)
        if batch is not None:
            value = self.loss(self.model, batch)
            value.backward()  # type: ignore[no-untyped-call]
        return distributed.sum_gradients(self.parameters, value.detach(), weight, self.ranks).item()

    def _close_epoch(self) -> None:
        """Validate, keep the best weights, log, save."""
        config, at = self.config, self.progress
        at.epoch, at.batch, self.order_state = at.epoch + 1, 0, self.order.get_state()
        distributed.spread(self.buffers, self.ranks)
        with self.average.applied() if self.average else nullcontext():
            value = self._validation()
            if value is None or at.best_validation is None or value <= at.best_validation:
                at.best_epoch, at.best_validation = at.epoch, value
                self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        at.seconds, rate = time.monotonic() - self.started, self._learning_rate(at.step - 1)
        row = Epoch(at.epoch, at.step, at.loss / len(self.data), value, rate, at.seconds)._asdict()
        at.history.append(row)
        at.loss = 0.0
        out_of_patience = config.patience and at.epoch - at.best_epoch >= config.patience
        at.finished = at.epoch == config.epochs or bool(out_of_patience)
        if self.folder is not None:
            if self.ranks.rank == 0:
                with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(row) + "\n")
            self._save()

    def _validation(self) -> float | None:
        if self.validate is None:
            return None
        self.model.eval()
        with torch.no_grad():
            value = distributed.agree(float(self.validate(self.model)), self.ranks, self.device)
        if not math.isfinite(value):
            raise InputError(
                f"the validation after epoch {self.progress.epoch} is {value}; look for extreme or missing values in "
                f"the validation data, or lower learning_rate={self.config.learning_rate}."
            )
        return value

    def _learning_rate(self, step: int) -> float:
        config = self.config
        scores = tuple(row["validation"] for row in self.progress.history if row["validation"] is not None)
        span = (config.epochs, config.warmup, config.final_rate, config.restart_epochs)
        at = Moment(step, self.steps_per_epoch, *span, scores)
        return learning_rate(config.schedule, config.learning_rate, at)

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be this run's."""
        shapes = {f"weight {name}": f"{str(t.dtype)[6:]}{list(t.shape)}" for name, t in self.model.state_dict().items()}
        about = {"model": type(self.model).__name__, "rows of data": len(self.data), "processes": self.ranks.size}
        return {**about, **shapes, **asdict(self.config)}

    def _save(self) -> None:
        if self.folder is None:
            return
        self.progress.seconds = time.monotonic() - self.started
        random = distributed.gather(random_states(self.device), self.ranks)
        if self.ranks.rank == 0:
            state = {
                "identity": self._identity(),
                "progress": asdict(self.progress),
                "model": self.model.state_dict(),
                "best": self.best,
                "average": self.average.average if self.average else [],
                "optimiser": self.optimiser.state_dict(),
                "order": self.order_state,
                "random": random,
            }
            write_checkpoint(self.folder / "checkpoint.pt", state)

    def _open(self, folder: Path) -> None:
        """Go on from the folder's checkpoint, if there is one."""
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; give a folder to keep checkpoints and the log in.")
        if self.ranks.rank == 0:
            folder.mkdir(parents=True, exist_ok=True)
        if (folder / "checkpoint.pt").exists():
            state = read_checkpoint(folder / "checkpoint.pt", self._identity())
            self.progress = _Progress(**state["progress"])
            self.model.load_state_dict(state["model"])
            self.best = state["best"]
            if self.average:
                self.average.load(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.order_state = state["order"]
            self.order.set_state(self.order_state)
            set_random_states(state["random"][self.ranks.rank], self.device)
        if distributed.agree(self.progress.step, self.ranks, self.device) != self.progress.step:
            raise InputError(
                f"not every process sees the checkpoint in {folder}; put it where all of them can read it."
            )
        if self.ranks.rank == 0:  # lines written after the last checkpoint will be written again
            lines = "".join(json.dumps(row) + "\n" for row in self.progress.history)
            (folder / "log.jsonl").write_text(lines, encoding="utf-8")


def _moved(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor on `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _moved(item, device) for name, item in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(item, device) for item in batch))
    return type(batch)(_moved(item, device) for item in batch) if isinstance(batch, (tuple, list)) else batch
