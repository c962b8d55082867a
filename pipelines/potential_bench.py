"""`labformer bench potential`: methods on published frames, one JSON row a case, test, method, size and seed."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..domains.potentials.judging.benchmark import Job, measure
from ..domains.potentials.judging.published import Published
from ..domains.potentials.reading.sets import SETS
from ..domains.potentials.registry import entry
from ..shared.errors import InputError
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.reading.table import nearest
from ..shared.writing import require_writable, whole_file
from .potential_frames import case_of, settings_of
from .potential_options import PotentialBenchOptions

Rows = list[dict[str, Any]]
DEFAULT = "rmd17-ethanol"
DELTAS = {"none": "", "xtb": "xtb"}


def bench(cases: Sequence[str], options: PotentialBenchOptions = PotentialBenchOptions()) -> Rows:
    """The rows of every case; prints nothing, writes `options.json` when it is named."""
    if unknown := [name for name in cases if name not in SETS]:
        raise InputError(f"no case named {unknown[0]!r}{nearest(unknown[0], SETS)}; known: {', '.join(SETS)}.")
    if unknown := [name for name in options.delta if name not in DELTAS]:
        raise InputError(f"--delta {unknown[0]} is not known; give none, xtb or both.")
    for name in options.models:
        entry(name)
    if options.json is not None:
        require_writable(options.json, options.overwrite)
    settings = settings_of(options.settings)
    jobs = [
        Job(
            model, count, seed, DELTAS[delta], options.members, settings, options.promise, options.coverage,
            options.device, options.test,
        )
        for count in options.frames for delta in options.delta for model in options.models for seed in options.seeds
        if not (DELTAS[delta] and model in ("mean", "xtb"))
    ]  # fmt: skip
    rows: Rows = []
    for name in cases or (DEFAULT,):
        rows += measure(case_of(name), jobs, options.rows, _say)
    if options.json is not None:
        with whole_file(options.json, options.overwrite) as partial:
            lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
            partial.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return rows


HEAD = (
    "model", "seeds", "energy meV", "per atom", "force meV/Å", "interval", "forces held", "fit", "a frame", "numbers",
    "published",
)  # fmt: skip


def bench_table(rows: Rows) -> str:
    """The rows for people: of each case, test and size a table, means over seeds.

    The interval is over test frames, of the seed in the middle; a spread of seeds is given where there are several.
    """
    parts = []
    for key in dict.fromkeys((row["case"], row["test"], row["frames"]) for row in rows):
        same = [row for row in rows if (row["case"], row["test"], row["frames"]) == key]
        body = []
        for name in dict.fromkeys(_title(row) for row in same):
            found = [row for row in same if _title(row) == name]
            body.append(_cells(name, [row for row in found if not row["error"]], found[0]["error"]))
        case, test, frames = key
        parts.append(Table(HEAD, body, caption=f"{case}, test {test}, {frames} frames of training").to_text())
    return "\n\n".join(parts)


def _title(row: dict[str, Any]) -> str:
    words = [row["model"], "on xtb" if row["delta"] else "", f"x {row['members']}" if row["members"] > 1 else ""]
    return " ".join([one for one in words if one] + ([row["settings"]] if row["settings"] != "{}" else []))


def _cells(name: str, rows: Rows, error: str) -> tuple[str, ...]:
    if not rows:
        return (name, "0", *[""] * (len(HEAD) - 3), error)
    middle = sorted(rows, key=lambda row: row["force"] or 0.0)[len(rows) // 2]
    low, high = middle["force_low"], middle["force_high"]
    known = middle["published"]
    return (
        name, str(len(rows)), _mean(rows, "energy"), _mean(rows, "energy_per_atom"), _mean(rows, "force"),
        "" if low is None else f"{figures(low)} .. {figures(high)}",
        "" if middle["force_covered"] is None else f"{middle['force_covered']:.1%}",
        seconds(float(np.mean([row["seconds_fit"] for row in rows]))),
        seconds(float(np.mean([row["seconds_single"] for row in rows]))),
        f"{middle['parameters']:,}",
        "" if known is None else str(Published(**known)),
    )  # fmt: skip


def _mean(rows: Rows, column: str) -> str:
    values = [row[column] for row in rows if row[column] is not None]
    if not values:
        return ""
    spread = f" ± {figures(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
    return figures(float(np.mean(values))) + spread


def _say(row: dict[str, Any]) -> None:
    what = row["error"] or (
        f"energy {figures(row['energy'])} meV, force {figures(row['force'])} meV/Å, fit {seconds(row['seconds_fit'])}"
    )
    about = f"{row['case']} {row['test']}, {row['frames']} frames, seed {row['seed']}"
    sys.stderr.write(f"{about}, {_title(row)}: {what}\n")
