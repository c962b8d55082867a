"""Forecasts of many series: fit one shared map -> choose and calibrate for each series -> score -> one file."""

import sys
from typing import NamedTuple

import xarray as xr

from ..domains.forecasting.many.predictor import ManyLoads
from ..shared.scale.cluster import cluster
from ..shared.scale.store import require_out
from ..shared.writing import require_writable
from .many_endings import says_how_to_go_on
from .many_loads_options import Fitting, ManyFitOptions, ManyPredictOptions, ManyRunOptions


class ManyRun(NamedTuple):
    """What a run came to: the model, and of each series its status, model and scores."""

    model: ManyLoads
    series: xr.Dataset


def fit(options: Fitting) -> ManyLoads:
    """Fit the shared map on a sample of the series."""
    model = ManyLoads(
        options.horizon,
        lookback=options.lookback,
        coverage=options.coverage,
        validation=options.validation,
        test=options.test,
        sample=options.sample,
        max_gap=options.max_gap,
        seed=options.seed,
    )
    return model.fit(options.data)


def run(options: ManyRunOptions) -> ManyRun:
    """Fit, then score and forecast every series into one file."""
    require_out(options.out, options.overwrite)
    model = fit(options)
    return ManyRun(model, _forecast(model, options, scored=True))


def fit_to_folder(options: ManyFitOptions) -> ManyLoads:
    """Fit and save a model folder."""
    require_writable(options.out, options.overwrite, "folder")
    model = fit(options)
    model.save_pretrained(options.out, options.overwrite)
    return model


def predict_from_folder(options: ManyPredictOptions) -> xr.Dataset:
    """Forecast every series by a saved model into one file."""
    require_out(options.out, options.overwrite)
    return _forecast(ManyLoads.from_pretrained(options.model), options, scored=False)


def _forecast(model: ManyLoads, options: ManyRunOptions | ManyPredictOptions, scored: bool) -> xr.Dataset:
    with cluster(options.workers, options.scheduler) as client, says_how_to_go_on(options.out):
        return model.predict_to(
            options.out,
            options.data,
            scored=scored,
            series_per_chunk=options.series_per_chunk,
            client=client,
            overwrite=options.overwrite,
            progress=sys.stderr.isatty(),
        )
