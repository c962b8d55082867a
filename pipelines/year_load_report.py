"""The report of a year-ahead run: the forecast, who won on the test year, and when and in what weather it was off."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from .. import __version__
from ..domains.forecasting.data import LoadData
from ..domains.forecasting.year.comparison import YearTest
from ..domains.forecasting.year.predictor import YearLoad
from ..shared.evaluation.table import Table, figures
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars, error_by_step, forecast_fan
from ..shared.report.style import BLUE, INK, label, legend, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
DAYS_BEFORE, DAYS_SHOWN, BINS = 3, 11, 24
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def year_report(data: LoadData, model: YearLoad, test: YearTest, forecast: xr.Dataset, source: str) -> Report:
    """Build the page of a run."""
    comparison = test.comparison
    row = next(row for row in comparison.rows if row.model == comparison.chosen)
    facts = [
        ("model chosen", comparison.chosen),
        (comparison.metric, f"{figures(row.value)} {comparison.unit}".strip()),
        ("RMSE", f"{figures(row.others['RMSE'])} {model.layout_.unit}".strip()),
        (f"against {comparison.reference}", f"{-100 * row.skill:+.0f} % error"),
        (f"coverage of the {model.coverage:.0%} interval", f"{row.others['coverage %']:.1f} %"),
    ]
    return Report(
        title=f"A year's load from its weather: {model.layout_.target}",
        summary=comparison.verdict,
        sections=[
            _ahead(data, model, forecast),
            _peak(data, model, test),
            _comparison(data, test),
            _by("month", data, test, data.local().month.to_numpy() - 1, MONTHS),
            _by("hour of the day", data, test, data.local().hour.to_numpy(), tuple(f"{hour}" for hour in range(24))),
            _response(data, model, test),
            _weights(model, test),
            Section("Data", "\n\n".join((f"{source}. {data.summary()}.", *data.repairs))),
        ],
        facts=facts,
        footer=f"labformer {__version__}, seed {model.seed}. To repeat it: "
        "labformer run year-load --config run.toml --out FOLDER",
    )


def _ahead(data: LoadData, model: YearLoad, forecast: xr.Dataset) -> Section:
    """The whole forecast as daily means, under the mean of history on the same scale."""
    days = forecast.local_time.dt.floor("D").values
    daily = pd.DataFrame(forecast.forecast.values[:, 0]).groupby(days).mean()
    first = int(data.times.searchsorted(pd.Timestamp(forecast.time.values[0], tz="UTC")))
    clock = data.local().tz_localize(None)[:first]
    before = pd.Series(data.targets[:first, 0]).groupby(np.asarray(clock.normalize())).mean().iloc[-60:]
    truth = None
    if first < data.known:
        truth = pd.Series(data.targets[first : first + len(days), 0]).groupby(days[: data.known - first]).mean()
    figure = forecast_fan(
        before.index.to_numpy(), before, daily.index.to_numpy(), daily[len(daily.columns) // 2],
        _intervals(model, daily.to_numpy()), truth, quantity=f"daily mean of {model.layout_.target}",
        unit=model.layout_.unit,
    )  # fmt: skip
    text = f"Daily means of the forecast with the daily means of its edges. {forecast.attrs['calibration']}."
    return Section("The forecast", text, figure, alt="Daily means of history and forecast")


def _peak(data: LoadData, model: YearLoad, test: YearTest) -> Section:
    """The days around the highest load of the test year, hour by hour."""
    day = round(pd.Timedelta("1D") / data.step)
    peak = int(test.truth.argmax()) // day * day
    rows = slice(max(0, peak - DAYS_SHOWN // 2 * day), min(len(test.rows), peak + (DAYS_SHOWN // 2 + 1) * day))
    clock = data.local().tz_localize(None).to_numpy()
    seen = slice(max(0, int(test.rows[rows][0]) - DAYS_BEFORE * day), int(test.rows[rows][0]))
    values = test.forecast.forecast.values[rows, 0]
    figure = forecast_fan(
        clock[seen], data.targets[seen, 0], clock[test.rows[rows]], test.forecast.point.values[rows, 0],
        _intervals(model, values), test.truth[rows], quantity=model.layout_.target, unit=model.layout_.unit,
    )  # fmt: skip
    text = "The days around the highest load of the test year, forecast by the model that had seen none of that year."
    return Section("At the peak", text, figure, alt="Forecast and measured load around the yearly peak")


def _comparison(data: LoadData, test: YearTest) -> Section:
    clock = data.local()[test.rows]
    text = (
        f"Every model forecast {clock[0]:%d %b %Y} to {clock[-1]:%d %b %Y} from weather and calendar alone. The model "
        "and its weights were chosen on months held out of the years before. Bars are 90 % intervals from a bootstrap "
        "in blocks of days; they do not hold what another year's level would do."
    )
    return Section("Which model won", text, comparison_bars(test.comparison), test.comparison.table())


def _by(what: str, data: LoadData, test: YearTest, place: NDArray[np.int64], names: tuple[str, ...]) -> Section:
    """Mean absolute error and coverage by a part of the calendar; place (time,)."""
    part, edges = place[test.rows], test.forecast.forecast.values[:, 0]
    there = np.unique(part)
    errors = {
        name: np.array([np.abs(point - test.truth)[part == one].mean() for one in there])
        for name, point in test.points.items()
    }
    inside = (edges[:, 0] <= test.truth) & (test.truth <= edges[:, -1])
    shares = np.array([inside[part == one].mean() for one in there])
    figure = error_by_step(
        errors, unit=data.units.get(data.target_names[0], ""), chosen=test.comparison.chosen, steps=there + 1.0,
        step_name=what if what == "month" else f"{what}, the first hour is 1",
    )  # fmt: skip
    table = Table(
        (what, "coverage %"), [(names[one], f"{100 * share:.1f}") for one, share in zip(there, shares, strict=True)]
    )
    return Section(f"Error by {what}", "Mean absolute error and measured coverage on the test year.", figure, table)


def _response(data: LoadData, model: YearLoad, test: YearTest) -> Section:
    """Mean load in bins of the first kind of weather, as measured and as forecast."""
    group = model.inputs_.surroundings.groups[0]
    weather = data.future[test.rows][:, group.columns].mean(1)
    figure = response(
        weather, test.truth, test.forecast.point.values[:, 0], group.name, model.layout_.target, model.layout_.unit
    )
    text = f"Mean load of the test year at each value of {group.name}, which other inputs move along with."
    return Section("Response to weather", text, figure, alt=f"Measured and forecast load against {group.name}")


def response(weather: Floats, truth: Floats, point: Floats, name: str, quantity: str, unit: str = "") -> "Figure":
    """Mean truth and forecast in bins of equal counts of the weather; all (row,)."""
    order = np.argsort(weather, kind="stable")
    x, measured, forecast = (
        np.array([part.mean() for part in np.array_split(values[order], BINS)]) for values in (weather, truth, point)
    )
    figure, axes = new_figure()
    axes.plot(x, measured, color=INK, linewidth=1.2, linestyle=(0, (3, 1.5)), label="measured")
    axes.plot(x, forecast, color=BLUE, linewidth=1.8, label="forecast")
    label(axes, name, quantity, unit)
    legend(axes)
    return figure


def _weights(model: YearLoad, test: YearTest) -> Section:
    rows = [
        (name, f"{test.weights[name]:.2f}", f"{weight:.2f}", figures(model.validation_[name]))
        for name, weight in model.weights_.items()
    ]
    text = (
        "Convex weights on the (log) scale of the load, fitted on held-out months: of the model that was tested, and "
        f"of the model that was saved, which has all years. The held-out error of that blend is "
        f"{figures(model.validation_['blend'])}."
    )
    header = ("member", "weight when tested", "weight now", f"held-out {model.metric_}")
    return Section("The blend", text, table=Table(header, rows))


def _intervals(model: YearLoad, values: Floats) -> list[tuple[float, Floats, Floats]]:
    count = len(model.coverages_)
    return [
        (share, values[:, count - 1 - index], values[:, count + 1 + index])
        for index, share in enumerate(model.coverages_)
    ]
