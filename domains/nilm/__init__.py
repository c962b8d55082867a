"""Non-intrusive load monitoring: the mains of a house in, its appliances out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .collections import open_house
    from .data import read_house, read_mains
    from .house import House
    from .predictor import Disaggregator
    from .simulate import simulate
    from .tariff import Tariff
    from .usage import usage_table

__all__ = [
    "Disaggregator", "House", "Tariff", "open_house", "read_house", "read_mains", "simulate", "usage_table",
]  # fmt: skip

_HOMES = {
    "Disaggregator": ".predictor",
    "House": ".house",
    "Tariff": ".tariff",
    "open_house": ".collections",
    "read_house": ".data",
    "read_mains": ".data",
    "simulate": ".simulate",
    "usage_table": ".usage",
}


def __getattr__(name: str) -> Any:
    """Hand on a name when it is asked for, so that importing the domain costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
