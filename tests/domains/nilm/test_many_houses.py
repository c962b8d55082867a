"""Many houses in chunks: each as it would be alone, whole or not at all, and one bad house is no reason to stop."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.nilm import many
from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.data import read_mains
from labformer.domains.nilm.energy import energy
from labformer.domains.nilm.many import disaggregate_in_memory, disaggregate_many
from labformer.domains.nilm.models.boosted import Boosted
from labformer.domains.nilm.predictor import Disaggregator
from labformer.domains.nilm.simulate import simulate
from labformer.domains.nilm.usage import usage_table
from labformer.shared.errors import InputError
from labformer.shared.scale.cluster import cluster

NAMES = ("kettle", "washing_machine")
DAYS, ZONE = 3, "Europe/London"
ENERGIES = ["energy_kwh", "energy_low_kwh", "energy_high_kwh"]


@pytest.fixture(scope="module")
def model() -> Disaggregator:
    """Few trees for each appliance, with real thresholds and bands around what they say."""
    house = simulate(16, 1)
    made = Disaggregator(NAMES, ("zero",)).fit([house])
    known = [APPLIANCES[name] for name in NAMES]
    made.members_["boosted"] = Boosted(copies=0, rounds=8, rest=2000).fit([house], known)
    made.models = ("boosted",)
    made.chosen_ = dict.fromkeys(NAMES, "boosted")
    made.thresholds_ = dict.fromkeys(NAMES, 0.3)
    made.data_note_ = "simulated"
    made.validation_scores_["boosted"] = made.validation_scores_["zero"]
    return made


@pytest.fixture(scope="module")
def houses() -> xr.DataArray:
    """Minutes of summer in six houses: an outage in one, no reading in another, one that is always 0, a late one."""
    mains = np.stack([simulate(DAYS, seed).mains_w.astype(float) for seed in range(20, 26)])
    mains[1, 700:900] = 0.0
    mains[2] = np.nan
    mains[3] = 0.0
    mains[4, : 2 * 1440] = np.nan
    times = pd.date_range("2024-06-03", periods=DAYS * 1440, freq="min")
    labels = {"series": [f"h{i}" for i in range(6)], "time": times}
    return xr.DataArray(mains, labels, ("series", "time"), name="mains")


@pytest.fixture(scope="module")
def whole(model: Disaggregator, houses: xr.DataArray) -> xr.Dataset:
    return disaggregate_in_memory(model, houses, zone=ZONE)


def test_each_house_has_what_the_disaggregator_says_of_it_alone(
    model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset
) -> None:
    assert list(whole["day"].dt.strftime("%m-%d %H").values) == ["06-03 00", "06-04 00", "06-05 00", "06-06 00"]
    for name in ("h0", "h1", "h4", "h5"):
        frame = pd.DataFrame({"time": houses.indexes["time"].tz_localize("UTC"), "mains": houses.sel(series=name)})
        alone = model.predict(frame, unit="W", zone=ZONE)
        found = whole.sel(series=name, day=alone["day"])
        for variable in (*ENERGIES, "covered"):
            np.testing.assert_array_equal(found[variable], alone[variable].astype("float32"))
        local = read_mains(frame, unit="W", zone=ZONE).local()
        for one in NAMES:
            power = alone["power_w"].sel(appliance=one).values
            table = usage_table(local, power, power > 0, APPLIANCES[one], per="day")
            np.testing.assert_array_equal(found["uses"].sel(appliance=one), table["uses"])
    assert whole["uses"].sum("day").sel(series="h0", appliance="kettle") > 3
    assert (whole["energy_kwh"].sum("appliance") <= whole["mains_kwh"] + 1e-5).where(whole["covered"] > 0, True).all()


def test_what_was_not_measured_is_missing_and_never_zero(whole: xr.Dataset) -> None:
    late = whole.sel(series="h4")
    assert list(late["covered"].values > 0) == [False, False, True, True]
    assert not late[[*ENERGIES, "uses", "mains_kwh"]].isel(day=slice(0, 2)).to_array().notnull().any()
    np.testing.assert_allclose(late["covered"][2:], [23 / 24, 1 / 24], rtol=1e-6)
    assert float(whole["covered"].sel(series="h1")[0]) == pytest.approx((1380 - 200) / 1440)


def test_a_bad_house_says_why_and_leaves_the_others_alone(
    model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset
) -> None:
    assert dict(whole["status"].to_series()) == {
        "h0": "", "h1": "", "h2": "it has no readings", "h3": "it is constant, always 0", "h4": "", "h5": "",
    }  # fmt: skip
    failed = whole.sel(series=["h2", "h3"])
    assert failed.drop_vars("status").to_array().isnull().all()
    good = disaggregate_in_memory(model, houses.sel(series=["h5", "h0"]), zone=ZONE, houses_per_chunk=1)
    xr.testing.assert_identical(good, whole.sel(series=["h5", "h0"]))


@pytest.mark.parametrize(("step", "unit", "factor"), [("10s", "kW", 1e-3), ("30min", "kWh", 0.5e-3)])
def test_other_steps_and_units_keep_the_energy(
    model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset, step: str, unit: str, factor: float
) -> None:
    some = houses.isel(series=[0, 5])
    if step == "10s":
        times = pd.date_range(houses.indexes["time"][0], periods=6 * some.sizes["time"], freq=step)
        uneven = np.tile([0.5, 1.5, 1.0, 1.0, 0.0, 2.0], some.sizes["time"])
        values = xr.DataArray(
            np.repeat(some.values, 6, 1) * uneven, {"series": some["series"], "time": times}, some.dims
        )
    else:
        values = some.resample(time=step).mean()
    made = disaggregate_in_memory(model, values * factor, unit=unit, zone=ZONE)
    np.testing.assert_allclose(made["mains_kwh"], whole["mains_kwh"].sel(series=made["series"]), rtol=1e-5)
    np.testing.assert_allclose(made["mains_kwh"].sum("day"), some.sum("time") / 60e3, rtol=1e-5)
    assert (made["status"] == "").all()
    if step == "10s":  # means of a minute are as they were
        np.testing.assert_allclose(
            made["energy_kwh"], whole["energy_kwh"].sel(series=made["series"]), rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".parquet"])
def test_a_file_holds_what_memory_does(
    model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset, tmp_path: Path, suffix: str
) -> None:
    data, out = tmp_path / "houses.parquet", tmp_path / f"days{suffix}"
    wide = houses.to_series().unstack("series")[list(houses["series"].values)]
    wide.reset_index().to_parquet(data, index=False)
    said = disaggregate_many(model, data, out, zone=ZONE, houses_per_chunk=4)
    assert list(said["status"].values) == list(whole["status"].values)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([data.name, out.name])
    if suffix == ".parquet":
        table = pd.read_parquet(out).set_index(["series", "day", "appliance"])
        assert len(table) == 6 * 4 * 2
        for name in (*ENERGIES, "uses"):
            np.testing.assert_array_equal(table[name].to_xarray().sel(appliance=list(NAMES)), whole[name])
        return
    found = xr.load_dataset(out, engine="zarr" if suffix == ".zarr" else "h5netcdf")
    for name in (*many.FIELDS, "status", "day", "appliance"):
        np.testing.assert_array_equal(found[name], whole[name])
        assert found[name].attrs == whole[name].attrs


def test_a_stopped_run_goes_on_where_it_was_and_only_with_the_same_model(
    model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "days.nc", []
    work, room = many.HousesOfChunk.__call__, [2]

    def stopping(self: many.HousesOfChunk, chunk: xr.DataArray) -> object:
        if not room[0]:
            raise KeyboardInterrupt
        room[0] -= 1
        seen.extend(chunk["series"].values.tolist())
        return work(self, chunk)

    monkeypatch.setattr(many.HousesOfChunk, "__call__", stopping)
    with pytest.raises(KeyboardInterrupt):
        disaggregate_many(model, houses, out, zone=ZONE, houses_per_chunk=2)
    assert not out.exists()
    thresholds, model.thresholds_ = model.thresholds_, {**model.thresholds_, "kettle": 0.6}
    with pytest.raises(InputError, match="a stopped run that differs in model;"):
        disaggregate_many(model, houses, out, zone=ZONE, houses_per_chunk=2)
    model.thresholds_, room[0] = thresholds, 9
    disaggregate_many(model, houses, out, zone=ZONE, houses_per_chunk=2)
    assert seen == ["h0", "h1", "h2", "h3", "h4", "h5"]
    xr.testing.assert_equal(xr.load_dataset(out, engine="h5netcdf"), whole)
    with pytest.raises(InputError, match="overwrite"):
        disaggregate_many(model, houses, out, zone=ZONE)


def test_workers_give_the_same_bits(model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset) -> None:
    with cluster(workers=1) as client:
        xr.testing.assert_identical(
            disaggregate_in_memory(model, houses, zone=ZONE, houses_per_chunk=2, client=client), whole
        )


def test_what_no_house_could_be_read_with_is_refused_at_once(model: Disaggregator, houses: xr.DataArray) -> None:
    hours = houses.isel(time=slice(None, None, 60))
    for source, options, said in (
        (houses, {"unit": "kVA"}, "unit='kVA' is neither power nor energy"),
        (houses, {"unit": "watttt"}, "is not known"),
        (houses, {"zone": "Europe/Lodnon"}, "Europe/London"),
        (hours, {}, "1 h apart; appliances run for minutes"),
    ):
        with pytest.raises(InputError, match=said):
            disaggregate_in_memory(model, source, **options)


def test_days_are_those_of_the_local_clock(model: Disaggregator, houses: xr.DataArray, whole: xr.Dataset) -> None:
    times, mains = houses.indexes["time"], houses.sel(series="h0").values
    local = energy(times.tz_localize("UTC").tz_convert(ZONE), mains, pd.Timedelta("1min"))
    np.testing.assert_allclose(whole["mains_kwh"].sel(series="h0"), local.kwh, rtol=1e-6)
    as_written = disaggregate_in_memory(model, houses.isel(series=[0]))
    assert as_written.sizes["day"] == DAYS
    np.testing.assert_allclose(as_written["mains_kwh"][0], mains.reshape(DAYS, -1).sum(1) / 60e3, rtol=1e-6)
