"""Time-series and electricity-load forecasting."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data import LoadData, read_load
    from .many.predictor import ManyLoads
    from .models.hourly import HourlyBinnedRegressor
    from .predictor import LoadForecaster
    from .year.predictor import YearLoad

__all__ = ["HourlyBinnedRegressor", "LoadData", "LoadForecaster", "ManyLoads", "YearLoad", "read_load"]

_HOMES = {
    "HourlyBinnedRegressor": ".models.hourly",
    "LoadData": ".data",
    "LoadForecaster": ".predictor",
    "ManyLoads": ".many.predictor",
    "YearLoad": ".year.predictor",
    "read_load": ".data",
}


def __getattr__(name: str) -> Any:
    """Hand on a name when it is asked for, so that importing the domain costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
