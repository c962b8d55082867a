"""Options of `labformer run|fit|predict|evaluate|bench symbolic-ode`; light to import."""

from dataclasses import dataclass
from typing import Literal

from .options import option


@dataclass(frozen=True, kw_only=True)
class OdeReading:
    """How runs are read."""

    time: str | None = option(None, "column of times; left out: found by its name, or the first that rises", "COLUMN")
    states: tuple[str, ...] = option((), "columns of the states; left out: all others with numbers", "COLUMN,..")
    run: str | None = option(None, "column that tells several runs of one system apart", "COLUMN")
    time_unit: str | None = option(None, "s, min, h, d or a: unit of times that are dates", "UNIT")
    max_points: int = option(2000, "longer runs are thinned to so many points")


@dataclass(frozen=True, kw_only=True)
class OdeFitting(OdeReading):
    """From what, and how, equations are found."""

    data: tuple[str, ...] = option((), "runs of one system, as files; left out: a simulated system", "FILE,..")
    method: str = option("hybrid", "hybrid, hybrid-odeformer[:FOLDER], odeformer, stlsq, pysindy, operon, ..", "NAME")
    coverage: float = option(0.9, "coverage of the intervals")
    intervals: Literal["laplace", "profile"] = option(
        "laplace", "of constants: a parabola's, or by profile likelihood, which may be lopsided and takes seconds"
    )
    seed: int = option(0, "of everything random")
    device: str = option("cpu", "accepted everywhere; equations are searched for on the CPU")


@dataclass(frozen=True, kw_only=True)
class OdeRunOptions(OdeFitting):
    """`run`: everything, into a run folder."""

    system: str = option("odebench-27", "simulated where no data are given: odebench-01 to odebench-63, or a record")
    noise: float = option(0.02, "of the simulated system, multiplicative")
    dropped: float = option(0.5, "share of the simulated points that are taken out")
    test: float = option(0.25, "share of the runs, or of the only run's time, that is kept to score on")
    beside: tuple[str, ...] = option(("stlsq", "pysindy"), "methods that are fitted and scored beside it", "NAME,..")
    out: str = option("symbolic-ode-run", "folder for results", "FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class OdeFitOptions(OdeFitting):
    """`fit`: a model folder, and the equations as a file."""

    out: str = option(text="folder for the model", metavar="FOLDER")
    equations: str | None = option(None, "write equations, constants, rivals and warnings here", "FILE.json")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class OdePredictOptions:
    """`predict`: follow found equations from a start."""

    model: str = option(text="folder that fit or run wrote", metavar="FOLDER")
    start: tuple[float, ...] = option((), "value of each state at the first time", "X,Y,..")
    data: str | None = option(None, "table whose first row is the start and whose times are asked for", "FILE")
    until: float | None = option(None, "last time, with --start", "T")
    since: float = option(0.0, "first time, with --start", "T")
    points: int = option(200, "so many times, with --start")
    out: str | None = option(None, "states with a band as .nc, .csv or .parquet; left out: CSV to stdout", "FILE")
    seed: int = option(0, "accepted everywhere; draws of a band have the seed of the model")
    device: str = option("cpu", "accepted everywhere; equations are followed on the CPU")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class OdeEvaluateOptions(OdeReading):
    """`evaluate`: score found equations on runs they were not found from."""

    model: str = option(text="folder that fit or run wrote", metavar="FOLDER")
    data: tuple[str, ...] = option(text="runs of the same system", metavar="FILE,..")
    out: str | None = option(None, "scores as .json beside the table", "FILE")
    seed: int = option(0, "accepted everywhere; draws of a band have the seed of the model")
    device: str = option("cpu", "accepted everywhere; equations are followed on the CPU")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class OdeBenchOptions:
    """`bench`: methods on systems whose law is known."""

    methods: tuple[str, ...] = option(("stlsq", "pysindy", "hybrid"), "names", "NAME,..")
    settings: tuple[str, ...] = option(
        ("clean", "dropped", "noise", "noise-dropped", "both"),
        "clean, dropped (half), noise (5 %), noise-dropped, both (starts)", "NAME,..",
    )  # fmt: skip
    seeds: int = option(1, "draws where noise or dropped points are drawn")
    data: str | None = option(None, "systems in ODEBench's layout, instead of a case", "FILE")
    limit: int = option(0, "so many systems of each case; 0: all", "N")
    rows: str | None = option(None, "append each row here; an interrupted bench goes on from it", "FILE.jsonl")
    json: str | None = option(None, "write the rows to this file", "FILE")
    seed: int = option(0, "of the methods, and of the systems that are drawn")
    device: str = option("cpu", "accepted everywhere; equations are searched for on the CPU")
    overwrite: bool = option(False, "replace an existing --json file")


@dataclass(frozen=True, kw_only=True)
class OdeformerFitOptions:
    """`fit odeformer`: train the transformer that proposes laws. Numbers left out are those of the size."""

    out: str = option(text="folder for corpus, run and model; an interrupted training goes on there", metavar="FOLDER")
    size: Literal["small", "published"] = option("small", "an hour of two cores, or the paper's network, for GPUs")
    examples: int | None = option(None, "of the generated corpus", "N")
    held: int | None = option(None, "of these, for validation", "N")
    batch: int | None = option(None, "examples a step, of each process", "N")
    steps: int | None = option(None, "an epoch", "N")
    epochs: int | None = option(None, "at most", "N")
    warmup: int | None = option(None, "steps until the full learning rate", "N")
    learning_rate: float | None = option(None, "at its peak", "NUMBER")
    systems: int = option(200, "fresh systems that the card's figures come from")
    seed: int = option(1, "of the corpus, the weights and the order")
    device: str = option("cpu", "cpu, cuda, ..; under torchrun each process takes its own", "NAME")
    overwrite: bool = option(False, "replace a model that stands in the folder")
