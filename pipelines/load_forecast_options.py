"""Options of `labformer run|fit|predict|evaluate|bench load-forecast`; light to import."""

from dataclasses import dataclass
from typing import Literal

from .options import option


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the user's table is read."""

    data: str | None = option(None, "CSV, Parquet, NetCDF or Excel file; left out: embedded demand", "FILE")
    target: tuple[str, ...] = option((), "column to forecast, or several", "COLUMN")
    covariates: tuple[str, ...] = option((), "columns known ahead, such as a weather forecast or a holiday flag")
    past_covariates: tuple[str, ...] = option((), "columns known only up to now")
    time: tuple[str, ...] = option(
        (), "column of times, a date and an hour column, or year,month,day,hour; left out: found by itself", "COLUMN"
    )
    zone: str | None = option(None, "IANA zone of the local clock, such as Europe/London")
    first_year: int | None = option(None, "true year of the smallest one, where years count 1, 2, ..", "YEAR")
    holidays: str | None = option(None, "calendar of public holidays, such as GB or AU-VIC", "CODE")
    units: tuple[str, ...] = option((), "units of columns, such as Demand=MW", "COLUMN=UNIT,..")
    gaps: Literal["repair", "error"] = option("repair", "fill short gaps and say so, or refuse them")
    max_gap: str = option("3h", "longest gap that is filled", "LENGTH")


@dataclass(frozen=True, kw_only=True)
class Fitting(Reading):
    """How a forecaster is chosen and fitted."""

    horizon: str = option("24h", "length of a forecast", "LENGTH")
    models: tuple[str, ...] = option(
        ("seasonal-naive-week", "nlinear-ridge", "spline-ridge", "boosting", "load-network", "itransformer", "blend"),
        "candidates; the best on validation is used, blend combines the others",
    )
    lookback: str | None = option(None, "history that linear and transformer models see, such as 8D", "LENGTH")
    coverage: float = option(0.9, "coverage of the interval")
    validation: float = option(1 / 6, "share of history to choose on")
    test: float = option(1 / 6, "share of history after it, scored once")
    seed: int = option(0, "of everything random")
    device: str = option("cpu", "where networks are trained, such as cuda")
    checkpoints: str | None = option(None, "keep the training of networks here; stopped, it goes on", "FOLDER")


@dataclass(frozen=True, kw_only=True)
class RunOptions(Fitting):
    """`run`: everything, into a run folder."""

    out: str = option("load-forecast-run", "folder for results", "FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class FitOptions(Fitting):
    """`fit`: a model folder from a file."""

    out: str = option(text="folder for the model", metavar="FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """`predict`: a forecast from a model folder and the newest history."""

    model: str = option(text="folder that fit or run wrote", metavar="FOLDER")
    data: str = option(text="newest history, with rows of covariates behind it if the model uses them", metavar="FILE")
    out: str | None = option(None, "forecast as .nc, .csv or .parquet; left out: CSV to stdout", "FILE")
    time: tuple[str, ...] = option(
        (), "column of times, a date and an hour column, or year,month,day,hour; left out: found by itself", "COLUMN"
    )
    first_year: int | None = option(None, "true year of the smallest one, where years count 1, 2, ..", "YEAR")
    gaps: Literal["repair", "error"] = option("repair", "fill short gaps and say so, or refuse them")
    max_gap: str = option("3h", "longest gap that is filled", "LENGTH")
    scenarios: int = option(0, "sample paths beside the forecast, in .nc alone")
    learn: bool = option(False, "let the intervals learn from what came true, and keep that in the model folder")
    strict: bool = option(False, "exit with 3 when the model has drifted")
    seed: int = option(0, "of scenario paths")
    device: str = option("cpu", "accepted everywhere; a forecast is made on the CPU")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(PredictOptions):
    """`evaluate`: score a model folder on rows it was not fitted on."""

    out: str | None = option(None, "scores as .json; left out: a table to stdout", "FILE")


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """`bench`: published models under the published protocol."""

    models: tuple[str, ...] = option((), "names; left out: the cheap ones of the case")
    lookback: int = option(336, "past steps every model sees, a blend at most")
    horizons: tuple[int, ...] = option((96, 192, 336, 720), "steps ahead")
    seeds: tuple[int, ...] = option((2021,), "a trained model is fitted for each; the row is their mean")
    ema_decay: float = option(0.0, "average the weights of trained models, such as 0.99; 0 trains as published")
    sam_rho: float | None = option(None, "radius of samformer's sharpness-aware steps; left out: 0.7", "NUMBER")
    refit: bool = option(False, "solve closed forms again on train and validation: a setting of its own")
    data: str | None = option(None, "a CSV in the format of ETT in place of a case", "FILE")
    borders: Literal["hourly", "quarter-hourly", "parts"] = option(
        "hourly", "of --data: those of ETT, or 70/10/20 parts"
    )
    json: str | None = option(None, "write the rows to this file", "FILE")
    device: str = option("cpu", "where networks are trained, such as cuda")
    checkpoints: str | None = option(None, "keep the training of networks here; stopped, it goes on", "FOLDER")
    overwrite: bool = option(False, "replace an existing --json file")
