"""NLinear and DLinear (Zeng et al. 2023, "Are Transformers Effective for Time Series Forecasting?", section 4).

One linear map from a series' past to its future, shared by all series. Both are trained by gradients as published or
solved exactly (`closed_form.py`); the weights live in the same modules either way.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .closed_form import Normal, less_last_value, normal_equations, refit, solve, window_gram
from .weighted import weighted_normal


@dataclass(frozen=True, slots=True)
class LinearConfig:
    """Size of a linear forecaster."""

    lookback: int = 336  # past steps it sees
    horizon: int = 96  # future steps it predicts
    kernel: int = 25  # steps of the moving average that DLinear calls the trend; odd

    def __post_init__(self) -> None:
        if self.lookback < 2 or self.horizon < 1:
            raise ValueError(f"lookback={self.lookback} must be at least 2 and horizon={self.horizon} at least 1.")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} must be odd, such as {self.kernel + 1}.")


class NLinear(nn.Module):
    """Subtract the last value, map linearly, add it back; (batch, series, lookback) -> (batch, series, horizon)."""

    Config = LinearConfig

    def __init__(self, config: LinearConfig = LinearConfig()) -> None:
        super().__init__()
        self.config = config
        self.to_future = nn.Linear(config.lookback, config.horizon)

    def forward(self, past: Tensor) -> Tensor:
        """Forecast every series by itself."""
        last = past[..., -1:].detach()
        forecast: Tensor = self.to_future(past - last) + last
        return forecast


class DLinear(nn.Module):
    """Separate linear maps for trend and remainder; (batch, series, lookback) -> (batch, series, horizon)."""

    Config = LinearConfig

    def __init__(self, config: LinearConfig = LinearConfig()) -> None:
        super().__init__()
        self.config = config
        self.from_remainder = nn.Linear(config.lookback, config.horizon)
        self.from_trend = nn.Linear(config.lookback, config.horizon)

    def forward(self, past: Tensor) -> Tensor:
        """Forecast every series by itself."""
        trend = moving_average(past, self.config.kernel)
        forecast: Tensor = self.from_remainder(past - trend) + self.from_trend(trend)
        return forecast


def moving_average(x: Tensor, kernel: int) -> Tensor:
    """Centred mean of `kernel` steps, the ends repeated (spec of Autoformer, section 3.1); (..., time) -> same."""
    reach = (kernel - 1) // 2
    padded = F.pad(x.flatten(0, -2), (reach, reach), mode="replicate")
    return F.avg_pool1d(padded, kernel, stride=1).view_as(x)


class Solved(NamedTuple):
    """A linear forecaster solved in closed form."""

    model: NLinear | DLinear
    penalty: float  # ridge penalty per window, chosen on validation
    validation_mse: float
    weighted: bool = False


def solve_linear(
    kind: type[NLinear] | type[DLinear],
    config: LinearConfig,
    train: NDArray[np.float64],
    validation: NDArray[np.float64],
    weighted: bool = False,
) -> Solved:
    """Ridge regression over all windows of all series, its penalty chosen on the validation windows.

    train       (time, series), standardised
    validation  (time, series), with `lookback` rows in front so that its first forecast starts at the border
    weighted    training windows of NLinear count by `variance_weights`, so that wild ones do not rule

    The bias of NLinear stays 0: what is added to the last value should be 0 for a flat window. DLinear's intercept
    is not penalised. Both choices keep the forecast equivariant to a shift of the whole series.
    """
    free = _free(kind)
    ridge = solve(_normal(kind, config, train, weighted), _normal(kind, config, validation), free)
    return Solved(_with_weight(kind, config, ridge.weight), ridge.penalty, ridge.validation_mse, weighted)


def refit_linear(solved: Solved, rows: NDArray[np.float64]) -> Solved:
    """The same forecaster and penalty, solved again on other rows (time, series): train and validation together."""
    kind, config = type(solved.model), solved.model.config
    weight = refit(_normal(kind, config, rows, solved.weighted), solved.penalty, _free(kind))
    return solved._replace(model=_with_weight(kind, config, weight))


def _free(kind: type[NLinear] | type[DLinear]) -> int:
    """Features without a penalty."""
    return int(kind is DLinear)


def _normal(
    kind: type[NLinear] | type[DLinear], config: LinearConfig, rows: NDArray[np.float64], weighted: bool = False
) -> Normal:
    """Normal equations of all windows of the rows."""
    lookback, window = config.lookback, config.lookback + config.horizon
    if weighted:
        if kind is not NLinear:
            raise ValueError("only windows of NLinear can be weighted.")
        return weighted_normal(rows, lookback, config.horizon)
    gram, count = window_gram(rows, window)
    if kind is NLinear:
        return less_last_value(gram, count, lookback)
    identity = np.eye(window + 1)
    trend = np.zeros((lookback, window + 1))
    trend[:, :lookback] = moving_average(torch.eye(lookback, dtype=torch.float64), config.kernel).numpy().T
    features = np.vstack([identity[:lookback] - trend, trend, identity[-1:]])
    return normal_equations(gram, count, features, identity[lookback:window])


def _with_weight(
    kind: type[NLinear] | type[DLinear], config: LinearConfig, weight: NDArray[np.float64]
) -> NLinear | DLinear:
    model = kind(config)
    solved = torch.from_numpy(np.ascontiguousarray(weight.T)).float()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        if isinstance(model, NLinear):
            model.to_future.weight[:, :-1] = solved
        else:
            model.from_remainder.weight.copy_(solved[:, : config.lookback])
            model.from_trend.weight.copy_(solved[:, config.lookback : -1])
            model.from_remainder.bias.copy_(solved[:, -1])
    return model
