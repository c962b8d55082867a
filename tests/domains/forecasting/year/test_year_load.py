from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.forecasting.data import LoadData, read_load
from labformer.domains.forecasting.models.boosted_trees import BoostedTrees
from labformer.domains.forecasting.models.network_regression import NetworkRegression
from labformer.domains.forecasting.year import members as year_members
from labformer.domains.forecasting.year.card import year_card
from labformer.domains.forecasting.year.comparison import BASELINES, fit_and_test, split_years
from labformer.domains.forecasting.year.predictor import YearLoad
from labformer.shared.errors import InputError

RIDGE = ("spline-ridge",)
DAY = 4


@pytest.fixture(scope="module")
def data(simulated: Callable[..., pd.DataFrame]) -> LoadData:
    """Two years and the weather of a month more, every six hours, on the clock of London."""
    table = simulated(days=731, step="6h", start="2023-01-01", ahead=30 * DAY)
    return read_load(
        table, targets="load", future_covariates=("temperature", "weekend"), zone="Europe/London", units={"load": "MW"}
    )


@pytest.fixture(scope="module")
def fitted(data: LoadData) -> YearLoad:
    """All members, small, on the first year, whose months are held out in two halves."""
    small = {
        "boosting": lambda seed, device: BoostedTrees(seed, rounds=20),
        "load-network": lambda seed, device: NetworkRegression(seed, epochs=2),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, made in small.items():
            patch.setitem(year_members.MEMBERS, name, year_members.MEMBERS[name]._replace(made=made))
        patch.setattr(year_members, "MONTH_FOLDS", 2)
        return YearLoad(holidays="GB").fit(data, split_years(data)[0])


def test_a_year_it_never_saw_is_forecast_and_the_blend_is_convex(data: LoadData, fitted: YearLoad) -> None:
    train, test = split_years(data)
    assert (train, test) == (slice(0, 365 * DAY), slice(365 * DAY, 731 * DAY))
    forecast = fitted.predict(data, test)
    error = np.abs(forecast.point.values[:, 0] - data.targets[test, 0])
    assert error.mean() < 20  # the noise is 8 MW, the swings are hundreds
    assert np.isclose(sum(fitted.blend_weights_.values()), 1)
    assert min(fitted.blend_weights_.values()) >= 0
    assert fitted.validation_[fitted.chosen_] == min(fitted.validation_.values())
    assert (np.diff(forecast.forecast.values[:, 0], axis=1) >= 0).all()
    assert forecast.point.attrs["units"] == "MW"
    assert "months of the one year" in forecast.attrs["calibration"]
    inside = (forecast.forecast[:, 0, 0] <= data.targets[test, 0]) & (
        data.targets[test, 0] <= forecast.forecast[:, 0, -1]
    )
    assert 0.85 < float(inside.mean()) < 0.99


def test_the_load_of_other_rows_changes_nothing(data: LoadData, fitted: YearLoad) -> None:
    train, test = split_years(data)
    changed = data.targets.copy()
    changed[test] = np.random.default_rng(0).uniform(1, 1e4, changed[test].shape)
    other = replace(data, targets=changed)
    np.testing.assert_array_equal(fitted.predict(other, test).forecast, fitted.predict(data, test).forecast)
    one, two = (YearLoad(RIDGE).fit(each, train) for each in (data, other))
    np.testing.assert_array_equal(one.predict(data, test).forecast, two.predict(data, test).forecast)


def test_saved_and_loaded_it_says_the_same_to_the_last_bit(data: LoadData, fitted: YearLoad, tmp_path: Path) -> None:
    fitted.save_pretrained(tmp_path / "model", year_card(fitted, data))
    loaded = YearLoad.from_pretrained(tmp_path / "model")
    xr_one, xr_two = fitted.predict(data), loaded.predict(data)
    assert len(xr_one.time) == len(data.times) - data.known
    np.testing.assert_array_equal(xr_one.forecast, xr_two.forecast)
    assert xr_one.attrs == xr_two.attrs
    card = (tmp_path / "model" / "card.md").read_text()
    assert "When not to use it" in card
    assert "holidays GB" in card


def test_weather_that_starts_with_the_forecast_is_warned_of(data: LoadData, fitted: YearLoad) -> None:
    with pytest.warns(UserWarning, match="of weather before the first row forecast"):
        fitted.predict(data, slice(3, 40))


def test_other_units_give_the_same_forecast(data: LoadData) -> None:
    train, test = split_years(data)
    one = YearLoad(RIDGE).fit(data, train).predict(data, test)
    thousand = replace(data, targets=1000 * data.targets)
    two = YearLoad(RIDGE).fit(thousand, train).predict(thousand, test)
    np.testing.assert_allclose(two.forecast, 1000 * one.forecast, rtol=1e-8)


def test_a_load_that_goes_below_zero_is_forecast_on_its_own_scale(data: LoadData) -> None:
    train, test = split_years(data)
    net = replace(data, targets=data.targets - 1000)
    model = YearLoad(RIDGE).fit(net, train)
    assert model.metric_ == "MAE"
    assert np.abs(model.predict(net, test).point[:, 0] - net.targets[test, 0]).mean() < 25


def test_the_final_model_knows_both_years_and_says_what_was_measured_before(data: LoadData) -> None:
    model, test = fit_and_test(YearLoad(RIDGE), data)
    assert model.intervals_.by_year
    assert len(model.fitted_rows(data)) == data.known
    assert np.array_equal(test.rows, np.arange(365 * DAY, data.known))
    rows = {row.model: row for row in test.comparison.rows}
    assert set(rows) == {*BASELINES, "spline-ridge"}
    assert rows["spline-ridge"].value < rows["mean-of-month-and-day-off"].value < rows["same-hour-of-last-year"].value
    assert f"{rows[test.comparison.chosen].others['coverage %']:.1f} %" in model.calibration_()


def test_a_table_of_weather_alone_is_enough(data: LoadData, simulated: Callable[..., pd.DataFrame]) -> None:
    table = simulated(days=731, step="6h", start="2023-01-01", ahead=30 * DAY)
    model = YearLoad(RIDGE).fit(data)
    late = table.iloc[-60 * DAY :].drop(columns="load")
    read = model.read(late)
    assert len(model.predict(read).time) == 30 * DAY
    np.testing.assert_allclose(model.predict(read).point, model.predict(data).point, rtol=1e-10)


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda d: d.until(300 * DAY), {}, "too short"),
        (lambda d: replace(d, future=d.future[:, :0], future_names=()), {}, "covariates"),
        (lambda d: replace(d, target_names=("a", "b"), targets=d.targets[:, [0, 0]]), {}, "one target"),
        (lambda d: d, {"members": ("oracle",)}, "oracle"),
        (lambda d: d, {"members": ()}, "name some of"),
        (lambda d: d, {"coverage": 0.4}, "coverage"),
        (lambda d: d, {"holidays": "XX-YY"}, "XX-YY"),
        (lambda d: d, {"summer_time": "Mars/Olympus"}, "Mars/Olympus"),
    ],
)
def test_what_cannot_be_fitted_gets_one_clear_line(
    data: LoadData, change: Callable[[LoadData], LoadData], settings: dict, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        YearLoad(**{"members": RIDGE, **settings}).fit(change(data))
    assert "\n" not in str(caught.value)


def test_a_table_of_another_kind_is_refused(data: LoadData) -> None:
    with pytest.raises(InputError, match="not fitted"):
        YearLoad().predict(data)
    model = YearLoad(RIDGE).fit(data)
    with pytest.raises(InputError, match="step"):
        model.predict(replace(data, step=pd.Timedelta("1h")))
    with pytest.raises(InputError, match="order"):
        model.predict(replace(data, future_names=data.future_names[::-1]))
    with pytest.raises(InputError, match="no rows"):
        model.predict(data, slice(5, 5))
