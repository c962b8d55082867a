"""Options of `labformer run|fit|predict year-load`; light to import."""

from dataclasses import dataclass
from typing import Literal

from .options import option


@dataclass(frozen=True, kw_only=True)
class YearReading:
    """How the user's table is read."""

    data: str = option(text="CSV, Parquet, NetCDF or Excel file", metavar="FILE")
    time: tuple[str, ...] = option((), "column of times, or Year,Month,Day,Hour; left out: found by itself", "COLUMN")
    first_year: int | None = option(None, "the true year of the smallest one, where years count 1, 2, ..", "YEAR")
    gaps: Literal["repair", "error"] = option("repair", "fill short gaps and say so, or refuse them")
    max_gap: str = option("3h", "longest gap that is filled", "LENGTH")
    seed: int = option(0, "of everything random")
    device: str = option("cpu", "where networks are trained, such as cuda")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class YearFitting(YearReading):
    """How a year-ahead forecaster is fitted."""

    target: str = option(text="column to forecast", metavar="COLUMN")
    covariates: tuple[str, ...] = option(text="columns known for the year ahead too: its weather")
    zone: str | None = option(None, "IANA zone of the local clock, such as Europe/London")
    unit: str | None = option(None, "of the load, such as MW")
    holidays: str | None = option(None, "calendar of public holidays, such as GB or US-CA", "CODE")
    weekdays: bool = option(True, "use weekdays; not where the true years are unknown")
    summer_time: str | None = option(
        None, "zone whose summer time people keep although the stamps keep standard time", "ZONE"
    )
    members: tuple[str, ...] = option(
        ("spline-ridge", "boosting", "load-network"), "regressions; they and their blend are compared"
    )
    coverage: float = option(0.9, "coverage of the interval")


@dataclass(frozen=True, kw_only=True)
class YearRunOptions(YearFitting):
    """`run`: everything, into a run folder."""

    out: str = option("year-load-run", "folder for results", "FOLDER")


@dataclass(frozen=True, kw_only=True)
class YearFitOptions(YearFitting):
    """`fit`: a model folder from a file."""

    out: str = option(text="folder for the model", metavar="FOLDER")


@dataclass(frozen=True, kw_only=True)
class YearPredictOptions(YearReading):
    """`predict`: a forecast from a model folder and the weather of the time ahead."""

    model: str = option(text="folder that fit or run wrote", metavar="FOLDER")
    out: str | None = option(None, "forecast as .nc, .csv or .parquet; left out: CSV to stdout", "FILE")
