"""Symbolic regression of differential equations: measured runs in, formulas out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .predictor import SymbolicODERegressor
    from .reading.data import read_runs
    from .reading.records import record
    from .system import System
    from .trajectory import Trajectory

__all__ = ["SymbolicODERegressor", "System", "Trajectory", "read_runs", "record"]

_HOMES = {
    "SymbolicODERegressor": ".predictor",
    "System": ".system",
    "Trajectory": ".trajectory",
    "read_runs": ".reading.data",
    "record": ".reading.records",
}


def __getattr__(name: str) -> Any:
    """Hand on a name when it is asked for, so that importing the domain costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
