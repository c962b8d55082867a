import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr

from labformer.shared.errors import InputError
from labformer.shared.scale.chunks import Field, Layout, Result
from labformer.shared.scale.mapping import map_in_memory, map_to_file

LAYOUT = Layout(
    xr.Dataset(coords={"time": pd.date_range("2025-01-01", periods=4, freq="1D")}, attrs={"title": "t"}),
    {"level": Field(("time",), "float32", {"units": "kW"}), "kind": Field((), "int8", {"flag_values": np.arange(2)})},
)
SERIES = xr.DataArray(
    np.random.default_rng(0).random((10, 6)),
    {"series": [f"s{i}" for i in range(10)], "time": pd.date_range("2024-01-01", periods=6, freq="1h")},
    ("series", "time"),
)
FORMATS = ["out.nc", "out.parquet", "out.zarr"]


def rows(part: xr.Dataset) -> pa.Table:
    steps = part.sizes["time"]
    level = part["level"].values.ravel()
    kind, name = (np.repeat(part[column].values, steps) for column in ("kind", "status"))
    return pa.table({"series": np.repeat(part["series"].values, steps), "level": level, "kind": kind, "status": name})


class Work:
    """Tile the first values; count the chunks, fail on one series, and stop at a chunk when told so."""

    def __init__(self, stop_at: int | None = None, stop: Callable[[], object] | None = None) -> None:
        self.seen: list[str] = []
        self.stop_at, self.stop = stop_at, stop

    def __call__(self, chunk: xr.DataArray) -> Result:
        if self.stop is not None and len(self.seen) == self.stop_at:
            self.stop()
        self.seen.append(str(chunk["series"].values[0]))
        status = ["bad" if name == "s7" else "" for name in chunk["series"].values]
        level = np.where(np.array(status)[:, None] == "bad", np.nan, chunk.values[:, :4]).astype("float32")
        return Result({"level": level, "kind": np.where(np.isnan(level[:, 0]), -1, 1).astype("int8")}, status)


def go(work: Work, out: Path, overwrite: bool = False, **changed: object) -> xr.Dataset:
    identity = {"data": "d", "model": {"a": 1}, **changed}
    return map_to_file(work, SERIES, LAYOUT, out, identity=identity, rows=rows, series_per_chunk=3, overwrite=overwrite)


def opened(out: Path) -> xr.Dataset:
    return xr.load_dataset(out, engine="h5netcdf" if out.suffix == ".nc" else "zarr")


def stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", FORMATS)
def test_a_stopped_run_goes_on_and_ends_like_one_that_was_not(tmp_path: Path, name: str) -> None:
    plain, out = tmp_path / f"plain-{name}", tmp_path / name
    summary = go(Work(), plain)
    with pytest.raises(KeyboardInterrupt):
        go(Work(2, stop), out)
    assert not out.exists()
    again = Work()
    xr.testing.assert_identical(go(again, out), summary)
    assert again.seen == ["s6", "s9"]  # the chunks s0 and s3 were finished before
    if name.endswith(".parquet"):
        assert out.read_bytes() == plain.read_bytes()
    else:
        xr.testing.assert_identical(opened(out), opened(plain))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, plain.name])


def test_files_hold_what_the_work_gave_with_labels_and_reasons(tmp_path: Path) -> None:
    wanted = map_in_memory(Work(), SERIES, LAYOUT, series_per_chunk=3)
    for name in FORMATS:
        summary = go(Work(), tmp_path / name)
        np.testing.assert_array_equal(summary["status"].values, wanted["status"].values)
        np.testing.assert_array_equal(summary["kind"].values, wanted["kind"].values)
    for name in ("out.nc", "out.zarr"):
        found = opened(tmp_path / name)
        assert found.attrs["title"] == "t"
        assert found["level"].attrs["units"] == "kW"
        assert found["kind"].dtype == np.int8
        for part in ("level", "kind", "time"):
            np.testing.assert_array_equal(found[part].values, wanted[part].values)
        assert list(found["status"].values) == list(wanted["status"].values)
        assert list(found["series"].values) == list(SERIES["series"].values)
    table = pd.read_parquet(tmp_path / "out.parquet")
    np.testing.assert_array_equal(table["level"].to_numpy(), wanted["level"].values.ravel())
    assert set(table.loc[table["status"] == "bad", "series"]) == {"s7"}


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_result_store import Work, go
go(Work(3, lambda: os.kill(os.getpid(), signal.SIGKILL)), Path(sys.argv[2]))
"""


def test_a_killed_process_loses_no_finished_chunk(tmp_path: Path) -> None:
    out = tmp_path / "out.nc"
    done = subprocess.run([sys.executable, "-c", KILLED, str(Path(__file__).parent), str(out)], env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    with (tmp_path / "out.nc.partial" / "journal.jsonl").open("a") as journal:
        journal.write('{"span": [9, 10], "fai')  # a line that the kill cut off
    again = Work()
    go(again, out)
    assert again.seen == ["s9"]
    go(Work(), tmp_path / "plain.nc")
    xr.testing.assert_identical(opened(out), opened(tmp_path / "plain.nc"))


def test_a_stopped_run_of_something_else_is_refused_or_begun_again(tmp_path: Path) -> None:
    out = tmp_path / "out.nc"
    with pytest.raises(KeyboardInterrupt):
        go(Work(2, stop), out)
    with pytest.raises(
        InputError, match=r"out.nc.partial holds a stopped run that differs in data, model; .*overwrite"
    ):
        go(Work(), out, data="other", model={"a": 2})
    begun = Work()
    go(begun, out, overwrite=True, data="other", model={"a": 2})
    assert begun.seen == ["s0", "s3", "s6", "s9"]


def test_overwriting_goes_on_too_and_keeps_the_old_file_until_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out.nc"
    out.write_text("old")
    with pytest.raises(InputError, match="exists; choose another name, or pass --overwrite"):
        go(Work(), out)
    with pytest.raises(KeyboardInterrupt):
        go(Work(2, stop), out, overwrite=True)
    assert out.read_text() == "old"
    again = Work()
    go(again, out, overwrite=True)
    assert again.seen == ["s6", "s9"]
    assert opened(out)["level"].shape == (10, 4)


def test_a_store_replaces_a_store(tmp_path: Path) -> None:
    out = tmp_path / "out.zarr"
    go(Work(), out)
    go(Work(), out, overwrite=True, data="other")
    assert opened(out)["level"].shape == (10, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["out.zarr"]


def test_the_journal_is_readable_by_people(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(Work(3, stop), tmp_path / "out.nc")
    first, *lines = (tmp_path / "out.nc.partial" / "journal.jsonl").read_text().splitlines()
    assert json.loads(first)["data"] == "d"
    assert [json.loads(line) for line in lines][2] == {"span": [6, 9], "failed": {"1": "bad"}}


def test_unknown_formats_and_a_missing_extra_are_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="end the name in .nc, .parquet, .zarr"):
        go(Work(), tmp_path / "out.csv")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r'pip install "labformer\[scale\]"'):
        go(Work(), tmp_path / "out.nc")
    assert not list(tmp_path.iterdir())
