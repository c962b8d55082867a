"""The candidates of a load forecast by name, and the list of systems that `labformer models` prints."""

from collections.abc import Callable
from typing import NamedTuple

from ...shared.errors import InputError
from .baselines import LastValue, SeasonalNaiveDay, SeasonalNaiveWeek
from .gradient_load import DLinearLoad, ITransformerLoad, Run
from .hourly_load import HourlyBoosting
from .linear_load import NLinearRidge
from .load_model import LoadModel


class Size(NamedTuple):
    """What every candidate is built from; each takes what concerns it."""

    horizon: int  # steps
    lookback: int | None = None  # steps; None lets the model decide
    seed: int = 0
    run: Run = Run()


LOAD_MODELS: dict[str, Callable[[Size], LoadModel]] = {
    "last-value": lambda size: LastValue(size.horizon),
    "seasonal-naive-day": lambda size: SeasonalNaiveDay(size.horizon),
    "seasonal-naive-week": lambda size: SeasonalNaiveWeek(size.horizon),
    "nlinear-ridge": lambda size: NLinearRidge(size.horizon, size.lookback),
    "dlinear": lambda size: DLinearLoad(size.horizon, size.lookback, size.seed, size.run),
    "hourly-boosting": lambda size: HourlyBoosting(size.horizon, seed=size.seed),
    "itransformer": lambda size: ITransformerLoad(size.horizon, size.lookback, size.seed, size.run),
}
BASELINES = ("last-value", "seasonal-naive-day", "seasonal-naive-week")


def load_model(name: str, size: Size) -> LoadModel:
    """Build a candidate by name; raises InputError with the names there are."""
    try:
        return LOAD_MODELS[name](size)
    except KeyError:
        raise InputError(f"no model named {name!r}; known: {', '.join(LOAD_MODELS)}.") from None
