"""Laws of the answer as a dataset: within the mains, intervals around it, gaps stay, units said, a file keeps it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from labformer.domains.nilm.answer import ApplianceBands, answer, powers
from labformer.domains.nilm.house import Estimate, House
from labformer.domains.nilm.intervals import MINUTE_EDGES, Bands
from labformer.domains.nilm.simulate import simulate

NAMES = ("kettle", "dishwasher")
THRESHOLDS = {"kettle": 0.5, "dishwasher": 0.3}
COUNTED = dict.fromkeys(NAMES, 1.2)
GAP = slice(2000, 2500)


def bands(edges: tuple[float, ...], low: float, high: float) -> Bands:
    count = len(edges) + 1
    ends = np.r_[0, np.full(count - 1, low)], np.r_[30, np.full(count - 1, high)]
    return Bands(0.9, 0.0, np.array(edges), *ends, np.full(count, 50))


@pytest.fixture(scope="module")
def house() -> House:
    whole = simulate(4, 2, appliances=NAMES)
    mains = whole.mains_w.copy()
    mains[GAP] = np.nan
    return replace(whole, mains_w=mains, zone="Europe/London")


@pytest.fixture(scope="module")
def said(house: House) -> dict[str, Estimate]:
    """Answers that are much too large, so that the mains have to hold them."""
    rng, hidden = np.random.default_rng(0), np.where(np.isnan(house.mains_w), np.nan, 0)
    return {
        name: Estimate(
            (2500 * rng.random(len(hidden)) + hidden).astype("f4"), (rng.random(len(hidden)) + hidden).astype("f4")
        )
        for name in NAMES
    }


@pytest.fixture(scope="module")
def found(house: House, said: dict[str, Estimate]) -> xr.Dataset:
    each = ApplianceBands(bands(MINUTE_EDGES, 0.7, 1.4), bands((0.1,), 0.8, 1.3), bands((1.0,), 0.9, 5.0))
    return answer(house, said, THRESHOLDS, COUNTED, dict.fromkeys(NAMES, each))


def test_variables_dimensions_and_units_are_as_promised(found: xr.Dataset) -> None:
    assert dict(found.sizes) == {"time": 4 * 1440, "appliance": 2, "day": 4, "month": 1}
    for name in ("power_w", "power_low_w", "power_high_w", "expected_w", "probability"):
        assert found[name].dims == ("time", "appliance")
        assert found[name].dtype == np.float32
    for name in ("energy", "energy_low", "energy_high"):
        assert found[f"{name}_kwh"].dims == ("day", "appliance")
        assert found[f"month_{name}_kwh"].dims == ("month", "appliance")
    assert (found["mains_w"].dims, found["covered"].dims, found["month_covered"].dims) == (
        ("time",),
        ("day",),
        ("month",),
    )
    assert {one.attrs["units"] for name, one in found.items() if str(name).endswith("_w")} == {"W"}
    assert {one.attrs["units"] for name, one in found.items() if str(name).endswith("_kwh")} == {"kWh"}
    assert all(one.attrs["long_name"] for one in found.values())
    assert list(found["appliance"].values) == list(NAMES)


def test_low_power_high_and_mains_stand_in_order(found: xr.Dataset) -> None:
    real = found.isel(time=np.isfinite(found["mains_w"].values))
    assert (real["power_low_w"] >= 0).all()
    assert (real["power_low_w"] <= real["power_w"]).all()
    assert (real["power_w"] <= real["power_high_w"]).all()
    assert (real["power_high_w"] <= real["mains_w"]).all()
    assert (real["power_w"].sum("appliance") <= real["mains_w"]).all()
    assert (real["power_high_w"] > real["power_low_w"]).any()


def test_the_rest_is_what_the_mains_leave(found: xr.Dataset) -> None:
    np.testing.assert_allclose(
        found["rest_w"] + found["power_w"].sum("appliance", skipna=False), found["mains_w"], rtol=1e-5
    )
    assert found["rest_w"].min() >= 0


def test_where_the_mains_are_missing_so_is_everything(found: xr.Dataset) -> None:
    for name in ("power_w", "power_low_w", "power_high_w", "expected_w", "probability", "mains_w", "rest_w"):
        missing = np.isnan(found[name].values.reshape(4 * 1440, -1))
        assert missing[GAP].all()
        assert missing.sum() == missing[GAP].size


def test_energy_is_the_sum_of_what_is_expected_within_the_energy_of_the_mains(found: xr.Dataset) -> None:
    assert (found["expected_w"].sum("appliance") <= found["mains_w"].fillna(0) + 1e-3).all()
    total = found["expected_w"].sum("time") / 60_000
    np.testing.assert_allclose(found["energy_kwh"].sum("day"), total, rtol=1e-5)
    np.testing.assert_allclose(found["month_energy_kwh"].isel(month=0), total, rtol=1e-5)
    days = found["mains_w"].values.astype("f8").reshape(4, -1)
    most = np.nansum(days, axis=1)[:, None] / 60_000
    for name in ("energy_low_kwh", "energy_kwh", "energy_high_kwh"):
        assert (found[name] >= 0).all()
        assert (found[name].values <= most + 1e-9).all()
    assert (found["energy_low_kwh"] <= found["energy_high_kwh"]).all()
    np.testing.assert_allclose(found["month_energy_high_kwh"].sum() <= 2 * most.sum(), True)
    np.testing.assert_allclose(found["covered"], [1, 940 / 1440, 1, 1])


def test_nothing_runs_below_its_threshold(house: House, said: dict[str, Estimate], found: xr.Dataset) -> None:
    for name, at in THRESHOLDS.items():
        low = said[name].on < at
        assert low.any()
        assert not found["power_w"].sel(appliance=name).values[low].any()
    assert found["power_w"].max() > 1000
    np.testing.assert_array_equal(found["power_w"].sel(appliance="kettle"), powers(house, said, THRESHOLDS)["kettle"])


def test_a_file_keeps_the_answer(found: xr.Dataset, tmp_path: Path) -> None:
    found.to_netcdf(tmp_path / "answer.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "answer.nc", engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), found)


def test_days_are_those_of_the_local_clock(said: dict[str, Estimate], house: House) -> None:
    summer = replace(house, times=house.times + np.timedelta64(182, "D"))
    each = ApplianceBands(*(bands((0.1,), 0.8, 1.3) for _ in range(3)))
    found = answer(summer, said, THRESHOLDS, COUNTED, dict.fromkeys(NAMES, each))
    assert found.sizes["day"] == 5  # midnight in UTC is one o'clock there
    assert found["covered"].values[-1] == pytest.approx(1 / 24)
    assert str(found["time"].values[0]).startswith("2024-07-01T00:00")
