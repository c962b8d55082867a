"""Dynamics of the shipped ethanol potential: is energy kept, do bonds hold, does it move as its reference does.

    python tests/benchmarks/potential_motion.py --json FILE [--model ethanol-gfn2] [--long-ps 100] ...

- drift: `--drift-ps` at constant energy, steps of 0.5 fs from 300 K, float32 and float64; meV/atom over the whole run
- stability: `--long-ps` with a Langevin bath of 300 K, steps of 1 fs, float32; until when every bond holds
- likeness: the model and GFN2-xTB itself, `--like-ps` each at constant energy from the same start: shared area of the
  vibrational spectra and distance of the distributions of distances; then the same of two halves of the reference's
  run, since two runs of one law differ too

Times are of one thread.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from core import processor

from labformer.domains.potentials.dynamics.drift import energy_drift
from labformer.domains.potentials.dynamics.likeness import likeness
from labformer.domains.potentials.dynamics.md import run_md
from labformer.domains.potentials.dynamics.radial import ALL
from labformer.domains.potentials.dynamics.stability import stability
from labformer.domains.potentials.dynamics.trajectory import Trajectory
from labformer.domains.potentials.predictor import InteratomicPotential
from labformer.domains.potentials.reading.embedded import ethanol_gfn2
from labformer.pipelines.potential_frames import reference_calculator

Row = dict[str, Any]


def moved(source: Any, picoseconds: float, timestep: float, **settings: Any) -> tuple[Trajectory, float]:
    """A run from the first embedded frame at 300 K, and its seconds of processor a step."""
    steps = round(1000 * picoseconds / timestep)
    start = time.process_time()
    run = run_md(source, ethanol_gfn2()[0], temperature_K=300.0, timestep_fs=timestep, steps=steps, **settings)
    return run, (time.process_time() - start) / (steps + settings.get("equilibrate", 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--model", default="ethanol-gfn2", help="a shipped name or a folder, of ethanol")
    parser.add_argument("--drift-ps", type=float, default=10.0)
    parser.add_argument("--long-ps", type=float, default=100.0)
    parser.add_argument("--like-ps", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    potential = InteratomicPotential.from_pretrained(chosen.model).without_doubts()
    rows: list[Row] = []

    def add(**row: Any) -> None:
        rows.append(row)
        sys.stderr.write(f"{row}\n")

    for dtype in ("float32", "float64"):
        run, seconds = moved(potential, chosen.drift_ps, 0.5, every=20, seed=chosen.seed, dtype=dtype)
        drift = energy_drift(run)
        add(
            what="drift", dtype=dtype, ps=chosen.drift_ps, mev_per_atom=drift.mev_per_atom, excursion=drift.excursion,
            kelvin=float(run.temperatures.mean()), ms_a_step=1e3 * seconds,
        )  # fmt: skip
    settings = {"ensemble": "langevin", "friction_per_ps": 1.0, "every": 100, "seed": chosen.seed}
    run, seconds = moved(potential, chosen.long_ps, 1.0, **settings)
    held = stability(run)
    add(
        what="stability", dtype="float32", ps=chosen.long_ps, stable=held.stable, until_ps=held.until_ps,
        reason=held.reason, kelvin=float(run.temperatures.mean()), hottest=float(run.temperatures.max()),
        ms_a_step=1e3 * seconds,
    )  # fmt: skip
    nve = {"every": 4, "seed": chosen.seed, "equilibrate": 2000}
    run, seconds = moved(potential, chosen.like_ps, 0.5, **nve)
    reference, of_xtb = moved(reference_calculator("ethanol"), chosen.like_ps, 0.5, **nve)
    found, half = likeness(run, reference), len(reference) // 2
    halves = [
        replace(
            reference,
            **{
                name: getattr(reference, name)[part]
                for name in ("times_fs", "positions", "velocities", "potential", "kinetic", "novelty")
            },
        )
        for part in (slice(None, half), slice(half, 2 * half))
    ]
    own = likeness(halves[0], halves[1])
    add(
        what="likeness", dtype="float32", ps=chosen.like_ps, spectral_overlap=found.spectral_overlap,
        radial_error=found.radial_error[ALL], halves_spectral_overlap=own.spectral_overlap,
        halves_radial_error=own.radial_error[ALL], kelvin=found.temperatures, ms_a_step=1e3 * seconds,
        ms_a_step_of_reference=1e3 * of_xtb,
    )  # fmt: skip
    machine = {"processor": processor(), "threads": 1, "python": platform.python_version(), "torch": torch.__version__}
    text = json.dumps({"model": chosen.model, "machine": machine, "rows": rows}, indent=1, allow_nan=False) + "\n"
    chosen.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
