from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.domains.forecasting.forecasts import forecast_dataset, forecast_table, require_format, write_dataset
from labformer.shared.errors import InputError

LEVELS = (0.05, 0.5, 0.95)
TIMES = pd.date_range("2024-10-26 22:30", periods=12, freq="30min", tz="UTC")  # over the night clocks go back


def forecast(zone: str | None = "Europe/London", **units: str) -> xr.Dataset:
    values = np.sort(np.random.default_rng(0).normal(size=(len(TIMES), 2, len(LEVELS))), axis=-1)
    return forecast_dataset(
        TIMES,
        LEVELS,
        values,
        values[..., 1],
        target_names=("load", "solar"),
        units=units,
        zone=zone,
        origin=TIMES[0] - pd.Timedelta("30min"),
        calibration="split conformal on 90 days",
        model="seasonal-naive",
    )


def test_the_dataset_says_what_cf_asks_for() -> None:
    dataset = forecast(load="MW", solar="MW")
    assert dict(dataset.sizes) == {"time": 12, "target": 2, "quantile": 3}
    assert dataset.attrs["Conventions"].startswith("CF-")
    assert dataset.attrs["calibration"] == "split conformal on 90 days"
    assert dataset["time"].attrs["standard_name"] == "time"
    assert dataset["origin"].attrs["standard_name"] == "forecast_reference_time"
    assert dataset["quantile"].attrs["units"] == "1"
    for variable in dataset.data_vars.values():
        assert variable.attrs["units"] == "MW"
        assert variable.attrs["long_name"]
    shown = TIMES.tz_convert("Europe/London").tz_localize(None)
    assert (dataset["local_time"].values == shown).all()


def test_targets_of_different_units_say_them_each() -> None:
    dataset = forecast(load="MW", solar="W m-2")
    assert "units" not in dataset["point"].attrs
    assert dataset["unit"].values.tolist() == ["MW", "W m-2"]


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1, 1\)"):
        forecast_dataset(
            TIMES[:2],
            [0.5],
            np.zeros((2, 2, 1)),
            np.zeros((2, 1)),
            target_names=["load"],
            units={},
            zone=None,
            origin=TIMES[0],
            calibration="",
            model="",
        )


def test_netcdf_brings_everything_back(tmp_path: Path) -> None:
    dataset = forecast(load="MW", solar="MW")
    write_dataset(dataset, tmp_path / "f.nc")
    with xr.open_dataset(tmp_path / "f.nc", engine="h5netcdf") as back:
        xr.testing.assert_equal(back.load(), dataset)
        assert back.attrs == dataset.attrs
        assert back["local_time"].attrs["time_zone"] == "Europe/London"


@pytest.mark.parametrize("zone", ["Europe/London", None])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_hold_a_row_a_time_and_target(tmp_path: Path, zone: str | None, suffix: str) -> None:
    dataset = forecast(zone, load="MW")
    write_dataset(dataset, tmp_path / f"f{suffix}")
    table = pd.read_csv(tmp_path / "f.csv") if suffix == ".csv" else pd.read_parquet(tmp_path / "f.parquet")
    assert list(table) == ["time", "local_time", "target", "unit", "point", "q0.05", "q0.5", "q0.95"]
    assert len(table) == 24
    solar = table[table["target"] == "solar"]
    np.testing.assert_allclose(solar["q0.95"], dataset["forecast"].sel(target="solar", quantile=0.95), rtol=1e-15)
    times = pd.to_datetime(solar["time"], utc=True)
    assert (times.to_numpy() == TIMES.to_numpy()).all()
    if zone:
        assert (
            pd.to_datetime(solar["local_time"].astype(str), utc=True) == times
        ).all()  # offsets tell the hours apart


def test_a_table_forgets_no_doubled_hour() -> None:
    assert forecast_table(forecast())["local_time"].nunique() == len(TIMES)


def test_an_existing_file_stays_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="overwrite"):
        write_dataset(forecast(), path)
    assert path.read_text() == "mine"
    write_dataset(forecast(), path, overwrite=True)
    assert path.read_text().startswith("time,local_time")
    assert [file.name for file in tmp_path.iterdir()] == ["f.csv"]


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for refused in (lambda: require_format("f.xlsx"), lambda: write_dataset(forecast(), tmp_path / "f.xlsx")):
        with pytest.raises(InputError, match=r"\.nc, \.csv, \.parquet"):
            refused()
    assert not list(tmp_path.iterdir())
