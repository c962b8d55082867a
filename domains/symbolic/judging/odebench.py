"""ODEBench: 63 known systems of one to four states, two starts each, on 512 times from 0 to 10.

d'Ascoli, Becker, Mathis, Schwaller & Kilbertus (2024), "ODEFormer: symbolic regression of dynamical systems with
transformers", ICLR, appendix A; most systems are from Strogatz (2000), "Nonlinear dynamics and chaos". Equations,
constants and starts are facts and stand in odebench.json; the trajectories are integrated anew, by LSODA at the
tolerances of the published file, rtol 1e-5 and atol 1e-7: clean data carry errors of about 1e-5.
"""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ....shared.errors import InputError
from ....shared.writing import whole_file
from ..system import System
from .benchmark import Benchmark

RTOL, ATOL = 1e-5, 1e-7
TIMES = np.linspace(0, 10, 512)


@cache
def odebench() -> tuple[Benchmark, ...]:
    """The 63 systems, in the order of the paper; named "odebench-01" to "odebench-63"."""
    rows = json.loads(files(__package__).joinpath("odebench.json").read_text("utf-8"))["systems"]
    return tuple(
        Benchmark(
            name=f"odebench-{row['id']:02d}",
            system=substituted(row["equations"], row["constants"]),
            starts=np.array(row["starts"], np.float64),
            times=TIMES,
            description=row["description"],
            source=row["source"],
            rtol=RTOL,
            atol=ATOL,
        )
        for row in rows
    )


def substituted(equations: Sequence[str], constants: Sequence[float]) -> System:
    """Put the numbers for c_0, c_1, .. into the equations."""
    import sympy

    names = {f"c_{place}": sympy.Float(value) for place, value in enumerate(constants)}
    return System.parse(equations, constants=names)


def read_odebench(path: str | Path) -> list[Benchmark]:
    """Read a file in ODEBench's layout: a list of systems with `eq`, `dim`, `consts`, `init` and maybe `solutions`.

    eq         right-hand sides in x_0, x_1, .. and c_0, c_1, .., separated by |
    consts     sets of values of the constants; the first is taken
    init       starts, one list of `dim` numbers each; at least one
    solutions  solutions[0][k] with `t` (time,) and `y` (state, time) from start k; integrated anew when absent
    Raises InputError that names the system and what it lacks.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {path}; give a JSON file in ODEBench's layout.")
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is not JSON ({str(error).splitlines()[0]}); give a file in ODEBench's layout."
        ) from None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path} holds no list of systems; ODEBench's layout is a list of objects with eq, dim, init.")
    return [_item(row, place, path) for place, row in enumerate(rows)]


def _item(row: Any, place: int, path: Path) -> Benchmark:
    where = f"{path}: system {row.get('id', place + 1) if isinstance(row, dict) else place + 1}"
    if not isinstance(row, dict) or (lacking := [key for key in ("eq", "dim", "init") if key not in row]):
        raise InputError(f"{where} lacks {', '.join(lacking) if isinstance(row, dict) else 'its fields'}.")
    try:
        equations = [one.strip() for one in str(row["eq"]).split("|")]
        system = substituted(equations, [float(value) for value in (row.get("consts") or [[]])[0]])
        starts = np.array(row["init"], np.float64)
        times, given = _solutions(row)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{where} does not fit ODEBench's layout ({type(error).__name__}: {error}).") from None
    if starts.ndim != 2 or starts.shape[1] != system.dimension or system.dimension != row["dim"]:
        raise InputError(
            f"{where}: dim is {row['dim']}, there are {system.dimension} equations and starts of shape {starts.shape}."
        )
    if given is not None and given.shape != (len(starts), len(times), system.dimension):
        raise InputError(f"{where}: solutions have shape {given.shape}, not (start, time, state).")
    given_id = row.get("id", place + 1)
    name = given_id if isinstance(given_id, str) else f"{path.stem}-{given_id}"
    about = str(row.get("eq_description", ""))
    return Benchmark(name, system, starts, times, about, str(row.get("source", "")), RTOL, ATOL, given)


def _solutions(row: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Times and states (start, time, state) of the file; ODEBench's times and None when it has no solutions."""
    if not row.get("solutions"):
        return TIMES, None
    runs = row["solutions"][0][: len(row["init"])]
    times = np.array(runs[0]["t"], np.float64)
    if any(len(run["t"]) != len(times) or not np.allclose(run["t"], times) for run in runs):
        raise ValueError("the runs of a system have different times")
    return times, np.array([np.array(run["y"], np.float64).T for run in runs])


def write_odebench(benchmarks: Sequence[Benchmark], path: str | Path, overwrite: bool = False) -> None:
    """Write systems with their runs in ODEBench's layout, constants in place; `read_odebench` reads them.

    Raises InputError when the file exists and `overwrite` is false.
    """
    rows = [
        {
            "id": one.name,
            "eq": " | ".join(one.system.strings()),
            "dim": one.system.dimension,
            "consts": [[]],
            "init": one.starts.tolist(),
            "eq_description": one.description,
            "source": one.source,
            "solutions": [[{"t": run.times.tolist(), "y": run.states.T.tolist()} for run in one.runs]],
        }
        for one in benchmarks
    ]
    with whole_file(path, overwrite) as partial:
        partial.write_text(json.dumps(rows), "utf-8")
