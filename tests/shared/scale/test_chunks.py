import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from labformer.shared.errors import InputError
from labformer.shared.scale.chunks import (
    Field,
    Layout,
    Result,
    Span,
    _Work,
    attempt,
    client_in_use,
    spans,
    work_through,
)
from labformer.shared.scale.cluster import cluster
from labformer.shared.scale.mapping import map_in_memory
from labformer.shared.scale.source import open_series

LAYOUT = Layout(
    xr.Dataset(coords={"part": ["sum", "last"]}),
    {"both": Field(("part",), "float64", {}), "count": Field((), "int32", {"units": "1"})},
)


def work(chunk: xr.DataArray) -> Result:
    """Sum and last value; negative series are refused."""
    values = chunk.values
    if (bad := (values < 0).any(1)).any():
        raise InputError(f"{chunk['series'].values[bad][0]} is negative")
    arrays = {"both": np.stack([values.sum(1), values[:, -1]], 1), "count": np.isfinite(values).sum(1).astype("int32")}
    return Result(arrays, [""] * len(values))


@pytest.fixture
def series() -> xr.DataArray:
    times = pd.date_range("2024-01-01", periods=5, freq="1h")
    values = np.random.default_rng(0).random((23, 5))
    return xr.DataArray(values, {"series": [f"s{i}" for i in range(23)], "time": times}, ("series", "time"))


def test_spans_tile_the_series() -> None:
    assert spans(5, 2) == [(0, 2), (2, 4), (4, 5)]
    assert spans(4, 10) == [(0, 4)]
    assert spans(0, 3) == []


@pytest.mark.parametrize("chunk", [1, 4, 23, 100])
def test_failing_series_stand_alone_with_their_reason(series: xr.DataArray, chunk: int) -> None:
    plain = map_in_memory(work, series, LAYOUT, series_per_chunk=chunk)
    assert (plain["status"] == "").all()
    np.testing.assert_array_equal(plain["both"].values[:, 0], series.values.sum(1))
    series.values[[3, 4, 22], 1] = -1
    made = map_in_memory(work, series, LAYOUT, series_per_chunk=chunk)
    failed = made["status"].values != ""
    assert list(np.flatnonzero(failed)) == [3, 4, 22]
    assert made["status"].values[22] == "s22 is negative"
    assert np.isnan(made["both"].values[failed]).all()
    assert (made["count"].values[failed] == -1).all()
    xr.testing.assert_identical(made.isel(series=~failed), plain.isel(series=~failed))


def test_a_fault_of_the_program_is_not_taken_for_one_of_the_data(series: xr.DataArray) -> None:
    def broken(_: xr.DataArray) -> Result:
        raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        attempt(broken, LAYOUT, series, Span(0, 2))


def test_a_chunk_of_no_series_per_chunk_is_refused(series: xr.DataArray) -> None:
    with pytest.raises(InputError, match="series_per_chunk=0"):
        map_in_memory(work, series, LAYOUT, series_per_chunk=0)


def test_no_dask_is_imported_to_look_for_a_client(series: xr.DataArray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    assert client_in_use() is None
    list(work_through(work, LAYOUT, series, spans(23, 10)))
    assert "distributed" not in sys.modules


def test_without_dask_a_cluster_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "labformer\[scale\]"'), cluster(2):
        pass


def test_a_cluster_is_asked_for_in_one_way(tmp_path: Path) -> None:
    with cluster() as client:
        assert client is None
    for workers, scheduler, said in ((2, "tcp://localhost:1", "not both"), (-1, None, "workers=-1")):
        with pytest.raises(InputError, match=said), cluster(workers, scheduler):
            pass


def test_what_goes_to_workers_is_not_loaded_on_the_way(series: xr.DataArray, tmp_path: Path) -> None:
    sizeof = pytest.importorskip("dask.sizeof").sizeof
    series.to_dataset(name="load").to_netcdf(tmp_path / "s.nc", engine="h5netcdf")
    lazy = open_series(tmp_path / "s.nc")
    sent = _Work(work, LAYOUT, lazy)
    assert sizeof(sent) < 500
    assert not lazy.variable._in_memory
    assert not pickle.loads(pickle.dumps(sent)).series.variable._in_memory
