import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from labformer.domains.forecasting.models.hourly import HourlyBinnedRegressor, WeatherComponents, default_regressor
from labformer.shared.errors import InputError

WEATHER = {"temperature": [1, 2, 3], "irradiance": [4, 5]}


def table(days: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Hour, three temperatures, two irradiances that are 0 at night, weekday; and a load that needs all of them."""
    rng = np.random.default_rng(seed)
    hour = np.tile(np.arange(24.0), days)
    temperature = rng.normal(15, 5, (len(hour), 1)) + rng.normal(size=(len(hour), 3))
    sun = np.where((hour >= 6) & (hour < 20), 1.0, 0.0)[:, None] * rng.uniform(100, 900, (len(hour), 2))
    weekday = np.repeat(np.arange(days) % 7, 24)
    X = np.column_stack([hour, temperature, sun, weekday])
    return X, (hour - 12) * temperature[:, 0] + 0.01 * sun[:, 0] * hour + weekday


def linear(**options: object) -> HourlyBinnedRegressor:
    return HourlyBinnedRegressor(LinearRegression(), **({"weather": WEATHER} | options))  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")
def test_it_is_a_scikit_learn_estimator() -> None:
    check_estimator(HourlyBinnedRegressor(LinearRegression()))


@pytest.mark.parametrize("regressor", [LinearRegression(), RandomForestRegressor(5, random_state=0), None])
def test_any_regressor_serves_and_can_be_searched_over(regressor: object) -> None:
    X, y = table(20)
    keep = X[:, 0] < 3
    X, y = X[keep], y[keep]
    model = HourlyBinnedRegressor(regressor, weather=WEATHER)
    found = GridSearchCV(model, {"components": [1, 2]}, cv=2).fit(X, y)
    assert np.isfinite(found.predict(X)).all()
    assert repr(clone(model)) == repr(model)
    assert type(found.best_estimator_.regressors_[0]) is type(default_regressor() if regressor is None else regressor)


def test_each_hour_is_the_regressor_fitted_on_its_rows() -> None:
    X, y = table()
    model = HourlyBinnedRegressor(LinearRegression()).fit(X, y)
    answer = model.predict(X)
    for hour in range(24):
        rows = X[:, 0] == hour
        np.testing.assert_allclose(answer[rows], LinearRegression().fit(X[rows], y[rows]).predict(X[rows]))
    assert model.rows_.tolist() == [30] * 24
    assert model.hours_.tolist() == list(range(24))


def test_training_rows_of_one_hour_speak_for_that_hour_alone() -> None:
    X, y = table()
    at_three = X[:, 0] == 3
    changed, other = X.copy(), y.copy()
    changed[at_three, 1:4] *= np.linspace(0.5, 2.0, at_three.sum())[:, None]
    other[at_three] += 100.0
    before, after = linear().fit(X, y).predict(X), linear().fit(changed, other).predict(X)
    np.testing.assert_array_equal(before[~at_three], after[~at_three])
    assert np.abs(before - after)[at_three].min() > 1.0


def test_predictions_stand_in_the_order_of_the_rows() -> None:
    X, y = table()
    model, order = linear().fit(X, y), np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(model.predict(X[order]), model.predict(X)[order])
    np.testing.assert_allclose(model.predict(X[5:6]), model.predict(X)[5:6])


def test_weather_of_an_hour_is_the_principal_components_of_its_standardised_columns() -> None:
    X, y = table()
    model = linear(components=2).fit(X, y)
    rows = X[:, 0] == 12
    scaled = StandardScaler().fit_transform(X[rows, 1:4])
    found = model.components_[12][0].transform(X[rows, 1:4])
    np.testing.assert_allclose(np.abs(found), np.abs(PCA(2, svd_solver="full").fit_transform(scaled)), atol=1e-9)


def test_columns_that_are_constant_in_training_say_nothing_later() -> None:
    X, y = table()
    model = linear().fit(X, y)
    temperature, sun = model.components_[2]
    assert sun.transform(X[:, 4:6]).shape == (len(X), 0)
    assert temperature.transform(X[:, 1:4]).shape == (len(X), 2)
    night = X[X[:, 0] == 2]
    flare = night.copy()
    flare[:, 4:6] = 500.0
    np.testing.assert_array_equal(model.predict(flare), model.predict(night))
    noon = X[X[:, 0] == 12]
    flare = noon.copy()
    flare[:, 4:6] += 500.0
    assert np.abs(model.predict(flare) - model.predict(noon)).max() > 1.0


def test_an_hour_that_training_never_saw_is_answered_by_all_rows() -> None:
    X, y = table()
    seen = X[:, 0] != 5
    model = HourlyBinnedRegressor(LinearRegression()).fit(X[seen], y[seen])
    expected = LinearRegression().fit(X[seen], y[seen]).predict(X[~seen])
    np.testing.assert_allclose(model.predict(X[~seen]), expected)


def test_hours_from_1_to_24_and_fractions_fall_in_the_same_bins() -> None:
    X, y = table()
    model = linear().fit(X, y)
    labelled = X.copy()
    labelled[labelled[:, 0] == 0, 0] = 24.0
    other = linear().fit(labelled, y)
    assert other.hours_.tolist() == model.hours_.tolist()
    half = X + np.eye(7)[0] * 0.5
    assert linear().fit(half, y).rows_.tolist() == [30] * 24


def test_columns_beyond_the_table_are_refused() -> None:
    X, y = table(3)
    with pytest.raises(InputError, match=r"columns \[7, 9\] are asked for, but the table has 7"):
        HourlyBinnedRegressor(hour=7, weather={"wind": [9]}).fit(X, y)


def test_a_column_that_never_varies_is_left_out_of_the_components() -> None:
    values = np.random.default_rng(0).normal(size=(40, 5)) * [1, 10, 100, 0, 1] + [0, 5, 50, 3, 1]
    made = WeatherComponents(3).fit(values)
    assert made.transform(values).shape == (40, 3)
    assert made.kept_.tolist() == [0, 1, 2, 4]


@pytest.mark.parametrize("values", [np.full((8, 3), 2.0), np.empty((8, 0)), np.array([[1.0, 2.0]])])
def test_columns_that_never_vary_leave_no_component(values: np.ndarray) -> None:
    assert WeatherComponents(2).fit(values).transform(values).shape == (len(values), 0)


def test_all_components_keep_every_distance() -> None:
    values = np.random.default_rng(0).normal(size=(30, 4)) * [1, 10, 100, 3]
    found, scaled = WeatherComponents(4).fit(values).transform(values), values / values.std(0)
    for one in (found, scaled):
        one -= one.mean(0)
    np.testing.assert_allclose(found @ found.T, scaled @ scaled.T, atol=1e-10)


def test_an_hour_with_a_handful_of_rows_is_left_to_the_regressor_of_all_rows() -> None:
    """A change of the clock moves a few rows to hours that no other day has: 13 are too few for a model, 14 are not."""
    X, y = table()
    few, enough = X[:, 0] == 3, X[:, 0] == 4
    keep = ~(few | enough)
    keep[np.flatnonzero(few)[:13]] = True
    keep[np.flatnonzero(enough)[:14]] = True
    model = HourlyBinnedRegressor(LinearRegression()).fit(X[keep], y[keep])
    assert 3 not in model.regressors_
    assert 4 in model.regressors_
    everything = LinearRegression().fit(X[keep], y[keep])
    np.testing.assert_allclose(model.predict(X[few]), everything.predict(X[few]))
