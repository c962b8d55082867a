"""Options of `labformer run|fit|predict many-loads`; light to import."""

from dataclasses import dataclass

from .options import option

DATA = "Parquet (series, time, value, or time and a column for each series), CSV, NetCDF or Zarr"


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """How the shared map is fitted."""

    data: str = option(text=DATA, metavar="FILE")
    horizon: str = option("24h", "length of a forecast", "LENGTH")
    lookback: str | None = option(None, "history that the shared map sees, such as 8D; left out: chosen", "LENGTH")
    coverage: float = option(0.9, "coverage of the interval")
    validation: float = option(1 / 6, "share of history to choose on, at most 28 forecasts")
    test: float = option(1 / 6, "share of history after it, scored once, at most 28 forecasts")
    sample: int = option(2000, "series that the shared map is fitted on, at most")
    max_gap: int = option(3, "steps without values that are bridged; with a longer gap a series fails alone")
    seed: int = option(0, "of the sample")
    device: str = option("cpu", "accepted everywhere; a closed form needs none")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class Spreading:
    """How the work is spread."""

    series_per_chunk: int = option(1000, "series in memory at a time, and for each worker")
    workers: int = option(0, "processes of a dask cluster on this machine; 0: a plain loop")
    scheduler: str | None = option(None, "address of a running dask scheduler, such as tcp://host:8786", "ADDRESS")


@dataclass(frozen=True, kw_only=True)
class ManyRunOptions(Spreading, Fitting):
    """`run`: fit, score and forecast into one file."""

    out: str = option(text="forecasts as .nc, .parquet or .zarr; stopped, the same command goes on", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class ManyFitOptions(Fitting):
    """`fit`: a model folder."""

    out: str = option(text="folder for the model", metavar="FOLDER")


@dataclass(frozen=True, kw_only=True)
class ManyPredictOptions(Spreading):
    """`predict`: forecasts from a model folder and the newest history."""

    model: str = option(text="folder that fit wrote", metavar="FOLDER")
    data: str = option(text=f"newest history: {DATA}", metavar="FILE")
    out: str = option(text="forecasts as .nc, .parquet or .zarr; stopped, the same command goes on", metavar="FILE")
    seed: int = option(0, "accepted everywhere; a forecast draws no random numbers")
    device: str = option("cpu", "accepted everywhere; a closed form needs none")
    overwrite: bool = option(False, "replace what is there")
