"""Start-up: how long a command or an import takes from nothing, and which packages take it.

    python tests/benchmarks/startup.py --json FILE [--rounds 5]

Each measurement is a process of its own: seconds by the clock and, as `cpu`, of the processor (which other work on the
machine disturbs less), medians over the rounds. `predict` reads two months of half-hourly demand and a small model that
was fitted before, and ends when the forecast is written. `packages` are the ones that took longest to import, in
milliseconds of `-X importtime`, each without those it imports.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

COMMAND = ("-m", "labformer.pipelines.command")
IMPORT_PREDICTOR = "import labformer.domains.forecasting.predictor"


def once(words: list[str]) -> tuple[float, float]:
    """Seconds by the clock and of the processor that a process takes; stops when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)} exited with {process.returncode}; run it by itself to see why.")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def packages(words: list[str], most: int = 6) -> dict[str, float]:
    """Milliseconds of import by package, the longest first."""
    command = [sys.executable, "-X", "importtime", *words]
    told = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True).stderr
    spent: Counter[str] = Counter()
    for line in told.splitlines():
        own, _, name = line.removeprefix("import time:").rpartition("|")
        if (first := own.partition("|")[0].strip()).isdigit():
            package = name.strip().partition(".")[0]
            spent["standard library" if package in sys.stdlib_module_names else package] += int(first)
    return {name: round(microseconds / 1e3, 1) for name, microseconds in spent.most_common(most)}


def main() -> None:
    from core import processor

    from labformer.domains.forecasting.predictor import LoadForecaster
    from labformer.shared.datasets.catalogue import locate

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        data, model, out = locate("england-wales-demand-2000"), f"{folder}/model", f"{folder}/forecast.csv"
        small = LoadForecaster(("spline-ridge", "nlinear-ridge", "blend"))
        small.fit(data, targets=("demand_mw",), zone="Europe/London", units={"demand_mw": "MW"}).save_pretrained(model)
        predict = [*COMMAND, "predict", "load-forecast", "--model", model, "--data", str(data), "--out", out]
        measured: dict[str, list[str]] = {
            "labformer --help": [*COMMAND, "--help"],
            "labformer run load-forecast --help": [*COMMAND, "run", "load-forecast", "--help"],
            "labformer models": [*COMMAND, "models"],
            "import labformer": ["-c", "import labformer"],
            "import torch": ["-c", "import torch"],
            IMPORT_PREDICTOR: ["-c", IMPORT_PREDICTOR],
            "labformer predict load-forecast": [*predict, "--overwrite"],
        }
        for name, words in measured.items():
            wall, cpu = zip(*(once(words) for _ in range(chosen.rounds)), strict=True)
            seconds = {"wall": round(statistics.median(wall), 3), "cpu": round(statistics.median(cpu), 3)}
            rows.append({"start": name, **seconds, "packages": packages(words)})
            told = ", ".join(f"{package} {took:.0f} ms" for package, took in rows[-1]["packages"].items())
            print(
                f"{name:46} {seconds['wall']:6.2f} s by the clock, {seconds['cpu']:5.2f} s of the processor  ({told})"
            )
    if chosen.json:
        machine = {"processor": processor(), "python": platform.python_version(), "rounds": chosen.rounds}
        chosen.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
