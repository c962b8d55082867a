"""Calibrated quantiles of a backtest: they learn from validation, then go through the test part as time would.

Where a model has quantiles of its own, they say how the interval widens with hour, weather and day, and conformal
prediction scales them until they hold what they claim: the score of an outcome is its distance from the point over
the model's own distance to the edge on that side (in the ratio form of Romano et al. 2019, "Conformalized Quantile
Regression"). Where it has none, all distances count alike.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...shared.evaluation.adaptive import AdaptiveConformal
from .data import LoadData
from .load_model import Floats, LoadModel, Rows

MEMORY, POOL = 60, 1  # forecasts whose errors calibrate an interval, and neighbouring steps that share them
NARROWEST = 0.1  # of the mean distance of a step: a model may not be surer of itself than this


def levels_of(coverages: Sequence[float]) -> tuple[float, ...]:
    """Quantile levels of nested intervals and the median, rising."""
    half = [(1 - coverage) / 2 for coverage in coverages]
    return tuple(round(level, 6) for level in sorted([*half, 0.5, *(1 - side for side in half)]))


def own_distances(model: LoadModel, data: LoadData, origins: Rows, point: Floats, coverages: Sequence[float]) -> Floats:
    """How far a model itself puts the edges from its point; (origin, step, target, coverage, side), side low and high.

    coverages rise; 1 for a model that has no quantiles.
    """
    count = len(coverages)
    found = model.quantiles(data, origins, levels_of(coverages)) if hasattr(model, "quantiles") else None
    if found is None:
        return np.ones((*point.shape, count, 2))
    low, high = point[..., None] - found[..., :count][..., ::-1], found[..., count + 1 :] - point[..., None]
    both = np.stack([low, high], axis=-1)
    # the point lies between the edges, or nearly so; where it does not, the distance is that of a narrow edge
    least = NARROWEST * np.abs(both).mean((0, 1), keepdims=True)
    return np.asarray(np.maximum(both, np.maximum(least, np.finfo(np.float64).tiny)))


class AdaptiveQuantiles:
    """Adaptive conformal quantiles of several coverages for each step and target, nested by construction.

    Learns in the order of time from forecasts and what came true; a forecast's truth enters only once it is known.
    """

    def __init__(
        self,
        steps: int,
        targets: int,
        coverages: Sequence[float],
        memory: int = MEMORY,
        pool: int = POOL,
        circular: bool = False,
    ) -> None:
        self.coverages, self.memory = tuple(coverages), memory
        pool = min(pool, (steps - 1) // 2)
        self.parts = [
            [AdaptiveConformal(steps, coverage, memory=memory, pool=pool, circular=circular) for coverage in coverages]
            for _ in range(targets)
        ]
        self.errors = np.empty((0, steps, targets))  # the latest, latest last, in units of the outermost distance

    def learn(self, truth: Floats, point: Floats, distance: Floats, real: NDArray[np.bool_]) -> None:
        """Take one forecast and its truth; (step, target), and its distances (step, target, coverage, side)."""
        error = truth - point
        over = error[..., None] / np.where(error[..., None] < 0, distance[..., 0], distance[..., 1])
        for target, levels in enumerate(self.parts):
            for index, one in enumerate(levels):
                one.update(over[:, target, index], np.zeros(one.steps), real=real[:, target])
        latest = np.where(real, over[..., -1], np.nan)
        self.errors = np.concatenate([self.errors, latest[None]])[-self.memory :]

    def factors(self) -> Floats:
        """By what the distances of the next forecast are multiplied; (step, target, coverage)."""
        zero = np.zeros(self.parts[0][0].steps)
        found = [[one.interval(zero)[1] for one in levels] for levels in self.parts]
        return np.asarray(np.maximum(np.array(found), 0.0).transpose(2, 0, 1))

    def quantiles(self, point: Floats, distance: Floats) -> Floats:
        """Quantiles of the next forecast at `levels_of(coverages)`; (step, target, level), rising, the point in the
        middle.
        """
        return edges(point, distance, self.factors())

    def state(self) -> tuple[dict[str, object], dict[str, Floats]]:
        """Plain values and arrays, which `from_state` brings back exactly."""
        first = self.parts[0][0]
        plain = {"coverages": list(self.coverages), "memory": self.memory, "pool": first.pool}
        arrays = {"errors": self.errors}
        for name in ("scores", "alpha", "weight"):
            arrays[name] = np.array([[getattr(one, name) for one in levels] for levels in self.parts])
        return {**plain, "circular": first.circular}, arrays

    @classmethod
    def from_state(cls, plain: dict[str, object], arrays: dict[str, Floats]) -> "AdaptiveQuantiles":
        """The inverse of `state`."""
        targets, steps = len(arrays["scores"]), arrays["scores"].shape[-1]
        made = cls(steps, targets, **plain)  # type: ignore[arg-type]
        for target, levels in enumerate(made.parts):
            for index, one in enumerate(levels):
                for name in ("scores", "alpha", "weight"):
                    setattr(one, name, np.array(arrays[name][target, index]))
        made.errors = np.array(arrays["errors"])
        return made


def edges(point: Floats, distance: Floats, factors: Floats) -> Floats:
    """Rising quantiles around a point; (.., target), (.., target, coverage, side), (.., target, coverage)."""
    margin = np.maximum.accumulate(distance * factors[..., None], axis=-2)
    low, high = point[..., None] - margin[..., ::-1, 0], point[..., None] + margin[..., 1]
    return np.concatenate([low, point[..., None], high], axis=-1)


def follow(
    intervals: AdaptiveQuantiles,
    truth: Floats,
    point: Floats,
    distance: Floats,
    real: NDArray[np.bool_],
    delay: int,
) -> Floats:
    """Quantiles of each forecast in turn, learning from those that were complete when it was made.

    truth, point, real  (origin, step, target)
    distance            (origin, step, target, coverage, side)
    delay               how many later forecasts start before the truth of one is whole (1 for a day ahead)
    ->                  (origin, step, target, level)
    """
    found = []
    for origin in range(len(truth)):
        if (done := origin - delay) >= 0:
            intervals.learn(truth[done], point[done], distance[done], real[done])
        found.append(intervals.quantiles(point[origin], distance[origin]))
    for done in range(max(0, len(truth) - delay), len(truth)):
        intervals.learn(truth[done], point[done], distance[done], real[done])
    return np.stack(found)
