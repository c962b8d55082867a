from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.year.bench import SETTINGS, pge_rows
from labformer.domains.forecasting.year.comparison import compare_year, mean_of_kind, same_hour, split_years
from labformer.domains.forecasting.year.intervals import YearIntervals, level_changes
from labformer.domains.forecasting.year.members import HeldOut, fold_of
from labformer.domains.forecasting.year.predictor import YearLoad
from labformer.domains.forecasting.year.weather import YearInputs, summer_hours
from labformer.shared.datasets import catalogue
from labformer.shared.errors import InputError


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    """Three years from 2023 to 2025, every three hours; 2024 has a leap day."""
    return read_load(
        simulated(days=1096, start="2023-01-01"), targets="load", future_covariates="temperature", zone="UTC"
    )


def year(data: LoadData, which: int) -> np.ndarray:
    return np.flatnonzero(data.local().year == which)


def test_folds_are_whole_months_of_one_year_and_whole_years_of_more(data: LoadData) -> None:
    month = np.asarray(12 * data.local().year + data.local().month)
    for rows, by_year, count in ((year(data, 2024), False, 6), (np.arange(data.known), True, 3)):
        fold, found = fold_of(data, rows)
        assert found == by_year
        assert len(np.unique(fold)) == count
        assert all(len(np.unique(fold[month[rows] == one])) == 1 for one in np.unique(month[rows]))


def test_the_same_hour_is_taken_from_the_latest_year_and_the_leap_day_from_its_neighbour(data: LoadData) -> None:
    first, second, third = (year(data, which) for which in (2023, 2024, 2025))
    np.testing.assert_array_equal(
        same_hour(data, np.r_[first, second], first),
        data.targets[second, 0][np.isin(np.arange(366 * 8) // 8, [59], invert=True)],
    )
    leap = second[59 * 8 : 60 * 8]
    np.testing.assert_array_equal(same_hour(data, first, leap), data.targets[58 * 8 : 59 * 8, 0])
    assert np.isfinite(same_hour(data, second[: 200 * 8], third)).all()


def test_the_mean_of_a_kind_of_day_is_the_plain_mean(data: LoadData) -> None:
    local, train, test = data.local(), year(data, 2023), year(data, 2024)
    off = np.asarray(local.dayofweek >= 5, float)
    found = mean_of_kind(data, off, train, test)
    at = test[1234]
    alike = [
        row
        for row in train
        if (local[row].month, local[row].hour, off[row]) == (local[at].month, local[at].hour, off[at])
    ]
    assert np.isclose(found[1234], data.targets[alike, 0].mean())
    lacking = mean_of_kind(data, off, train[: 100 * 8], test)  # months that training lacks fall back to kind and hour
    assert np.isfinite(lacking).all()


def test_inputs_hold_the_days_extremes_and_nothing_that_never_changed(data: LoadData) -> None:
    inputs = YearInputs.fit(data, slice(0, 365 * 8))
    table = inputs.table(data)
    shape = (len(data.times) // 8, 8)
    top = table.columns.named("temperature_max_0_days_ago").reshape(shape)
    temperature = data.future[:, 0].reshape(shape)
    np.testing.assert_array_equal(top, np.repeat(temperature.max(1)[:, None], 8, axis=1))
    np.testing.assert_array_equal(table.columns.named("temperature_max_1_days_ago")[8:], top.ravel()[:-8])
    assert (np.ptp(table.columns.values[: 365 * 8], axis=0) > 0).all()
    assert "summer_time" not in inputs.names  # UTC has none
    assert YearInputs.from_dict(inputs.to_dict()) == inputs


def test_without_weekdays_no_input_tells_one_day_of_the_week_from_another(data: LoadData) -> None:
    table = YearInputs.fit(data, slice(0, 365 * 8), weekdays=False).table(data)
    assert not {"weekday", "mon", "sun", "day_off"} & set(table.columns.names)


@pytest.mark.parametrize("zone", [None, "America/Los_Angeles", "Etc/GMT+8"])
def test_summer_time_is_found_from_naive_stamps_and_from_moments(zone: str | None) -> None:
    times = pd.date_range("2021-01-01", "2021-12-31 23:00", freq="h")
    frame = pd.DataFrame(
        {"time": times.tz_localize("UTC") if zone else times, "load": np.sin(np.arange(len(times))) + 2}
    )
    found = summer_hours(read_load(frame, targets="load", zone=zone), "America/Los_Angeles")
    start, end = ("2021-03-14 10:00", "2021-11-07 09:00") if zone else ("2021-03-14 02:00", "2021-11-07 01:00")
    np.testing.assert_array_equal(found, np.asarray((times >= start) & (times < end), float))


def test_intervals_nest_cover_what_was_held_out_and_take_the_narrower_form() -> None:
    noise = np.random.default_rng(0)
    spread = np.exp(noise.normal(0, 0.7, 4000))
    held = HeldOut(
        np.arange(4000), np.arange(4000) // 2000, noise.normal(0, spread), np.zeros((1, 4000)), spread, by_year=True
    )
    months = np.arange(4000) // 170
    found = YearIntervals.fit(held, np.zeros(4000), months, (0.5, 0.8, 0.9))
    margins = found.margins(spread)
    assert found.by_spread
    assert (np.diff(margins, axis=1) > 0).all()
    for share, margin in zip(found.coverages, margins.T, strict=True):
        assert np.isclose((np.abs(held.truth) <= margin).mean(), share, atol=0.002)
    blind = HeldOut(held.rows, held.fold, held.truth, held.points, np.ones(4000), by_year=True)
    assert not YearIntervals.fit(blind, np.zeros(4000), months, (0.5, 0.8, 0.9)).by_spread


def test_a_level_that_moved_from_month_to_month_widens_the_interval_of_one_year_only() -> None:
    noise = np.random.default_rng(1)
    months = np.repeat(np.arange(12), 300)
    residual = noise.normal(0, 1, 3600) + noise.normal(0, 1, 12)[months]
    changes = level_changes(residual, months, by_year=False)
    assert len(changes) == 24
    assert np.isclose(changes.sum(), 0)
    assert level_changes(residual, months, by_year=True).tolist() == [0.0]
    width = {}
    for by_year in (True, False):
        held = HeldOut(np.arange(3600), months % 6, residual, np.zeros((1, 3600)), np.ones(3600), by_year)
        width[by_year] = YearIntervals.fit(held, np.zeros(3600), months, (0.9,)).factors[0]
    assert 1.15 < width[False] / width[True] < 1.4


def test_rows_that_were_fitted_on_are_not_scored(data: LoadData) -> None:
    train, test = split_years(data)
    assert test == slice(731 * 8, 1096 * 8)
    model = YearLoad(("spline-ridge",)).fit(data, slice(365 * 8, 731 * 8))
    with pytest.raises(InputError, match="fitted on"):
        compare_year(model, data, slice(700 * 8, 800 * 8))
    with pytest.warns(UserWarning, match="weather before the first row"):
        found = compare_year(model, data, slice(0, 365 * 8))  # an earlier year may be scored too
    assert found.comparison.windows == 365


def test_one_year_of_pge_forecasts_the_other_within_the_figures_of_the_spec() -> None:
    if catalogue.find(catalogue.row("pge-2025-training")) is None:
        pytest.skip("the PG&E file is not on this machine; `labformer data fetch pge-2025-training` brings it")
    rows = pge_rows(
        ("spline-ridge", "same-hour-of-last-year"), settings=tuple(SETTINGS)[:1], directions=("year 1 -> year 2",)
    )
    found = {(row["model"], row["metric"]): row["value"] for row in rows}
    # the naive figures are those of any correct reading of the file and split
    assert np.isclose(found["same-hour-of-last-year", "mape"], 10.88, atol=0.03)
    assert np.isclose(found["same-hour-of-last-year", "rmse"], 337.8, atol=0.5)
    assert found["spline-ridge", "mape"] < 4.75
    assert ("same-hour-of-last-year", "coverage_90") not in found
    assert all(row["low"] < row["value"] < row["high"] for row in rows)


def test_a_model_that_the_bench_does_not_know_is_named() -> None:
    with pytest.raises(InputError, match="oracle"):
        pge_rows(("oracle",))
