"""A year's load from its weather: load -> fit, score on the last year, fit on all -> predict -> report."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from .. import __version__
from ..domains.forecasting.data import LoadData, read_load
from ..domains.forecasting.forecasts import require_format, write_dataset
from ..domains.forecasting.year.card import year_card
from ..domains.forecasting.year.comparison import YearTest, fit_and_test
from ..domains.forecasting.year.predictor import YearLoad
from ..shared.writing import require_writable, whole_folder
from .load_forecast import say
from .options import to_toml
from .year_load_options import YearFitOptions, YearFitting, YearPredictOptions, YearReading, YearRunOptions
from .year_load_report import year_report


class YearRun(NamedTuple):
    """What a run came to."""

    data: LoadData
    model: YearLoad  # fitted on all history
    test: YearTest  # by the model of all years but the last
    forecast: xr.Dataset  # of the rows behind history, else of the test year


def load(options: YearFitting) -> LoadData:
    """Read the user's file and say what was done to it."""
    data = read_load(
        options.data,
        targets=options.target,
        future_covariates=options.covariates,
        zone=options.zone,
        units={options.target: options.unit} if options.unit else None,
        **_reading(options),
    )
    say(data)
    return data


def fit(data: LoadData, options: YearFitting) -> tuple[YearLoad, YearTest]:
    """Fit without the last year, score on it, fit on everything."""
    names = ("members", "holidays", "weekdays", "summer_time", "coverage", "seed", "device")
    settings = {name: getattr(options, name) for name in names}
    return fit_and_test(YearLoad(**settings, progress=sys.stderr.isatty()), data)


def predict(data: LoadData, model: YearLoad, test: YearTest) -> xr.Dataset:
    """Forecast the rows behind history; where there are none, the test year as it was forecast before it came."""
    if len(data.times) > data.known:
        return model.predict(data)
    sys.stderr.write("no rows behind the last load: the forecast shown is that of the test year, made without it.\n")
    return test.forecast


def score(data: LoadData, model: YearLoad, test: YearTest) -> dict[str, Any]:
    """Everything that was measured, as plain values."""
    return {
        "comparison": test.comparison.to_dict(),
        "test": {"weights": test.weights, "calibration": str(test.forecast.attrs["calibration"])},
        "chosen": model.chosen_,
        "weights": model.weights_,
        "validation": model.validation_,
        "calibration": model.calibration_(),
        "repairs": list(data.repairs),
    }


def run(options: YearRunOptions) -> YearRun:
    """Do it all and write the run folder, whole or not at all."""
    require_writable(options.out, options.overwrite, "folder")
    data = load(options)
    model, test = fit(data, options)
    done = YearRun(data, model, test, predict(data, model, test))
    about = {"labformer": __version__, "data_sha256": hashlib.sha256(Path(options.data).read_bytes()).hexdigest()}
    with whole_folder(options.out, options.overwrite) as folder:
        (folder / "metrics.json").write_text(json.dumps(score(data, model, test), indent=1) + "\n", encoding="utf-8")
        write_dataset(done.forecast, folder / "predictions.nc")
        model.save_pretrained(folder / "model", year_card(model, data))
        (folder / "run.toml").write_text(to_toml(options, about), encoding="utf-8")
        year_report(data, model, test, done.forecast, options.data).write(folder / "report.html")
    return done


def fit_to_folder(options: YearFitOptions) -> tuple[YearLoad, YearTest]:
    """Fit and save a model folder."""
    require_writable(options.out, options.overwrite, "folder")
    data = load(options)
    model, test = fit(data, options)
    model.save_pretrained(options.out, year_card(model, data), options.overwrite)
    return model, test


def predict_from_folder(options: YearPredictOptions) -> xr.Dataset:
    """Forecast from a saved model and the weather in a file; written when `out` is named."""
    if options.out is not None:
        require_format(options.out)
        require_writable(options.out, options.overwrite)
    model = YearLoad.from_pretrained(options.model)
    forecast = model.predict(model.read(options.data, **_reading(options)))
    if options.out is not None:
        write_dataset(forecast, options.out, options.overwrite)
    return forecast


def _reading(options: YearReading) -> dict[str, Any]:
    return {
        "time": options.time or None,
        "first_year": options.first_year,
        "gaps": options.gaps,
        "max_gap": options.max_gap,
    }
