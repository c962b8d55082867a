"""From a table to a house: columns by their names, units by column, phases summed, and what was done is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm.columns import folded
from labformer.domains.nilm.data import read_house, read_mains
from labformer.shared.errors import InputError


def table(rows: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=rows, freq="1min")
    kettle = 2200.0 * (rng.random(rows) < 0.02)
    return pd.DataFrame({"Time": times, "Aggregate": (rng.uniform(60, 300, rows) + kettle).round(1), "Kettle": kettle})


@pytest.mark.parametrize(
    "name", ["WashingMachine", "washing_machine", "Washing Machine", "washing machine (W)", "clotheswasher1"]
)
def test_an_appliance_is_known_by_any_spelling_of_its_name(name: str) -> None:
    house = read_house(table().rename(columns={"Kettle": name}))
    assert list(house.appliances_w) == ["washing_machine"]
    np.testing.assert_allclose(house.appliances_w["washing_machine"], table()["Kettle"])


def test_names_fold_to_letters_and_digits_without_their_unit() -> None:
    assert folded("Washing_Machine (W)") == "washingmachine"
    assert folded("mains_kw") == "mains"


def test_a_house_is_on_its_grid_and_says_its_unit() -> None:
    house = read_house(table())
    assert house.name == "house" and house.zone is None and house.step == pd.Timedelta("1min")
    assert (house.times == table()["Time"].dt.tz_localize("UTC")).all()
    np.testing.assert_array_equal(house.mains_w, table()["Aggregate"].astype(np.float32))
    assert house.mains_w.dtype == house.appliances_w["kettle"].dtype == np.float32
    assert len(house.repairs) == 1 and house.repairs[0].startswith("unit of 'Aggregate' taken to be W: median 18")


def test_the_mains_alone_have_no_appliances() -> None:
    assert read_mains(table()).appliances_w == {}


def test_two_columns_of_one_appliance_are_refused_unless_one_is_named() -> None:
    frame = table().assign(kettle_2=0.0)
    with pytest.raises(InputError, match="several columns could be the kettle \\('Kettle', 'kettle_2'\\)"):
        read_house(frame)
    assert list(read_house(frame, appliances={"kettle": "Kettle"}).appliances_w) == ["kettle"]
    assert read_mains(frame.rename(columns={"Aggregate": "x"})).mains_w.max() > 2000


def test_appliances_may_be_named() -> None:
    house = read_house(table(), appliances={"dishwasher": "Kettle"})
    assert list(house.appliances_w) == ["dishwasher"]


@pytest.mark.parametrize(
    ("columns", "mains"),
    [
        (["mains", "sub1"], "mains"),
        (["Global_active_power", "Voltage"], "Global_active_power"),
        (["use", "grid"], "use"),
        (["main_meter", "Power (W)"], "Power (W)"),
    ],
)
def test_the_mains_are_known_by_what_data_sets_call_them(columns: list[str], mains: str) -> None:
    frame = table()[["Time"]].assign(**{name: table()["Aggregate"] + 240 * place for place, name in enumerate(columns)})
    np.testing.assert_allclose(read_mains(frame).mains_w, frame[mains], rtol=1e-6)


def test_units_may_differ_by_column() -> None:
    frame = table().assign(Kettle=table()["Kettle"] / 60)
    house = read_house(frame, unit={"Aggregate": "W", "Kettle": "Wh"})
    np.testing.assert_allclose(house.appliances_w["kettle"], table()["Kettle"], rtol=1e-6)


def test_an_appliance_without_a_unit_has_that_of_the_mains() -> None:
    frame = table().assign(Aggregate=table()["Aggregate"] / 1000, Kettle=table()["Kettle"] / 1000)
    np.testing.assert_allclose(read_house(frame).appliances_w["kettle"], table()["Kettle"], rtol=1e-6)


def test_names_of_two_levels_are_one_name() -> None:
    frame = table().set_index("Time")[["Aggregate"]].set_axis(pd.MultiIndex.from_tuples([("power", "active")]), axis=1)
    np.testing.assert_allclose(read_mains(frame).mains_w, table()["Aggregate"], rtol=1e-6)


def test_phases_are_summed_and_one_that_is_missing_makes_the_sum_missing() -> None:
    frame = table().assign(L1=table()["Aggregate"] / 2, L2=table()["Aggregate"] / 2)
    frame.loc[100:200, "L2"] = np.nan
    house = read_mains(frame, mains=["L1", "L2"])
    assert np.flatnonzero(np.isnan(house.mains_w)).tolist() == list(range(100, 201))
    np.testing.assert_allclose(house.mains_w[:100], frame["Aggregate"][:100], rtol=1e-6)


def test_appliances_are_missing_where_the_meter_was_out() -> None:
    frame = table()
    frame.loc[500:700, ["Aggregate", "Kettle"]] = 0.0
    house = read_house(frame)
    assert np.isnan(house.mains_w[500:701]).all() and np.isnan(house.appliances_w["kettle"][500:701]).all()
    assert any("1 run of exactly 0 W mains over 1 h" in line for line in house.repairs)


def test_a_coarser_step_averages_and_a_longer_gap_may_be_bridged() -> None:
    frame = table().drop(index=range(100, 105))
    assert np.isnan(read_mains(frame).mains_w).sum() == 5
    assert not np.isnan(read_mains(frame, max_gap="5min").mains_w).any()
    ten = read_mains(table(), step="10min")
    np.testing.assert_allclose(ten.mains_w, table()["Aggregate"].to_numpy().reshape(-1, 10).mean(1), rtol=1e-6)
    assert "readings 1 min apart averaged over steps of 10 min" in ten.repairs


def test_a_file_gives_the_house_its_name(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "my house.csv.gz", index=False)
    assert read_house(tmp_path / "my house.csv.gz").name == "my house"
    assert read_house(tmp_path / "my house.csv.gz", name="ours").name == "ours"


def test_raw_readings_of_refit_come_to_the_grid_without_the_flagged_ones() -> None:
    rng = np.random.default_rng(0)
    seconds = np.cumsum(rng.integers(6, 9, 9000))
    times = pd.Timestamp("2014-01-01") + pd.to_timedelta(seconds, unit="s")
    raw = pd.DataFrame(
        {"Time": times, "Unix": seconds + 1388534400, "Aggregate": rng.integers(90, 400, 9000), "Appliance1": 0,
         "Appliance9": rng.integers(0, 3, 9000) * 1000, "Issues": (np.arange(9000) // 500 == 4).astype(int)}
    )  # fmt: skip
    house = read_house(raw, appliances={"kettle": "Appliance9"})
    assert any("500 rows with 'Issues' set" in line for line in house.repairs)
    assert 55 <= np.isnan(house.mains_w).sum() <= 60
    assert house.mains_w[100:120].mean() == pytest.approx(245, abs=25)


def test_options_that_cannot_be_are_refused() -> None:
    for options, said in (
        ({"step": "7min"}, "does not divide a day"),
        ({"max_gap": "soon"}, "max_gap='soon' is not a positive length"),
        ({"mains": "Agregate"}, "did you mean 'Aggregate'"),
        ({"voltage": "volts"}, "column 'volts' is missing"),
    ):
        with pytest.raises(InputError, match=said):
            read_house(table(), **options)


def test_a_shift_of_the_file_by_whole_days_shifts_the_house() -> None:
    first, later = read_house(table()), read_house(table().assign(Time=table()["Time"] + pd.Timedelta("5d")))
    assert (later.times == first.times + pd.Timedelta("5d")).all()
    np.testing.assert_array_equal(later.mains_w, first.mains_w)
