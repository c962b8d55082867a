"""How a run over many series ends when not all is well: stopped, with how to go on; or with failures, one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import xarray as xr


@contextmanager
def says_how_to_go_on(out: str) -> Iterator[None]:
    """When the run is interrupted, say where its finished chunks are."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"finished chunks are kept in {out}.partial; the same command goes on from there.\n")
        raise


def say_failures(series: xr.Dataset, lack: str) -> int:
    """One line on stderr when series have failed; 1 when all have, else 0.

    series  with status, empty where all is well
    lack    what those that failed do without, such as "series have no forecast"
    """
    failed = series["status"].values != ""
    if failed.any():
        name, reason = (series[part].values[failed][0] for part in ("series", "status"))
        sys.stderr.write(
            f"{failed.sum():,} of {failed.size:,} {lack}, the variable status says why; the first, {name}: {reason}\n"
        )
    return int(failed.all())
