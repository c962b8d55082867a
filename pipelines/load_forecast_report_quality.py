"""The part of the report that says how far the forecast can be trusted, where it was off, and when not to use it."""

import numpy as np
import pandas as pd

from ..domains.forecasting.backtest import truth_at
from ..domains.forecasting.breakdown import breakdown, shares_below
from ..domains.forecasting.features import steps_a_day
from ..domains.forecasting.predictor import LoadForecaster
from ..domains.forecasting.standing import RECENT, scaled_errors
from ..shared.evaluation.comparison import Row
from ..shared.evaluation.metrics import along, mae
from ..shared.evaluation.table import Table, figures
from ..shared.report.page import Section
from ..shared.report.plots import coverage_bars, error_by_step, residual_calendar
from ..shared.report.plots_of_trust import error_by_group, level_over_time, reliability_bars
from .load_forecast_options import Fitting

TOLERANCE = 0.04  # by which a share may leave its promise and still be called kept
FAR = 4  # times the error of the best, beyond which a model would only hide the others in a figure
EMBEDDED = (
    "Half-hourly electricity demand of England and Wales, June to August 2000 (real data, Taylor 2003). The day after "
    "it, Monday 28 August 2000, was a public holiday there, a kind of day that this history never shows"
)


def drawn(forecaster: LoadForecaster) -> tuple[Row, ...]:
    """The models that stand in figures: the chosen one, and those not much worse than the best."""
    rows = forecaster.comparison_.rows
    return tuple(row for row in rows if row.value <= FAR * rows[0].value or row.model == forecaster.chosen_)


def errors(forecaster: LoadForecaster) -> list[Section]:
    """Error by step of the horizon for every model, and by hour of the local day for the chosen one."""
    data, parts, chosen = forecaster.data_, forecaster.parts_, forecaster.chosen_
    truth, real = truth_at(data, parts.test_origins, forecaster.horizon_)
    names = [row.model for row in drawn(forecaster)]
    found = {name: along(1, mae, truth, forecaster.backtests_[name].test, real=real) for name in names}
    hours = (np.arange(forecaster.horizon_) + 1) * (data.step.total_seconds() / 3600)
    figure = error_by_step(found, unit=forecaster.comparison_.unit, chosen=chosen, steps=hours, step_name="hours ahead")
    sections = [
        Section(
            "Error by horizon", "Mean absolute error of each step on the test part, of the models drawn above.", figure
        )
    ]
    tables = {name: _hours(forecaster, name) for name in dict.fromkeys((chosen, forecaster.comparison_.reference))}
    for target in data.target_names:
        own = {name: table[table.target == target] for name, table in tables.items()}
        worst = own[chosen].loc[own[chosen].mae.idxmax()]
        unit = data.units.get(target, "")
        text = (
            f"By the local clock {chosen} is worst from {worst.group}:00 on, where it is off by {figures(worst.mae)} "
            f"{unit}".strip()
            + " in the mean."
        )
        bars = error_by_group(
            list(own[chosen].group), {name: table.mae for name, table in own.items()}, chosen=chosen,
            unit=unit, group_name="hour of the local day",
        )  # fmt: skip
        named = f" of {target}" if len(data.target_names) > 1 else ""
        sections.append(Section(f"Error{named} by hour of day", text, bars, alt=text))
    return sections


def _hours(forecaster: LoadForecaster, name: str) -> pd.DataFrame:
    table = breakdown(forecaster.backtests_[name], forecaster.data_, forecaster.parts_, forecaster.coverages_)
    return table[table.by == "hour"]


def intervals(forecaster: LoadForecaster) -> list[Section]:
    """Coverage by hour of day, and all quantiles against their promise."""
    data, parts, chosen = forecaster.data_, forecaster.parts_, forecaster.backtests_[forecaster.chosen_]
    hours = _hours(forecaster, forecaster.chosen_)
    total = hours.assign(inside=hours.coverage * hours["count"]).groupby("group")[["inside", "count"]].sum()
    share = (total.inside / total["count"]).to_numpy() / 100
    count = len(parts.test_origins)
    chance = 100 * 1.645 * (forecaster.coverage * (1 - forecaster.coverage) / count) ** 0.5
    width = float((chosen.quantiles[..., -1] - chosen.quantiles[..., 0]).mean())
    mean = float(np.average(share, weights=total["count"]))
    text = (
        f"Share of measured load inside the {forecaster.coverage:.0%} interval, whose mean width is {figures(width)} "
        f"{forecaster.comparison_.unit}: {mean:.1%} on the test part, by hour {share.min():.0%} to {share.max():.0%}. "
        f"The band is {100 * TOLERANCE:g} points either side; in {count} days chance alone moves an hour by "
        f"{chance:.0f}. The interval learns from each day once it is over."
    )
    bars = coverage_bars(
        list(total.index), share, forecaster.coverage, tolerance=TOLERANCE, step_name="hour of the local day"
    )
    below = shares_below(chosen, data, parts).mean(0)
    levels = np.array(forecaster.levels_)
    off = 100 * np.abs(below - levels).max()
    said = (
        "A quantile keeps its promise when that share of outcomes lies below it. The one furthest off misses by "
        f"{off:.1f} points. A bar above zero says that load came lower than promised."
    )
    return [
        Section("Does the interval hold", text, bars, alt=f"Measured coverage by hour, {mean:.1%} in all"),
        Section(
            "Do all quantiles hold",
            said,
            reliability_bars(levels, below, TOLERANCE),
            alt=f"Truth below each quantile less its level, at most {off:.1f} points",
        ),  # fmt: skip
    ]


def groups(forecaster: LoadForecaster) -> Section:
    """The scores of the chosen model by season, kind of day and weather as a table."""
    one = forecaster.backtests_[forecaster.chosen_]
    table = breakdown(one, forecaster.data_, forecaster.parts_, forecaster.coverages_)
    telling = table.by.eq("all") | (table.by.ne("hour") & table.groupby(["target", "by"]).group.transform("size").gt(1))
    several = len(forecaster.data_.target_names) > 1
    rows = [
        (
            *([str(row.target)] if several else []),
            "all" if row.by == "all" else f"{row.by}: {row.group}",
            f"{row.steps:,}",
            *(figures(value) for value in (row.mae, row.mape, row.crps, row.width)),
            f"{row.coverage:.1f} %",
        )
        for row in table[telling].rename(columns={"count": "steps"}).itertuples()
    ]
    header = (
        *(["target"] if several else []),
        *("group", "steps", "MAE", "MAPE %", "CRPS", "width", f"inside {forecaster.coverage:.0%}"),
    )
    unit = "" if several else forecaster.comparison_.unit
    text = (
        f"The test part of {forecaster.chosen_} by season, kind of day and weather"
        + (f", in {unit}" if unit else "")
        + ". Weather is cut where each band holds a fifth of the steps. A group of few days says little."
    )
    return Section("Where it is good and where not", text, table=Table(header, rows, marked=0))


def calendar(forecaster: LoadForecaster, target: int) -> Section:
    """Every residual of the test part, day by hour."""
    data, origins = forecaster.data_, forecaster.parts_.test_origins
    clock = data.local().tz_localize(None)
    residual = forecaster.test_residuals()[:, : steps_a_day(data), target]
    steps = [f"{time:%H:%M}" for time in clock[origins[-1] : origins[-1] + residual.shape[1]]]
    name = data.target_names[target]
    unit = data.units.get(name, "")
    figure = residual_calendar(clock[origins].to_numpy(), residual, steps, unit=unit, step_name="local time")
    daily = np.abs(residual).mean(1)
    worst = clock[origins[int(np.nanargmax(daily))]] if np.isfinite(daily).any() else None
    text = (
        "Truth minus forecast as it was, nothing taken off: red is more load than forecast, blue less. A column that "
        "stands out is a day of another kind."
        + (
            ""
            if worst is None
            else f" The worst was {worst:%A %d %b %Y}, off by {figures(float(np.nanmax(daily)))} {unit}".rstrip()
            + " in the mean."
        )
    )
    return Section(f"When it was off: {name}", text, figure, alt=f"Residuals of {name} by day and time of day")


def outlook(forecaster: LoadForecaster) -> Section:
    """The band in which the error is usual, how the test part ran in it, and when not to use the model."""
    data, parts, usual = forecaster.data_, forecaster.parts_, forecaster.usual_
    one = forecaster.backtests_[forecaster.chosen_]
    real = truth_at(data, parts.test_origins, forecaster.horizon_)[1].any((1, 2))
    middle, figure = float(np.median(usual.means)) or 1.0, None
    if real.sum() >= RECENT:
        found = scaled_errors(one.test, data, parts.test_origins, usual.scale) / middle
        figure = level_over_time(
            data.local().tz_localize(None)[parts.test_origins[real]].to_numpy()[RECENT - 1 :],
            np.convolve(found, np.full(RECENT, 1 / RECENT), "valid"),
            usual.limit / middle,
            quantity=f"error over the usual one, mean of {RECENT} forecasts",
            name=forecaster.chosen_,
        )
    text = (
        f"The mean error of {RECENT} forecasts in a row, as a multiple of the usual one. Beyond "
        f"{usual.limit / middle:.2f} the load has changed and the model wants to be fitted again: labformer predict "
        "says so on newer history, and with --strict its exit code does."
    )
    limits = forecaster.card_.partition("## When not to use it")[2].partition("\n## ")[0]
    points = [line.removeprefix("- ") for line in limits.splitlines() if line.startswith("- ")]
    return Section(
        "How it stands, and when not to use it", text, figure, points=points,
        alt=f"Error over time against its band, which ends at {usual.limit / middle:.2f}",
    )  # fmt: skip


def source(forecaster: LoadForecaster, options: Fitting) -> Section:
    """What was read, and every repair."""
    data = forecaster.data_
    covariates = ", ".join((*data.past_names, *data.future_names))
    known = f" Covariates: {covariates}." if covariates else ""
    text = f"{EMBEDDED if options.data is None else options.data}. {data.summary()}.{known}"
    if not data.repairs:
        return Section("Data", f"{text}\n\nNothing had to be repaired.")
    return Section("Data", f"{text}\n\nRepaired:", points=data.repairs)
