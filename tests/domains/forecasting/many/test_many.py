import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.many.predictor import MODELS, ManyLoads
from labformer.shared.errors import InputError
from labformer.shared.scale.cluster import cluster

SERIES, STEPS = 60, 24 * 21


def simulated(series: int = SERIES, steps: int = STEPS, seed: int = 0) -> xr.DataArray:
    """Hourly series with a rhythm of a day, and noise that lasts."""
    rng = np.random.default_rng(seed)
    clock = np.arange(steps) + rng.normal(0, 2, (series, 1))
    noise = rng.normal(0, 0.2, (series, steps))
    for step in range(1, steps):
        noise[:, step] += 0.7 * noise[:, step - 1]
    values = rng.lognormal(0, 1, (series, 1)) * (2 + np.sin(2 * np.pi * clock / 24) + noise)
    labels = {"series": [f"m{i}" for i in range(series)], "time": pd.date_range("2024-01-01", periods=steps, freq="1h")}
    return xr.DataArray(values, labels, ("series", "time"), name="load")


@pytest.fixture(scope="module")
def data() -> xr.DataArray:
    made = simulated()
    made[5, 100:140] = np.nan
    made[9] = 4.0
    made[11, 50:52] = np.nan
    return made


@pytest.fixture(scope="module")
def model(data: xr.DataArray) -> ManyLoads:
    return ManyLoads(lookback="2D").fit(data)


def test_forecasts_follow_the_data_and_failures_say_why(model: ManyLoads, data: xr.DataArray) -> None:
    made = model.predict(data)
    assert made["forecast"].dims == ("series", "time", "quantile")
    assert made.indexes["time"][0] == pd.Timestamp("2024-01-22")
    assert made.sizes["time"] == 24
    assert list(made["quantile"].values) == [0.05, 0.5, 0.95]
    assert made["model"].attrs["flag_meanings"].split() == list(MODELS)
    failed = dict(made["status"].to_series()[lambda text: text != ""])
    assert list(failed) == ["m5", "m9"]
    assert failed["m5"].startswith("it has no values from 2024-01-05 04:00 to 2024-01-06 19:00 (40 steps")
    assert failed["m9"] == "it is constant, always 4"
    good = made.sel(series=made["status"] == "")
    assert np.isfinite(good["forecast"]).all()
    assert (good["forecast"].diff("quantile") >= 0).all()
    np.testing.assert_array_equal(good["forecast"].sel(quantile=0.5), good["point"])


def test_the_shared_map_beats_the_naives_where_there_is_something_to_learn(model: ManyLoads) -> None:
    made = model.predict(simulated(seed=7), scored=True)
    assert (made["model"] == 0).mean() > 0.7
    assert made["mase"].mean() < 0.9 * made["mase_naive"].mean()
    assert made["covered"].mean() == pytest.approx(0.9, abs=0.04)


def test_the_future_changes_nothing_in_a_forecast_of_the_past(model: ManyLoads, data: xr.DataArray) -> None:
    before = model.predict(data[:, :-48])
    changed = data.copy()
    changed[:, -48:] = -1e6
    xr.testing.assert_identical(before, model.predict(changed[:, :-48]))


def test_the_size_of_a_chunk_and_its_neighbours_change_nothing(model: ManyLoads, data: xr.DataArray) -> None:
    whole = model.predict(data, scored=True)
    for chunk in (1, 7):
        made = model.predict(data, scored=True, series_per_chunk=chunk)
        xr.testing.assert_allclose(made.drop_vars("status"), whole.drop_vars("status"), rtol=1e-5)
        assert list(made["status"].values) == list(whole["status"].values)
    some = model.predict(data[20:30])
    np.testing.assert_allclose(some["point"], model.predict(data)["point"][20:30], rtol=1e-5)


def test_a_dask_cluster_gives_the_same_bits_as_the_loop(model: ManyLoads, data: xr.DataArray, tmp_path: Path) -> None:
    data.to_dataset().to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    alone = model.predict_to(tmp_path / "alone.nc", tmp_path / "data.nc", series_per_chunk=7)
    with cluster(2) as client:
        assert len(client.scheduler_info()["workers"]) == 2
        spread = model.predict_to(tmp_path / "spread.nc", tmp_path / "data.nc", series_per_chunk=7)  # found by itself
        in_memory = model.predict(data, series_per_chunk=7, client=client)
    xr.testing.assert_identical(spread, alone)
    one, other = (xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf") for name in ("alone", "spread"))
    xr.testing.assert_identical(one, other)
    np.testing.assert_array_equal(in_memory["forecast"].values, one["forecast"].values)
    assert (one["status"] != "").sum() == 2


def test_a_saved_model_gives_the_same_numbers_and_holds_no_pickle(
    model: ManyLoads, data: xr.DataArray, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.md",
        "config.json",
        "model.safetensors",
    ]
    again = ManyLoads.from_pretrained(tmp_path / "model")
    xr.testing.assert_identical(again.predict(data), model.predict(data))
    card = (tmp_path / "model" / "card.md").read_text()
    for part in ("58 of 60 series", "best naive for each series", "When not to use it", "seed 0"):
        assert part in card
    with pytest.raises(InputError, match="exists"):
        model.save_pretrained(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"class": "Other"}))
    with pytest.raises(InputError, match="holds a Other"):
        ManyLoads.from_pretrained(tmp_path / "model")


def test_the_sample_is_drawn_by_its_seed_and_never_sees_the_test_part(data: xr.DataArray) -> None:
    one, same, other = (ManyLoads(lookback="1D", sample=20, seed=seed).fit(data) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.shared_.weight, same.shared_.weight)
    assert not np.array_equal(one.shared_.weight, other.shared_.weight)
    spoilt = data.copy()
    spoilt[:, -24 * 3 :] = np.random.default_rng(0).normal(size=(SERIES, 72))
    after = ManyLoads(lookback="1D", sample=20).fit(spoilt)
    np.testing.assert_array_equal(one.shared_.weight, after.shared_.weight)
    np.testing.assert_array_equal(one.margin_, after.margin_)


def test_a_short_history_is_enough_for_a_forecast(model: ManyLoads, data: xr.DataArray) -> None:
    made = model.predict(data[20:30, -49:])
    assert np.isfinite(made["forecast"]).all()
    assert (made["model"] == 0).all()
    with pytest.raises(InputError, match="48 steps; this model needs the last 49"):
        model.predict(data[:, -48:])
    with pytest.raises(InputError, match="before the first forecast to choose on, and this model needs 49"):
        model.predict(data[:, -24 * 4 :], scored=True)


def test_a_stopped_forecast_goes_on_with_the_same_data_and_model_alone(
    model: ManyLoads, data: xr.DataArray, tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    class Stopping(ManyLoads):
        def _prepared(self, series: xr.DataArray, scored: bool):  # type: ignore[no-untyped-def]
            work, layout = super()._prepared(series, scored)
            seen: list[int] = []

            def one(chunk: xr.DataArray):  # type: ignore[no-untyped-def]
                if len(seen) == 2:
                    raise Stop
                seen.append(1)
                return work(chunk)

            return one, layout

    out = tmp_path / "out.nc"
    with pytest.raises(Stop):
        Stopping(lookback="2D").fit(data).predict_to(out, data, series_per_chunk=20)
    with pytest.raises(InputError, match="differs in data;"):
        model.predict_to(out, data + 1, series_per_chunk=20)
    with pytest.raises(InputError, match="differs in model;"):
        ManyLoads(lookback="1D").fit(data).predict_to(out, data, series_per_chunk=20)
    model.predict_to(out, data, series_per_chunk=20)
    np.testing.assert_array_equal(xr.load_dataset(out, engine="h5netcdf")["point"], model.predict(data)["point"])


@pytest.mark.parametrize(
    ("arguments", "steps", "said"),
    [
        ({"horizon": "90min"}, STEPS, "no whole number of steps of 1 h"),
        ({"horizon": "soon"}, STEPS, "not a positive length of time"),
        ({"lookback": "100D"}, STEPS, "too few for a lookback of 2400"),
        ({}, 60, "60 steps are too few"),
        ({"validation": 0.7, "test": 0.5}, STEPS, "shares of the steps"),
        ({"coverage": 1.2}, STEPS, "coverage lies between 0 and 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    data: xr.DataArray, arguments: dict[str, object], steps: int, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        ManyLoads(**arguments).fit(data[:, :steps])


def test_all_series_failing_and_other_steps_are_refused(model: ManyLoads, data: xr.DataArray) -> None:
    with pytest.raises(InputError, match="none of 2 series can be used; m[0-9]: it is constant"):
        ManyLoads().fit(xr.ones_like(data[:2]))
    with pytest.raises(InputError, match="steps of 2 h, the model was fitted on 1 h"):
        model.predict(data[:, ::2])


def test_daily_series_have_a_season_of_a_week() -> None:
    daily = simulated(20, 24 * 200)[:, ::24]
    daily = daily + 3 * (np.arange(daily.sizes["time"]) % 7 == 6)
    made = ManyLoads("7D", lookback="14D").fit(daily).predict(daily)
    assert made.sizes["time"] == 7
    assert np.isfinite(made["forecast"]).all()
