"""The blend of the candidates: a convex combination whose weights come from their forecasts of the validation part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, LoadModel, Rows, Saved
from .models.blend import blended, block_weights

WORST = 1.5  # a member's validation error over that of the best; worse ones would only add noise to the weights
LEAST = 0.05  # mean weight of a member that is kept: fewer members are faster and easier to explain
FOLDS = 4  # stretches of validation; each is scored by weights fitted on the others
STEPS_A_BLOCK = 6  # hours of the horizon that share their weights


@dataclass
class BlendLoad:
    """Members and their weights at each step of the horizon; both are set by `blend_of`."""

    horizon: int
    members: Sequence[LoadModel] = ()
    weights: Floats | None = None  # (member, step), each column on the simplex
    name: ClassVar[str] = "blend"
    is_transformer: ClassVar[bool] = False

    @property
    def uses_covariates(self) -> bool:
        """As soon as one member does."""
        return any(member.uses_covariates for member in self.members)

    def needs(self, data: LoadData) -> int:
        """Of the hungriest member."""
        return max((member.needs(data) for member in self.members), default=1)

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Fit the members; the weights stay."""
        for member in self.members:
            member.fit(data, train, validation)

    def refit(self, data: LoadData, rows: slice) -> None:
        """Refit the members."""
        for member in self.members:
            member.refit(data, rows)

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        assert self.weights is not None
        return blended(np.stack([member.predict(data, origins) for member in self.members]), self.weights)

    def quantiles(self, data: LoadData, origins: Rows, levels: Sequence[float]) -> Floats | None:
        """Quantiles of the members that have any, moved to the blend's point; (origin, horizon, target, level)."""
        assert self.weights is not None
        if not any(hasattr(member, "quantiles") for member in self.members):
            return None
        point, spread, share = 0.0, 0.0, 0.0
        for member, weight in zip(self.members, self.weights, strict=True):
            own = member.predict(data, origins)
            point = point + weight[:, None] * own
            if hasattr(member, "quantiles"):
                least = np.maximum(weight, 1e-6)[:, None, None]
                spread = spread + least * (member.quantiles(data, origins, levels) - own[..., None])
                share = share + least
        return np.asarray(np.asarray(point)[..., None] + spread / share)

    def parameters(self) -> int:
        """Of all members."""
        return sum(member.parameters() for member in self.members)

    def saved(self) -> Saved:
        """Members by name, each with its own values and arrays."""
        assert self.weights is not None
        parts = [member.saved() for member in self.members]
        config = {
            "members": [member.name for member in self.members],
            "configs": [part.config for part in parts],
        }
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights}
        for member, part in zip(self.members, parts, strict=True):
            arrays |= {f"{member.name}/{name}": array for name, array in part.arrays.items()}
        return Saved(config, arrays)

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""
        from .registry import Size, load_model

        self.weights = np.array(arrays["weights"])
        self.members = [load_model(name, Size(self.horizon)) for name in config["members"]]
        for member, plain in zip(self.members, config["configs"], strict=True):
            prefix = f"{member.name}/"
            member.load(plain, {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})

    def shares(self) -> dict[str, float]:
        """Mean weight of each member over the horizon."""
        assert self.weights is not None
        return {member.name: float(weight.mean()) for member, weight in zip(self.members, self.weights, strict=True)}


def blend_of(
    backtests: Mapping[str, Backtest], names: Sequence[str], data: LoadData, parts: Parts, scale: Floats
) -> Backtest | None:
    """The backtest of the blend of these models; None where no two of them belong together.

    scale  (target,), by which errors of different targets are compared
    Its validation forecasts are made by weights that were fitted on other stretches of validation, so that the blend is
    not chosen for what it was fitted on.
    """
    truth, real = truth_at(data, parts.validation_origins, next(iter(backtests.values())).validation.shape[1])
    truth = truth / scale
    errors = {
        name: float(np.abs(np.where(real, backtests[name].validation / scale - truth, 0)).sum() / real.sum())
        for name in dict.fromkeys(names)
    }
    kept = [name for name, error in errors.items() if error <= WORST * min(errors.values())]
    blocks = max(1, round(truth.shape[1] * 24 / (steps_a_day(data) * STEPS_A_BLOCK)))

    def weights_on(rows: NDArray[np.bool_]) -> Floats:
        forecasts = np.stack([backtests[name].validation[rows] / scale for name in kept])
        return block_weights(forecasts, truth[rows], blocks, real[rows])

    everything = np.ones(len(truth), bool)
    kept = [name for name, weight in zip(kept, weights_on(everything), strict=True) if weight.mean() >= LEAST]
    if len(kept) < 2:
        return None
    fold = np.arange(len(truth)) * FOLDS // len(truth)
    checked = np.empty_like(truth)
    members = [backtests[name] for name in kept]
    for number in range(FOLDS):
        own = fold == number
        checked[own] = blended(np.stack([one.validation[own] for one in members]), weights_on(~own))
    weights = weights_on(everything)
    model = BlendLoad(truth.shape[1], [one.model for one in members], weights)
    return Backtest(
        model,
        checked,
        blended(np.stack([one.test for one in members]), weights),
        sum(one.seconds_fit for one in members),
        sum(one.seconds_predict for one in members),
        model.parameters(),
        _mean_distance(members, weights, "validation_distance"),
        _mean_distance(members, weights, "test_distance"),
    )


def _mean_distance(members: Sequence[Backtest], weights: Floats, part: str) -> Floats:
    """Distances of the members that have quantiles, by their weights; (origin, step, target, coverage, side)."""
    sure = [index for index, one in enumerate(members) if hasattr(one.model, "quantiles")]
    if not sure:
        return np.asarray(getattr(members[0], part))
    share = np.maximum(weights[sure], 1e-6)
    found = np.stack([getattr(members[index], part) for index in sure])
    return np.asarray(np.einsum("mostcd,ms->ostcd", found, share / share.sum(0)))
