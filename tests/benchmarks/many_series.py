"""Speed and memory of forecasts for thousands of series, against the matrix products that they cannot do without.

    python tests/benchmarks/many_series.py --json FILE [--series 2000 20000] [--steps 336] [--rounds 3]

The series are simulated: a level, a daily and a weekly rhythm, noise that lasts, all drawn for each series. One model
is fitted and saved; each measurement is a process of its own (of a parent that imports nothing large, for a process
inherits the peak of its parent) that loads the model and forecasts a file into a file:

- gemm: the model's own matrix products (the map at each origin, all series at once, on arrays that are in memory)
- reading, computing: the same chunks read one by one, and worked on without being written
- whole: the command's work, from file to file. Imports are not in it, they are said by themselves
- peak memory: ru_maxrss of the process and, on a cluster, of its largest worker; the memory after the imports beside it

Times are the least of the rounds, in seconds by the clock and, as `_cpu`, of the processor in that one process (which
other work on the machine disturbs less; on a cluster it leaves the workers out).
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORMS = ("netcdf", "parquet", "dask")  # the first two in a plain loop; the last NetCDF on two workers of one thread
CHUNK = 1000


def simulate(_: Path, path: Path, series: str, steps: str) -> dict[str, float]:
    """Write simulated series as NetCDF (series, time) or long Parquet, a chunk at a time."""
    import h5netcdf
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import xarray as xr

    total, length = int(series), int(steps)
    times = pd.date_range("2024-01-01", periods=length, freq="1h", name="time")
    names = np.array([f"meter-{i:06d}" for i in range(total)])
    writer: Any = None
    if path.suffix == ".nc":
        xr.Dataset(coords={"series": names, "time": times}).to_netcdf(path, engine="h5netcdf")
        writer = h5netcdf.File(path, "a")
        load = writer.create_variable("load", ("series", "time"), np.dtype("float64"))
    for start in range(0, total, CHUNK):
        rng, t = np.random.default_rng(start), np.arange(length)
        count = min(CHUNK, total - start)
        level, clock = rng.lognormal(0, 1, (count, 1)), t + rng.normal(0, 2, (count, 1))
        day = np.sin(2 * np.pi * clock / 24) + 0.5 * np.sin(4 * np.pi * clock / 24)
        week = 1 - 0.3 * rng.random((count, 1)) * (t // 24 % 7 >= 5)
        noise = rng.normal(0, 1, (count, length)) * rng.uniform(0.05, 0.4, (count, 1))
        for step in range(1, length):
            noise[:, step] += 0.7 * noise[:, step - 1]
        values = level * (1.5 + rng.uniform(0.2, 0.8, (count, 1)) * day * week + noise)
        if path.suffix == ".nc":
            load[start : start + count] = values
            continue
        who = pa.array(np.repeat(names[start : start + count], length))
        table = pa.table({"series": who, "time": np.tile(times.values, count), "value": values.ravel()})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    return {}


def took(name: str, run: Callable[[], object], rounds: int) -> dict[str, float]:
    """Least seconds of the rounds by the clock, and of the processor in this process."""
    wall, processor = [], []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    return {name: round(min(wall), 4), f"{name}_cpu": round(min(processor), 4)}


def fit(model_folder: Path, data: Path) -> dict[str, float]:
    from labformer.domains.forecasting.many.predictor import ManyLoads

    model = ManyLoads().fit(data)
    model.save_pretrained(model_folder)
    return {"fit": round(model.seconds_fit_, 3), "fit_memory_mib_peak": memory()}


def parts(model_folder: Path, data: Path, rounds: str) -> dict[str, float]:
    """Where the time goes: products alone, reading alone, computing alone; everything in one process."""
    import numpy as np

    from labformer.domains.forecasting.many.predictor import ManyLoads
    from labformer.shared.scale.chunks import spans
    from labformer.shared.scale.source import open_series

    model, series = ManyLoads.from_pretrained(model_folder), open_series(data)
    work, _ = model._prepared(series, scored=False)
    chunks = [slice(*span) for span in spans(series.sizes["series"], CHUNK)]
    loaded = [series.isel(series=chunk).load() for chunk in chunks]
    resident = np.ascontiguousarray(np.concatenate([chunk.values for chunk in loaded]))
    products = [resident[:, s - len(work.weight) - 1 : s - 1] for s in (*work.validation, resident.shape[1])]
    into = np.empty((len(resident), work.weight.shape[1]))

    def gemm() -> None:
        for past in products:
            np.matmul(past, work.weight, out=into)

    return {
        **took("gemm", gemm, 3 * int(rounds)),
        "products": len(products),
        **took("reading", lambda: [series.isel(series=chunk).load() for chunk in chunks], int(rounds)),
        **took("computing", lambda: [work(chunk) for chunk in loaded], int(rounds)),
    }


def whole(model_folder: Path, data: Path, out: str, rounds: str, workers: str) -> dict[str, float]:
    """From file to file, and the memory it took."""
    start = time.perf_counter()
    import distributed  # noqa: F401  # imported by xarray in any case where it is installed
    import zarr  # noqa: F401

    from labformer.domains.forecasting.many.predictor import ManyLoads
    from labformer.shared.scale.cluster import cluster

    model = ManyLoads.from_pretrained(model_folder)
    said = {"imports": round(time.perf_counter() - start, 2), "memory_mib_after_imports": memory()}
    start = time.perf_counter()
    with cluster(int(workers)) as client:
        if client:
            said["starting_workers"] = round(time.perf_counter() - start, 2)
        forecast = lambda: model.predict_to(out, data, client=client, overwrite=True)  # noqa: E731
        said |= took("first", forecast, 1)
        said |= took("whole", forecast, int(rounds))
    said["memory_mib_peak"] = memory()
    if client:
        said["memory_mib_peak_of_a_worker"] = memory(resource.RUSAGE_CHILDREN)
    return said


def memory(who: int = resource.RUSAGE_SELF) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def child(*words: object) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", *map(str, words)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def measure(series: int, steps: int, rounds: int, folder: Path) -> list[dict[str, Any]]:
    rows = []
    for form in FORMS:
        data = folder / f"{series}.{'parquet' if form == 'parquet' else 'nc'}"
        model, out = folder / f"model-{series}", folder / f"out-{form}{data.suffix}"
        if not data.exists():
            child("simulate", model, data, series, steps)
        row_fit = child("fit", model, data) if not model.exists() else {}
        row = {"series": series, "steps": steps, "form": form, "input_mib": round(data.stat().st_size / 2**20, 1)}
        row |= row_fit
        row |= child("whole", model, data, out, rounds, 2 if form == "dask" else 0)
        row |= child("parts", model, data, rounds)
        row["whole_over_gemm"] = round(row["whole"] / row["gemm"], 1)
        row["whole_over_gemm_cpu"] = None if form == "dask" else round(row["whole_cpu"] / row["gemm_cpu"], 1)
        row["output_mib"] = round(out.stat().st_size / 2**20, 1)
        sys.stderr.write(f"{row}\n")
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--series", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--steps", type=int, default=336)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs="+")
    typed = parser.parse_args()
    if typed.child:
        kind, model, data, *rest = typed.child
        doing = {"simulate": simulate, "fit": fit, "parts": parts, "whole": whole}[kind]
        print(json.dumps(doing(Path(model), Path(data), *rest)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for n in typed.series for row in measure(n, typed.steps, typed.rounds, Path(folder))]
    about = {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
    if typed.json:
        Path(typed.json).write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
