"""Options of `labformer predict many-houses`; light to import."""

from dataclasses import dataclass

from .options import option


@dataclass(frozen=True, kw_only=True)
class ManyHousesOptions:
    """`predict`: days of energy by appliance of many houses."""

    model: str = option(text="kettle or another shipped one, all of them, or a folder", metavar="NAME|FOLDER")
    data: str = option(
        text="mains: Parquet or CSV (time and a column for each house), NetCDF or Zarr (series, time)", metavar="FILE"
    )
    out: str = option(text="days as .nc, .parquet or .zarr; stopped, the same command goes on", metavar="FILE")
    appliances: tuple[str, ...] = option((), "those that the houses have; left out: all that the model knows")
    unit: str = option("W", "of all houses: W or kW; Wh or kWh in each interval, or of a register")
    zone: str | None = option(None, "IANA zone of the local clock, such as Europe/London; the times are UTC then")
    houses_per_chunk: int = option(8, "houses in memory at a time, and for each worker")
    workers: int = option(0, "processes of a dask cluster on this machine; 0: a plain loop")
    scheduler: str | None = option(None, "address of a running dask scheduler, such as tcp://host:8786", "ADDRESS")
    seed: int = option(0, "accepted everywhere; a prediction draws nothing")
    device: str = option("cpu", "accepted everywhere; a prediction is made on the CPU")
    overwrite: bool = option(False, "replace what is there")
