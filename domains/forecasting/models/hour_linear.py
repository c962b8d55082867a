"""A linear forecaster that knows the hour: NLinear with a map of its own for every series and an offset for every hour.

Each series' map is a ridge that shrinks towards the one all series share instead of towards 0, so that few rows borrow
from the rest; how far is chosen on validation. The hour is that of the last known step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor, nn

from .closed_form import Normal, less_last_value, refit, solve, window_gram

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
HOURS = 24
LOUD = 5.0  # value of the hour that it is; large, so that the penalty hardly holds it back
SHRINKS = (10.0, 30.0, 100.0, 300.0)  # pull of a series' map towards the shared one, per window


@dataclass(frozen=True, slots=True)
class HourLinearConfig:
    """Size of an hour-aware linear forecaster."""

    series: int
    lookback: int = 336  # past steps it sees
    horizon: int = 96  # future steps it predicts


class HourLinear(nn.Module):
    """Subtract the last value, map each series linearly, add what the hour adds and the last value."""

    Config = HourLinearConfig

    def __init__(self, config: HourLinearConfig) -> None:
        super().__init__()
        self.config = config
        self.to_future = nn.Parameter(torch.zeros(config.series, config.lookback - 1, config.horizon))
        self.by_hour = nn.Parameter(torch.zeros(HOURS, config.series, config.horizon))

    def forward(self, past: Tensor, marks: Tensor) -> Tensor:
        """Forecast every series by itself.

        past   (batch, series, lookback)
        marks  (batch, mark, lookback), its first mark the hour as hour / 23 - 0.5
        ->     (batch, series, horizon)
        """
        hour = ((marks[:, 0, -1] + 0.5) * (HOURS - 1)).round().long()
        mapped = torch.einsum("bsl,slh->bsh", (past - past[..., -1:])[..., :-1], self.to_future)
        return mapped + self.by_hour[hour] + past[..., -1:]


class SolvedHours(NamedTuple):
    """An hour-aware forecaster solved in closed form."""

    model: HourLinear
    penalty: float  # of the shared map, per window
    shrink: float  # of `SHRINKS`, chosen on validation
    validation_mse: float


def hour_of(marks: Array) -> Rows:
    """The hour 0 to 23 of each row of calendar marks (time, mark)."""
    return np.rint((marks[:, 0] + 0.5) * (HOURS - 1)).astype(np.int64)


def solve_hours(
    config: HourLinearConfig, train: Array, train_hours: Rows, check: Array, check_hours: Rows
) -> SolvedHours:
    """Solve the shared map, then every series' own; penalty and shrinkage are the best on the check windows.

    train, check  (time, series), the check rows with `lookback` rows in front
    hours         (time,) of each
    """
    shared = solve(_pooled(config, train, train_hours), _pooled(config, check, check_hours))
    weights = {shrink: np.empty((config.series, *shared.weight.shape), np.float32) for shrink in SHRINKS}
    errors = dict.fromkeys(SHRINKS, 0.0)
    pairs = zip(_each(config, train, train_hours), _each(config, check, check_hours), strict=True)
    for series, (normal, check_normal) in enumerate(pairs):
        for shrink in SHRINKS:
            weight = _towards(shared.weight, normal, shrink)
            weights[shrink][series] = weight
            errors[shrink] += check_normal.error_of(weight) / config.series
    best = min(errors, key=errors.__getitem__)
    return SolvedHours(_with_weight(config, weights[best]), shared.penalty, best, errors[best])


def refit_hours(solved: SolvedHours, rows: Array, hours: Rows) -> SolvedHours:
    """The same penalty and shrinkage, solved again on other rows."""
    config = solved.model.config
    shared = refit(_pooled(config, rows, hours), solved.penalty)
    own = [_towards(shared, normal, solved.shrink) for normal in _each(config, rows, hours)]
    return solved._replace(model=_with_weight(config, np.stack(own).astype(np.float32)))


def _towards(shared: Array, normal: Normal, shrink: float) -> Array:
    """The ridge solution of one series around the shared map instead of around 0."""
    return shared + refit(normal._replace(xy=normal.xy - normal.xx @ shared), shrink)


def _pooled(config: HourLinearConfig, rows: Array, hours: Rows) -> Normal:
    """Normal equations of all series together."""
    return reduce(lambda one, other: Normal(*map(add, one, other)), _each(config, rows, hours))


def _each(config: HourLinearConfig, rows: Array, hours: Rows) -> Iterator[Normal]:
    """Normal equations of one series after the other: the window less its last value, then the hour, one-hot."""
    window, last = config.lookback + config.horizon, config.lookback - 1
    for x in rows.T:
        gram, count = window_gram(x[:, None], window)
        plain = less_last_value(gram, count, config.lookback)
        views, now = sliding_window_view(x, window), hours[last : last + count]
        sums = np.stack([views[now == hour].sum(0) for hour in range(HOURS)])
        cross = LOUD * np.delete(sums - sums[:, [last]], last, 1)
        counts = np.diag(LOUD**2 * np.bincount(now, minlength=HOURS))
        xx = np.block([[plain.xx, cross[:, :last].T], [cross[:, :last], counts]])
        yield Normal(xx, np.vstack([plain.xy, cross[:, last:]]), plain.yy, count)


def _with_weight(config: HourLinearConfig, weight: NDArray[np.float32]) -> HourLinear:
    model = HourLinear(config)
    with torch.no_grad():
        model.to_future.copy_(torch.from_numpy(weight[:, : config.lookback - 1]))
        model.by_hour.copy_(torch.from_numpy(LOUD * weight[:, config.lookback - 1 :]).transpose(0, 1))
    return model
