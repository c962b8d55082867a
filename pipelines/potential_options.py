"""Options of `labformer run|fit|predict|evaluate|bench potential`; light to import."""

from dataclasses import dataclass
from typing import Literal

from .options import option


@dataclass(frozen=True, kw_only=True)
class PotentialReading:
    """How frames are read; keys and units that are left out are found, and the finding is said."""

    energy_key: str = option("", "of energies in the file", "KEY")
    forces_key: str = option("", "of forces in the file", "KEY")
    stress_key: str = option("", "of stress or virial in the file", "KEY")
    energy_unit: str = option("", "eV, meV, Hartree, Ry, kcal/mol or kJ/mol", "UNIT")
    force_unit: str = option("", "as kcal/mol/Å; left out: made of those of energy and length", "UNIT")
    length_unit: str = option("", "Å, bohr, nm or pm", "UNIT")
    stress_unit: str = option("", "eV/Å^3, GPa, kbar or Hartree/bohr^3; -kbar: positive under pressure", "UNIT")
    energy_per_atom: bool = option(False, "energies were divided by the number of atoms")
    gradients: bool = option(False, "what stands as forces are gradients, of the opposite sign")
    pbc: str = option("", "T or F, for a cell whose file leaves periodicity open", "T|F")
    largest_force: float = option(100.0, "eV/Å; a frame far beyond it and all others is left out")


@dataclass(frozen=True, kw_only=True)
class PotentialFitting(PotentialReading):
    """From what, and how, a potential is fitted."""

    data: tuple[str, ...] = option((), "labelled frames, as files; left out: the embedded system", "FILE,..")
    method: str = option("acorn", "acorn, graph-free-transformer, descriptor-ridge, molecular-kernel, ..", "NAME")
    delta: str = option("", "xtb: learn what GFN2-xTB leaves over; it then runs beside the model always", "NAME")
    members: int = option(1, "more than one: a committee of so many fits")
    frames: int = option(0, "learn from so many frames at most; 0: all, of the embedded ones 100", "N")
    coverage: float = option(0.9, "of the radii of forces and intervals of energies")
    settings: str = option("", "of the method: arguments of its class, as an object", "JSON")
    seed: int = option(0, "of everything random")
    device: str = option("cpu", "where it learns and is asked: cpu or cuda")


@dataclass(frozen=True, kw_only=True)
class PotentialRunOptions(PotentialFitting):
    """`run`: everything, into a run folder."""

    system: str = option("ethanol", "where no data are given: ethanol, copper (embedded), or a case of bench", "NAME")
    test: float = option(0.2, "share of the frames that is kept to score on")
    split: Literal["blocks", "group", "order", "random"] = option("blocks", "how those are drawn; see the report")
    beside: tuple[str, ...] = option(
        ("descriptor-ridge",), "methods that are fitted and scored beside it", "NAME,.."
    )  # fmt: skip
    md_ps: float = option(2.0, "of dynamics at constant energy; 0: none", "PS")
    temperature: float | None = option(None, "K, of the dynamics; left out: 300, of the embedded ethanol 500", "K")
    timestep: float = option(0.5, "fs, of the dynamics", "FS")
    out: str = option("potential-run", "folder for results", "FOLDER")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class PotentialFitOptions(PotentialFitting):
    """`fit`: a model folder."""

    out: str = option(text="folder for the model", metavar="FOLDER")
    note: str = option("", "licence and source of the frames, for the card")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class PotentialPredictOptions(PotentialReading):
    """`predict`: energies, forces and their doubts."""

    model: str = option(text="folder that fit or run wrote, or a shipped name", metavar="FOLDER")
    data: tuple[str, ...] = option(text="frames, labelled or not", metavar="FILE,..")
    out: str | None = option(None, "as .extxyz, .nc, .csv or .parquet; left out: extended XYZ to stdout", "FILE")
    dtype: str = option("float64", "float64 or float32")
    seed: int = option(0, "accepted everywhere; nothing here is random")
    device: str = option("cpu", "where it is asked: cpu or cuda")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class PotentialEvaluateOptions(PotentialReading):
    """`evaluate`: score a potential on labelled frames it was not fitted on."""

    model: str = option(text="folder that fit or run wrote, or a shipped name", metavar="FOLDER")
    data: tuple[str, ...] = option(text="labelled frames", metavar="FILE,..")
    out: str | None = option(None, "scores as .json beside the table", "FILE")
    dtype: str = option("float64", "float64 or float32")
    seed: int = option(0, "accepted everywhere; nothing here is random")
    device: str = option("cpu", "where it is asked: cpu or cuda")
    overwrite: bool = option(False, "replace what is there")


@dataclass(frozen=True, kw_only=True)
class PotentialBenchOptions:
    """`bench`: methods on published frames under the published splits."""

    models: tuple[str, ...] = option(("mean", "descriptor-ridge", "acorn"), "names", "NAME,..")
    frames: tuple[int, ...] = option((50,), "frames of training; 0: all", "N,..")
    delta: tuple[str, ...] = option(("none",), "none, xtb", "NAME,..")
    members: int = option(1, "more than one: committees of so many fits")
    settings: str = option("", "of every method named: arguments of its class, as an object", "JSON")
    promise: bool = option(True, "calibrate errors too, which takes further fits where frames are few")
    test: int = option(0, "score on the first so many test frames; 0: all", "N")
    seeds: tuple[int, ...] = option((0,), "0: the published frames; others draw their own from the same part", "N,..")
    coverage: float = option(0.9, "of the radii of forces and intervals of energies")
    rows: str | None = option(None, "append each row here; an interrupted bench goes on from it", "FILE.jsonl")
    json: str | None = option(None, "write the rows to this file", "FILE")
    device: str = option("cpu", "where models learn: cpu or cuda")
    overwrite: bool = option(False, "replace an existing --json file")
