"""`labformer bench load-forecast`: published models on published splits, one JSON row a metric."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..domains.forecasting.protocol import Case, read_case
from ..domains.forecasting.published import MODELS, Setting, measure
from ..shared.datasets.catalogue import locate
from ..shared.errors import InputError
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.writing import require_writable, whole_file
from .load_forecast_options import BenchOptions

CASES = {"etth1": ("etth1", "hourly")}  # catalogue name and borders


def bench(cases: Sequence[str], options: BenchOptions = BenchOptions()) -> list[dict[str, Any]]:
    """Measure every model at every horizon of every case; prints nothing, writes `options.json` when it is named."""
    if unknown := [name for name in options.models if name not in MODELS]:
        raise InputError(f"no model named {unknown[0]!r} for this bench; known: {', '.join(MODELS)}.")
    if options.json is not None:
        require_writable(options.json, options.overwrite)
    rows: list[dict[str, Any]] = []
    for case in _cases(cases, options):
        for horizon in options.horizons:
            for model in options.models:
                sys.stderr.write(f"{case.name}: {model}, lookback {options.lookback}, horizon {horizon}\n")
                setting = Setting(
                    case,
                    options.lookback,
                    horizon,
                    ema_decay=options.ema_decay,
                    device=options.device,
                    progress=sys.stderr.isatty(),
                    checkpoints=None if options.checkpoints is None else Path(options.checkpoints),
                )
                rows += measure(model, setting, options.seeds)
    if options.json is not None:
        with whole_file(options.json, options.overwrite) as partial:
            partial.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return rows


def bench_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows as a table for people."""
    header = (
        "model",
        "case",
        "lookback",
        "horizon",
        "metric",
        "value",
        "90 % interval",
        "paper",
        "fit",
        "predict",
        "parameters",
    )
    body = [
        (
            row["model"], row["case"], str(row["lookback"]), str(row["horizon"]), row["metric"].upper(),
            f"{row['value']:.4f}", f"{row['low']:.3f}..{row['high']:.3f}", figures(row["paper"]),
            seconds(row["seconds_fit"]), seconds(row["seconds_predict"]), f"{row['parameters']:,}",
        )
        for row in rows
    ]  # fmt: skip
    return Table(header, body)


def _cases(names: Sequence[str], options: BenchOptions) -> list[Case]:
    if options.data is not None:
        if names:
            raise InputError("give either cases or --data, not both.")
        return [read_case(options.data, Path(options.data).stem.lower(), options.borders)]
    if unknown := [name for name in names if name not in CASES]:
        raise InputError(f"no case named {unknown[0]!r}; known: {', '.join(CASES)}, or give --data FILE.")
    return [read_case(locate(CASES[name][0]), name, CASES[name][1]) for name in names or CASES]  # type: ignore[arg-type]
