"""Networks that split the mains: how they are trained, and how they answer a house window by window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...shared.errors import InputError
from ...shared.learning.config import TrainingConfig
from ...shared.learning.loop import Outcome, train
from ...shared.learning.seed import derive_seed, seeded
from .appliances import Appliance
from .enlarging import Enlargement
from .house import Estimate, House
from .models.bigru import BiGRU, BiGRUConfig
from .models.nilmformer import PUBLISHED, SMALL, Answer, NILMFormer, calendar_channels
from .models.seq2point import Seq2Point, Seq2PointConfig
from .network_arrays import header_of, of_appliances, packed, restored, to_appliances
from .windows import Batch, HouseWindows, blend, cover, peaked

NETWORKS: dict[str, tuple[Any, Any]] = {
    "nilmformer": (NILMFormer, PUBLISHED),
    "nilmformer-small": (NILMFormer, SMALL),
    "seq2point": (Seq2Point, Seq2PointConfig()),
    "bigru": (BiGRU, BiGRUConfig()),
}
HELD_BACK = 0.2  # of each house, its end, when no house is given for validation


@dataclass
class NetworkModel:
    """A network for each appliance, or one for all of them (`joint`); a `MainsModel`.

    The defaults train as the paper does: mean squared error, Adam with decoupled decay of 0, a tenth of the rate when
    validation stops falling. Each appliance's error is divided by what answering zero would cost, so that joint
    networks weigh appliances alike; Adam does not notice the factor otherwise. An epoch has as many windows as fit
    without overlap, drawn at random offsets, or `steps_per_epoch` batches.
    """

    kind: str = "nilmformer"
    window: int = 256  # samples
    joint: bool = False
    copies: int = 0  # made-up houses to each real one; this and the next three as of `Enlargement`
    days: int | None = None
    simulated: int = 0
    households: int = 0  # where either is asked for, one joins each of validation, too
    states: bool = False  # learn to tell whether each runs, too: its probability, by cross-entropy
    loss: Literal["mse", "l1"] = "mse"
    absent: Literal["mask", "zero"] = "mask"  # a house without the appliance teaches nothing, or that it took nothing
    offsets: Literal["random", "fixed"] = "random"
    state_weight: float = 1.0  # of the cross-entropy beside the error of power, which is 1 for answering zero
    positive_weight: float = 1.0  # of the minutes that run, in the cross-entropy
    epochs: int = 50
    patience: int = 5
    batch: int = 64
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine", "halved", "plateau", "restarts"] = "plateau"
    steps_per_epoch: int | None = None
    overlap: float = 0.5  # of windows that answer, where a network answers whole windows
    precision: Literal["float32", "bfloat16"] = "float32"  # of products in answering; learning is always in float32
    sizes: Mapping[str, Any] = field(default_factory=dict)  # fields of the network's config that differ from the kind's
    seed: int = 0
    device: str = "cpu"
    progress: bool = False
    folder: Path | None = None  # keeps checkpoints; training that was stopped goes on from there
    scale_: float = field(init=False, default=float("nan"))  # W, largest mains of training
    step_: str = field(init=False, default="")  # of the houses
    appliances_: tuple[Appliance, ...] = field(init=False, default=())
    networks_: list[nn.Module] = field(init=False, default_factory=list)
    epochs_: list[int] = field(init=False, default_factory=list)  # the best, by network
    outcomes_: dict[str, Outcome] = field(init=False, default_factory=dict)  # how training went, by appliance

    def __post_init__(self) -> None:
        if self.kind not in NETWORKS:
            raise InputError(f"no network is named {self.kind!r}; known are {', '.join(NETWORKS)}.")
        if self.window < 8 or not 0 <= self.overlap < 1:
            raise InputError(f"window={self.window} must be 8 or more, and overlap={self.overlap} in [0, 1).")

    def fit(
        self, houses: Sequence[House], appliances: Sequence[Appliance], validation: Sequence[House] | None = None
    ) -> Self:
        """Learn; without houses for validation the last fifth of each house serves.

        Raises InputError when no house has an appliance, or none of its stretches is as long as a window.
        """
        houses, validation = parted(houses, validation)
        if self.copies or self.households:
            houses = self._with_copies(houses, self.copies, self.households, 0)
            validation = self._with_copies(validation, min(self.copies, 1), min(self.households, 1), 1)
        for one in appliances:
            if not any(one.name in house.appliances_w for house in houses):
                raise InputError(f"no house of training has a {one.title}; give one that has, or leave it out.")
        self.appliances_, self.step_ = tuple(appliances), str(houses[0].step)
        self.scale_ = float(np.fmax.reduce(np.concatenate([house.mains_w for house in houses])))
        groups = [tuple(appliances)] if self.joint else [(one,) for one in appliances]
        self.networks_, self.epochs_, self.outcomes_ = [], [], {}
        for group in groups:
            self._train(group, houses, validation)
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """Overlapping windows, each weighing most in its middle; powers below `on_w` become 0."""
        if str(house.step) != self.step_:
            raise InputError(f"{house.name} has steps of {house.step}, the model learnt {self.step_}; resample it.")
        if not house.stretches():
            nothing = np.full(len(house.mains_w), np.nan, np.float32)
            return {one.name: Estimate(nothing, nothing) for one in self.appliances_}
        said = [torch.unflatten(self._answer(network, house), 0, (1 + self.states, -1)) for network in self.networks_]
        both = torch.cat(said, 1).numpy()  # (power or probability, output, time)
        found = {}
        for row, one in enumerate(self.appliances_):
            watts = both[0, row] * np.float32(self.scale_)
            watts[watts < one.on_w] = 0.0
            found[one.name] = Estimate(watts, both[1, row] if self.states else _seen_running(watts))
        return found

    def parameters(self) -> int:
        """Weights of all networks."""
        return sum(weight.numel() for network in self.networks_ for weight in network.parameters())

    def config(self) -> dict[str, Any]:
        """The options as plain values, without those of the run (device, progress, folder)."""
        kept = [f.name for f in fields(self) if f.init and f.name not in ("device", "progress", "folder")]
        return {name: dict(self.sizes) if name == "sizes" else getattr(self, name) for name in kept}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Weights by network and name, and a header of plain values as JSON in bytes."""
        header = {"config": self.config(), "scale": self.scale_, "step": self.step_, "epochs": self.epochs_}
        return packed(header | {"appliances": of_appliances(self.appliances_)}, self.networks_)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        header = header_of(arrays)
        made = cls(**header["config"])
        made.scale_, made.step_, made.epochs_ = header["scale"], header["step"], header["epochs"]
        made.appliances_ = to_appliances(header["appliances"])
        outputs, networks = (len(made.appliances_), 1) if made.joint else (1, len(made.appliances_))
        made.networks_ = restored([made._network(outputs) for _ in range(networks)], arrays)
        return made

    def _with_copies(self, houses: Sequence[House], copies: int, households: int, part: int) -> list[House]:
        return Enlargement(copies, self.days, self.simulated, households).of(houses, [self.seed, part])

    def _network(self, outputs: int) -> nn.Module:
        kind, config = NETWORKS[self.kind]
        plain = {f.name: getattr(config, f.name) for f in fields(config)} | {"outputs": outputs, "states": self.states}
        network: nn.Module = kind(type(config)(**(plain | dict(self.sizes))))
        return network

    def _train(self, group: tuple[Appliance, ...], houses: Sequence[House], validation: Sequence[House]) -> None:
        names = [one.name for one in group]
        with seeded(derive_seed(self.seed, len(self.networks_))):
            network = self._network(len(group))
        margin = int(network.margin)  # type: ignore[arg-type]
        rows = None if self.steps_per_epoch is None else self.steps_per_epoch * self.batch
        window = 2 * margin + 1 if margin else self.window
        data = HouseWindows(houses, names, window, self.scale_, margin, self.offsets, self.absent, rows)
        held = HouseWindows(validation, names, 2 * margin + self.window, self.scale_, margin, "fixed", self.absent)
        if not len(data):
            raise InputError(
                f"no stretch of {window} samples has mains and {' or '.join(names)}; give more, or a smaller window."
            )
        loss = PowerLoss(self, group, data.power)
        config = TrainingConfig(
            self.epochs, self.batch, self.learning_rate, schedule=self.schedule, patience=self.patience, seed=self.seed
        )
        folder = None if self.folder is None else self.folder / f"{'-'.join([self.kind, *names])}-{data.fingerprint()}"
        validate = (lambda trained: loss.over(trained, held, self.batch)) if len(held) else None
        outcome = train(
            network, loss, data, config, validate=validate, folder=folder, device=self.device, progress=self.progress
        )
        self.epochs_.append(outcome.best_epoch)
        self.outcomes_ |= dict.fromkeys(names, outcome)
        self.networks_.append(network.cpu().eval())

    def _answer(self, network: nn.Module, house: House) -> Tensor:
        """Scaled powers and, with states, probabilities of running after them; (channel, time)."""
        margin = int(network.margin)  # type: ignore[arg-type]
        at_once = int(network.at_once)  # type: ignore[arg-type]
        # where windows only meet, they are as long as a mean stretch: short ones would be padded, long ones cost memory
        mean = int(np.mean([stretch.stop - stretch.start for stretch in house.stretches()]))
        answered = min(at_once, max(mean, self.window)) if margin else self.window
        stride = answered if margin else max(1, round(self.window * (1 - self.overlap)))
        mains = torch.from_numpy(house.mains_w).float() / self.scale_
        calendar = calendar_channels(house.local())
        taper = torch.ones(answered) if margin else peaked(answered)

        def say(rows: Tensor) -> Tensor:
            said: Answer = network(mains[rows].unsqueeze(1), calendar[:, rows].transpose(0, 1))
            parts = [said.power] if said.logits is None else [said.power, said.logits.sigmoid()]
            return torch.cat(parts, 1).float()

        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self.precision == "bfloat16"):
            windows = cover(house, answered + 2 * margin, stride, margin)
            return blend(windows, say, taper, len(mains), max(1, at_once // answered))


def parted(houses: Sequence[House], validation: Sequence[House] | None) -> tuple[Sequence[House], Sequence[House]]:
    """Houses to learn from and to check with; if none are given to check with, the last fifth of each."""
    if validation is not None:
        return houses, validation
    cuts = [int(len(house.times) * (1 - HELD_BACK)) for house in houses]
    early = [house.rows(slice(cut)) for house, cut in zip(houses, cuts, strict=True)]
    return early, [house.rows(slice(cut, None)) for house, cut in zip(houses, cuts, strict=True)]


class PowerLoss:
    """The error of power over that of answering zero, mean over the appliances; with states the cross-entropy too."""

    def __init__(self, model: NetworkModel, group: tuple[Appliance, ...], power: Tensor) -> None:
        self.square = model.loss == "mse"
        cost = power.square() if self.square else power.abs()
        mean = cost.nanmean(1, keepdim=True)
        self.weight = torch.where(mean > 0, 1 / mean, 1.0)  # (output, 1)
        self.least = torch.tensor([[one.on_w / model.scale_] for one in group])
        self.most = torch.tensor([[one.max_w / model.scale_] for one in group])
        self.states, self.positive = model.state_weight, model.positive_weight

    def __call__(self, network: nn.Module, batch: Batch) -> Tensor:
        """Of a batch, shape (); what was not metered does not count."""
        said = network(batch.mains, batch.calendar)
        real = batch.power.isfinite()
        truth = batch.power.nan_to_num(0.0)
        share = real / real.sum((0, 2), keepdim=True).clamp(min=1) / real.shape[1]  # rows that were not metered: 0
        error = (said.power - truth).square() if self.square else (said.power - truth).abs()
        value = (error * share * self.weight.to(error.device)).sum()
        if said.logits is not None:
            on = ((truth >= self.least.to(truth.device)) & (truth <= self.most.to(truth.device))).float()
            entropy = F.binary_cross_entropy_with_logits(said.logits, on, reduction="none")
            value = value + self.states * (entropy * share * (1 + on * (self.positive - 1))).sum()
        out: Tensor = value
        return out

    def over(self, network: nn.Module, data: HouseWindows, size: int) -> float:
        """Mean over all windows."""
        device, total = next(network.parameters()).device, 0.0
        for rows in torch.split(torch.arange(len(data)), size):
            batch = Batch(*(part.to(device) for part in data.batch(rows)))
            total += self(network, batch).item() * len(rows)
        return total / len(data)


def _seen_running(watts: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where there is power, 0 where there is none, NaN where nothing is known."""
    return np.where(np.isnan(watts), watts, watts > 0).astype(np.float32)
