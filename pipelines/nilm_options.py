"""Options of `labformer run|fit|predict|evaluate|bench nilm`; light to import."""

from dataclasses import dataclass

from .options import option


@dataclass(frozen=True, kw_only=True)
class NilmReading:
    """How the readings of a house are read."""

    mains: tuple[str, ...] = option((), "column of the whole house, or its phases; left out: found by its name")
    unit: str | None = option(None, "W, kW, Wh, kWh or A; left out: as the file says, or the only one it can be")
    voltage: str | None = option(None, "column, or volts, that make power of a current", "COLUMN|V")
    time: tuple[str, ...] = option(
        (), "column of times, a date and an hour column, or year,month,day,hour; left out: found by itself", "COLUMN"
    )
    zone: str | None = option(None, "IANA zone of the local clock, such as Europe/London")
    first_year: int | None = option(None, "true year of the smallest one, where years count 1, 2, ..", "YEAR")
    max_gap: str = option("3min", "longest gap over which a reading is held", "LENGTH")


@dataclass(frozen=True, kw_only=True)
class NilmFitting(NilmReading):
    """Which houses are learnt from, and how."""

    step: str = option(
        "1min", "readings are averaged over it; of a model for readings far apart, their distance", "LENGTH"
    )
    data: tuple[str, ...] = option(
        (), "house with mains and appliances, a file or a folder of its files; left out: simulated houses", "FILE,.."
    )
    columns: tuple[str, ...] = option((), "columns of appliances not called by their names", "APPLIANCE=COLUMN,..")
    houses: tuple[str, ...] = option((), "houses of the catalogue to learn from, such as refit-2", "NAME,..")
    test_data: tuple[str, ...] = option((), "houses that are only scored on", "FILE,..")
    test_houses: tuple[str, ...] = option((), "houses of the catalogue that are only scored on", "NAME,..")
    appliances: tuple[str, ...] = option((), "left out: all that some house has metered")
    models: tuple[str, ...] = option(
        ("zero", "mean", "duty-cycle", "combinatorial", "factorial-hmm", "boosted-pair"),
        "candidates; the best on validation is used, for each appliance",
    )
    coverage: float = option(0.9, "coverage of the intervals")
    seed: int = option(0, "of everything random")
    device: str = option("cpu", "where networks are trained, such as cuda")
    checkpoints: str | None = option(None, "keep what is trained and fitted here; stopped, it goes on", "FOLDER")


@dataclass(frozen=True, kw_only=True)
class NilmRunOptions(NilmFitting):
    """`run`: everything, into a run folder."""

    test: float = option(0.25, "share of each house, its last days, that is scored on when no house is kept for that")
    tariff: str | None = option(None, "prices, as .toml or .csv", "FILE")
    out: str = option("nilm-run", "folder for results", "FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class NilmFitOptions(NilmFitting):
    """`fit`: a model folder from houses."""

    each: bool = option(False, "a folder for each appliance, in the folder --out; they answer together as well")
    out: str = option(text="folder for the model", metavar="FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class NilmPredictOptions(NilmReading):
    """`predict`: the appliances of a house of which the mains are known."""

    model: str = option(text="kettle or another shipped one, all of them, or a folder", metavar="NAME|FOLDER")
    data: str = option(text="mains of a house, a file or a folder of its files", metavar="FILE")
    appliances: tuple[str, ...] = option((), "those that the house has; left out: all that the model knows")
    out: str | None = option(None, "power as .nc, .csv or .parquet; left out: table of use to stdout", "FILE")
    usage: str | None = option(None, "table of energy, cost and use by month as .csv", "FILE")
    tariff: str | None = option(None, "prices, as .toml or .csv", "FILE")
    seed: int = option(0, "accepted everywhere; a prediction draws nothing")
    device: str = option("cpu", "accepted everywhere; a prediction is made on the CPU")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class NilmEvaluateOptions(NilmReading):
    """`evaluate`: score a model on a house with metered appliances."""

    model: str = option(text="kettle or another shipped one, all of them, or a folder", metavar="NAME|FOLDER")
    data: str = option(text="house with mains and appliances, a file or a folder of its files", metavar="FILE")
    columns: tuple[str, ...] = option((), "columns of appliances not called by their names", "APPLIANCE=COLUMN,..")
    out: str | None = option(None, "scores as .json beside the table", "FILE")
    seed: int = option(0, "accepted everywhere; a prediction draws nothing")
    device: str = option("cpu", "accepted everywhere; a prediction is made on the CPU")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class NilmBenchOptions:
    """`bench`: models on real houses they were not fitted on."""

    models: tuple[str, ...] = option(
        ("zero", "mean", "duty-cycle", "combinatorial", "factorial-hmm", "boosted-plain", "boosted-pair"),
        "names; the one chosen on validation is scored beside them",
    )
    step: str = option("1min", "readings are averaged over it before anything is learnt from them", "LENGTH")
    appliances: tuple[str, ...] = option((), "of the case; left out: all of them")
    seeds: tuple[int, ...] = option((0,), "everything is fitted for each")
    coverage: float = option(0.9, "coverage of the intervals")
    json: str | None = option(None, "write the rows to this file", "FILE")
    device: str = option("cpu", "where networks are trained, such as cuda")
    checkpoints: str | None = option(None, "keep what is trained and fitted here; stopped, it goes on", "FOLDER")
    overwrite: bool = option(False, "replace an existing --json file")
