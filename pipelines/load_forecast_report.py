"""The report of a load forecast: what an analyst sends to her boss. First what comes and who says so, then the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from .. import __version__
from ..domains.forecasting.blend_load import BlendLoad
from ..domains.forecasting.features import steps_a_day
from ..domains.forecasting.predictor import LoadForecaster
from ..domains.forecasting.scenarios import LEAST, scenario_paths
from ..shared.evaluation.check import Check
from ..shared.evaluation.table import figures
from ..shared.report.laws import laws
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars, forecast_fan
from ..shared.report.plots_of_inputs import share_areas
from .load_forecast_options import Fitting
from .load_forecast_report_inputs import importance, responses
from .load_forecast_report_quality import FAR, calendar, drawn, errors, groups, intervals, outlook, source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAYS_SHOWN = 7  # history before the forecast
PATHS = 20


def load_report(forecaster: LoadForecaster, forecast: xr.Dataset, checks: Sequence[Check], options: Fitting) -> Report:
    """Build the page of a run."""
    comparison, names = forecaster.comparison_, forecaster.data_.target_names
    targets = range(len(names))
    worth = importance(forecaster)
    return Report(
        title=f"Load forecast: {', '.join(names)}",
        summary="\n\n".join([comparison.verdict, *(_next(forecaster, forecast, target) for target in targets)]),
        sections=[
            *(_fan(forecaster, forecast, target) for target in targets),
            *(path for target in targets for path in _paths(forecaster, forecast, target)),
            _comparison(forecaster),
            *_blend(forecaster),
            *errors(forecaster),
            *intervals(forecaster),
            groups(forecaster),
            *(calendar(forecaster, target) for target in targets),
            *responses(forecaster, worth),
            worth.section,
            outlook(forecaster),
            laws(checks, "a forecast"),
            source(forecaster, options),
        ],
        facts=_facts(forecaster),
        footer=f"labformer {__version__}, seed {forecaster.seed}. To repeat it: "
        "labformer run load-forecast --config run.toml --out FOLDER",
    )


def _facts(forecaster: LoadForecaster) -> list[tuple[str, str]]:
    comparison = forecaster.comparison_
    row = next(row for row in comparison.rows if row.model == forecaster.chosen_)
    skill = "the same" if row.skill == 0 else f"{-100 * row.skill:+.0f} % error"
    return [
        ("model chosen", forecaster.chosen_),
        (comparison.metric, f"{figures(row.value)} {comparison.unit}".strip()),
        *([("MAPE", f"{row.others['MAPE %']:.2f} %")] if "MAPE %" in row.others else []),
        *([(f"against {comparison.reference}", skill)] if comparison.reference != forecaster.chosen_ else []),
        (f"coverage of the {forecaster.coverage:.0%} interval", f"{row.others['coverage %']:.1f} %"),
    ]


def _next(forecaster: LoadForecaster, forecast: xr.Dataset, target: int) -> str:
    """The forecast in a sentence: its peak, its trough and its mean."""
    data, point = forecaster.data_, forecast.point.values[:, target]
    unit, clock = data.units.get(data.target_names[target], ""), pd.DatetimeIndex(forecast.local_time.values)
    low, high = forecast.forecast.values[:, target, 0], forecast.forecast.values[:, target, -1]

    def moment(step: int) -> str:
        span = f"{forecaster.coverage:.0%} interval {figures(low[step])} to {figures(high[step])}"
        return f"{figures(point[step])} {unit}".strip() + f" at {clock[step]:%H:%M on %a %d %b %Y} ({span})"

    verb = "was" if _passed(forecaster, forecast) else "is"
    return (
        f"{data.target_names[target]} {verb} forecast to peak at {moment(int(point.argmax()))}, with its lowest at "
        f"{moment(int(point.argmin()))}; the mean over {forecaster.horizon} is {figures(point.mean())} {unit}".strip()
        + "."
    )


def _passed(forecaster: LoadForecaster, forecast: xr.Dataset) -> bool:
    """Whether the forecast is one of the test part, whose outcome is known."""
    data = forecaster.data_
    return bool(pd.Timestamp(forecast.time.values[0], tz="UTC") <= data.times[data.known - 1])


def _fan(forecaster: LoadForecaster, forecast: xr.Dataset, target: int) -> Section:
    shares = ", ".join(f"{share:.0%}" for share in forecaster.coverages_)
    text = (
        f"The last {DAYS_SHOWN} days and the forecast of the next {forecaster.horizon}, with intervals that hold "
        f"{shares} of outcomes. {forecaster.calibration_()}."
    )
    if _passed(forecaster, forecast):
        text += " The covariates end with the load, so this is the last stretch of history, forecast without seeing it."
    name = forecaster.data_.target_names[target]
    figure = _fan_of(forecaster, forecast, target, DAYS_SHOWN, forecaster.coverages_)
    return Section(f"Forecast of {name}", text, figure, alt=f"History and forecast of {name} with its intervals")


def _paths(forecaster: LoadForecaster, forecast: xr.Dataset, target: int) -> list[Section]:
    """Scenario paths, when enough forecasts are remembered to sample from."""
    remembered = forecaster.intervals_.errors
    if np.isfinite(remembered).all((1, 2)).sum() < LEAST:
        return []
    quantiles = forecast.forecast.values
    paths = scenario_paths(np.array(forecaster.levels_), quantiles, remembered, PATHS, forecaster.seed)[..., target]
    name = forecaster.data_.target_names[target]
    text = (
        f"An interval says how far load may be off at one moment; storage and reserves need whole days. These {PATHS} "
        "paths are as likely as each other: each step is spread as the intervals say, and steps move together as the "
        "errors of the last forecasts did. labformer predict --scenarios writes as many as are wanted."
    )
    figure = _fan_of(forecaster, forecast, target, 1, forecaster.coverages_[-1:], paths)
    return [Section(f"Possible paths of {name}", text, figure, alt=f"{PATHS} sample paths of {name} over its interval")]


def _fan_of(
    forecaster: LoadForecaster,
    forecast: xr.Dataset,
    target: int,
    days: int,
    coverages: Sequence[float],
    paths: np.ndarray | None = None,
) -> "Figure":
    data, count = forecaster.data_, len(forecaster.coverages_)
    name = data.target_names[target]
    first = int(data.times.searchsorted(pd.Timestamp(forecast.time.values[0], tz="UTC")))
    rows = slice(max(0, first - days * steps_a_day(data)), first)
    values = forecast.forecast.values[:, target]
    places = [forecaster.coverages_.index(share) + 1 for share in coverages]
    return forecast_fan(
        data.local().tz_localize(None).to_numpy()[rows],
        data.targets[rows, target],
        forecast.local_time.values,
        forecast.point.values[:, target],
        [(share, values[:, count - at], values[:, count + at]) for share, at in zip(coverages, places, strict=True)],
        data.targets[first : first + forecaster.horizon_, target] if _passed(forecaster, forecast) else None,
        paths,
        quantity=name,
        unit=data.units.get(name, ""),
    )


def _comparison(forecaster: LoadForecaster) -> Section:
    parts, clock = forecaster.parts_, forecaster.data_.local()
    test = f"{clock[parts.test.start]:%d %b %Y} to {clock[parts.test.stop - 1]:%d %b %Y}"
    text = (
        f"Every model made {len(parts.test_origins)} forecasts of {test}, none of which was used to fit or to choose: "
        f"the model is chosen on the {len(parts.validation_origins)} forecasts before. Bars are 90 % intervals from a "
        "bootstrap in blocks of days."
    )
    comparison = forecaster.comparison_
    near = drawn(forecaster)
    if far := [row.model for row in comparison.rows if row not in near]:
        text += f" More than {FAR} times as far off as the best, and not drawn: {', '.join(far)}."
    return Section(
        "Which model won", text, comparison_bars(replace(comparison, rows=near)), comparison.table(),
        alt=f"Test error of every model; {comparison.verdict}",
    )  # fmt: skip


def _blend(forecaster: LoadForecaster) -> list[Section]:
    """What the blend is made of, when it was chosen."""
    model = forecaster.model_
    if not isinstance(model, BlendLoad) or model.weights is None:
        return []
    shares = model.shares()
    said = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda one: -one[1]))
    hours = np.arange(1, forecaster.horizon_ + 1) * (forecaster.data_.step.total_seconds() / 3600)
    weights = dict(zip(shares, model.weights, strict=True))
    text = (
        f"The forecast is a weighted mean of several models: {said}. The weights were fitted to forecasts of the "
        "validation part, never negative and adding up to one, for each few hours of the horizon."
    )
    figure = share_areas(weights, hours, step_name="hours ahead")
    return [Section("What the blend is made of", text, figure, alt=f"Weights by hours ahead; in the mean {said}")]
