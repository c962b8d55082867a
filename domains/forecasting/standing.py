"""How a fitted model stands: its intervals learn from what came true, and an error out of its usual band is drift."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .intervals import own_distances
from .load_model import Floats, Rows, origins_in, unbridged

if TYPE_CHECKING:
    from .predictor import LoadForecaster

RECENT = 7  # forecasts whose mean error is compared with the usual
BAND = 0.99  # share of such means in the backtest that were lower


class Usual(NamedTuple):
    """The error to expect, from the backtest of the model."""

    means: Floats  # (n,), mean scaled error of `RECENT` forecasts in a row
    scale: Floats  # (target,), by which errors are divided

    @property
    def limit(self) -> float:
        """The upper end of the usual band."""
        return float(np.quantile(self.means, BAND))


class Standing(NamedTuple):
    """What newer history says of a model."""

    learnt: int  # forecasts that the intervals learnt from
    judged: int  # forecasts after the fit whose mean error was compared, 0 when there are fewer than `RECENT`
    ratio: float  # that mean error over the usual one (the median of the backtest), NaN when none was judged
    limit: float  # the ratio above which the model has drifted
    drifted: bool

    def __str__(self) -> str:
        if not self.judged:
            return f"fewer than {RECENT} forecasts came true since the fit: too few to judge the model by"
        said = f"the last {self.judged} forecasts were off by {self.ratio:.2f} times the usual error"
        if self.drifted:
            return f"{said}, beyond {self.limit:.2f}, the end of its band: the load has changed; fit the model again"
        return f"{said}, inside its band (up to {self.limit:.2f})"


def usual_errors(one: Backtest, data: LoadData, parts: Parts, scale: Floats) -> Usual:
    """From the forecasts of validation and test; scale (target,)."""
    found = [
        scaled_errors(forecast, data, origins, scale)
        for forecast, origins in ((one.validation, parts.validation_origins), (one.test, parts.test_origins))
    ]
    means = [np.convolve(errors, np.full(RECENT, 1 / RECENT), "valid") for errors in found if len(errors) >= RECENT]
    return Usual(np.concatenate(means), scale)


def scaled_errors(forecast: Floats, data: LoadData, origins: Rows, scale: Floats) -> Floats:
    """Mean of |error| / scale over measured steps and targets; (origin, step, target) -> (origin with any,)."""
    truth, real = truth_at(data, origins, forecast.shape[1])
    error, count = np.where(real, np.abs(forecast - truth) / scale, 0.0), real.sum((1, 2))
    return np.asarray((error.sum((1, 2)) / np.maximum(count, 1))[count > 0])


def learn_from(forecaster: "LoadForecaster", data: LoadData) -> Standing:
    """Let the intervals learn from every forecast whose truth is whole and that they have not learnt from yet."""
    origins = _origins(forecaster, data)
    fresh = origins[data.times[origins] > forecaster.learnt_until_]
    if len(fresh):
        steps, stride = forecaster.horizon_, min(steps_a_day(data), forecaster.horizon_)
        point = forecaster.model_.predict(data, fresh)
        distance = own_distances(forecaster.model_, data, fresh, point, forecaster.coverages_)
        truth, real = truth_at(data, fresh, steps)
        for window in zip(truth, point, distance, real, strict=True):
            forecaster.intervals_.learn(*window)
        forecaster.learnt_until_ = data.times[fresh[-1] + stride - 1]
    return standing(forecaster, data)._replace(learnt=len(fresh))


def standing(forecaster: "LoadForecaster", data: LoadData) -> Standing:
    """Compare the error of the last forecasts after the fit with the usual; nothing is learnt."""
    usual = forecaster.usual_
    middle = float(np.median(usual.means)) or 1.0
    limit = usual.limit / middle
    latest = _origins(forecaster, data)[-RECENT:]
    if len(latest) < RECENT:
        return Standing(0, 0, np.nan, limit, False)
    errors = scaled_errors(forecaster.model_.predict(data, latest), data, latest, usual.scale)
    ratio = float(errors.mean()) / middle
    return Standing(0, len(errors), ratio, limit, ratio > limit)


def _origins(forecaster: "LoadForecaster", data: LoadData) -> Rows:
    """Origins after the fit whose truth is whole, at the time of day at which the model's forecasts start."""
    fitted_until = pd.Timestamp(forecaster.layout_.fitted_until)
    fresh = slice(int(data.times.searchsorted(fitted_until, side="right")), data.known)
    stride = min(steps_a_day(data), forecaster.horizon_)
    needs = forecaster.model_.needs(data)
    return unbridged(data, origins_in(fresh, forecaster.horizon_, stride, start_phase(forecaster, data), needs))


def start_phase(forecaster: "LoadForecaster", data: LoadData) -> int:
    """A row of this table that stands at the time of day at which the model's forecasts start."""
    start = pd.Timestamp(forecaster.layout_.fitted_until) + data.step
    return int(round((start - data.times[0]) / data.step) % steps_a_day(data))
