"""The report of a split of the mains: what each appliance used, who says so, and how far to trust it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from .. import __version__
from ..domains.nilm.appliances import APPLIANCES
from ..domains.nilm.energy import energy
from ..domains.nilm.house import House
from ..domains.nilm.metrics import Scored, score_table
from ..domains.nilm.predictor import CHOSEN, Disaggregator
from ..shared.evaluation.check import Check
from ..shared.evaluation.table import Table, figures
from ..shared.report.laws import laws
from ..shared.report.page import Report, Section
from ..shared.report.plots import comparison_bars
from ..shared.report.plots_of_parts import stacked_areas, stacked_bars, week_maps
from .nilm_houses import Houses, summary
from .nilm_report_quality import doubts, held, probabilities, states

SIMULATED = "All houses here are simulated: the figures say how the suite works, not how good it is in a real house."


def nilm_report(
    disaggregator: Disaggregator,
    houses: Houses,
    prediction: xr.Dataset,
    usage: pd.DataFrame,
    checks: Sequence[Check],
) -> Report:
    """Build the page of a run, whose prediction is of the first house of the test."""
    house = houses.test[0]
    return Report(
        title=f"Appliances of {house.name}",
        summary=_summary(disaggregator, usage, houses),
        sections=[
            *_day(house, prediction),
            _months(house, prediction, usage),
            _week(house, prediction),
            _comparison(disaggregator, houses),
            _scores(disaggregator),
            states(disaggregator, house, prediction),
            probabilities(house, prediction),
            held(disaggregator),
            doubts(disaggregator, house),
            laws(checks, "an answer"),
            _source(houses),
        ],
        facts=_facts(disaggregator, usage),
        footer=f"labformer {__version__}, seed {disaggregator.seed}. To repeat it: "
        "labformer run nilm --config run.toml --out FOLDER",
    )


def titles(prediction: xr.Dataset) -> dict[str, str]:
    """What the appliances of a prediction are called for people, by name."""
    return {str(name): APPLIANCES[str(name)].title for name in prediction["appliance"].values}


def _summary(disaggregator: Disaggregator, usage: pd.DataFrame, houses: Houses) -> str:
    overall = usage[usage["period"] == "all"].sort_values("kwh", ascending=False)
    said = [
        f"{APPLIANCES[row.appliance].title} {figures(row.kwh)} kWh in {row.uses:,} uses"
        + (f", {figures(row.cost)} {row.currency}" if "cost" in usage else "")
        for row in overall.itertuples()
    ]
    parts = [f"{houses.test[0].name}, from its mains alone: {'; '.join(said)}."]
    parts += [disaggregator.comparison_.verdict] if disaggregator.comparison_ is not None else []
    return "\n\n".join([SIMULATED, *parts] if houses.simulated else parts)


def _facts(disaggregator: Disaggregator, usage: pd.DataFrame) -> list[tuple[str, str]]:
    scores = disaggregator.scores_[CHOSEN].values()
    days = disaggregator.coverage_[disaggregator.coverage_["level"] == "day of use"]
    inside = f"{100 * np.average(days['covered'], weights=days['count']):.1f} %" if len(days) else "no such day"
    return [
        ("TECA, mean of appliances (nothing: 0.50)", figures(float(np.mean([one.teca for one in scores])))),
        ("matching rate", figures(float(np.mean([one.mr for one in scores])))),
        ("F1 of on and off", figures(float(np.mean([one.f1 for one in scores])))),
        (f"{disaggregator.coverage:.0%} intervals of days of use hold", inside),
        ("in all appliances", f"{figures(float(usage[usage['period'] == 'all']['kwh'].sum()))} kWh"),
    ]


def _day(house: House, prediction: xr.Dataset) -> list[Section]:
    """The day in which most appliances ran longest, as it was answered and as it was metered."""
    called, per_day = titles(prediction), house.per_day()
    local = house.local().tz_localize(None)
    power = prediction["power_w"].values
    begins = np.flatnonzero(local.normalize() == local)
    begins = begins[begins + per_day <= len(local)]
    if not len(begins):
        begins = np.array([0])
    used = np.array([np.count_nonzero(np.nansum(power[at : at + per_day], axis=0) > 0) for at in begins])
    taken = np.array([np.nansum(power[at : at + per_day]) for at in begins])
    start = int(begins[np.lexsort((taken, used))[-1]])
    rows = slice(start, start + per_day)
    said = {title: prediction["power_w"].sel(appliance=name).values[rows] for name, title in called.items()}
    metered = {called[name]: house.appliances_w[name][rows] for name in called if name in house.appliances_w}
    day = f"{local[start]:%A %d %B %Y}"
    text = f"{day}, the fullest of the test: what the mains of {house.name} are split into, minute by minute."
    words = {"whole_name": "mains", "quantity": "power", "unit": "W"}
    clock = local.to_numpy()[rows]
    return [
        Section(
            "A day, as answered", text, stacked_areas(clock, said, house.mains_w[rows], **words),
            alt=f"Power of appliances on {day} as answered, stacked under the mains",
        ),
        Section(
            "The same day, as metered", "What the meters of the appliances said; the answer saw the mains alone.",
            stacked_areas(clock, metered, house.mains_w[rows], **words),
            alt=f"Power of appliances on {day} as metered, stacked under the mains",
        ),
    ]  # fmt: skip


def _months(house: House, prediction: xr.Dataset, usage: pd.DataFrame) -> Section:
    called = titles(prediction)
    months = pd.DatetimeIndex(prediction["month"].values)
    parts = {
        title: np.nan_to_num(prediction["month_energy_kwh"].sel(appliance=name).values)
        for name, title in called.items()
    }
    metered = None
    if set(called) <= set(house.appliances_w):
        table = np.stack([house.appliances_w[name] for name in called], axis=1)
        seen = np.isfinite(prediction["power_w"].values) & np.isfinite(table)
        metered = energy(house.local(), np.where(seen, table, np.nan), house.step, "M").kwh.sum(1)
    low, high = (
        prediction[f"month_energy_{side}_kwh"].sum("appliance", skipna=False).values for side in ("low", "high")
    )
    names = [f"{month:%b %Y}" for month in months]
    figure = stacked_bars(names, parts, low, high, metered, quantity="energy", unit="kWh")
    text = (
        "Energy by month; doubts count by their probability. The interval drawn adds up those of the appliances, which "
        "is wider than needed. Minutes without mains are in no sum; covered says how much of a month was seen. Cost is "
        "without standing charges."
    )
    return Section("The bill by month", text, figure, usage_rows(usage), alt="Energy of each appliance by month, kWh")


def usage_rows(usage: pd.DataFrame) -> Table:
    """The table of use for people."""
    priced = "cost" in usage
    header = ["appliance", "month", "kWh", "interval", *(["cost"] if priced else []), "uses", "typical start"]
    body = [
        (
            APPLIANCES[row.appliance].title, row.period, figures(row.kwh),
            "" if np.isnan(row.kwh_low) else f"{figures(row.kwh_low)}..{figures(row.kwh_high)}",
            *([f"{row.cost:,.2f} {row.currency}"] if priced else []), f"{row.uses:,}", row.typical_start,
            figures(row.mean_minutes), figures(row.median_on_w), f"{100 * row.covered:.0f} %",
        )
        for row in usage.itertuples()
    ]  # fmt: skip
    return Table((*header, "minutes a use", "W while on", "covered"), body)


def _week(house: House, prediction: xr.Dataset) -> Section:
    local = house.local()
    slot = local.dayofweek.to_numpy() * 24 + local.hour.to_numpy()
    maps = {}
    for name, title in titles(prediction).items():
        power = prediction["power_w"].sel(appliance=name).values
        real = np.isfinite(power)
        count = np.bincount(slot[real], minlength=168)
        maps[title] = (np.bincount(slot[real], power[real], 168) / np.maximum(count, 1)).reshape(7, 24)
    text = "Mean power by day of the week and hour of the local day, as answered."
    return Section("When it runs", text, week_maps(maps, unit="W"), alt="Mean power by weekday and hour, by appliance")


def _comparison(disaggregator: Disaggregator, houses: Houses) -> Section:
    comparison = disaggregator.comparison_
    assert comparison is not None  # a run has houses to test on
    chosen = ", ".join(f"{APPLIANCES[name].title}: {model}" for name, model in disaggregator.chosen_.items())
    text = (
        f"{houses.split}. Bars are the mean absolute error of days, in the mean of the appliances, with 90 % intervals "
        "from a bootstrap in blocks of days; predicting nothing (zero) is among them, for a small error alone says "
        f"little of appliances that mostly rest. Chosen on validation by energy, overlap and states: {chosen}."
    )
    return Section(
        "Which model won", text[0].upper() + text[1:], comparison_bars(comparison), comparison.table(),
        alt=f"Test error of every model; {comparison.verdict}",
    )  # fmt: skip


def _scores(disaggregator: Disaggregator) -> Section:
    lines = [
        Scored(model, APPLIANCES[name].title, one)
        for model, by in disaggregator.scores_.items()
        for name, one in by.items()
    ]
    text = (
        "All models on the test, appliance by appliance, in watts. TECA is the share of energy assigned rightly: below "
        "0.50 is worse than predicting nothing. MR is the overlap of predicted and true energy. An appliance counts as "
        'on from the power in the last column. "chosen" is what the answers of this report are.'
    )
    return Section("Appliance by appliance", text, table=score_table(lines))


def _source(houses: Houses) -> Section:
    everyone = {house.name: house for house in (*houses.train, *(houses.validation or ()), *houses.test)}
    points = [f"{summary(house)}." for house in everyone.values()]
    points += [f"{house.name}, repaired: {repair}" for house in everyone.values() for repair in house.repairs]
    points += [f"{house.name}, strange: {odd}" for house in everyone.values() for odd in house.odd]
    return Section("Data", f"{houses.split[0].upper()}{houses.split[1:]}.", points=points)
