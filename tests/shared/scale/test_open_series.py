import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from labformer.shared.errors import InputError
from labformer.shared.scale import table_array
from labformer.shared.scale.source import fingerprint, open_series

SERIES, STEPS = 7, 30
FORMS = ["wide.parquet", "wide.csv", "long.parquet", "by-time.parquet", "shuffled.parquet"]
FORMS += ["series-time.nc", "time-series.nc", "some.zarr"]


@pytest.fixture
def truth() -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=(SERIES, STEPS)).round(6)
    values[2, 4] = values[5, 10:15] = np.nan
    names = np.array([f"meter {i}" for i in range(SERIES)], dtype=object)
    times = pd.date_range("2024-03-01", periods=STEPS, freq="30min", name="time")
    return xr.DataArray(values, {"series": names, "time": times}, ("series", "time"), name="load")


def write(truth: xr.DataArray, path: Path) -> Path:
    long = truth.to_dataframe("value").reset_index()[["series", "time", "value"]]
    wide = truth.T.to_pandas().rename_axis(columns=None).reset_index()
    match path.name:
        case "wide.parquet":
            wide.to_parquet(path, index=False)
        case "wide.csv":
            wide.to_csv(path, index=False)
        case "long.parquet":
            long.dropna().to_parquet(path, index=False, row_group_size=40)
        case "by-time.parquet":
            long.sort_values("time", kind="stable").to_parquet(path, index=False, row_group_size=50)
        case "shuffled.parquet":
            long.iloc[np.random.default_rng(1).permutation(len(long))].to_parquet(path, index=False)
        case "series-time.nc":
            truth.to_dataset().to_netcdf(path, engine="h5netcdf")
        case "time-series.nc":
            truth.T.to_dataset().to_netcdf(path, engine="h5netcdf")
        case _:
            truth.to_dataset().to_zarr(path, zarr_format=2)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_series_chunk_by_chunk(truth: xr.DataArray, tmp_path: Path, form: str) -> None:
    series = open_series(write(truth, tmp_path / form))
    assert series.dims == ("series", "time")
    assert series.indexes["time"].equals(truth.indexes["time"])
    wanted = truth.sel(series=series["series"].values)  # long tables come in order of first appearance
    assert sorted(series["series"].values) == sorted(truth["series"].values)
    for chunk in (slice(0, 3), slice(3, 7), slice(5, 6)):
        np.testing.assert_array_equal(series.isel(series=chunk).values, wanted.isel(series=chunk).values)
    np.testing.assert_array_equal(series.isel(series=4, time=slice(2, 9)).values, wanted.values[4, 2:9])
    # it travels to workers before it is read
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(series))[1:3].values, wanted.values[1:3])


def test_objects_in_memory_are_taken_as_they_are(truth: xr.DataArray) -> None:
    for source in (truth, truth.T, truth.to_dataset(), truth.T.to_pandas()):
        np.testing.assert_array_equal(open_series(source).values, truth.values)


def test_a_long_table_reads_only_the_row_groups_of_its_chunk(
    truth: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = open_series(write(truth, tmp_path / "long.parquet"))
    read: list[list[int]] = []

    class Watched(pq.ParquetFile):  # type: ignore[misc]
        def iter_batches(self, *args: object, **options: object) -> object:
            read.append(options["row_groups"])
            return super().iter_batches(*args, **options)

    monkeypatch.setattr(table_array.pq, "ParquetFile", Watched)
    series[0:1].load()
    series[6:7].load()
    assert len(read) == 2
    assert len(read[0]) <= 2
    assert not set(read[0]) & set(read[1])


def test_names_that_are_numbers_and_times_with_an_offset_are_understood(tmp_path: Path) -> None:
    times = pd.date_range("2024-06-01", periods=4, freq="1h", tz="Europe/Berlin")
    table = pa.table({"Series": [7] * 4 + [11] * 4, "time": times.append(times), "value": np.arange(8)})
    pq.write_table(table, tmp_path / "numbers.parquet")
    series = open_series(tmp_path / "numbers.parquet")
    assert list(series["series"].values) == ["7", "11"]
    assert series.indexes["time"][0] == pd.Timestamp("2024-05-31 22:00")
    np.testing.assert_array_equal(series.values, np.arange(8.0).reshape(2, 4))


def spoilt(truth: xr.DataArray, how: str) -> xr.DataArray | xr.Dataset | pd.DataFrame:
    match how:
        case "two variables":
            return xr.Dataset({"a": truth, "b": truth})
        case "other dimension":
            return truth.rename(series="meter")
        case "no times":
            return truth.drop_vars("time")
        case "no calendar":
            return truth.assign_coords(time=np.arange(STEPS))
        case "a step missing":
            return truth.isel(time=[i for i in range(STEPS) if i != 5])
        case _:
            return truth.assign_coords(series=["same"] * SERIES)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("two variables", r"has 2 \(variables: a \('series', 'time'\), b"),
        ("other dimension", r"rename them to series and time"),
        ("no times", "no times along its dimension"),
        ("no calendar", "holds int64, not times"),
        ("a step missing", "do not go on by equal steps after 2024-03-01 02:00"),
        ("same names", "stands more than once"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(truth: xr.DataArray, how: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_series(spoilt(truth, how))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, "no column of times among 'a', 'b'; name it time"),
        ({"time": ["2024-01-01", "2024-01-02"], "a": ["x", "y"]}, "column 'a' holds string, not numbers"),
        ({"time": ["2024-01-01", "2024-01-01"], "a": [1.0, 2.0]}, "2024-01-01 00:00:00 stands 2 times"),
        ({"time": ["2024-01-01", "soon"], "a": [1.0, 2.0]}, "times cannot be read"),
        ({"time": [1, 2], "a": [1.0, 2.0]}, "column of times holds int64"),
        ({"time": pa.array([None, 1], pa.timestamp("s")), "a": [1.0, 2.0]}, "1 row\\(s\\) have no time"),
        ({"series": ["a", None], "time": ["2024-01-01", "2024-01-02"], "value": [1.0, 2.0]}, "rows without a name"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, columns: dict[str, object], said: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=said):
        open_series(tmp_path / "t.parquet")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for name in ("broken.parquet", "broken.nc", "broken.csv", "table.xlsx"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError, match=name):
            open_series(tmp_path / name)
    with pytest.raises(InputError, match="no file"):
        open_series(tmp_path / "missing.nc")
    (tmp_path / "long.csv").write_text("series,time,value\na,2024-01-01,1\n")
    with pytest.raises(InputError, match="save it as .parquet"):
        open_series(tmp_path / "long.csv")


def test_two_values_at_one_time_fail_when_their_chunk_is_read(tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", periods=3, freq="1h")
    rows = {"series": ["a"] * 3 + ["b"] * 4, "time": [*times, *times, times[1]], "value": [1.0, 2, 3, 4, 5, 6, 5.5]}
    pq.write_table(pa.table(rows), tmp_path / "twice.parquet")
    series = open_series(tmp_path / "twice.parquet")
    np.testing.assert_array_equal(series[:1].values, [[1, 2, 3]])
    with pytest.raises(InputError, match="two different values at 2024-01-01 01:00:00 in b"):
        series[1:].load()


def test_the_fingerprint_follows_the_content(truth: xr.DataArray, tmp_path: Path) -> None:
    path = write(truth, tmp_path / "wide.parquet")
    before = fingerprint(path), fingerprint(truth)
    assert before == (fingerprint(path), fingerprint(truth))
    write(truth + 1, path)
    assert fingerprint(path) != before[0]
    assert fingerprint(truth + 1) != before[1]
