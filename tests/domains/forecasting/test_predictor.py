import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.backtest import truth_at
from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.predictor import LoadForecaster
from labformer.domains.forecasting.registry import BASELINES
from labformer.domains.forecasting.scoring import normalised_error
from labformer.shared.datasets.split import refuse_shared_times
from labformer.shared.errors import InputError

DAY = 8  # rows of three hours
CHEAP = ("seasonal-naive-week", "nlinear-ridge")
WEATHER = {"targets": "load", "future_covariates": ("temperature", "weekend"), "units": {"load": "MW"}}
Simulated = Callable[..., pd.DataFrame]


def cheap(**settings: Any) -> LoadForecaster:
    return LoadForecaster(**{"models": CHEAP, "lookback": "2D", **settings})


@pytest.fixture(scope="module")
def data(simulated: Simulated) -> LoadData:
    return read_load(simulated(), targets="load", units={"load": "MW"})


@pytest.fixture(scope="module")
def fitted(data: LoadData) -> LoadForecaster:
    return cheap().fit(data)


def test_the_constructor_stores_plain_values() -> None:
    settings = {
        "models": ["dlinear"], "horizon": "12h", "lookback": "3D", "coverage": 0.8, "validation": 0.2, "test": 0.3,
        "seed": 7, "device": "cpu", "progress": True,
    }  # fmt: skip
    made = LoadForecaster(**settings)  # type: ignore[arg-type]
    assert {name: getattr(made, name) for name in settings} == settings
    assert list(vars(made)) == list(inspect.signature(LoadForecaster).parameters)


def test_a_forecast_is_a_labelled_dataset(fitted: LoadForecaster, data: LoadData) -> None:
    forecast = fitted.predict()
    assert dict(forecast.sizes) == {"time": DAY, "target": 1, "quantile": 7}
    assert forecast.forecast.dims == ("time", "target", "quantile")
    assert forecast.point.attrs["units"] == forecast.forecast.attrs["units"] == "MW"
    assert forecast.attrs["Conventions"].startswith("CF-")
    assert forecast.attrs["source"] == fitted.chosen_
    assert "measured coverage on the test part" in forecast.attrs["calibration"]
    np.testing.assert_allclose(forecast["quantile"], [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    assert (np.diff(forecast.forecast, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast.forecast.sel(quantile=0.5), forecast.point)
    steps = np.diff(np.concatenate([[forecast.origin.values], forecast.time.values]))
    assert set(steps) == {np.timedelta64(3, "h")}
    assert forecast.origin.values == data.times[-1].tz_localize(None)


@pytest.mark.parametrize("name", [*BASELINES, "nlinear-ridge"])  # the trained ones: tests/pipelines/test_command.py
def test_a_loaded_model_answers_with_the_same_numbers(name: str, simulated: Simulated, tmp_path: Path) -> None:
    table = simulated(ahead=DAY)
    made = cheap(models=[name], coverage=0.8, seed=3).fit(table, **WEATHER)
    made.save_pretrained(tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"config.json", "model.safetensors", "card.md"}
    again = LoadForecaster.from_pretrained(tmp_path / "model")
    before = made.predict()
    xr.testing.assert_identical(again.predict(table), before)
    assert made.chosen_ == again.chosen_ == name
    again.save_pretrained(tmp_path / "twin")
    assert again.card_ == made.card_ == (tmp_path / "twin" / "card.md").read_text()
    xr.testing.assert_identical(LoadForecaster.from_pretrained(tmp_path / "twin").predict(table), before)
    colder = table.assign(load=table["load"] + np.linspace(0, 200, len(table)))
    assert np.abs(again.predict(colder).point - before.point).max() > 1


def test_without_a_history_there_is_no_forecast(fitted: LoadForecaster, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not fitted; call fit"):
        LoadForecaster().predict()
    fitted.save_pretrained(tmp_path / "model")
    with pytest.raises(InputError, match="give the newest history"):
        LoadForecaster.from_pretrained(tmp_path / "model").predict()


def test_what_one_may_read_of_a_folder_one_may_read_of_all(fitted: LoadForecaster, tmp_path: Path) -> None:
    fitted.save_pretrained(tmp_path / "model")
    assert len({path.stat().st_mode for path in (tmp_path / "model").iterdir()}) == 1


def test_the_card_says_what_a_stranger_must_know(fitted: LoadForecaster) -> None:
    for said in (
        "load (MW)", "672 rows each 3 h", "2023-01-02 00:00", "seed 0", fitted.chosen_, "licence", "fitted in",
        "measured coverage", "When not to use it", fitted.comparison_.verdict,
    ):  # fmt: skip
        assert said in fitted.card_


def test_saving_over_a_folder_has_to_be_asked_for(fitted: LoadForecaster, tmp_path: Path) -> None:
    fitted.save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "card.md").write_text("mine")
    with pytest.raises(InputError, match=r"exists.*--overwrite"):
        fitted.save_pretrained(tmp_path / "model")
    assert (tmp_path / "model" / "card.md").read_text() == "mine"
    fitted.save_pretrained(tmp_path / "model", overwrite=True)
    assert (tmp_path / "model" / "card.md").read_text() == fitted.card_


def test_a_damaged_folder_is_refused(fitted: LoadForecaster, tmp_path: Path) -> None:
    fitted.save_pretrained(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    whole = config.read_text()
    for lacking in ("layout", "chosen", "model", "measured_coverage"):
        about = json.loads(whole)
        del about["config"][lacking]
        config.write_text(json.dumps(about))
        with pytest.raises(InputError, match="damaged or of another version"):
            LoadForecaster.from_pretrained(tmp_path / "model")
    config.write_text(whole)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
        LoadForecaster.from_pretrained(tmp_path / "model")


def test_parts_do_not_share_a_moment(fitted: LoadForecaster, data: LoadData) -> None:
    parts, ahead = fitted.parts_, np.arange(fitted.horizon_)
    clock = data.times.tz_localize(None)
    refuse_shared_times(
        train=clock[parts.train],
        validation=clock[(parts.validation_origins[:, None] + ahead).ravel()],
        test=clock[(parts.test_origins[:, None] + ahead).ravel()],
        tomorrow=fitted.predict().time.values,
    )


@pytest.mark.parametrize(
    ("horizon", "back", "models"), [("24h", 11, (*CHEAP, "spline-ridge", "blend")), ("24h", 5, CHEAP), ("3D", 9, CHEAP)]
)
def test_what_comes_later_changes_nothing_before(
    simulated: Simulated, horizon: str, back: int, models: tuple[str, ...]
) -> None:
    """Neither the choice, nor forecasts and quantiles made before, know loads from a row of the test part on."""
    data = read_load(simulated(days=70), targets="load", past_covariates="temperature")
    row = data.known - back * DAY
    noise = np.random.default_rng(9).normal(2000, 500, (data.known - row, 1))
    other = replace(
        data,
        targets=np.concatenate([data.targets[:row], noise]),
        past=np.concatenate([data.past[:row], noise]),
    )
    one, two = (cheap(models=models, horizon=horizon).fit(version) for version in (data, other))
    made_before = one.parts_.test_origins <= row
    assert one.parts_.test_origins[made_before][-1] == row
    assert one.chosen_ == two.chosen_
    for name, here in one.backtests_.items():
        there = two.backtests_[name]
        np.testing.assert_array_equal(there.validation, here.validation)
        np.testing.assert_array_equal(there.test[made_before], here.test[made_before])
        np.testing.assert_array_equal(there.quantiles[made_before], here.quantiles[made_before])
    validation = [{r.model: r.validation for r in made.comparison_.rows} for made in (one, two)]
    assert validation[0] == validation[1]
    assert one.comparison_.rows != two.comparison_.rows


def test_the_best_on_validation_is_used_even_if_another_is_better_on_test(data: LoadData) -> None:
    # the weekly rhythm ends where test begins: last week is the best forecast before, yesterday after
    rng, days = np.random.default_rng(0), np.arange(data.known) // DAY
    weekly = 500.0 * np.isin(days % 7, (1, 3, 4)) * (days < 70) + rng.normal(0, 1, data.known)
    made = cheap(models=("seasonal-naive-day", "seasonal-naive-week")).fit(replace(data, targets=weekly[:, None]))
    assert made.parts_.test.start == 70 * DAY
    assert made.chosen_ == "seasonal-naive-week"
    rows = {row.model: row for row in made.comparison_.rows}
    assert rows["seasonal-naive-day"].value < rows["seasonal-naive-week"].value


def test_the_model_of_the_backtest_stays_as_it_was_before_test(simulated: Simulated) -> None:
    made = cheap(models=["nlinear-ridge"]).fit(simulated(), targets="load")
    one, origins = made.backtests_["nlinear-ridge"], made.parts_.test_origins
    np.testing.assert_array_equal(one.model.predict(made.data_, origins), one.test)
    assert np.abs(made.model_.predict(made.data_, origins) - one.test).max() > 0  # refitted on test too


def test_only_what_was_asked_for_is_chosen_and_the_naive_ones_stand_beside(data: LoadData) -> None:
    made = cheap(models=["last-value"]).fit(data)
    assert made.chosen_ == "last-value"
    assert {"seasonal-naive-day", "seasonal-naive-week"} <= {row.model for row in made.comparison_.rows}
    assert normalised_error(made.backtests_["seasonal-naive-day"].validation, data, made.parts_) < normalised_error(
        made.backtests_["last-value"].validation, data, made.parts_
    )


def test_intervals_hold_as_often_as_they_say_on_days_of_one_kind() -> None:
    """140 test days of 24 independent errors, margins of 60 windows and 3 neighbours.

    Standard error of the share inside: sqrt(c(1-c)) * sqrt(1 / (140 * 24) + 1 / (180 * 8)) = 0.032 sqrt(c(1-c)), which
    is 0.010 at 0.9 and 0.016 at 0.5; three of them are allowed, and 0.01 for the feedback of the adaptive levels.
    """
    rng = np.random.default_rng(0)
    times = pd.date_range("2023-01-01", periods=560 * 24, freq="1h", tz="UTC")
    load = 1000 + 100 * np.sin(np.arange(len(times)) * np.pi / 12) + rng.normal(0, 10, len(times))
    made = LoadForecaster(models=["seasonal-naive-week"], validation=1 / 4, test=1 / 4)
    made.fit(pd.DataFrame({"time": times, "load": load}), targets="load")
    truth, _ = truth_at(made.data_, made.parts_.test_origins, 24)
    backtest = made.backtests_["seasonal-naive-week"]
    assert len(truth) == 140
    for index, promised in enumerate(made.coverages_):
        low, high = backtest.quantiles[..., 2 - index], backtest.quantiles[..., 4 + index]
        share = ((low <= truth) & (truth <= high)).mean()
        assert abs(share - promised) < 0.01 + 3 * 0.032 * (promised * (1 - promised)) ** 0.5, promised
    # the error of a naive forecast has the variance of two days: 1.645 * sqrt(2) * 10 either way
    assert (high - low).mean() / 2 == pytest.approx(23.3, rel=0.08)
    assert made.measured_coverage_ == pytest.approx(share)


def test_filled_gaps_are_never_scored_and_calibrate_nothing(simulated: Simulated) -> None:
    table = simulated()
    table.loc[[660, 668], "load"] = np.nan
    data = read_load(table, targets="load")
    assert data.filled[[660, 668], 0].all()
    # whatever is written into the last of them, after the last forecast was made, nothing that is measured moves
    odd = replace(data, targets=np.where(np.arange(data.known)[:, None] == 668, 1e6, data.targets))
    one, two = (cheap(models=["seasonal-naive-week"]).fit(version) for version in (data, odd))
    timeless = {"seconds_fit": 0.0, "seconds_predict": 0.0}
    assert [replace(row, **timeless) for row in one.comparison_.rows] == [
        replace(row, **timeless) for row in two.comparison_.rows
    ]
    np.testing.assert_array_equal(one.intervals_.factors(), two.intervals_.factors())
    residuals = one.test_residuals()
    assert np.isnan(residuals).sum() == 2
    (row,) = (row for row in one.comparison_.rows if row.model == one.chosen_)
    assert row.others["RMSE"] == pytest.approx(np.sqrt(np.nanmean(residuals**2)))


def test_two_targets_are_forecast_together_and_their_order_does_not_matter(simulated: Simulated) -> None:
    table = simulated()
    table["solar"] = np.maximum(0, 5 * np.sin((table["time"].dt.hour - 6) * np.pi / 12)) + table["temperature"] / 50
    both = cheap(models=["nlinear-ridge"]).fit(table, targets=["load", "solar"], units={"load": "MW", "solar": "GW"})
    swapped = cheap(models=["nlinear-ridge"]).fit(table, targets=["solar", "load"])
    assert both.comparison_.metric == "MASE"
    forecast, other = both.predict(), swapped.predict()
    assert list(forecast.target.values) == ["load", "solar"]
    assert list(forecast.unit.values) == ["MW", "GW"]
    for name in ("load", "solar"):
        np.testing.assert_allclose(
            forecast.forecast.sel(target=name), other.forecast.sel(target=name), rtol=1e-8, atol=1e-8
        )
    spread = forecast.forecast.sel(quantile=0.95) - forecast.forecast.sel(quantile=0.05)
    assert spread.sel(target="load").mean() > 10 * spread.sel(target="solar").mean()


@pytest.mark.parametrize(
    ("start", "change", "first", "last"),
    [
        ("2024-02-01", "2024-03-31", "2024-03-31 00:00", "2024-04-01 00:00"),  # a day of 23 hours
        ("2024-08-29", "2024-10-27", "2024-10-27 00:00", "2024-10-27 22:00"),  # a day of 25 hours
    ],
)
def test_days_of_23_and_25_hours_are_forecast_hour_by_hour(
    simulated: Simulated, tmp_path: Path, start: str, change: str, first: str, last: str
) -> None:
    table = simulated(days=70, step="1h", start=start, zone="Europe/London")
    plain = table[["time", "load"]].assign(time=table["time"].dt.strftime("%d/%m/%Y %H:%M"))
    plain[table["time"] < pd.Timestamp(change, tz="Europe/London")].to_csv(tmp_path / "load.csv", index=False)
    plain.to_csv(tmp_path / "later.csv", index=False)
    made = cheap().fit(tmp_path / "load.csv", targets="load", zone="Europe/London")
    forecast = made.predict()
    clock = pd.DatetimeIndex(forecast.local_time.values)
    assert (clock[0], clock[-1]) == (pd.Timestamp(first), pd.Timestamp(last))
    assert set(np.diff(forecast.time.values)) == {np.timedelta64(1, "h")}
    assert forecast.local_time.attrs["time_zone"] == "Europe/London"
    later = made.read(tmp_path / "later.csv")
    assert later.known == 70 * 24
    assert not later.filled.any()
    assert made.predict(later).sizes["time"] == 24
    assert cheap().fit(later).predict().sizes["time"] == 24


def test_a_covariate_the_model_needs_ahead_has_to_be_there(simulated: Simulated) -> None:
    table = simulated(ahead=DAY)
    made = cheap(models=["spline-ridge"]).fit(table, **WEATHER)
    assert made.predict(table).sizes["time"] == DAY
    with pytest.raises(InputError, match=r"temperature, weekend are missing from 2023-03-27 06:00 to .* 21:00"):
        made.predict(table.iloc[:-6])
    with pytest.raises(InputError, match="'temperature' is missing"):
        made.predict(table.drop(columns="temperature"))


def test_a_covariate_the_chosen_model_ignores_is_not_asked_for(simulated: Simulated) -> None:
    table = simulated(ahead=DAY)
    made = cheap(models=CHEAP).fit(table, **WEATHER)
    alone = table.loc[: len(table) - DAY - 1, ["time", "load"]]
    xr.testing.assert_identical(made.predict(alone), made.predict(table))


def test_holidays_are_looked_up_and_never_asked_for(simulated: Simulated) -> None:
    table = simulated(days=150)[["time", "load"]]
    easter = table["time"].dt.strftime("%m-%d").isin(["04-07", "04-10", "05-01", "05-08", "05-29"])
    table["load"] -= 300.0 * easter
    made = cheap(models=["spline-ridge"], validation=0.15, test=0.15).fit(table, targets="load", holidays="GB-ENG")
    assert "holiday" in made.data_.future_names
    early = made.predict(table[table["time"] < "2023-05-29"])
    plain = cheap(models=["spline-ridge"], validation=0.15, test=0.15).fit(table, targets="load")
    gap = plain.predict(table[table["time"] < "2023-05-29"]).point.mean() - early.point.mean()
    assert gap > 100  # the bank holiday of 29 May is seen coming
    with pytest.raises(InputError, match="no calendar of holidays named 'XX'"):
        cheap().fit(table, targets="load", holidays="XX")


def test_a_table_of_another_step_is_refused(fitted: LoadForecaster, simulated: Simulated) -> None:
    with pytest.raises(InputError, match=r"step of 1 h.*fitted on 3 h.*resample"):
        fitted.predict(simulated(step="1h"))


def test_a_history_too_short_to_look_back_on_is_refused(fitted: LoadForecaster, simulated: Simulated) -> None:
    assert fitted.chosen_ == "seasonal-naive-week"
    assert fitted.predict(simulated(days=7)).sizes["time"] == DAY
    with pytest.raises(InputError, match="too short for one forecast.* needs 56 rows"):
        fitted.predict(simulated(days=6))


@pytest.mark.parametrize("days", [3, 15])
def test_a_history_too_short_to_choose_and_to_measure_on_is_refused(simulated: Simulated, days: int) -> None:
    with pytest.raises(InputError, match="too short.*longer file"):
        cheap().fit(simulated(days=days), targets="load")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"coverage": 0.3}, r"coverage=0\.3 must lie between"),
        ({"coverage": 1.0}, "coverage=1.0"),
        ({"coverage": 90}, "coverage=90"),
        ({"validation": 0.0}, "validation=0.0 is a share"),
        ({"test": 0.7}, "test=0.7 is a share"),
        ({"models": ()}, "at least one model of: .*nlinear-ridge"),
        ({"models": ("nlinear",)}, "no model named 'nlinear'; known: .*nlinear-ridge"),
        ({"horizon": "7h"}, "horizon 7 h is not a multiple of the step 3 h"),
        ({"horizon": "tomorrow"}, "horizon"),
        ({"lookback": "-2D"}, "lookback"),
        ({"horizon": "40D"}, "too short"),
    ],
)
def test_a_bad_setting_is_refused_before_any_work(data: LoadData, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cheap(**settings).fit(data)


def test_the_same_seed_gives_the_same_forecast_and_another_seed_another(data: LoadData) -> None:
    data = data.until(45 * DAY)
    first, again, other = (cheap(models=["dlinear"], seed=seed).fit(data).predict() for seed in (1, 1, 2))
    xr.testing.assert_identical(first, again)
    assert np.abs(first.point - other.point).max() > 0


def test_the_last_forecast_of_the_test_part_is_shown_as_it_was_made(fitted: LoadForecaster, data: LoadData) -> None:
    shown, chosen = fitted.last_tested(), fitted.backtests_[fitted.chosen_]
    assert shown.time.values[-1] == data.times[-1].tz_localize(None)
    np.testing.assert_array_equal(shown.point, chosen.test[-1])
    np.testing.assert_array_equal(shown.forecast, chosen.quantiles[-1])


@pytest.mark.parametrize(("later", "said"), [(0, False), (24, False), (3, True), (12, True)])
def test_a_start_at_another_time_of_day_is_said_not_to_be_calibrated(
    fitted: LoadForecaster, simulated: Simulated, later: int, said: bool, recwarn: pytest.WarningsRecorder
) -> None:
    table = simulated(days=30)[["time", "load"]]
    forecast = fitted.predict(table[: len(table) - (DAY - later // 3) % DAY])
    assert ("not calibrated for this start" in forecast.attrs["calibration"]) == said
    assert any("not calibrated" in str(warning.message) for warning in recwarn) == said


@pytest.mark.parametrize("coverage", [0.6, 0.8, 0.95])
def test_the_outer_interval_is_the_one_that_was_asked_for(data: LoadData, coverage: float) -> None:
    made = cheap(coverage=coverage).fit(data)
    assert made.coverages_[-1] == coverage == max(made.coverages_)
    edges = made.predict()["quantile"].values
    np.testing.assert_allclose([edges[0], edges[-1]], [(1 - coverage) / 2, (1 + coverage) / 2])
    truth, real = truth_at(data, made.parts_.test_origins, DAY)
    one = made.backtests_[made.chosen_]
    inside = ((one.quantiles[..., 0] <= truth) & (truth <= one.quantiles[..., -1]))[real].mean()
    (row,) = (row for row in made.comparison_.rows if row.model == made.chosen_)
    assert row.others["coverage %"] == pytest.approx(100 * inside)
    assert abs(inside - coverage) < 0.2  # a dozen days: far from the next coverage of the fan would be a mix-up
