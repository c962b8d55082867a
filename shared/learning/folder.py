"""A saved model: a folder of `config.json`, `model.safetensors` and `card.md`, never a pickle."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ... import __version__
from ..errors import InputError
from ..writing import whole_folder

Model = TypeVar("Model", bound=nn.Module)
Config = TypeVar("Config")


class Saved(NamedTuple):
    """What a model folder holds."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    card: str


def write_folder(
    folder: str | Path, kind: str, config: Any, tensors: Mapping[str, Tensor], card: str, overwrite: bool = False
) -> None:
    """Write a model folder, whole or not at all.

    kind     name of the class that can read it back
    config   a dataclass or a dictionary of plain values (nested as JSON allows)
    tensors  by name; shared or strided ones are stored as plain copies
    card     Markdown for people: data, licence, seed, metrics, units, time to train, when not to use it

    Raises InputError when `folder` exists and `overwrite` is false.
    """
    plain = dataclasses.asdict(config) if dataclasses.is_dataclass(config) else config  # type: ignore[arg-type]
    about = {"class": kind, "config": plain, "labformer": __version__}
    with whole_folder(folder, overwrite) as partial:
        (partial / "config.json").write_text(json.dumps(about, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        copies = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
        }
        (partial / "model.safetensors").write_bytes(save(copies))  # save_file hides it from everyone but the writer
        (partial / "card.md").write_text(card.rstrip() + "\n", encoding="utf-8")


def read_folder(folder: str | Path, kind: str) -> Saved:
    """What `write_folder` stored for a `kind`.

    Raises InputError when the folder or one of its files is missing or damaged, or holds another class.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no model folder {folder}; give the folder that save_pretrained wrote.")
    for name in ("config.json", "model.safetensors", "card.md"):
        if not (folder / name).is_file():
            raise InputError(f"{folder} is not a whole model folder: {name} is missing; save the model again.")
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found, config = about["class"], dict(about["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / 'config.json'} is damaged ({error}); save the model again.") from error
    if found != kind:
        raise InputError(f"{folder} holds a {found}, not a {kind}; load it with {found}.from_pretrained.")
    try:
        tensors = load_file(folder / "model.safetensors")
    except (SafetensorError, OSError) as error:
        raise InputError(f"{folder / 'model.safetensors'} is damaged ({error}); save the model again.") from error
    return Saved(config, tensors, (folder / "card.md").read_text(encoding="utf-8"))


def save_pretrained(model: nn.Module, folder: str | Path, card: str, overwrite: bool = False) -> None:
    """Write a model that was built from a config dataclass, `model.config`, and nothing else."""
    write_folder(folder, type(model).__name__, model.config, model.state_dict(), card, overwrite)


def from_pretrained(kind: type[Model], folder: str | Path) -> Model:
    """The model of class `kind` (with its dataclass as `kind.Config`) that `save_pretrained` wrote, ready to predict.

    Raises InputError as `read_folder` does, and when config or weights do not fit the class.
    """
    saved = read_folder(folder, kind.__name__)
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn and thrown away: leave no trace
        model = kind(rebuild_config(kind.Config, saved.config, folder))  # type: ignore[attr-defined]
    try:
        model.load_state_dict(saved.tensors)
    except RuntimeError as error:
        raise InputError(f"the weights in {folder} do not fit its config ({error}); save the model again.") from error
    return model.eval()


def rebuild_config(kind: type[Config], values: Mapping[str, Any], where: str | Path) -> Config:
    """A config dataclass from JSON values: lists become tuples, nested dataclasses are rebuilt.

    Raises InputError, naming the place `where`, for unknown or missing fields and for values the class refuses.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"the config in {where} has {values!r} where the fields of {kind.__name__} should stand.")
    hints = get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise InputError(
            f"the config in {where} has unknown field(s) {unknown} for {kind.__name__}: another version wrote it."
        )
    built = {
        name: rebuild_config(hints[name], value, where) if dataclasses.is_dataclass(hints[name]) else _frozen(value)
        for name, value in values.items()
    }
    try:
        return kind(**built)
    except (TypeError, ValueError) as error:
        raise InputError(f"the config in {where} does not make a {kind.__name__}: {error}") from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
