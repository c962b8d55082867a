"""A dask cluster for the time of one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InputError, require


@contextmanager
def cluster(workers: int = 0, scheduler: str | None = None) -> Iterator[Any]:
    """Give a `distributed.Client`: of `workers` new processes with one thread each, or of a running scheduler.

    With neither it gives None. Raises MissingExtra without dask, InputError when nobody answers at the address.
    """
    if not workers and scheduler is None:
        yield None
        return
    if workers and scheduler is not None:
        raise InputError("give either workers or a scheduler, not both.")
    if workers < 0:
        raise InputError(f"workers={workers} must be at least 1, or 0 for a plain loop.")
    distributed = require("distributed", "scale")
    try:
        if scheduler is not None:
            client = distributed.Client(scheduler, timeout="10s")
        else:
            client = distributed.Client(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
    except (OSError, ValueError) as error:
        raise InputError(f"no dask scheduler answers at {scheduler} ({error}); is it running?") from error
    with client:
        yield client
