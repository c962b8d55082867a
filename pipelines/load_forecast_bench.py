"""`labformer bench load-forecast`: models on fixed splits, one JSON row a metric; published protocols first."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..domains.forecasting.published.measure import MODELS, Setting, measure
from ..domains.forecasting.published.protocol import Borders, Case, read_case
from ..shared.datasets.catalogue import locate
from ..shared.errors import InputError
from ..shared.evaluation.table import Table, figures, seconds
from ..shared.writing import require_writable, whole_file
from .load_forecast_options import BenchOptions

Rows = list[dict[str, Any]]
CHEAP = ("last-value", "seasonal-naive-day", "nlinear-ridge")


def bench(cases: Sequence[str], options: BenchOptions = BenchOptions()) -> Rows:
    """The rows of every case, etth1 if none is named; prints nothing, writes `options.json` when it is named."""
    if options.data is not None and cases:
        raise InputError("give either cases or --data, not both.")
    if unknown := [name for name in cases if name not in CASES]:
        raise InputError(f"no case named {unknown[0]!r}; known: {', '.join(CASES)}, or give --data FILE.")
    if options.json is not None:
        require_writable(options.json, options.overwrite)
    measured = [_own_file] if options.data is not None else [CASES[name] for name in cases or ("etth1",)]
    rows = [row for rows_of in measured for row in rows_of(options)]
    if options.json is not None:
        with whole_file(options.json, options.overwrite) as partial:
            partial.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return rows


def long_horizon_rows(case: Case, options: BenchOptions) -> Rows:
    """Every model at every horizon of one case of the published long-horizon protocol."""
    models = options.models or CHEAP
    if unknown := [name for name in models if name not in MODELS]:
        raise InputError(f"no model named {unknown[0]!r} for this bench; known: {', '.join(MODELS)}.")
    rows: Rows = []
    for horizon in options.horizons:
        for model in models:
            sys.stderr.write(f"{case.name}: {model}, lookback {options.lookback}, horizon {horizon}\n")
            setting = Setting(
                case,
                options.lookback,
                horizon,
                ema_decay=options.ema_decay,
                sam_rho=options.sam_rho,
                refit=options.refit,
                device=options.device,
                progress=sys.stderr.isatty(),
                checkpoints=None if options.checkpoints is None else Path(options.checkpoints),
            )
            rows += measure(model, setting, options.seeds)
    return rows


def _published(name: str, entry: str, borders: Borders, note: str | None = None) -> Callable[[BenchOptions], Rows]:
    """A case of the catalogue, whose file is read when it is asked for."""
    return lambda options: long_horizon_rows(replace(read_case(locate(entry), name, borders), note=note), options)


def _day_ahead(name: str) -> Callable[[BenchOptions], Rows]:
    """Day-ahead load with known weather; imported when it is asked for."""

    def rows(options: BenchOptions) -> Rows:
        from ..domains.forecasting.day_bench import DAY_CASES, MODELS, day_rows

        sys.stderr.write(f"{name}: a year of day-ahead forecasts by every model, some minutes\n")
        return day_rows(DAY_CASES[name], options.models or MODELS, options.seeds[0], sys.stderr.isatty())

    return rows


def _pge(options: BenchOptions) -> Rows:
    """A year of load from its weather, both ways; imported when it is asked for."""
    from ..domains.forecasting.year.bench import pge_rows

    return pge_rows(options.models, options.seeds, options.device, sys.stderr.isatty())


def _own_file(options: BenchOptions) -> Rows:
    path = Path(str(options.data))
    return long_horizon_rows(read_case(path, path.stem.lower(), options.borders), options)


# each case is a function from the options to its rows
CASES: dict[str, Callable[[BenchOptions], Rows]] = {
    "etth1": _published("etth1", "etth1", "hourly"),
    "ettm1": _published("ettm1", "ettm1", "quarter-hourly"),
    "weather": _published(
        "weather",
        "weather",
        "parts",
        "81 sentinels of -9999 in the train rows are left in, as in the published figures; they distort three scales",
    ),
    "exchange": _published("exchange", "exchange-rate", "parts"),
    "pge": _pge,
    **{name: _day_ahead(name) for name in ("vic", "gefcom")},
}


def bench_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows as a table for people; a case that has no lookback or horizon leaves those cells empty."""
    header = (
        *("model", "case", "setting", "lookback", "horizon", "metric", "value", "90 % interval", "paper"),
        *("fit", "predict", "parameters"),
    )
    body = [
        (
            *(str(row.get(name, "")) for name in ("model", "case", "setting", "lookback", "horizon")),
            *(row["metric"].upper(), f"{row['value']:.4f}"),
            "" if row["low"] is None else f"{row['low']:.3f}..{row['high']:.3f}",
            *(figures(row["paper"]), seconds(row["seconds_fit"]), seconds(row["seconds_predict"])),
            f"{row['parameters']:,}",
        )
        for row in rows
    ]
    return Table(header, body)


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f}..{high:.3f}"
