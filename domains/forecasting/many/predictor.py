"""Forecasts of thousands of series: one shared map in closed form, and for each series the honest choice.

The map is fitted on a sample; what belongs to one series (its scale, whether the map beats the naive forecasts there,
its interval) is found anew from that series' own history whenever a forecast is made. So the model folder stays small,
a series that is new is treated like any other, and memory does not grow with their number.
"""

from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import torch
import xarray as xr

from .... import __version__
from ....shared.errors import InputError
from ....shared.evaluation.conformal import split_conformal
from ....shared.evaluation.table import Table, figures
from ....shared.learning.folder import read_folder, write_folder
from ....shared.reading.grid import duration, say_duration, say_time
from ....shared.scale.chunks import Layout, spans
from ....shared.scale.mapping import SERIES_PER_CHUNK, map_in_memory, map_to_file
from ....shared.scale.source import fingerprint, open_series
from .chunk import MODELS, Bools, ChunkForecast, Floats, bridged, forecast_layout, forecast_rows
from .fit import MOST_FORECASTS, Shared, backwards, fit_shared, split_steps

Source: TypeAlias = str | Path | xr.DataArray | xr.Dataset | pd.DataFrame
LOOKBACK_DAYS = (2, 7, 8, 15)  # a week and a day holds the same day last week and how it differed from the day before
SCORES = ("model", "mase", "mase_naive", "covered")


class Steps(NamedTuple):
    """The grid a model was fitted on."""

    step: pd.Timedelta
    horizon: int
    season: int  # steps of a day, 1 where a day holds no whole number of steps


class ManyLoads:
    """Forecast many series on one grid, each by the shared map or a seasonal naive, whichever is better there.

    horizon    length of a forecast
    lookback   history that the map sees; None chooses on validation
    coverage   of the interval
    validation, test  shares of the history that models are chosen on, and scored on once: 28 forecasts each at most
    sample     at most that many series, drawn with `seed`, make the map and the fallback of the intervals
    max_gap    steps without values that are bridged; a series with a longer gap fails alone

    After `fit`: `shared_` (the map), `margin_` (horizon,), `steps_`, and `scores_`, a Table of the sample's test part.
    """

    def __init__(
        self,
        horizon: str = "24h",
        *,
        lookback: str | None = None,
        coverage: float = 0.9,
        validation: float = 1 / 6,
        test: float = 1 / 6,
        sample: int = 2000,
        max_gap: int = 3,
        seed: int = 0,
    ) -> None:
        self.horizon, self.lookback, self.coverage = horizon, lookback, coverage
        self.validation, self.test, self.sample, self.max_gap, self.seed = validation, test, sample, max_gap, seed

    def fit(self, source: Source) -> "ManyLoads":
        """Fit the map on a sample of the series; the test part is only scored.

        source  see `shared.scale.source.open_series`
        Raises InputError when the source cannot be read, is too short, or no series of the sample can be used.
        """
        began = perf_counter()
        series = open_series(source)
        times = pd.DatetimeIndex(series["time"].values)
        self.steps_ = steps = self._steps(times[1] - times[0])
        values, filled, faults = self._drawn(series)
        if not len(values):
            raise InputError(f"none of {len(faults):,} series can be used; {faults[0]}.")
        split = split_steps(len(times), steps.horizon, steps.season, self.validation, self.test)
        self.shared_ = fit_shared(values, steps.horizon, split, self._lookbacks())
        self.margin_ = np.empty(0)
        judge = self._judge(split.validation)
        self.margin_ = _pooled_margin(judge.choose(values, filled)[2], judge.scale(values), self.coverage)
        tested = self._judge(split.validation, split.test).forecast(values, filled)
        self.scores_ = score_table(xr.Dataset({name: ("series", tested[name]) for name in SCORES}), self.coverage)
        self.about_ = (
            f"{len(values):,} of {series.sizes['series']:,} series, {len(times):,} steps of {say_duration(steps.step)} "
            f"from {say_time(times[0])} to {say_time(times[-1])}"
        )
        self.data_ = fingerprint(source if isinstance(source, str | Path) else series)
        self.seconds_fit_ = perf_counter() - began
        return self

    def predict(
        self,
        source: Source,
        *,
        scored: bool = False,
        series_per_chunk: int = SERIES_PER_CHUNK,
        client: Any = None,
    ) -> xr.Dataset:
        """Forecast what follows the history of every series, in memory; for very many see `predict_to`.

        source  as in `fit`: the newest history, at least the lookback; with more of it each series is judged and
                calibrated on its own last forecasts
        scored  hold the test part of the history out of every choice and score the forecasts of it
        client  a dask client; None takes the one in use, if any, else works here. The numbers are the same
        ->      point (series, time), forecast (series, time, quantile), model and status (series); scored also mase,
                mase_naive (of the naive that was best on validation) and covered (share of truth inside)

        A series that cannot be used gets no forecast and a reason in `status`; the others are not touched by it.
        Raises InputError when the source cannot be read, has another step than the model, or is too short.
        """
        series = open_series(source)
        chunk, layout = self._prepared(series, scored)
        return map_in_memory(chunk, series, layout, series_per_chunk=series_per_chunk, client=client)

    def predict_to(
        self,
        out: str | Path,
        source: Source,
        *,
        scored: bool = False,
        series_per_chunk: int = SERIES_PER_CHUNK,
        client: Any = None,
        overwrite: bool = False,
        progress: bool = False,
    ) -> xr.Dataset:
        """Forecast into one file (.nc, .parquet, .zarr), whole or not at all; stopped, the same call goes on.

        Arguments and errors as in `predict`; memory holds one chunk of series at a time. Needs the extra `scale`.
        ->  what there is of each series as a whole: model, status, and the scores
        """
        series = open_series(source)
        chunk, layout = self._prepared(series, scored)
        identity = {
            "data": fingerprint(source if isinstance(source, str | Path) else series),
            "model": {**self._config(), "fitted_on": self.data_},
            "scoring": scored,
            "version of labformer": __version__,
        }
        return map_to_file(
            chunk,
            series,
            layout,
            out,
            identity=identity,
            rows=forecast_rows,
            series_per_chunk=series_per_chunk,
            client=client,
            overwrite=overwrite,
            progress=progress,
        )

    def save_pretrained(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write config.json, model.safetensors and card.md; raises InputError when `folder` exists."""
        fitted = {
            "step": self.steps_.step.isoformat(),
            "lookback_steps": self.shared_.lookback,
            "penalty": self.shared_.penalty,
            "validation_mse": self.shared_.validation_mse,
            "data": self.data_,
        }
        tensors = {"weight": torch.from_numpy(self.shared_.weight), "margin": torch.from_numpy(self.margin_)}
        write_folder(folder, "ManyLoads", {**self._config(), "fitted": fitted}, tensors, self._card(), overwrite)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "ManyLoads":
        """The model that `save_pretrained` wrote; raises InputError when the folder is missing or damaged."""
        saved = read_folder(folder, "ManyLoads")
        fitted = saved.config.pop("fitted")
        made = cls(**saved.config)
        made.steps_ = made._steps(pd.Timedelta(fitted["step"]))
        weight, made.margin_ = (saved.tensors[name].numpy() for name in ("weight", "margin"))
        made.shared_ = Shared(weight, *(fitted[name] for name in ("lookback_steps", "penalty", "validation_mse")))
        made.data_ = fitted["data"]
        return made

    def _config(self) -> dict[str, Any]:
        names = ("horizon", "lookback", "coverage", "validation", "test", "sample", "max_gap", "seed")
        return {name: getattr(self, name) for name in names}

    def _steps(self, step: pd.Timedelta) -> Steps:
        horizon = duration(self.horizon, "horizon")
        if horizon % step or horizon < step:
            raise InputError(f"horizon={self.horizon} is no whole number of steps of {say_duration(step)}.")
        day = pd.Timedelta("1d")
        return Steps(step, horizon // step, 1 if day % step else day // step)

    def _lookbacks(self) -> tuple[int, ...]:
        if self.lookback is not None:
            return (max(2, duration(self.lookback, "lookback") // self.steps_.step),)
        return tuple(max(2, days * self.steps_.season) for days in LOOKBACK_DAYS)

    def _drawn(self, series: xr.DataArray) -> tuple[Floats, Bools, list[str]]:
        """The usable ones of a random sample of series, read chunk by chunk: values, bridged cells, faults."""
        total = series.sizes["series"]
        drawn = np.random.default_rng(self.seed).choice(total, min(total, self.sample), replace=False)
        parts, faults = [], []
        for start, stop in spans(total, SERIES_PER_CHUNK):
            if len(wanted := np.sort(drawn[(drawn >= start) & (drawn < stop)]) - start):
                part = series.isel(series=slice(start, stop)).load().isel(series=wanted)
                values, filled, status = bridged(part, self.max_gap)
                kept = np.array([not reason for reason in status])
                faults += [f"{part['series'].values[i]}: {status[i]}" for i in np.flatnonzero(~kept)]
                parts.append((values[kept], filled[kept]))
        values, filled = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return values, filled, faults

    def _judge(self, validation: tuple[int, ...], test: tuple[int, ...] = ()) -> ChunkForecast:
        return ChunkForecast(
            self.shared_.weight, self.steps_.season, self.coverage, self.max_gap, validation, test, self.margin_
        )

    def _prepared(self, series: xr.DataArray, scored: bool) -> tuple[ChunkForecast, Layout]:
        """The work on a chunk, judged on as much of the history as there is, and the layout of its results."""
        step, horizon, season = self.steps_
        times = pd.DatetimeIndex(series["time"].values)
        if (found := times[1] - times[0]) != step:
            raise InputError(
                f"the series have steps of {say_duration(found)}, the model was fitted on {say_duration(step)}; "
                "resample them, or fit again."
            )
        need = max(self.shared_.lookback, season) + 1
        if len(times) < need:
            raise InputError(f"the series have {len(times)} steps; this model needs the last {need}.")
        if scored:
            split = split_steps(len(times), horizon, season, self.validation, self.test)
            validation, test = split.validation, split.test
            if validation[0] < need:
                raise InputError(
                    f"{len(times)} steps leave {validation[0]} before the first forecast to choose on, and this model "
                    f"needs {need}: give longer series."
                )
        else:
            checks = min(MOST_FORECASTS, (len(times) - horizon - need) // season + 1)
            validation, test = backwards(len(times), horizon, season, max(0, checks)), ()
        return self._judge(validation, test), forecast_layout(times, step, horizon, self.coverage, bool(test))

    def _card(self) -> str:
        return f"""# Shared forecaster of many series

Forecasts {self.horizon} of each series by one linear map (NLinear, Zeng et al. 2023, by ridge regression over the last
{self.shared_.lookback} steps) or by a seasonal naive forecast, whichever was better on that series' own last weeks.
Made by labformer {__version__}, seed {self.seed}, fitted in {self.seconds_fit_:.1f} s.

## Data

{self.about_}.
The licence of the data is its owner's. Units are those of each series.

## How good it is

The test part of the series it was fitted on, scored once. MASE divides by the mean change from one day to the next.

{self.scores_.to_markdown()}

## When not to use it

- For series with other steps in time, or of another kind than those it was fitted on.
- Where weather or a calendar is known ahead: the map sees nothing but the past of a series.
- The interval holds on average over forecasts like the recent ones, not for the one day that is unlike them. With a
  history too short for {self.coverage:.0%} of its own errors, a series borrows the spread of the others.
"""


def score_table(results: xr.Dataset, coverage: float) -> Table:
    """How many series each model won, and the test part: chosen for each series against its best naive.

    results  model, mase, mase_naive and covered of each series, as `predict(scored=True)` gives them
    """
    model = results["model"].values
    real = model >= 0
    count = max(1, int(real.sum()))
    rows: list[tuple[str, ...]] = [
        (name, f"{(won := int((model == place).sum())):,}", f"{won / count:.1%}", "", "", "")
        for place, name in enumerate(MODELS)
    ]
    inside = f"{float(np.nanmean(results['covered'].values)):.1%}" if real.any() else ""
    for text, name, covers in (
        ("chosen for each series", "mase", inside),
        ("best naive for each series", "mase_naive", ""),
    ):
        scores = results[name].values
        scores = scores[np.isfinite(scores)]
        middle = [figures(float(of(scores))) if len(scores) else "" for of in (np.median, np.mean)]
        rows.append((text, f"{len(scores):,}", "", *middle, covers))
    header = ("model", "series", "share", "median MASE", "mean MASE", f"{coverage:.0%} interval covers")
    return Table(header, rows, marked=len(MODELS))


def _pooled_margin(errors: Floats, scale: Floats, coverage: float) -> Floats:
    """Margin in units of the scale, for series with few errors of their own; (series, window, step) -> (step,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (errors / scale[:, None, None]).reshape(-1, errors.shape[-1])
    return split_conformal(pooled, np.zeros_like(pooled), coverage, pool=None, real=np.isfinite(pooled)).above
