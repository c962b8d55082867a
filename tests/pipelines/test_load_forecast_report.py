import copy
import json
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.blend_load import BlendLoad
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.domains.forecasting.scenarios import LEAST
from labformer.pipelines.load_forecast import predict, score
from labformer.pipelines.load_forecast_options import RunOptions
from labformer.pipelines.load_forecast_report import load_report
from labformer.shared.evaluation.check import Check
from labformer.shared.report.page import Report

DAY = 8
ALWAYS = [
    "Which model won",
    "Error by horizon",
    "Does the interval hold",
    "Do all quantiles hold",
    "Where it is good and where not",
    "What the forecast rests on",
    "How it stands, and when not to use it",
    "Checks",
    "Data",
]
BROKEN = Check("a law", False, "by 7")


def report(forecaster: LoadForecaster) -> Report:
    forecast = predict(forecaster, forecaster.source_)
    return load_report(forecaster, forecast, [BROKEN], RunOptions(data="mine.csv"))


def titles(made: Report) -> list[str]:
    return [section.title for section in made.sections]


@pytest.fixture(scope="module")
def fitted(simulated: Callable[..., pd.DataFrame]) -> LoadForecaster:
    table = simulated(days=84, ahead=DAY)
    forecaster = LoadForecaster(models=("nlinear-ridge", "spline-ridge"), lookback="2D")
    units = {"load": "MW", "temperature": "°C"}
    return forecaster.fit(table, targets="load", future_covariates=("temperature", "weekend"), units=units)


@pytest.fixture(scope="module")
def made(fitted: LoadForecaster) -> Report:
    return report(fitted)


@pytest.fixture(scope="module")
def text(made: Report) -> str:
    return made.to_html()


def test_with_weather_every_part_of_the_story_is_there(made: Report, text: str) -> None:
    found = titles(made)
    assert [one for one in found if one in ALWAYS] == ALWAYS
    assert found[:2] == ["Forecast of load", "Possible paths of load"]
    assert {"Error by hour of day", "When it was off: load", "Response of load to temperature"} < set(found)
    assert "What the blend is made of" not in found
    for words in ("temperature: ", "day: weekend", "BROKEN", "by 7", "mine.csv", "beyond", "For another series"):
        assert words in text


def test_the_page_stands_alone_and_every_figure_says_what_it_shows(text: str) -> None:
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", text)
    assert len(text.encode()) < 3_000_000
    said = re.findall(r"<svg role=\"img\" aria-label=\"([^\"]*)\"", text)
    assert len(said) == text.count("<svg") == len(set(said)) == 11
    assert all(len(one) > 10 for one in said)


def test_the_numbers_of_the_page_are_those_of_the_comparison(fitted: LoadForecaster, text: str) -> None:
    row = next(row for row in fitted.comparison_.rows if row.model == fitted.chosen_)
    assert f"{row.others['MAPE %']:.2f} %" in text
    assert text.count(f"{row.others['coverage %']:.1f} %") >= 2  # among the facts and in the table of groups
    peak = float(fitted.predict().point.max())
    assert re.search(rf"peak at {peak:,.0f} MW at \d\d:\d\d on \w{{3}} 27 Mar 2023", text)


def test_the_metrics_hold_the_breakdown_as_strict_json(fitted: LoadForecaster) -> None:
    rows = json.loads(json.dumps(score(fitted, []), allow_nan=False))["breakdown"]
    row = next(row for row in fitted.comparison_.rows if row.model == fitted.chosen_)
    assert rows[0]["by"] == "all"
    assert rows[0]["mae"] == pytest.approx(row.value)
    assert rows[0]["coverage"] == pytest.approx(row.others["coverage %"])
    assert {"hour", "season", "day", "temperature"} < {one["by"] for one in rows}


def test_without_weather_there_is_no_response_and_without_memory_there_are_no_paths(
    simulated: Callable[..., pd.DataFrame],
) -> None:
    bare = LoadForecaster(models=("seasonal-naive-week",)).fit(simulated(days=84), targets="load")
    bare.intervals_.errors = bare.intervals_.errors[: LEAST - 1]
    found = titles(report(bare))
    assert [one for one in found if one in ALWAYS] == ALWAYS
    assert not [one for one in found if one.startswith(("Response", "Possible paths"))]


def test_a_blend_shows_what_it_is_made_of(fitted: LoadForecaster) -> None:
    blend = copy.copy(fitted)
    members = [fitted.backtests_[name].model for name in ("nlinear-ridge", "spline-ridge")]
    blend.model_ = BlendLoad(DAY, members, np.array([np.full(DAY, 0.25), np.full(DAY, 0.75)]))
    (section,) = [one for one in report(blend).sections if one.title == "What the blend is made of"]
    assert "spline-ridge 75%, nlinear-ridge 25%" in section.text
    assert section.figure is not None


def test_several_targets_each_have_their_own_parts(simulated: Callable[..., pd.DataFrame]) -> None:
    table = simulated(days=60).assign(heat=lambda t: 3 * t.load - 4 * t.temperature)
    forecaster = LoadForecaster(models=("seasonal-naive-week",)).fit(table, targets=("load", "heat"))
    found = titles(report(forecaster))
    for name in ("load", "heat"):
        assert {f"Forecast of {name}", f"Error of {name} by hour of day", f"When it was off: {name}"} < set(found)


def test_covariates_that_end_with_the_load_show_the_last_of_the_test_part(
    simulated: Callable[..., pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    forecaster = LoadForecaster(models=("spline-ridge",))
    forecaster.fit(simulated(days=60), targets="load", future_covariates="temperature")
    made = report(forecaster)
    assert "load was forecast to peak" in made.summary
    fan = made.sections[0]
    assert "forecast without seeing it" in fan.text
    assert fan.figure is not None
    assert "what came" in [line.get_label() for line in fan.figure.axes[0].lines]
    assert "no rows of temperature" in capsys.readouterr().err
