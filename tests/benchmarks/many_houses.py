"""Speed and memory of splitting many houses through the chunked path: a month of minutes of each, from file to file.

    OMP_NUM_THREADS=1 python tests/benchmarks/many_houses.py --json FILE [--model NAME|FOLDER] [--houses 34 334]

The houses are simulated: a few households, the minutes of which begin elsewhere for each house, so that 10,000
house-days are made in seconds. Without --model, boosted trees for four appliances are fitted on two simulated houses.
Each measurement is a process of its own (of a parent that imports nothing large, for a process inherits the peak of
its parent) that loads the model, splits a wide Parquet file into a NetCDF file, and says how many house-days it did a
second by the clock (without imports), the processor's seconds beside it, and its peak memory (ru_maxrss) over what it
held after the imports. `peak_over_first` is the peak over that of the fewest houses: 1 is flat.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

APPLIANCES = ("kettle", "dishwasher", "washing_machine", "microwave")
HOUSEHOLDS, SEED = 6, 100


def fit(folder: Path) -> dict[str, float]:
    """Boosted trees on two simulated houses of 24 days."""
    from labformer.domains.nilm.predictor import Disaggregator
    from labformer.domains.nilm.simulate import simulate

    start = time.perf_counter()
    Disaggregator(APPLIANCES, ("boosted",)).fit([simulate(24, seed) for seed in (1, 2)]).save_pretrained(folder)
    return {"seconds_fit": round(time.perf_counter() - start, 1)}


def simulated(path: Path, houses: int, days: int) -> dict[str, float]:
    """Write a wide Parquet file of minutes in W, a column for each house."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from labformer.domains.nilm.simulate import simulate

    known = [simulate(days, SEED + seed) for seed in range(HOUSEHOLDS)]
    shifts = np.random.default_rng(SEED).integers(0, days * 1440, houses)
    columns = {
        f"house-{at:04d}": np.roll(known[at % HOUSEHOLDS].mains_w, int(shift)) for at, shift in enumerate(shifts)
    }
    table = pa.table({"time": pa.array(known[0].times.tz_localize(None).to_numpy()), **columns})
    pq.write_table(table, path)
    return {"input_mib": round(path.stat().st_size / 2**20, 1)}


def split(model: str, data: Path, out: Path, houses_per_chunk: int, workers: int) -> dict[str, float]:
    """From file to file: the time it took and the memory."""
    import numpy as np
    import xarray as xr
    import zarr  # noqa: F401

    from labformer.domains.nilm.many import disaggregate_many
    from labformer.domains.nilm.predictor import Disaggregator
    from labformer.shared.scale.cluster import cluster

    made = Disaggregator.from_pretrained(model)
    said: dict[str, float] = {"memory_mib_after_imports": memory()}
    with cluster(workers) as client:
        start = time.perf_counter(), time.process_time()
        status = disaggregate_many(made, data, out, houses_per_chunk=houses_per_chunk, client=client, overwrite=True)[
            "status"
        ]
        seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    said["memory_mib_peak"] = memory()
    if workers:
        said["memory_mib_peak_of_a_worker"] = memory(resource.RUSAGE_CHILDREN)
    if (status != "").any():
        raise SystemExit(f"houses without an answer: {sorted(set(status.values))}")
    days = xr.open_dataset(out, engine="h5netcdf")
    house_days = int((days["covered"] == 1).sum())
    assert np.isfinite(days["energy_kwh"]).all()
    return said | {
        "house_days": house_days,
        "seconds": round(seconds, 2),
        "seconds_cpu": round(processor, 2),
        "house_days_a_second": round(house_days / seconds, 1),
        "kwh_a_house_day": round(float(days["energy_kwh"].sum("appliance").mean()), 2),
        "uses_a_house_day": round(float(days["uses"].sum("appliance").mean()), 2),
        "output_mib": round(out.stat().st_size / 2**20, 2),
    }


def memory(who: int = resource.RUSAGE_SELF) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def child(*words: object) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", *map(str, words)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def work(kind: str, *words: str) -> dict[str, float]:
    """What a child process does."""
    if kind == "fit":
        return fit(Path(words[0]))
    if kind == "simulate":
        return simulated(Path(words[0]), *map(int, words[1:]))
    return split(words[0], *map(Path, words[1:3]), *map(int, words[3:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--model", help="a model folder or a shipped name")
    parser.add_argument("--houses", type=int, nargs="+", default=[34, 334])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--houses-per-chunk", type=int, default=8)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--child", nargs="+")
    typed = parser.parse_args()
    if typed.child:
        print(json.dumps(work(*typed.child)))
        return
    rows: list[dict[str, Any]] = []
    about = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "model": Path(typed.model).name if typed.model else "boosted, fitted on two simulated houses",
        "days": typed.days,
        "houses_per_chunk": typed.houses_per_chunk,
        "workers": typed.workers,
    }
    with tempfile.TemporaryDirectory() as folder:
        model = typed.model or f"{folder}/model"
        if not typed.model:
            about |= child("fit", model)
        for houses in sorted(typed.houses):
            data, out = f"{folder}/houses-{houses}.parquet", f"{folder}/days-{houses}.nc"
            row = {"houses": houses, **child("simulate", data, houses, typed.days)}
            row |= child("split", model, data, out, typed.houses_per_chunk, typed.workers)
            rows.append(row)
            row["peak_over_first"] = round(row["memory_mib_peak"] / rows[0]["memory_mib_peak"], 3)
            sys.stderr.write(f"{row}\n")
    if typed.json:
        Path(typed.json).write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
