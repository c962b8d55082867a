"""Interatomic potentials: frames with energies and forces in, a tested ASE calculator out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calculator import LabformerCalculator
    from .frame import Frame
    from .predictor import InteratomicPotential
    from .reading.door import read_frames
    from .reading.sets import load_set

__all__ = ["Frame", "InteratomicPotential", "LabformerCalculator", "load_set", "read_frames"]

_HOMES = {
    "Frame": ".frame",
    "InteratomicPotential": ".predictor",
    "LabformerCalculator": ".calculator",
    "load_set": ".reading.sets",
    "read_frames": ".reading.door",
}


def __getattr__(name: str) -> Any:
    """Hand on a name when it is asked for, so that importing the domain costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
