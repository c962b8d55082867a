"""NLinear for load, solved exactly; its lookback and penalty chosen on validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...shared.datasets.scaler import StandardScaler
from ...shared.errors import InputError
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats, Rows, Saved, gather
from .models.linear import LinearConfig, NLinear, Solved, refit_linear, solve_linear


@dataclass
class NLinearRidge:
    """One linear map from the last days to the next, for all targets together."""

    horizon: int
    lookback: int | None = None  # steps; None tries `LOOKBACK_DAYS`
    scaler: StandardScaler = field(init=False)
    solved: Solved = field(init=False)
    name: ClassVar[str] = "nlinear-ridge"
    is_transformer: ClassVar[bool] = False
    uses_covariates: ClassVar[bool] = False
    # a week and a day holds both the same day last week and how it differed from the day before
    LOOKBACK_DAYS: ClassVar[tuple[int, ...]] = (2, 7, 8, 15)

    def needs(self, data: LoadData) -> int:
        """The longest lookback that may be chosen."""
        return max(self._lookbacks(data))

    def fit(self, data: LoadData, train: slice, validation: slice) -> None:
        """Solve for every lookback that leaves the train rows three times its length; keep the best on validation."""
        self.scaler = StandardScaler.fit(data.targets[train])
        values = self.scaler.encode(data.targets[: validation.stop])
        length = train.stop - train.start
        tried = [
            solve_linear(NLinear, LinearConfig(lookback, self.horizon), values[train], values[before:])
            for lookback in self._lookbacks(data)
            if length >= 3 * lookback + self.horizon and (before := validation.start - lookback) >= 0
        ]
        if not tried:
            raise InputError(
                f"{length} training rows are too few for a linear map from {min(self._lookbacks(data))} steps; "
                "give a longer file, or a shorter lookback."
            )
        self.solved = min(tried, key=lambda solved: solved.validation_mse)

    def refit(self, data: LoadData, rows: slice) -> None:
        """Solve again with the lookback and penalty that were chosen."""
        self.scaler = StandardScaler.fit(data.targets[rows])
        self.solved = refit_linear(self.solved, self.scaler.encode(data.targets[rows]))

    def predict(self, data: LoadData, origins: Rows) -> Floats:
        """(origin,) -> (origin, horizon, target)."""
        past = gather(data.targets, origins, -self.solved.model.config.lookback, 0)
        scaled = torch.from_numpy(self.scaler.encode(past).swapaxes(1, 2))
        with torch.inference_mode():
            answer = self._model.double()(scaled).numpy()
        return self.scaler.decode(answer.swapaxes(1, 2))

    def parameters(self) -> int:
        """Entries of the map."""
        return self._model.to_future.weight.numel()

    def saved(self) -> Saved:
        """The map, its lookback and scaler."""
        model = self._model
        config = {
            "lookback": model.config.lookback,
            "penalty": self.solved.penalty,
            "validation_mse": self.solved.validation_mse,
            "scaler": self.scaler.to_dict(),
        }
        return Saved(config, {"weight": model.to_future.weight.detach().numpy()})

    def load(self, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the model that was saved."""
        self.lookback, self.scaler = int(config["lookback"]), StandardScaler.from_dict(config["scaler"])
        model = NLinear(LinearConfig(self.lookback, self.horizon))
        with torch.no_grad():
            model.to_future.bias.zero_()
            model.to_future.weight.copy_(torch.from_numpy(np.array(arrays["weight"])))
        self.solved = Solved(model, float(config["penalty"]), float(config["validation_mse"]))

    @property
    def _model(self) -> NLinear:
        assert isinstance(self.solved.model, NLinear)
        return self.solved.model

    def _lookbacks(self, data: LoadData) -> tuple[int, ...]:
        if self.lookback is not None:
            return (self.lookback,)
        return tuple(days * steps_a_day(data) for days in self.LOOKBACK_DAYS)
