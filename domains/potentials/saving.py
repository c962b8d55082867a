"""A fitted potential as a folder, and back; the potentials that ship with the suite, by name."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ...shared.errors import InputError
from ...shared.learning.folder import Saved, read_folder, write_folder
from ...shared.reading.table import nearest
from .card import card
from .novelty import Novelty
from .parts import PartSum
from .registry import known_part
from .uncertainty import Trust

if TYPE_CHECKING:
    from .predictor import InteratomicPotential

Fitted = TypeVar("Fitted", bound="InteratomicPotential")
KIND = "InteratomicPotential"


def write_model(made: "InteratomicPotential", folder: str | Path, overwrite: bool) -> None:
    """Write `config.json`, `model.safetensors` and `card.md`; raises InputError when the folder exists."""
    parts = made.parts_.parts
    config = {
        "method": made.method, "delta": made.delta, "seed": made.seed, "coverage": made.coverage,
        "members": made.members, "promise": made.promise,
        "elements": list(made.elements_), "frames": made.frames_fit_, "held": made.held_, "notes": made.notes_,
        "data_note": made.data_note_, "repairs": made.repairs_,
        "seconds_fit": round(made.seconds_fit_, 3),
        "trust": None if made.trust_ is None else made.trust_.to_dict(),
        "parts": [{"kind": type(one).__name__, "settings": dict(one.settings())} for one in parts],
        "scores": None if made.scores_ is None else made.scores_.to_dict(), "tested": made.tested_,
    }  # fmt: skip
    tensors = {f"{place}.{name}": one for place, part in enumerate(parts) for name, one in part.state_dict().items()}
    remembered = {name: torch.from_numpy(one).float() for name, one in made.novelty_.to_arrays().items()}
    tensors |= {f"novelty.{name}": one for name, one in remembered.items()}
    write_folder(folder, KIND, config, tensors, made.card_ or card(made), overwrite)


def read_model(kind: type[Fitted], folder: str | Path) -> Fitted:
    """The potential of a folder, or of a shipped name; raises InputError when there is none, or it is damaged."""
    if Path(folder).is_dir():
        return _read(kind, Path(folder))
    name, names = str(folder), shipped()
    if name not in names:
        some = f", or one of {', '.join(names)}{nearest(name, names)}" if names else ""
        raise InputError(f"there is no model folder {folder}; give one{some}.")
    return _read(kind, _shelf() / name)


def shipped() -> list[str]:
    """Names of the potentials that ship with the suite."""
    shelf = _shelf()
    return sorted(one.name for one in shelf.iterdir() if (one / "config.json").is_file()) if shelf.is_dir() else []


def _shelf() -> Path:
    return Path(str(files(__package__).joinpath("weights")))


def _read(kind: type[Fitted], folder: Path) -> Fitted:
    saved = read_folder(folder, KIND)
    try:
        return _built(kind, saved)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise InputError(f"the model folder {folder} is damaged or of another version ({error!r}).") from error


def _built(kind: type[Fitted], saved: Saved) -> Fitted:
    config = saved.config
    made = kind(
        config["method"], config["delta"], config["seed"], config["coverage"], config["members"],
        promise=config["promise"],
    )  # fmt: skip
    made.elements_, made.frames_fit_ = tuple(config["elements"]), config["frames"]
    made.held_, made.notes_, made.card_ = config["held"], config["notes"], saved.card
    made.data_note_, made.repairs_, made.tested_ = config["data_note"], config["repairs"], config["tested"]
    made.seconds_fit_, made.seconds_calibrate_ = config["seconds_fit"], 0.0
    made.trust_ = None if config["trust"] is None else Trust.from_dict(config["trust"])
    made.parts_ = PartSum(
        [
            known_part(one["kind"]).restore(one["settings"], _under(saved.tensors, f"{place}."))
            for place, one in enumerate(config["parts"])
        ]
    )
    remembered = {name: one.double().numpy() for name, one in _under(saved.tensors, "novelty.").items()}
    made.novelty_ = Novelty.from_arrays(remembered)
    if made.novelty_.elements != made.elements_:
        raise ValueError("remembered surroundings of other elements")
    made.to(torch.float64)
    return made


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
