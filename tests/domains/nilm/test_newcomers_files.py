"""Files as people bring them, whose numbers were once silently wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm import Disaggregator, read_mains
from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.bill import bill
from labformer.domains.nilm.channels import read_channel
from labformer.domains.nilm.data import read_house
from labformer.domains.nilm.evaluation import evaluate_on
from labformer.domains.nilm.opening import open_mains
from labformer.domains.nilm.tables import prediction_table
from labformer.domains.nilm.usage import usage_table
from labformer.shared.errors import InputError

MINUTES = pd.date_range("2024-03-01", periods=2880, freq="1min")
WATTS = 200 + 100 * np.sin(np.arange(2880) / 200) + np.where(np.arange(2880) % 700 < 4, 2500, 0)


def written(folder: Path, **columns: np.ndarray) -> Path:
    path = folder / "house.csv"
    pd.DataFrame({"time": MINUTES, **columns}).to_csv(path, index=False)
    return path


def test_a_current_without_a_unit_is_amperes(tmp_path: Path) -> None:
    path = written(tmp_path, current=WATTS / 240)
    with pytest.raises(InputError, match="'current' is a current in A.*--voltage 230"):
        read_mains(path)
    np.testing.assert_allclose(read_mains(path, voltage=240.0).mains_w, WATTS, rtol=1e-4)


def test_the_current_power_is_no_current(tmp_path: Path) -> None:
    np.testing.assert_allclose(read_mains(written(tmp_path, current_power=WATTS)).mains_w, WATTS, rtol=1e-4)


def test_kilowatts_in_a_column_of_watts_are_asked_about_and_what_is_said_is_believed(tmp_path: Path) -> None:
    path = written(tmp_path, power_W=WATTS / 1000)
    with pytest.raises(InputError, match="'power_W' in W is .* unit='kW'"):
        read_mains(path)
    np.testing.assert_allclose(read_mains(path, unit="kW").mains_w, WATTS, rtol=1e-4)
    np.testing.assert_allclose(read_mains(path, unit="W").mains_w, WATTS / 1000, rtol=1e-4)


def test_a_submeter_that_could_be_in_kilowatts_is_told(tmp_path: Path) -> None:
    kettle = np.where(WATTS > 2000, 2400.0, 0.0)
    said = [read_house(written(tmp_path, power_W=WATTS, kettle=kettle * part)).odd for part in (1.0, 0.001)]
    assert [any("'kettle' never exceeds 2.4 W" in line for line in lines) for lines in said] == [False, True]


def test_one_channel_alone_is_a_house(tmp_path: Path) -> None:
    path = tmp_path / "channel_1.dat"
    seconds = MINUTES.tz_localize("UTC").astype("datetime64[s, UTC]").astype("int64")
    pd.DataFrame({"at": seconds, "w": WATTS.round(2)}).to_csv(path, sep=" ", header=False, index=False)
    house = read_channel(path)
    assert house.name == "channel_1"
    np.testing.assert_allclose(house.mains_w, WATTS, atol=0.01)


def test_a_month_without_readings_used_an_unknown_energy() -> None:
    power = np.where(MINUTES.day == 1, 60.0, np.nan)
    table = usage_table(MINUTES, power, power > 0, APPLIANCES["kettle"], None, "day")
    assert table["kwh"].iloc[0] == pytest.approx(1.44) and np.isnan(table["kwh"].iloc[1])


def test_days_without_readings_have_no_energy_in_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    keep = MINUTES.day == 1
    late = MINUTES[~keep] + pd.Timedelta("3D")
    times = MINUTES[keep].append(late)
    pd.DataFrame({"time": times, "power_W": WATTS}).to_csv(path, index=False)
    found = Disaggregator.from_pretrained("kettle").predict(read_mains(path))
    seen = found["covered"].values > 0
    assert seen.tolist() == [True, False, False, False, True]
    for name in ("energy_kwh", "energy_low_kwh", "energy_high_kwh"):
        np.testing.assert_array_equal(np.isfinite(found[name].values[:, 0]), seen)
    assert found["time"].attrs["long_name"] == "start of the step, on the clock as written"


def test_paths_are_no_houses() -> None:
    with pytest.raises(InputError, match=r"a str is no house; read_house\(PATH\)"):
        Disaggregator(models=("zero",)).fit(["house.csv"])  # type: ignore[list-item]


def test_a_lone_channel_is_answered_from_python_too(tmp_path: Path) -> None:
    path = tmp_path / "channel_1.dat"
    seconds = MINUTES.tz_localize("UTC").astype("datetime64[s, UTC]").astype("int64")
    pd.DataFrame({"at": seconds, "w": WATTS.round(2)}).to_csv(path, sep=" ", header=False, index=False)
    found = Disaggregator.from_pretrained("kettle").predict(path, zone="Europe/London")
    assert found.attrs["title"] == "appliances of channel_1" and found.attrs["zone"] == "Europe/London"


def test_a_folder_of_files_is_one_house(tmp_path: Path) -> None:
    (folder := tmp_path / "my_house").mkdir()
    for day in (1, 2):
        today = MINUTES.day == day
        pd.DataFrame({"time": MINUTES[today], "power_W": WATTS[today]}).to_csv(folder / f"{day}.csv", index=False)
    house = open_mains(folder)
    assert house.name == "my_house"
    np.testing.assert_allclose(house.mains_w, WATTS, rtol=1e-4)
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        open_mains(empty)


def test_what_is_said_of_offset_times_is_said_on_the_local_clock(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    times = pd.date_range("2024-07-01", periods=2880, freq="1min", tz="UTC")
    keep = np.r_[0:600, 700:2880]
    pd.DataFrame({"time": times[keep].astype(str), "power_W": WATTS[keep]}).to_csv(path, index=False)
    (line,) = (one for one in read_mains(path, zone="Europe/London").repairs if one.startswith("no mains"))
    assert "from 2024-07-01 11:00" in line


def test_cells_dropped_within_an_outage_do_not_hide_it(tmp_path: Path) -> None:
    out = np.where((np.arange(2880) >= 1000) & (np.arange(2880) < 1120), 0.0, WATTS)
    out[1000:1120:30] = np.nan
    house = read_mains(written(tmp_path, power_W=out), max_gap="5min")
    assert np.isnan(house.mains_w[1002:1119]).all() and np.isfinite(house.mains_w[:999]).all()


def test_mains_the_other_way_round_are_told_before_their_unit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="100% of 'mains' lies below zero: the meter counts the other way"):
        read_mains(written(tmp_path, mains=-WATTS))


def test_a_row_a_day_is_read_as_half_hours_of_one_column(tmp_path: Path) -> None:
    kwh = np.abs(np.sin(np.arange(48 * 5))).reshape(5, 48).round(3) + 0.1
    clock = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 30)]
    table = pd.DataFrame(kwh, columns=clock)
    table.insert(0, "MPAN", 2000012345678)
    table.insert(0, "Date", [f"{day}/03/2024" for day in range(20, 25)])
    table.to_csv(path := tmp_path / "wide.csv", index=False)
    with pytest.raises(InputError, match="the unit of 'value' is not said"):
        read_mains(path, step="30min")
    house = read_mains(path, unit="kWh", step="30min")
    np.testing.assert_allclose(house.mains_w, 2000 * kwh.ravel(), rtol=1e-5)
    assert house.times[0] == pd.Timestamp("2024-03-20", tz="UTC") and house.apart == pd.Timedelta("30min")
    assert any("a row a day: columns '00:00' to '23:30'" in line for line in house.repairs)


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    kettle, fridge = np.where(WATTS > 2000, 2400.0, 0.0), np.where(np.arange(2880) % 60 < 20, 90.0, 0.0)
    path = written(tmp_path, mains_W=WATTS, kettle=kettle, fridge_freezer=fridge)
    assert "not read, no appliance that is known: 'fridge_freezer'" in read_house(path).repairs
    assert not any("fridge" in line for line in read_mains(path).repairs)


def test_what_is_not_scored_is_said(tmp_path: Path) -> None:
    kettle = np.where(WATTS > 2000, 2400.0, 0.0)
    kettle[: 2880 // 4] = np.nan
    path = written(tmp_path, mains_W=WATTS, kettle=kettle, microwave=0.5 * kettle)
    model = Disaggregator.from_pretrained("kettle")
    assert evaluate_on(model, read_house(path)).left_out == [
        "microwave: the house has metered it, the model does not know it",
        "kettle in 25% of the steps with mains, in which its own meter has no value",
    ]


def test_the_bill_of_several_months_has_the_interval_of_their_sum(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    times = pd.date_range("2024-01-30", periods=4 * 1440, freq="1min")
    pd.DataFrame({"time": times, "power_W": np.tile(WATTS, 2)}).to_csv(path, index=False)
    house = read_mains(path)
    prediction = Disaggregator.from_pretrained("kettle").predict(house)
    table = bill(prediction, house.local()).set_index("period")
    months = table.drop(index="all")
    for side in ("kwh", "kwh_low", "kwh_high"):
        assert table.loc["all", side] == pytest.approx(months[side].sum())
    assert table.loc["all", "kwh_low"] <= table.loc["all", "kwh"] < table.loc["all", "kwh_high"]
    rows = prediction_table(prediction)
    assert rows["kettle_expected_w"].sum() / 60_000 == pytest.approx(table.loc["all", "kwh"], rel=1e-4)
