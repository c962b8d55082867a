"""`labformer bench symbolic-ode`: methods on systems whose law is known, one JSON row a method, system and setting."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from ..domains.symbolic.judging.benchmark import Benchmark
from ..domains.symbolic.judging.corruption_protocol import CLEAN, Setting
from ..domains.symbolic.judging.evaluation import evaluate, summary
from ..domains.symbolic.judging.odebench import odebench, read_odebench
from ..domains.symbolic.registry import method
from ..shared.errors import InputError
from ..shared.evaluation.bootstrap import Interval
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.writing import require_writable, whole_file
from .symbolic_ode_options import OdeBenchOptions

Rows = list[dict[str, Any]]
SETTINGS = {
    "clean": CLEAN, "dropped": Setting(dropped=0.5), "noise": Setting(noise=0.05),
    "noise-dropped": Setting(noise=0.05, dropped=0.5), "both": Setting(both_starts=True),
}  # fmt: skip
DRAWN = 200  # systems of the generator
SCALES = ("noise", "dropped", "both_starts")


def bench(cases: Sequence[str], options: OdeBenchOptions = OdeBenchOptions()) -> Rows:
    """The rows of every case; prints nothing, writes `options.json` when it is named."""
    if unknown := [name for name in options.settings if name not in SETTINGS]:
        raise InputError(f"no setting named {unknown[0]!r}; known: {', '.join(SETTINGS)}.")
    if options.seeds < 1:
        raise InputError(f"--seeds {options.seeds} draws nothing; give 1 or more.")
    if options.data is not None and cases:
        raise InputError("give cases or --data FILE, not both.")
    for name in options.methods:
        method(name)
    if options.json is not None:
        require_writable(options.json, options.overwrite)
    rows: Rows = []
    for name in [str(options.data)] if options.data is not None else cases or ["odebench"]:
        systems = read_odebench(name) if options.data is not None else _systems(name, options.seed, options.limit)
        systems = systems[: options.limit or None]
        settings = [SETTINGS[one] for one in options.settings]
        for one in options.methods:
            fit = method(one).fit
            found = evaluate(
                one, lambda runs, fit=fit: fit(runs, options.seed), systems, settings, options.seeds,  # type: ignore[misc]
                options.rows, _say,
            )  # fmt: skip
            rows += [{"case": name, **row} for row in found]
    if options.json is not None:
        with whole_file(options.json, options.overwrite) as partial:
            lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
            partial.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return rows


def bench_table(rows: Rows) -> str:
    """The rows for people: of each case and setting the accuracies, with intervals over systems and draws."""
    parts = []
    for case in dict.fromkeys(row["case"] for row in rows):
        for scale in dict.fromkeys(tuple(row[one] for one in SCALES) for row in rows if row["case"] == case):
            same = [row for row in rows if row["case"] == case and tuple(row[one] for one in SCALES) == scale]
            draws = len({row["seed"] for row in same})
            body = []
            for name in dict.fromkeys(row["method"] for row in same):
                found = summary([row for row in same if row["method"] == name])
                body.append(
                    (
                        name, _share(found["reconstruction"]), _share(found.get("generalisation")),
                        _share(found.get("third_start")), _share(found["very_close"]), _share(found["recovered"]),
                        figures(found["recall"]), figures(found["complexity"]), seconds(found["seconds"]),
                        "" if found["processor_seconds"] is None else seconds(found["processor_seconds"]),
                    )
                )  # fmt: skip
            systems = len({row["system"] for row in same})
            about = Setting(*scale)
            caption = f"{case}, {about}: {systems} systems" + (f", {draws} draws" if draws > 1 else "")
            head = (
                "method", "R² > .9", "unseen start", "third start", "R² > .99", "law recovered", "terms recalled",
                "complexity", "median time", "of a processor",
            )  # fmt: skip
            parts.append(Table(head, body, caption=caption).to_text())
    return "\n\n".join(parts)


def _systems(case: str, seed: int, limit: int) -> list[Benchmark]:
    match case:
        case "odebench":
            return list(odebench())
        case "dysts":
            from ..domains.symbolic.judging.other_systems import dysts_benchmarks

            return list(dysts_benchmarks())
        case "generator":
            from ..domains.symbolic.judging.drawn_systems import drawn_systems

            return drawn_systems(min(limit or DRAWN, DRAWN), seed)  # the first of them are the same, however many
    raise InputError(f"no case named {case!r}; known: odebench, dysts, generator.")


def _share(found: Interval | None) -> str:
    return "" if found is None else f"{found.value:.3f} ({found.low:.2f} .. {found.high:.2f})"


def _say(row: dict[str, Any]) -> None:
    unseen = row["generalisation"]
    sys.stderr.write(
        f"{row['method']} {row['system']}: R² {row['reconstruction']:.3f}"
        + (f", unseen start {unseen:.3f}" if unseen is not None else "")
        + f", {row['seconds']:.1f} s {row['error']}\n"
    )
