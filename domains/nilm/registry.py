"""Every way the suite knows of splitting the mains, by name."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Role
from .localiser import WeakLocaliser
from .metrics import ZERO
from .model import MainsModel
from .models.boosted import Boosted
from .models.boosted_pair import BoostedPair
from .models.combinatorial import Combinatorial
from .models.constant import MeanPower, Zero
from .models.duty_cycle import DutyCycle
from .models.factorial_hmm import FactorialHMM
from .network import NetworkModel


class Run(NamedTuple):
    """What a model may need to know of the run that fits it."""

    seed: int = 0
    device: str = "cpu"
    folder: Path | None = None  # for checkpoints
    progress: bool = False


class Entry(NamedTuple):
    """How a model is built and read back, and what it is."""

    build: Callable[[Run], MainsModel]
    read: Callable[[Mapping[str, NDArray[Any]]], MainsModel]
    role: Role
    text: str
    as_it_is: bool = False  # a mean power, never switched off below a threshold
    cheaper: Callable[[Run], MainsModel] | None = None  # of the same kind, fitted anew where a house is left out


def _network(kind: str, **settings: Any) -> Callable[[Run], MainsModel]:
    def build(run: Run) -> MainsModel:
        return NetworkModel(
            kind, seed=run.seed, device=run.device, folder=run.folder, progress=run.progress, **settings
        )

    return build


# the shortest published window; a house has a tenth of the windows of the published training, so the published rate of
# 1e-4 would take thousands of its short epochs
PUBLISHED: dict[str, Any] = {"window": 128, "learning_rate": 5e-4, "epochs": 30}

# one network for all appliances, so that a fit takes tens of minutes of a core, not hours; Seq2Point's windows answer
# a single minute each, and an epoch of all of them would take half an hour
SEQ2POINT: dict[str, Any] = {"joint": True, "learning_rate": 1e-3, "steps_per_epoch": 200, "epochs": 25}
BIGRU: dict[str, Any] = {"joint": True, "learning_rate": 1e-3, "epochs": 40}

JOINT: dict[str, Any] = {
    "joint": True, "copies": 4, "states": True, "batch": 32, "learning_rate": 1e-3, "schedule": "cosine", "patience": 0,
    "epochs": 12, "steps_per_epoch": 80, "sizes": {"weight_dropout": 0.0, "dropout": 0.1},
}  # fmt: skip
# made-up and simulated houses like those of boosted-pair; on validation 12 epochs were too few, and nothing fell after
# 23 to 28 of 36
LENT: dict[str, Any] = JOINT | {
    "copies": 10, "days": 45, "simulated": 8, "households": 20, "steps_per_epoch": 150, "epochs": 36
}  # fmt: skip

MODELS: dict[str, Entry] = {
    ZERO: Entry(lambda run: Zero(), Zero.from_arrays, "baseline", "predicts nothing"),
    "mean": Entry(lambda run: MeanPower(), MeanPower.from_arrays, "baseline", "mean power, always", True),
    "duty-cycle": Entry(lambda run: DutyCycle(), DutyCycle.from_arrays, "baseline", "mean power by time of day", True),
    "combinatorial": Entry(
        lambda run: Combinatorial(), Combinatorial.from_arrays, "baseline", "the nearest sum of states"
    ),
    "factorial-hmm": Entry(
        lambda run: FactorialHMM(), FactorialHMM.from_arrays, "baseline", "hidden Markov chains, summed"
    ),
    "boosted-plain": Entry(
        lambda run: Boosted(copies=0, passes=1, seed=run.seed), Boosted.from_arrays, "simple",
        "boosted trees: on or off, times share",
    ),
    "boosted-copies": Entry(
        lambda run: Boosted(passes=1, seed=run.seed), Boosted.from_arrays, "simple", "the same, made-up houses too"
    ),
    "boosted": Entry(
        lambda run: Boosted(seed=run.seed), Boosted.from_arrays, "simple", "the same, with a second pass over the house"
    ),
    "boosted-lent": Entry(
        lambda run: Boosted(10, 45, rest=2_000, simulated=8, households=16, seed=run.seed), Boosted.from_arrays,
        "simple", "the same, of many simulated households, too",
    ),
    "boosted-pair": Entry(
        lambda run: BoostedPair(seed=run.seed), BoostedPair.from_arrays, "simple",
        "the mean of two of these",
        # as many simulated households to each made-up house: their share says how often an appliance is expected
        cheaper=lambda run: BoostedPair(made_up=8, households=6, seed=run.seed),
    ),
    "weak-localiser": Entry(
        lambda run: WeakLocaliser(seed=run.seed, device=run.device, progress=run.progress, folder=run.folder),
        WeakLocaliser.from_arrays, "simple", "class activation maps, from yes or no a window",
    ),
    "seq2point": Entry(
        _network("seq2point", **SEQ2POINT), NetworkModel.from_arrays, "simple",
        "convolutions, one minute a window, all appliances at once",
    ),
    "bigru": Entry(
        _network("bigru", **BIGRU), NetworkModel.from_arrays, "simple", "recurrent, both ways, all appliances at once"
    ),
    "nilmformer": Entry(
        _network("nilmformer", **PUBLISHED), NetworkModel.from_arrays, "transformer",
        "one network for each appliance, as published but for a higher rate",
    ),
    "nilmformer-joint": Entry(
        _network("nilmformer", **JOINT), NetworkModel.from_arrays, "transformer",
        "published size, on/off and power of all appliances, made-up houses too",
    ),
    "nilmformer-lent": Entry(
        _network("nilmformer", **LENT), NetworkModel.from_arrays, "transformer",
        "the same, of many simulated households, too",
    ),
}  # fmt: skip


BLEND = "blend"  # the mean of the candidates that are no baselines


def entry(name: str) -> Entry:
    """The model of this name; raises InputError with the names that are known."""
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"no model is named {name!r}; {hint}Known are {', '.join(MODELS)} and {BLEND}.")
    return MODELS[name]
