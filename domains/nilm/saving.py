"""A fitted disaggregator as a folder, and back; the models that ship with the suite, by name."""

import dataclasses
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import torch

from ...shared.errors import InputError
from ...shared.learning.folder import read_folder, write_folder
from .answer import ApplianceBands
from .appliances import APPLIANCES
from .card import card
from .intervals import Bands
from .metrics import Score
from .registry import BLEND, entry

if TYPE_CHECKING:
    from .predictor import Disaggregator

Fitted = TypeVar("Fitted", bound="Disaggregator")
KIND = "Disaggregator"
ALL = "all"  # every model that ships, together


def write_model(made: "Disaggregator", folder: str | Path, overwrite: bool) -> None:
    """Write `config.json`, `model.safetensors` and `card.md`; raises InputError when the folder exists."""
    parts = sorted({part for model in made.chosen_.values() for part in made.parts(model)})
    config = {
        "appliances": list(made.chosen_), "models": [name for name in made.models if name in (*parts, BLEND)],
        "coverage": made.coverage, "seed": made.seed, "step": str(made.step_), "houses": made.houses_,
        "held": made.held_,
        "chosen": made.chosen_, "thresholds": made.thresholds_, "counted": made.counted_,
        "trust": made.trust_,
        "bands": {
            name: {at: one.to_dict() for at, one in found._asdict().items()} for name, found in made.bands_.items()
        },
        "validation": {
            name: _plain(made.validation_scores_[model][name]) for name, model in made.chosen_.items()
        },
        "apart": {name: _plain(score) for name, score in made.apart_scores_.items()},
    }  # fmt: skip
    tensors = {
        f"{part}|{name}": torch.from_numpy(np.ascontiguousarray(array))
        for part in parts
        for name, array in kept(made.members_[part], list(made.chosen_)).to_arrays().items()
    }
    write_folder(folder, KIND, config, tensors, made.card_ or card(made), overwrite)


def kept(member: Any, names: list[str]) -> Any:
    """The part of a member that these appliances need, where it can be parted."""
    return member.only(names) if hasattr(member, "only") else member


def read_model(kind: type[Fitted], folder: str | Path) -> Fitted:
    """The disaggregator of a folder, or of a shipped name; raises InputError when there is none, or it is damaged."""
    if Path(folder).is_dir():
        return _read(kind, Path(folder))
    name, names = str(folder).replace("-", "_"), shipped()
    if not names or name not in (*names, ALL):
        some = f", or one of {', '.join((*names, ALL))}" if names else ""
        raise InputError(f"there is no model folder {folder}; give one{some}.")
    made = _joined(kind) if name == ALL else _read(kind, _shelf() / name)
    made.coarser_ = {pd.Timedelta(one): _shelf() / one for one in _folders() if one not in names}
    return made


def shipped() -> list[str]:
    """Names of the models that ship with the suite, for readings of a minute or finer."""
    return [one for one in _folders() if one in APPLIANCES]


def _folders() -> list[str]:
    """What ships: models of one appliance by its name, and of all appliances by a step longer than a minute."""
    shelf = _shelf()
    return sorted(one.name for one in shelf.iterdir() if (one / "config.json").is_file()) if shelf.is_dir() else []


def _shelf() -> Path:
    return Path(str(files(__package__).joinpath("weights")))


def _read(kind: type[Fitted], folder: Path) -> Fitted:
    saved = read_folder(folder, KIND)
    config = saved.config
    try:
        made = kind(config["appliances"], config["models"], config["coverage"], config["seed"])
        made.step_, made.houses_ = pd.Timedelta(config["step"]), config["houses"]
        made.held_, made.card_ = config["held"], saved.card
        made.chosen_, made.thresholds_, made.trust_ = config["chosen"], config["thresholds"], config["trust"]
        made.counted_ = config["counted"]
        made.bands_ = {
            name: ApplianceBands(**{at: Bands.from_dict(one) for at, one in found.items()})
            for name, found in config["bands"].items()
        }
        made.validation_scores_ = {}
        for name, model in made.chosen_.items():
            made.validation_scores_.setdefault(model, {})[name] = _score(config["validation"][name])
        made.apart_scores_ = {name: _score(found) for name, found in config["apart"].items()}
        parts = [name for name in made.models if name != BLEND]  # in the order in which a blend adds them
        if set(parts) != {name.split("|", 1)[0] for name in saved.tensors}:
            raise KeyError("weights of another model")
        made.members_ = {
            part: entry(part).read(
                {
                    name.split("|", 1)[1]: one.numpy()
                    for name, one in saved.tensors.items()
                    if name.startswith(f"{part}|")
                }
            )
            for part in parts
        }
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise InputError(f"the model folder {folder} is damaged or of another version ({error!r}).") from error
    return made


def _joined(kind: type[Fitted]) -> Fitted:
    """Everything that ships, as one; members that share what they know are asked once."""
    found = [_read(kind, _shelf() / name) for name in shipped()]
    whole = found[0]
    for one in found[1:]:
        for by_appliance in ("chosen_", "thresholds_", "counted_", "trust_", "bands_", "apart_scores_"):
            setattr(whole, by_appliance, {**getattr(whole, by_appliance), **getattr(one, by_appliance)})
        for model, scores in one.validation_scores_.items():
            whole.validation_scores_[model] = {**whole.validation_scores_.get(model, {}), **scores}
        for part, member in one.members_.items():
            mine: Any = whole.members_.get(part)
            whole.members_[part] = member if mine is None else mine.with_those_of(member)
        whole.houses_ = list(dict.fromkeys([*whole.houses_, *one.houses_]))
        whole.models = list(dict.fromkeys([*whole.models, *one.models]))
    whole.appliances, whole.card_ = list(whole.chosen_), ""
    return whole


def _score(plain: dict[str, float | None]) -> Score:
    return Score(**{name: float("nan") if value is None else value for name, value in plain.items()})


def _plain(score: Score) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in dataclasses.asdict(score).items()}
