"""`ridge-blend`: closed-form linear forecasters of several lookbacks, blended by weights fitted on validation.

Every member takes the last value out of its window: validation rows may lie near the train mean by chance and would
then prefer members without that, which fail later. For each lookback there is one map for all series, its train
windows weighted by their variance or not, and one for each series with the hour of day. The best shared map is refined
for the mean absolute error. A blend of linear maps is itself one linear map.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ....shared.learning.config import TrainingConfig
from ..models.blend import blended, block_weights
from ..models.hour_linear import HourLinear, HourLinearConfig, hour_of, refit_hours, solve_hours
from ..models.linear import LinearConfig, NLinear, Solved, refit_linear, solve_linear
from ..training import as_long_as, fit_by_gradient, forecast_all, mean_absolute
from .protocol import Floats
from .setting import Fitted, Setting

PARTS = (1 / 2, 2 / 3, 5 / 6, 1.0)  # lookbacks of the members, of the longest
BLOCKS = 4  # of the horizon, each with weights of its own
SHRINKS = (0.02, 0.1, 0.5, 100.0)  # pull of the weights towards equal ones; the last leaves nothing else
MOST_VALUES = 2_000_000  # forecast values of a member that the weights are fitted on
MOST_ROWS = 64_000  # windows times series that an epoch of refining sees
MOST_WEIGHTS = 60_000_000  # a map for each series larger than this is left out
REFINING = TrainingConfig(4, 64, 2e-4, "adam", schedule="cosine")


class Member(NamedTuple):
    """A fitted member, and how it is fitted again on train and validation."""

    name: str
    model: nn.Module
    again: Callable[[], nn.Module]


class Blend(nn.Module):
    """Weighted sum of forecasters whose lookbacks differ; (batch, series, lookback) -> (batch, series, horizon)."""

    weights: Tensor

    def __init__(self, members: list[nn.Module], weights: Tensor) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.lookbacks: list[int] = [member.config.lookback for member in members]  # type: ignore[union-attr, misc]
        self.register_buffer("weights", weights)  # (member, horizon)

    def forward(self, past: Tensor, marks: Tensor | None = None) -> Tensor:
        """Each member sees the last of its own lookback; marks as `HourLinear` takes them."""
        answer = past.new_zeros(())
        for member, lookback, weight in zip(self.members, self.lookbacks, self.weights, strict=True):
            given = (marks,) if isinstance(member, HourLinear) else ()
            answer = answer + weight * member(past[..., -lookback:], *given)
        return answer


def fit_ridge_blend(setting: Setting) -> Fitted:
    """Solve all members, fit the weights on validation forecasts; `setting.lookback` is the longest lookback.

    The validation error that is told is that of weights fitted on the other half of validation. A refit solves the
    members again on train and validation and keeps the weights.
    """
    marks, members = _has_hours(setting), _members(setting)
    most = max(2, MOST_VALUES // (setting.case.values.shape[1] * setting.horizon))
    data = setting.windows("validation", marks, most)
    truth = data.batch(torch.arange(len(data))).future.numpy().swapaxes(1, 2)
    alone = [Blend([member.model], torch.ones(1, setting.horizon)) for member in members]
    forecasts = np.stack([forecast_all(one, data).numpy().swapaxes(1, 2) for one in alone])
    shrink, crossed_mse = choose_shrink(forecasts, truth)
    weights = block_weights(forecasts, truth, BLOCKS, shrink=shrink)
    firsts = [part[0] for part in np.array_split(np.arange(setting.horizon), min(BLOCKS, setting.horizon))]
    shown = {one.name: [round(float(w), 3) for w in row[firsts]] for one, row in zip(members, weights, strict=True)}

    used = np.flatnonzero(weights.any(1))
    models = [members[one].again() if setting.refit else members[one].model for one in used]
    model = Blend(models, torch.from_numpy(weights[used]).float())
    parameters = sum(parameter.numel() for parameter in model.parameters())
    choice: dict[str, Any] = {"shrink": shrink, "weights_by_block": shown}
    return Fitted(lambda windows: forecast_all(model, windows), parameters, marks, crossed_mse, choice)


def _members(setting: Setting) -> list[Member]:
    """All members, fitted on the train rows."""
    lookbacks = sorted({max(2, round(setting.lookback * part)) for part in PARTS})
    settings = [replace(setting, lookback=lookback) for lookback in lookbacks]
    shared = [_best_shared(one) for one in settings]
    members = [_shared_member(*pair) for pair in zip(settings, shared, strict=True)]
    if _has_hours(setting):
        members += [_hour_member(one) for one in settings]
    best = min(zip(settings, shared, strict=True), key=lambda pair: pair[1].validation_mse)
    return [*members, _refined_member(*best)]


class Crossed(NamedTuple):
    """A pull towards equal weights and what it is worth."""

    shrink: float
    mse: float  # of each half of validation under the weights of the other


def choose_shrink(forecasts: Floats, truth: Floats) -> Crossed:
    """The pull under which weights of one half of validation do best on the other half.

    forecasts (member, window, step, series), truth (window, step, series)
    """
    half = len(truth) // 2 or None  # one window is both halves
    halves = (slice(0, half), slice(half, None))

    def crossed(shrink: float) -> Crossed:
        squares = 0.0
        for here, there in (halves, halves[::-1]):
            weights = block_weights(forecasts[:, here], truth[here], BLOCKS, shrink=shrink)
            squares += float(np.square(blended(forecasts[:, there], weights) - truth[there]).sum())
        return Crossed(shrink, squares / truth.size)

    return min((crossed(shrink) for shrink in SHRINKS), key=lambda one: one.mse)


def _best_shared(setting: Setting) -> Solved:
    config = LinearConfig(setting.lookback, setting.horizon)
    rows = setting.values("train"), setting.values("validation")
    solved = [solve_linear(NLinear, config, *rows, weighted) for weighted in (False, True)]
    return min(solved, key=lambda one: one.validation_mse)


def _shared_member(setting: Setting, solved: Solved) -> Member:
    name = f"{'weighted' if solved.weighted else 'plain'} {setting.lookback}"
    return Member(name, solved.model, lambda: refit_linear(solved, setting.values("known")).model)


def _hour_member(setting: Setting) -> Member:
    hours, (train, check, known) = hour_of(setting.case.marks), map(setting.rows, ("train", "validation", "known"))
    values = setting.case.values
    config = HourLinearConfig(values.shape[1], setting.lookback, setting.horizon)
    solved = solve_hours(config, values[train], hours[train], values[check], hours[check])
    return Member(
        f"hour {setting.lookback}", solved.model, lambda: refit_hours(solved, values[known], hours[known]).model
    )


def _refined_member(setting: Setting, solved: Solved) -> Member:
    """The shared map trained on for a few epochs by the mean absolute error; the best epoch by squared error stays."""
    most = max(1, MOST_ROWS // setting.case.values.shape[1])

    def refined(start: Solved, part: str, config: TrainingConfig, check: bool) -> tuple[nn.Module, TrainingConfig]:
        model = NLinear(start.model.config)
        model.load_state_dict(start.model.state_dict())
        model.to_future.bias.requires_grad_(False)
        outcome = fit_by_gradient(
            model,
            setting.windows(part, most=most),
            setting.windows("validation", most=most) if check else None,
            config,
            loss=mean_absolute,
            device=setting.device,
            progress=setting.progress,
        )
        return model.cpu(), as_long_as(config, outcome)

    model, found = refined(solved, "train", REFINING, check=True)
    return Member(
        f"absolute {setting.lookback}",
        model,
        lambda: refined(refit_linear(solved, setting.values("known")), "known", found, check=False)[0],
    )


def _has_hours(setting: Setting) -> bool:
    """Whether rows are hours or less apart and a map for each series is not too large."""
    weights = setting.case.values.shape[1] * setting.lookback * setting.horizon
    return len(np.unique(hour_of(setting.case.marks))) > 1 and weights <= MOST_WEIGHTS
