"""The public face of load forecasting: a table in, tomorrow's load with a calibrated interval out."""

import time
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from ...shared.errors import InputError
from ...shared.evaluation.comparison import Comparison
from ...shared.reading.grid import say_duration
from .backtest import Backtest, calibrate, run_backtest, split_history, truth_at
from .blend_load import blend_of
from .card import card
from .data import LoadData, read_load, require_ahead, require_length
from .features import steps_a_day
from .forecasts import forecast_dataset
from .gradient_load import Run
from .intervals import AdaptiveQuantiles, levels_of, own_distances
from .layout import Layout, prepared
from .load_model import Floats, LoadModel
from .registry import BASELINES, BLEND, DEFAULT, LOAD_MODELS, Size, load_model
from .saving import restore, save
from .scenarios import with_scenarios
from .scoring import compare_backtests, normalised_error, target_scale
from .standing import Standing, learn_from, standing, usual_errors


class LoadForecaster:
    """Forecast electricity load, or any series with a daily rhythm, from its history and what is known ahead.

    models      names from `registry.LOAD_MODELS`; the best on validation is used, all stand in the comparison. "blend"
                is the convex combination of the others that are named
    horizon     length of a forecast, a whole number of steps
    lookback    history that linear and transformer models see, such as "8D"; None lets each decide
    coverage    of the interval, which is calibrated by adaptive conformal prediction for each step
    validation  share of history to choose on; `test` the share after it, scored once
    checkpoints a folder from which the training of networks goes on when it was stopped; a new run wants a new folder

    After `fit`: `model_`, `chosen_`, `comparison_`, `backtests_`, `parts_`, `data_`, `intervals_`, `usual_`.
    Forecasts are made for the time of day at which the history given to `fit` ended.
    """

    def __init__(
        self,
        models: Sequence[str] = DEFAULT,
        horizon: str = "24h",
        lookback: str | None = None,
        coverage: float = 0.9,
        validation: float = 1 / 6,
        test: float = 1 / 6,
        seed: int = 0,
        device: str = "cpu",
        progress: bool = False,
        checkpoints: str | Path | None = None,
    ) -> None:
        self.models = models
        self.horizon = horizon
        self.lookback = lookback
        self.coverage = coverage
        self.validation = validation
        self.test = test
        self.seed = seed
        self.device = device
        self.progress = progress
        self.checkpoints = checkpoints

    def fit(
        self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset, holidays: str | None = None, **reading: Any
    ) -> Self:
        """Choose a model on validation, measure all on test, refit the chosen one on all history.

        source    `LoadData`, or whatever `data.read_load` takes, with its arguments (`targets`, `zone`, ...) behind
        holidays  calendar whose public holidays are one more covariate, such as GB or AU-VIC
        Raises InputError for bad settings and for data that is too short or cannot be used.
        """
        self._check_settings()
        self.source_ = source if isinstance(source, LoadData) else read_load(source, **reading)
        steps = self.source_.rows(self.horizon)
        data = prepared(self.source_, steps, holidays)
        size = Size(
            steps, None if self.lookback is None else data.rows(self.lookback, "lookback"), self.seed, self._run()
        )
        candidates = [load_model(name, size) for name in dict.fromkeys((*BASELINES, *self.models)) if name != BLEND]
        hungriest = max(candidates, key=lambda model: model.needs(data))
        needs = hungriest.needs(data)
        why = f"{hungriest.name}, which looks back {say_duration(needs * data.step)} (or leave it out of the models),"
        require_length(data, needs + 3 * steps, why)
        parts = split_history(data, steps, needs, self.validation, self.test)

        self.backtests_: dict[str, Backtest] = {}
        intervals: dict[str, AdaptiveQuantiles] = {}
        for model in tqdm(candidates, desc="backtest", unit="model", disable=not self.progress):
            self.backtests_[model.name] = run_backtest(model, data, parts, self.coverages_)
        if BLEND in self.models:
            members = [name for name in self.models if name != BLEND]
            if one := blend_of(self.backtests_, members, data, parts, target_scale(data, parts)):
                self.backtests_[BLEND] = one
        for name, one in self.backtests_.items():
            intervals[name] = calibrate(one, data, parts, self.coverages_)
        self.data_, self.parts_, self.horizon_ = data, parts, steps
        # the naive ones stand in the table all the same, but only what was asked for is used
        asked = [name for name in self.models if name in self.backtests_]
        errors = {name: normalised_error(self.backtests_[name].validation, data, parts) for name in asked}
        self.chosen_ = min(errors, key=lambda name: errors[name])
        self.comparison_: Comparison = compare_backtests(self.backtests_, data, parts, self.chosen_, self.coverages_)

        started = time.perf_counter()
        chosen = self.backtests_[self.chosen_]
        # the one of the backtest stays as it was fitted before test
        self.model_: LoadModel = deepcopy(chosen.model)
        self.model_.refit(data, slice(0, data.known))
        self.seconds_fit_ = chosen.seconds_fit + time.perf_counter() - started
        self.intervals_, self.usual_ = (
            intervals[self.chosen_],
            usual_errors(chosen, data, parts, target_scale(data, parts)),
        )
        self.layout_ = Layout(
            data.target_names,
            self.source_.past_names if self.model_.uses_covariates else (),
            self.source_.future_names if self.model_.uses_covariates else (),
            data.zone,
            str(data.step),
            {name: unit for name, unit in data.units.items() if name in data.target_names},
            data.times[data.known - 1].isoformat(),
            holidays if self.model_.uses_covariates else None,
        )
        self.learnt_until_ = data.times[data.known - 1]
        self.card_ = card(self)
        return self

    @property
    def coverages_(self) -> tuple[float, ...]:
        """Coverages that are calibrated, rising: inner ones for the fan, and last the one that was asked for."""
        return (*(inner for inner in (0.5, 0.8) if inner < self.coverage), self.coverage)

    @property
    def levels_(self) -> tuple[float, ...]:
        """Quantile levels of a forecast, rising: both edges of every interval and the median."""
        return levels_of(self.coverages_)

    def predict(
        self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset | None = None, **reading: Any
    ) -> xr.Dataset:
        """Forecast the steps after the last known load.

        source  newest history, with rows of future covariates behind it when the model uses them; None means the data
                of `fit`. Columns are found by the names known from `fit`; other arguments of `read_load` may be given
        ->      point (time, target) and forecast (time, target, quantile) in the units of the load, as CF labels them
        Raises InputError when history is too short, of another step, or lacks covariates over the horizon, and when
        there is none: before `fit`, or from None for a model that was loaded.
        """
        data, ready = self._ready(source, reading)
        if data.future_names and self.model_.uses_covariates:
            require_ahead(data, self.horizon_)
        return self.forecast_at(ready, data.known)

    def update(self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset, **reading: Any) -> Standing:
        """Learn from what came true since the last time, and say whether the model is still as good as it was.

        source  newest history, as for `predict`; forecasts are made again as they would have been, and each whose
                truth is whole by now moves the intervals. The model itself stays as it was fitted
        Raises InputError as `predict` does.
        """
        _, ready = self._ready(source, reading)
        return learn_from(self, ready)

    def standing(self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset, **reading: Any) -> Standing:
        """Say whether the model is as good on newer history as it was; nothing is learnt. See `update`."""
        return standing(self, self._ready(source, reading)[1])

    def scenarios(
        self,
        count: int = 100,
        source: LoadData | str | Path | pd.DataFrame | xr.Dataset | None = None,
        seed: int = 0,
        **reading: Any,
    ) -> xr.Dataset:
        """Paths of load that hang together in time, for planning of storage and reserves; see `scenario_paths`.

        ->  the forecast of `predict`, with `path` (scenario, time, target) beside it
        """
        forecast = self.predict(source, **reading)
        return with_scenarios(forecast, self.intervals_.errors, count, seed)

    def forecast_at(self, data: LoadData, origin: int) -> xr.Dataset:
        """Forecast from a row of the data, with nothing but what was known then; see `predict`."""
        known = self.known_at(data, origin)
        point = self.model_.predict(known, np.array([origin]))
        distance = own_distances(self.model_, known, np.array([origin]), point, self.coverages_)
        forecast = self._labelled(data, origin, self.intervals_.quantiles(point[0], distance[0]))
        if away := self._away_from_calibration(forecast):
            forecast.attrs["calibration"] += f"; {away}"
            warnings.warn(away, stacklevel=2)
        return forecast

    def known_at(self, data: LoadData, origin: int) -> LoadData:
        """What is known at an origin: history, covariates over the horizon and the holidays of the day after it."""
        beyond = self.horizon_ + steps_a_day(data)
        return data.until(origin, min(beyond, len(data.times) - origin))

    def _ready(
        self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset | None, reading: dict[str, Any]
    ) -> tuple[LoadData, LoadData]:
        """The data as it was given, and with all that a forecast needs."""
        if not hasattr(self, "model_"):
            raise InputError("this forecaster is not fitted; call fit(...), or LoadForecaster.from_pretrained(folder).")
        if source is None and not hasattr(self, "data_"):
            raise InputError("a model that was loaded keeps no data; give the newest history: predict(table).")
        data = self.source_ if source is None else self.read(source, **reading)
        ready = prepared(data, self.horizon_, self.layout_.holidays)
        require_length(data, self.model_.needs(ready), "one forecast")
        return data, ready

    def _away_from_calibration(self, forecast: xr.Dataset) -> str:
        """What to say of a forecast that starts at another time of day than those it was calibrated on, else nothing.

        An hour is let pass: summer time moves the clock by as much.
        """
        fitted, made = pd.Timestamp(self.layout_.fitted_until), pd.Timestamp(forecast.origin.values, tz="UTC")
        apart = (made - fitted) % pd.Timedelta("1D")
        if min(apart, pd.Timedelta("1D") - apart) <= pd.Timedelta("1h"):
            return ""
        return (
            f"not calibrated for this start: the last known load stands {say_duration(apart)} later in the day than in "
            "the data of the fit; fit on a history that ends at this time of day"
        )

    def _labelled(self, data: LoadData, origin: int, quantiles: Floats) -> xr.Dataset:
        return forecast_dataset(
            data.times[origin : origin + self.horizon_],
            self.levels_,
            quantiles,
            quantiles[..., len(self.coverages_)],
            target_names=data.target_names,
            units=data.units,
            zone=data.zone,
            origin=data.times[origin - 1],
            calibration=self.calibration_(),
            model=self.model_.name,
        )

    def read(self, source: LoadData | str | Path | pd.DataFrame | xr.Dataset, **reading: Any) -> LoadData:
        """Read a table as the model needs it; raises InputError when it does not fit."""
        layout = self.layout_
        if not isinstance(source, LoadData):
            known: dict[str, Any] = {
                "targets": layout.targets,
                "past_covariates": layout.past_covariates,
                "future_covariates": layout.future_covariates,
                "zone": layout.zone,
                "units": layout.units,
            }
            source = read_load(source, **(known | reading))
        if source.step != pd.Timedelta(layout.step):
            raise InputError(
                f"the table has a step of {say_duration(source.step)}, the model was fitted on "
                f"{say_duration(pd.Timedelta(layout.step))}; resample it."
            )
        return source

    def last_tested(self) -> xr.Dataset:
        """The last forecast of the test part as it was made, by the model fitted before test and with its interval."""
        chosen, origin = self.backtests_[self.chosen_], int(self.parts_.test_origins[-1])
        return self._labelled(self.data_, origin, chosen.quantiles[-1])

    def test_residuals(self) -> Floats:
        """Truth minus forecast of the chosen model on test; (origin, step, target), NaN where a gap was filled."""
        truth, real = truth_at(self.data_, self.parts_.test_origins, self.horizon_)
        return np.where(real, truth - self.backtests_[self.chosen_].test, np.nan)

    def calibration_(self) -> str:
        """Say how the intervals were calibrated, with what was measured where it was."""
        asked = f"{self.coverage:.0%} intervals by adaptive conformal prediction (DtACI) for each step"
        if not hasattr(self, "measured_coverage_") and hasattr(self, "comparison_"):
            row = next(row for row in self.comparison_.rows if row.model == self.chosen_)
            self.measured_coverage_ = float(row.others["coverage %"]) / 100
        return f"{asked}; measured coverage on the test part {self.measured_coverage_:.1%}"

    def save_pretrained(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write `config.json`, `model.safetensors` and `card.md`; raises InputError when the folder exists."""
        save(self, folder, overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """The forecaster that `save_pretrained` wrote; it predicts, and has no backtest."""
        return restore(cls, folder)

    def _run(self) -> Run:
        return Run(self.device, self.progress, None if self.checkpoints is None else Path(self.checkpoints))

    def _check_settings(self) -> None:
        if not 0.5 < self.coverage < 1:
            raise InputError(f"coverage={self.coverage} must lie between 0.5 and 1, such as 0.9.")
        for name in ("validation", "test"):
            if not 0 < getattr(self, name) < 0.5:
                raise InputError(f"{name}={getattr(self, name)} is a share of history between 0 and 0.5, such as 0.17.")
        if BLEND in self.models and len({*self.models} - {BLEND}) < 2:
            raise InputError(f"{BLEND} combines other models; name at least two beside it.")
        if not self.models:
            raise InputError(f"name at least one model of: {', '.join(LOAD_MODELS)}.")
