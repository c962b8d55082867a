"""Files as people bring them, whose numbers were once silently wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labformer.domains.nilm import Disaggregator, read_mains
from labformer.domains.nilm.appliances import APPLIANCES
from labformer.domains.nilm.channels import read_channel
from labformer.domains.nilm.data import read_house
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
    said = [read_house(written(tmp_path, power_W=WATTS, kettle=kettle * part)).repairs for part in (1.0, 0.001)]
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
