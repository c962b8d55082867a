"""The candidates of a load forecast by name, and the list of systems that `labformer models` prints."""

from collections.abc import Callable
from typing import NamedTuple

from ...shared.errors import InputError
from .baselines import LastValue, SeasonalNaiveDay, SeasonalNaiveWeek
from .blend_load import BlendLoad
from .gradient_load import DLinearLoad, ITransformerLoad, Run, SAMformerLoad
from .linear_load import NLinearRidge
from .load_model import LoadModel
from .regression_load import BoostingLoad, HourlyBoostingLoad, NetworkLoad, SplineRidgeLoad

BLEND = BlendLoad.name


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
    "spline-ridge": lambda size: SplineRidgeLoad(size.horizon, size.seed),
    "hourly-boosting": lambda size: HourlyBoostingLoad(size.horizon, size.seed),
    "boosting": lambda size: BoostingLoad(size.horizon, size.seed),
    "load-network": lambda size: NetworkLoad(size.horizon, size.seed, size.run),
    "itransformer": lambda size: ITransformerLoad(size.horizon, size.lookback, size.seed, size.run),
    "samformer": lambda size: SAMformerLoad(size.horizon, size.lookback, size.seed, size.run),
    BLEND: lambda size: BlendLoad(size.horizon),  # of the other models that are named; see `blend_of`
}
DEFAULT = ("seasonal-naive-week", "nlinear-ridge", "spline-ridge", "boosting", "load-network", "itransformer", BLEND)
BASELINES = ("last-value", "seasonal-naive-day", "seasonal-naive-week")


def load_model(name: str, size: Size) -> LoadModel:
    """Build a candidate by name; raises InputError with the names there are."""
    try:
        return LOAD_MODELS[name](size)
    except KeyError:
        raise InputError(f"no model named {name!r}; known: {', '.join(LOAD_MODELS)}.") from None
