"""The report of a load forecast: what an analyst wants to see first, then how far it can be trusted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from .. import __version__
from ..domains.forecasting.backtest import truth_at
from ..domains.forecasting.checks import Check
from ..domains.forecasting.features import steps_a_day
from ..domains.forecasting.predictor import LoadForecaster
from ..shared.evaluation.metrics import along, coverage, mae
from ..shared.evaluation.table import Table, figures
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars, coverage_bars, error_by_step, forecast_fan, residual_calendar
from .load_forecast_options import Fitting

DAYS_SHOWN = 7  # history before the forecast


def load_report(forecaster: LoadForecaster, forecast: xr.Dataset, checks: Sequence[Check], options: Fitting) -> Report:
    """Build the page of a run."""
    comparison, data = forecaster.comparison_, forecaster.data_
    row = next(row for row in comparison.rows if row.model == forecaster.chosen_)
    unit = comparison.unit
    facts = [
        ("model chosen", forecaster.chosen_),
        (comparison.metric, f"{figures(row.value)} {unit}".strip()),
        *([("MAPE", f"{row.others['MAPE %']:.2f} %")] if "MAPE %" in row.others else []),
        (f"against {comparison.reference}", "the same" if row.skill == 0 else f"{-100 * row.skill:+.0f} % error"),
        (f"coverage of the {forecaster.coverage:.0%} interval", f"{row.others['coverage %']:.1f} %"),
    ]
    source = (
        "Half-hourly electricity demand of England and Wales, June to August 2000 (real data, Taylor 2003). The day "
        "after it, Monday 28 August 2000, was a public holiday there, a kind of day that this history never shows"
    )
    return Report(
        title=f"Load forecast: {', '.join(data.target_names)}",
        summary=comparison.verdict,
        sections=[
            *(_fan(forecaster, forecast, index) for index in range(len(data.target_names))),
            _comparison(forecaster),
            _by_step(forecaster),
            _coverage(forecaster),
            *(_calendar(forecaster, index) for index in range(len(data.target_names))),
            _laws(checks),
            _data(forecaster, source if options.data is None else options.data),
        ],
        facts=facts,
        footer=f"labformer {__version__}, seed {forecaster.seed}. To repeat it: "
        "labformer run load-forecast --config run.toml --out FOLDER",
    )


def _fan(forecaster: LoadForecaster, forecast: xr.Dataset, target: int) -> Section:
    data = forecaster.data_
    name, unit = data.target_names[target], data.units.get(data.target_names[target], "")
    first = int(data.times.searchsorted(pd.Timestamp(forecast.time.values[0], tz="UTC")))
    rows = slice(max(0, first - DAYS_SHOWN * steps_a_day(data)), first)
    clock = data.local().tz_localize(None).to_numpy()
    values = forecast.forecast.values[:, target]
    count = len(forecaster.coverages_)
    intervals = [
        (share, values[:, count - 1 - index], values[:, count + 1 + index])
        for index, share in enumerate(forecaster.coverages_)
    ]
    truth = data.targets[first : first + forecaster.horizon_, target] if first < data.known else None
    figure = forecast_fan(
        clock[rows], data.targets[rows, target], forecast.local_time.values, forecast.point.values[:, target],
        intervals, truth, quantity=name, unit=unit,
    )  # fmt: skip
    shares = ", ".join(f"{share:.0%}" for share in forecaster.coverages_)
    text = (
        f"The last {DAYS_SHOWN} days and the forecast of the next {forecaster.horizon}, with intervals that hold "
        f"{shares} of outcomes. {forecaster.calibration_()}."
    )
    if truth is not None:
        text += " The covariates end with the load, so this is the last stretch of history, forecast without seeing it."
    return Section(f"Forecast of {name}", text, figure, alt=f"History and forecast of {name} with its intervals")


def _comparison(forecaster: LoadForecaster) -> Section:
    parts, clock = forecaster.parts_, forecaster.data_.local()
    test = f"{clock[parts.test.start]:%d %b %Y} to {clock[parts.test.stop - 1]:%d %b %Y}"
    text = (
        f"Every model made {len(parts.test_origins)} forecasts of {test}, none of which was used to fit or to choose: "
        f"the model is chosen on the {len(parts.validation_origins)} forecasts before. Bars are 90 % intervals from a "
        "bootstrap in blocks of days."
    )
    return Section("Which model won", text, comparison_bars(forecaster.comparison_), forecaster.comparison_.table())


def _by_step(forecaster: LoadForecaster) -> Section:
    data, parts = forecaster.data_, forecaster.parts_
    truth, real = truth_at(data, parts.test_origins, forecaster.horizon_)
    errors = {
        name: along(1, mae, truth, one.test, real=real)
        for name, one in forecaster.backtests_.items()
        if name != "last-value" or forecaster.chosen_ == name
    }
    hours = (np.arange(forecaster.horizon_) + 1) * (data.step.total_seconds() / 3600)
    figure = error_by_step(
        errors, unit=forecaster.comparison_.unit, chosen=forecaster.chosen_, steps=hours, step_name="hours ahead"
    )
    return Section("Error by horizon", "Mean absolute error of each step on the test part.", figure)


def _coverage(forecaster: LoadForecaster) -> Section:
    data, parts, chosen = forecaster.data_, forecaster.parts_, forecaster.backtests_[forecaster.chosen_]
    truth, real = truth_at(data, parts.test_origins, forecaster.horizon_)
    outer = chosen.margins[..., -1]
    group = max(1, forecaster.horizon_ // 12)
    shares, names = [], []
    for start in range(0, forecaster.horizon_, group):
        part = slice(start, start + group)
        point = chosen.test[:, part]
        shares.append(coverage(truth[:, part], point - outer[:, part], point + outer[:, part], real[:, part]))
        names.append(f"{(start + group) * data.step.total_seconds() / 3600:g}")
    figure = coverage_bars(
        names, shares, forecaster.coverage, windows=len(parts.test_origins), step_name="hours ahead, up to"
    )
    width = 2 * float(outer.mean())
    text = (
        f"Share of measured load inside the {forecaster.coverage:.0%} interval on the test part, whose mean width is "
        f"{figures(width)} {forecaster.comparison_.unit}. The interval learns from each day once it is over."
    )
    return Section("Does the interval hold", text, figure)


def _calendar(forecaster: LoadForecaster, target: int) -> Section:
    data, origins = forecaster.data_, forecaster.parts_.test_origins
    clock = data.local().tz_localize(None)
    residual = forecaster.test_residuals()[:, : steps_a_day(data), target]
    steps = [f"{time:%H:%M}" for time in clock[origins[0] : origins[0] + residual.shape[1]]]
    name = data.target_names[target]
    figure = residual_calendar(
        clock[origins].to_numpy(), residual, steps, unit=data.units.get(name, ""), step_name="local time"
    )
    text = "Truth minus forecast, day by day: a column that stands out is a day of another kind."
    return Section(f"When it was off: {name}", text, figure)


def _laws(checks: Sequence[Check]) -> Section:
    rows = [(check.law, "holds" if check.holds else "BROKEN", check.detail) for check in checks]
    table = Table(("law", "verdict", "measured"), rows)
    return Section("Checks", "Laws a forecast must obey, tried on this data.", table=table)


def _data(forecaster: LoadForecaster, source: str) -> Section:
    data = forecaster.data_
    repairs = "\n\n".join(data.repairs) or "Nothing had to be repaired."
    return Section("Data", f"{source}. {data.summary()}.\n\n{repairs}")
