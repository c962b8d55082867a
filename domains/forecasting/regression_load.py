"""Load regressed on surroundings and on itself: the mechanics that spline ridge, boosting and the network share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError
from .data import LoadData
from .features import steps_a_day
from .gradient_load import Run
from .load_model import Floats, Rows, Saved, origins_in
from .models.boosted_trees import BoostedTrees, HourlyTrees
from .models.network_regression import NetworkRegression
from .models.spline_ridge import SplineRidge
from .recent import weeks_remembered
from .tables import LoadTable

LEAST_DAYS = 14


class Learner(Protocol):
    """A regression of standardised load on a table."""

    def fit(self, columns: Any, keys: NDArray[np.int64], truth: Floats) -> Self:
        """Learn from rows; columns (row, column), keys and truth (row,)."""

    def predict(self, columns: Any, keys: NDArray[np.int64]) -> Floats:
        """(row,)."""

    def parameters(self) -> int:
        """Numbers that were learnt."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learnt, by name."""


@dataclass
class RegressionLoad(ABC):
    """One learner a target, on the table of every forecast that starts at the same time of day."""

    horizon: int
    seed: int = 0
    run: Run = Run()
    weeks: int = field(default=0, init=False)  # of memory, by the length of history; 0 before `fit`
    tables: list[LoadTable] = field(init=False)
    learners: list[Any] = field(init=False)
    name: ClassVar[str]
    kind: ClassVar[type[Any]]  # of the learner, which `from_arrays` brings back
    is_transformer: ClassVar[bool] = False
    uses_covariates: ClassVar[bool] = True

    @abstractmethod
    def learner(self) -> Learner:
        """A new learner."""

    def needs(self, data: LoadData) -> int:
        """Four weeks of load, or the first days that are known over the horizon, and a week of weather before."""
        weeks = self.weeks or weeks_remembered(data.known, steps_a_day(data))
        return LoadTable(self.horizon, 0, weeks).needs(data)

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Fit on forecasts that start at the same time of day as the last one will; nothing is chosen on validation."""
        self.weeks = weeks_remembered(data.known, steps_a_day(data))
        self.refit(data, train)

    def refit(self, data: LoadData, rows: slice) -> None:
        """Fit on all forecasts whose horizon lies in the rows."""
        day = steps_a_day(data)
        self.tables, self.learners = [], []
        for target in range(len(data.target_names)):
            made = LoadTable(self.horizon, target, self.weeks)
            needs = rows.start + made.needs(data)
            origins = origins_in(rows, self.horizon, min(day, self.horizon), data.known % day, needs)
            if len(origins) < LEAST_DAYS:
                raise InputError(
                    f"{len(origins)} days to learn from are too few for {self.name}; give a longer history, a shorter "
                    "horizon, or leave it out of the models."
                )
            made.fit(data, rows)
            columns, keys = made.table(data, origins).flat()
            steps = origins[:, None] + np.arange(self.horizon)
            real = ~data.filled[steps, target].ravel()
            truth = made.scale.encode(data.targets[steps, target]).ravel()
            self.tables.append(made)
            self.learners.append(
                self.learner().fit(columns._replace(values=columns.values[real]), keys[real], truth[real])
            )

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        answer = np.empty((len(origins), self.horizon, len(self.tables)))
        for target, (made, learner) in enumerate(zip(self.tables, self.learners, strict=True)):
            columns, keys = made.table(data, origins).flat()
            answer[..., target] = made.scale.decode(learner.predict(columns, keys)).reshape(answer.shape[:2])
        return answer

    def parameters(self) -> int:
        """Of all targets."""
        return sum(learner.parameters() for learner in self.learners)

    def saved(self) -> Saved:
        """Scales, surroundings and learners."""
        configs = []
        arrays: dict[str, NDArray[Any]] = {}
        for target, (made, learner) in enumerate(zip(self.tables, self.learners, strict=True)):
            config, alone = made.saved()
            configs.append(config)
            arrays |= {f"{target}.alone.{name}": array for name, array in alone.items()}
            arrays |= {f"{target}.learner.{name}": array for name, array in learner.to_arrays().items()}
        return Saved({"weeks": self.weeks, "targets": configs}, arrays)

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""
        self.weeks, self.tables, self.learners = int(config["weeks"]), [], []
        for target, plain in enumerate(config["targets"]):
            alone, learner = (_under(f"{target}.{part}.", arrays) for part in ("alone", "learner"))
            self.tables.append(LoadTable(self.horizon, target, self.weeks).load(plain, alone))
            self.learners.append(self.kind.from_arrays(learner))


class SplineRidgeLoad(RegressionLoad):
    """Spline ridge of every time of day."""

    name = "spline-ridge"
    kind = SplineRidge

    def learner(self) -> Learner:
        """With the settings of its paper."""
        return SplineRidge()


class HourlyBoostingLoad(RegressionLoad):
    """Hourly-binned regression: an ensemble of trees for each hour of the day."""

    name = "hourly-boosting"
    kind = HourlyTrees
    rounds = 200

    def learner(self) -> Learner:
        """Trees seeded by the model."""
        return HourlyTrees(self.seed, self.rounds)


class BoostingLoad(RegressionLoad):
    """Gradient boosting, one ensemble for all hours."""

    name = "boosting"
    kind = BoostedTrees
    rounds = 400

    def learner(self) -> Learner:
        """Trees seeded by the model."""
        return BoostedTrees(self.seed, self.rounds)


class NetworkLoad(RegressionLoad):
    """A small network with quantiles of its own."""

    name = "load-network"
    kind = NetworkRegression
    epochs = 15

    def learner(self) -> Learner:
        """Seeded by the model, trained where the run says."""
        return NetworkRegression(self.seed, self.epochs, *self.run)

    def quantiles(self, data: LoadData, origins: Rows, levels: Sequence[float]) -> Floats:
        """(origin,) -> (origin, horizon, target, level), rising."""
        answer = np.empty((len(origins), self.horizon, len(self.tables), len(levels)))
        for target, (made, learner) in enumerate(zip(self.tables, self.learners, strict=True)):
            columns, keys = made.table(data, origins).flat()
            found = made.scale.decode(learner.quantiles(columns, keys, levels))
            answer[..., target, :] = found.reshape(*answer.shape[:2], len(levels))
        return answer


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
