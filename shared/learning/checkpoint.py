"""Checkpoints: the whole state of a run in one file, written atomically and read without running any pickle."""

from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..writing import whole_file


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Store tensors, numbers, strings and containers of them; a crash leaves the former file."""
    with whole_file(path, overwrite=True) as partial:
        torch.save(state, partial)


def read_checkpoint(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """What `write_checkpoint` stored, on the CPU.

    Raises InputError when the file is damaged, is no checkpoint, or its "identity" differs from the one given.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = state["identity"]
    except Exception as error:  # torch raises half a dozen kinds for a damaged archive
        raise InputError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}); delete it to start the run anew."
        ) from error
    for name in {**found, **identity}:
        if found.get(name) != identity.get(name):
            raise InputError(
                f"the checkpoint {path} is of another run: {name} is {found.get(name)} there and "
                f"{identity.get(name)} here; choose another folder, or delete it to start anew."
            )
    return dict(state)
