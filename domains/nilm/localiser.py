"""Finding when an appliance runs from yes or no for a window: training and answering of `models.localisation`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...shared.errors import InputError
from ...shared.learning.config import TrainingConfig
from ...shared.learning.loop import train
from ...shared.learning.seed import derive_seed, seeded
from .appliances import Appliance
from .house import Estimate, House
from .models.localisation import LocaliserConfig, WindowClassifier, locate
from .network import parted
from .network_arrays import header_of, of_appliances, packed, restored, to_appliances
from .windows import HouseWindows, blend, cover, fingerprint

KILOWATT = 1000.0
AT_ONCE = 16  # windows that answer together


class Labelled(NamedTuple):
    """Windows and whether the appliance ran in them."""

    mains_kw: Tensor  # (batch, 1, time)
    yes: Tensor  # (batch,), int64


@dataclass
class WeakLocaliser:
    """A `MainsModel` that is told of each window whether an appliance ran in it, and its usual power; nothing else.

    Each member is trained once; the published variant trains several a kernel and keeps the five best. A house says
    yes and no in equal numbers, drawn by the seed.
    """

    window: int = 510  # samples
    kernels: tuple[int, ...] = (5, 7, 9, 15, 25)  # a member each
    filters: tuple[int, int, int] = (64, 128, 128)
    epochs: int = 50
    patience: int = 5
    batch: int = 128
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "cpu"
    progress: bool = False
    folder: Path | None = None  # keeps checkpoints; training that was stopped goes on from there
    step_: str = field(init=False, default="")
    appliances_: tuple[Appliance, ...] = field(init=False, default=())
    power_w_: list[float] = field(init=False, default_factory=list)  # mean of each appliance while it runs
    members_: list[WindowClassifier] = field(init=False, default_factory=list)  # by appliance, then by kernel

    def fit(
        self, houses: Sequence[House], appliances: Sequence[Appliance], validation: Sequence[House] | None = None
    ) -> Self:
        """Learn; without houses for validation the last fifth of each house serves.

        Raises InputError when an appliance has no window with it, or none without.
        """
        houses, held = parted(houses, validation)
        self.appliances_, self.step_ = tuple(appliances), str(houses[0].step)
        self.power_w_, self.members_ = [], []
        for one in appliances:
            data, watts = self._labelled(houses, one)
            if not len(data):
                raise InputError(
                    f"no windows of {self.window} samples with and without a {one.title}; give more data, or a "
                    f"smaller window."
                )
            self.power_w_.append(watts)
            check, _ = self._labelled(held, one)
            for kernel in self.kernels:
                self.members_.append(self._trained(kernel, data, check, one.name))
        return self

    def predict(self, house: House) -> dict[str, Estimate]:
        """On where the strength of an activation map passes one half; power is the usual one, capped by the mains."""
        if str(house.step) != self.step_:
            raise InputError(f"{house.name} has steps of {house.step}, the model learnt {self.step_}; resample it.")
        mains = torch.from_numpy(house.mains_w) / KILOWATT
        windows, taper, size = cover(house, self.window, self.window // 2), torch.ones(self.window), len(self.kernels)
        found = {}
        for at, (one, usual) in enumerate(zip(self.appliances_, self.power_w_, strict=True)):
            members = self.members_[at * size : (at + 1) * size]
            with torch.inference_mode():
                on = blend(
                    windows, lambda rows: locate(members, mains[rows].unsqueeze(1)).strength.unsqueeze(1), taper,  # noqa: B023
                    len(mains), AT_ONCE,
                )[0].numpy()  # fmt: skip
            watts = np.where(on > 0.5, np.minimum(usual, house.mains_w), 0.0)
            found[one.name] = Estimate(np.where(np.isnan(on), on, watts).astype(np.float32), on)
        return found

    def parameters(self) -> int:
        """Weights of all members, and a power an appliance."""
        return sum(w.numel() for member in self.members_ for w in member.parameters()) + len(self.power_w_)

    def config(self) -> dict[str, Any]:
        """The options as plain values, without those of the run (device, progress, folder)."""
        kept = [f.name for f in fields(self) if f.init and f.name not in ("device", "progress", "folder")]
        return {name: getattr(self, name) for name in kept}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, and a header of plain values."""
        header = {"config": self.config(), "step": self.step_, "power_w": self.power_w_}
        return packed(header | {"appliances": of_appliances(self.appliances_)}, self.members_)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        header = header_of(arrays)
        config = header["config"]
        made = cls(**(config | {name: tuple(config[name]) for name in ("kernels", "filters")}))
        made.step_, made.power_w_ = header["step"], header["power_w"]
        made.appliances_ = to_appliances(header["appliances"])
        blank = [made._member(kernel) for _ in made.appliances_ for kernel in made.kernels]
        made.members_ = restored(blank, arrays)
        return made

    def _member(self, kernel: int) -> WindowClassifier:
        return WindowClassifier(LocaliserConfig(kernel, self.filters))

    def _labelled(self, houses: Sequence[House], one: Appliance) -> tuple["LabelledWindows", float]:
        """As many windows with the appliance as without, and its mean power while on, W."""
        every = HouseWindows(houses, [one.name], self.window, KILOWATT, offsets="fixed")
        mains, _, power = every.batch(torch.arange(len(every)))
        on = (power >= one.on_w / KILOWATT) & (power <= one.max_w / KILOWATT)
        yes = on.flatten(1).any(1)
        draw = torch.Generator().manual_seed(derive_seed(self.seed, 1))
        sides = [torch.nonzero(yes == side).flatten() for side in (False, True)]
        few = min(len(side) for side in sides)
        kept = torch.cat([side[torch.randperm(len(side), generator=draw)[:few]] for side in sides])
        watts = float(power[on].mean()) * KILOWATT if few else float("nan")
        return LabelledWindows(mains[kept], yes[kept].long()), watts

    def _trained(self, kernel: int, data: "LabelledWindows", held: "LabelledWindows", name: str) -> WindowClassifier:
        with seeded(derive_seed(self.seed, 2, len(self.members_))):
            member = self._member(kernel)
        config = TrainingConfig(self.epochs, self.batch, self.learning_rate, patience=self.patience, seed=self.seed)
        folder = (
            None if self.folder is None else self.folder / f"localiser-{name}-{kernel}-{fingerprint(data.mains_kw)}"
        )
        check = (lambda trained: held.error(trained)) if len(held) else None
        train(
            member, cross_entropy, data, config, validate=check, folder=folder, device=self.device,
            progress=self.progress,
        )  # fmt: skip
        return member.cpu().eval()


class LabelledWindows:
    """Windows in memory; mains (window, 1, time) kW, yes (window,)."""

    def __init__(self, mains_kw: Tensor, yes: Tensor) -> None:
        self.mains_kw, self.yes = mains_kw, yes

    def __len__(self) -> int:
        return len(self.yes)

    def batch(self, indices: Tensor) -> Labelled:
        """Windows by number (row,)."""
        return Labelled(self.mains_kw[indices], self.yes[indices])

    def error(self, member: WindowClassifier) -> float:
        """Cross-entropy over all windows."""
        device, total = next(member.parameters()).device, 0.0
        for rows in torch.split(torch.arange(len(self)), 64):
            batch = Labelled(*(part.to(device) for part in self.batch(rows)))
            total += cross_entropy(member, batch).item() * len(rows)
        return total / len(self)


def cross_entropy(member: WindowClassifier, batch: Labelled) -> Tensor:
    """Of yes and no, mean over windows."""
    return F.cross_entropy(member(batch.mains_kw), batch.yes)
