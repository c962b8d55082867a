import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.many.chunk import MODELS, ChunkForecast, bridged, forecast_rows

DAY, STEPS = 4, 4 * 7 * 5  # a day of four steps, five weeks
RNG = np.random.default_rng(0)


def chunk_of(values: np.ndarray) -> xr.DataArray:
    times = pd.date_range("2024-01-01", periods=values.shape[1], freq="6h")
    return xr.DataArray(values, {"series": [f"s{i}" for i in range(len(values))], "time": times}, ("series", "time"))


def work(validation: int = 10, test: int = 0, coverage: float = 0.8) -> ChunkForecast:
    starts = tuple(range(STEPS - DAY * (validation + test), STEPS, DAY))
    weight = RNG.normal(size=(7, DAY)) / 7
    return ChunkForecast(weight, DAY, coverage, 2, starts[:validation], starts[validation:], np.ones(DAY))


def noisy(series: int = 6) -> np.ndarray:
    return 10 + np.random.default_rng(1).normal(size=(series, STEPS))


def test_a_forecast_shifts_and_scales_with_its_series_and_knows_no_other() -> None:
    job, values = work(test=3), noisy()
    one = job(chunk_of(values)).arrays
    other = job(chunk_of(7 * values + 30)).arrays
    np.testing.assert_allclose(other["point"], 7 * one["point"] + 30, rtol=1e-5)
    np.testing.assert_allclose(other["forecast"], 7 * one["forecast"] + 30, rtol=1e-5)
    for name in ("model", "mase", "mase_naive", "covered"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-5)
    alone = job(chunk_of(values[2:3])).arrays
    for name, block in alone.items():
        np.testing.assert_allclose(block[0], one[name][2], rtol=1e-6)


@pytest.mark.parametrize(("model", "season"), [("seasonal-naive-day", DAY), ("seasonal-naive-week", 7 * DAY)])
def test_a_series_that_repeats_itself_is_given_to_the_naive_that_says_so(model: str, season: int) -> None:
    values = np.tile(np.random.default_rng(2).normal(size=(2, season)), STEPS // season)
    made = work()(chunk_of(values)).arrays
    assert [MODELS[i] for i in made["model"]] == [model] * 2
    np.testing.assert_allclose(made["point"], values[:, :DAY], rtol=1e-6)
    np.testing.assert_allclose(made["forecast"][..., 0], made["forecast"][..., 2])  # no error, no width


def test_a_random_walk_is_given_to_the_last_value() -> None:
    values = np.random.default_rng(3).normal(size=(20, STEPS)).cumsum(1)
    chosen = work(validation=20)(chunk_of(values)).arrays["model"]
    assert (chosen == MODELS.index("last-value")).mean() > 0.8


def test_the_test_part_changes_no_choice_and_no_margin() -> None:
    job, values = work(test=3), noisy()
    before = job.choose(values, np.zeros(values.shape, bool))
    values[:, job.test[0] :] = 99
    after = job.choose(values, np.zeros(values.shape, bool))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_few_forecasts_borrow_the_margin_of_the_others_and_none_takes_the_shared_map() -> None:
    values = noisy()
    few = work(validation=2)
    made = few(chunk_of(values)).arrays
    width = (made["forecast"][..., 2] - made["point"]).T
    np.testing.assert_allclose(width, np.tile(few.scale(values), (DAY, 1)), rtol=1e-3)
    assert (work(validation=0)(chunk_of(values)).arrays["model"] == 0).all()


def test_own_margins_cover_as_they_were_asked_to() -> None:
    values = np.random.default_rng(5).normal(size=(400, STEPS)) * np.random.default_rng(6).uniform(0.1, 9, (400, 1))
    covered = work(validation=15, test=8)(chunk_of(values)).arrays["covered"]
    assert covered.mean() == pytest.approx(0.8, abs=0.03)


def test_short_gaps_are_bridged_and_not_scored_and_long_ones_fail_by_place() -> None:
    values = noisy()
    values[1, 50:52] = np.nan
    values[2, 50:53] = np.nan
    values[3] = np.nan
    values[4, 9] = np.inf
    values[5] = 3.5
    filled, missing, status = bridged(chunk_of(values), 2)
    np.testing.assert_allclose(filled[1, 49:53], np.interp(range(4), [0, 3], values[1, [49, 52]]))
    assert missing.sum() == 2 + 3 + STEPS
    assert status[:2] == ["", ""]
    assert status[2] == (
        "it has no values from 2024-01-13 12:00 to 2024-01-14 00:00 (3 steps, 18 h; up to 2 steps are bridged)"
    )
    assert status[3:] == ["it has no values", "it is infinite at 2024-01-03 06:00", "it is constant, always 3.5"]


def test_a_bridged_value_is_neither_truth_nor_the_last_known_value() -> None:
    job, values = work(validation=10), noisy(3)
    start = job.validation[4]
    hidden = np.zeros(values.shape, bool)
    hidden[0, start + 1] = hidden[1, start - 1] = True
    errors = job.backtest(values, hidden, job.validation, np.zeros(3, int))
    assert np.argwhere(np.isnan(errors[0])).tolist() == [[4, 1]]
    # the last step before the fifth forecast is the last truth of the fourth
    assert np.argwhere(np.isnan(errors[1])).tolist() == [[3, DAY - 1], *[[4, step] for step in range(DAY)]]
    assert np.isfinite(errors[2]).all()


def test_failed_series_leave_their_places_empty() -> None:
    values = noisy()
    values[2] = 0
    made = work(test=2)(chunk_of(values))
    assert [bool(reason) for reason in made.status] == [False, False, True, False, False, False]
    assert made.arrays["model"][2] == -1
    for name in ("point", "forecast", "mase", "covered"):
        assert np.isnan(made.arrays[name][2]).all()
        assert np.isfinite(np.delete(made.arrays[name], 2, axis=0)).all()
    assert work()(chunk_of(values[2:3])).status[0].startswith("it is constant")


def test_rows_repeat_what_belongs_to_a_series() -> None:
    results = xr.Dataset(
        {
            "point": (("series", "time"), np.arange(4.0).reshape(2, 2)),
            "forecast": (("series", "time", "quantile"), np.arange(12.0).reshape(2, 2, 3)),
            "model": ("series", np.array([1, -1], "int8")),
            "status": ("series", ["", "bad"]),
        },
        {"series": ["a", "b"], "time": pd.date_range("2024", periods=2, freq="1h"), "quantile": [0.05, 0.5, 0.95]},
    )
    table = forecast_rows(results).to_pandas()
    assert list(table.columns) == ["series", "time", "point", "q0.05", "q0.5", "q0.95", "model", "status"]
    assert table["series"].tolist() == ["a", "a", "b", "b"]
    assert table["q0.95"].tolist() == [2, 5, 8, 11]
    assert table["model"].astype(object).fillna("none").tolist() == ["last-value"] * 2 + ["none"] * 2
    assert table["status"].tolist() == ["", "", "bad", "bad"]
