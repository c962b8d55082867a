"""Results of many series, kept as they come: a run that was stopped goes on where it was, and nothing half is left.

While it runs, `NAME.partial` holds a Zarr store of the results and a journal with one line for each finished chunk,
written after its numbers. At the end the results become one file or store, which is renamed to `NAME` as a whole.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from ..errors import InputError, require
from ..writing import require_writable
from .chunks import Layout, Result, Span, spans

FORMATS = (".nc", ".parquet", ".zarr")
COPIED = 4096  # series at a time from the store into a NetCDF file
STATUS = {"long_name": "why the series has no result; empty where it has one"}
Rows = Callable[[xr.Dataset], pa.Table]


class ResultStore:
    """`NAME.partial` of one run.

    out       the name of the whole, which ends in one of `FORMATS`
    series    (series,) names
    identity  what the results depend on, plain values: data, model, settings
    rows      lays a dataset out as a table, for Parquet

    Raises InputError when `out` exists and `overwrite` is false, or a stopped run was another one and `overwrite` is
    false; with `overwrite` a stopped run of the same identity still goes on, and any other begins again.
    """

    def __init__(
        self,
        out: str | Path,
        layout: Layout,
        series: Sequence[str],
        identity: Mapping[str, Any],
        rows: Rows,
        overwrite: bool = False,
    ) -> None:
        self.out, self.layout, self.series, self.rows = Path(out), layout, series, rows
        require_out(self.out, overwrite)
        names = np.array(series, dtype=object)
        self.labels = layout.labels.assign_coords(series=("series", names, {"long_name": "name of the series"}))
        self.partial = self.out.with_name(self.out.name + ".partial")
        self.results, self.journal = self.partial / "results.zarr", self.partial / "journal.jsonl"
        self.done: dict[Span, dict[str, str]] = {}  # finished chunks, and the failures of each by place in the chunk
        begun = self._read_journal() if self.results.is_dir() else None
        if begun is not None and begun != (plain := json.loads(json.dumps(identity))):
            differ = sorted(name for name in {*begun, *plain} if begun.get(name) != plain.get(name))
            if not overwrite:
                raise InputError(
                    f"{self.partial} holds a stopped run that differs in {', '.join(differ)}; go on with what it was "
                    "begun with, or pass --overwrite to begin again."
                )
            begun = None
        if begun is None:
            self._begin(identity)
        group = require("zarr", "scale").open_group(self.results, mode="r+")
        self.arrays: dict[str, Any] = {name: group[name] for name in layout.fields}

    def pending(self, wanted: Iterable[Span]) -> list[Span]:
        """The chunks that are not finished."""
        return [span for span in wanted if span not in self.done]

    def write(self, span: Span, result: Result) -> None:
        """Write a chunk, then note in the journal that it is there."""
        for name in self.layout.fields:
            self.arrays[name][slice(*span)] = result.arrays[name]
        failed = {str(place): reason for place, reason in enumerate(result.status) if reason}
        with self.journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({"span": span, "failed": failed}) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self.done[span] = failed

    def failures(self) -> dict[str, str]:
        """Why series have failed, by name, in their order."""
        return {
            self.series[span.start + int(place)]: reason
            for span, failed in sorted(self.done.items())
            for place, reason in failed.items()
        }

    def summary(self) -> xr.Dataset:
        """The fields that are one number for each series, and status."""
        failures = self.failures()
        status = np.array([failures.get(name, "") for name in self.series], dtype=object)
        single = [name for name, field in self.layout.fields.items() if not field.dims]
        whole = self._fields(Span(0, len(self.series)), single).assign(status=("series", status, STATUS))
        return whole.assign_coords(series=self.labels["series"])

    def publish(self, summary: xr.Dataset) -> None:
        """Make the whole of the finished chunks, rename it to `out`, and clear up."""
        labels, whole = self.labels.assign(status=summary["status"]), self.results
        match self.out.suffix.lower():
            case ".nc":
                self._to_netcdf(labels, whole := self.partial / "whole.nc")
            case ".parquet":
                self._to_parquet(labels, whole := self.partial / "whole.parquet")
            case _:
                status = summary[["status"]].drop_vars("series").assign_attrs(self.labels.attrs)
                status.to_zarr(whole, mode="a", zarr_format=2, consolidated=False)
                require("zarr", "scale").consolidate_metadata(whole)
        if self.out.is_dir():
            self.out.rename(self.partial / "replaced")
        whole.replace(self.out)
        shutil.rmtree(self.partial)

    def _begin(self, identity: Mapping[str, Any]) -> None:
        if self.partial.exists():
            shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True)
        self.done = {}
        zarr = require("zarr", "scale")
        # version 2 of the format is read everywhere, and its strings are part of the standard
        self.labels.to_zarr(self.results, mode="w", zarr_format=2, consolidated=False)
        group = zarr.open_group(self.results, mode="r+")
        for name, field in self.layout.fields.items():
            shape = (len(self.series), *self.layout.shape(name))
            plain = {key: one.tolist() if isinstance(one, np.ndarray) else one for key, one in field.attrs.items()}
            group.create_array(
                name,
                shape=shape,
                chunks=(min(identity["series_per_chunk"], shape[0]), *shape[1:]),
                dtype=field.dtype,
                fill_value=np.nan if np.isnan(field.fill) else None,  # a fill value of integers would be masked
                compressors=None,  # forecasts are noise in their last bits: packing costs more time than it saves
                attributes={"_ARRAY_DIMENSIONS": ["series", *field.dims], **plain},
            )
        self.journal.write_text(json.dumps(identity) + "\n", encoding="utf-8")

    def _read_journal(self) -> dict[str, Any] | None:
        """What the stopped run was; a line that was cut off in writing is dropped."""
        if not self.journal.is_file():
            return None
        text = self.journal.read_bytes()
        text = text[: text.rfind(b"\n") + 1]
        if not text:
            return None
        with self.journal.open("r+b") as journal:
            journal.truncate(len(text))
        identity, *lines = (json.loads(line) for line in text.splitlines())
        self.done = {Span(*line["span"]): line["failed"] for line in lines}
        return dict(identity)

    def _fields(self, span: Span, names: Iterable[str]) -> xr.Dataset:
        fields = {name: self.layout.fields[name] for name in names}
        return xr.Dataset(
            {name: (("series", *one.dims), self.arrays[name][slice(*span)], one.attrs) for name, one in fields.items()}
        )

    def _to_netcdf(self, labels: xr.Dataset, path: Path) -> None:
        """Labels first, then the fields chunk by chunk."""
        import h5netcdf

        labels.to_netcdf(path, engine="h5netcdf")
        with h5netcdf.File(path, "a") as file:
            for name, field in self.layout.fields.items():
                one = file.create_variable(name, ("series", *field.dims), np.dtype(field.dtype))
                one.attrs.update(field.attrs)
                for span in spans(len(self.series), COPIED):
                    one[slice(*span)] = self.arrays[name][slice(*span)]

    def _to_parquet(self, labels: xr.Dataset, path: Path) -> None:
        tables = (
            self.rows(labels.isel(series=slice(*span)).merge(self._fields(span, self.layout.fields)))
            for span in sorted(self.done)
        )
        first = next(tables)
        with pq.ParquetWriter(path, first.schema) as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table)


def require_out(out: str | Path, overwrite: bool) -> None:
    """Raise InputError unless results can be written there: to be asked before long work."""
    path = Path(out)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"cannot write {path}: end the name in {', '.join(FORMATS)}.")
    require_writable(path, overwrite, "folder" if path.suffix.lower() == ".zarr" else "file")
    require("zarr", "scale")
