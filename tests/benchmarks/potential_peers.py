"""Potentials against their peers in one run: MACE after minutes on the same frames, universal models on metals.

    python tests/benchmarks/potential_peers.py ENVIRONMENTS --json FILE [--tasks mace universal] [--minutes 30] ...

ENVIRONMENTS is a folder outside the repository; each peer gets an environment of its own there, made when missing.

- mace: mace-torch's own `mace_run_train` with its documented small settings on rMD17 frames, until the minutes are over
  by the clock, start and reading included; its second stage (energies weigh more) begins at four fifths of the time, as
  the 1200 of 1500 epochs of its README do. Then `--ours` (methods of the suite; `xtb+METHOD` learns what GFN2-xTB
  leaves over) on the same frames. Errors in float64 on frames of the test file; then steps of dynamics at constant
  energy through the ASE calculators in float32, by turns, the median of the rounds
- universal: CHGNet and SevenNet as they come, on the test frames of the mlearn set; energies are not compared, since
  their references differ

Every contender is a process of its own with `--threads` threads. All options of MACE's training stand in the rows.
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
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

PEERS = {"mace": "mace-torch==0.3.16", "chgnet": "chgnet==0.4.2", "sevenn": "sevenn==0.13.0"}
SIZES = {
    "small": ["--num_channels=32", "--max_L=0", "--r_max=4.0"],  # of its first tutorial
    "middle": ["--num_channels=64", "--max_L=1", "--r_max=5.0"],
    "readme": ["--hidden_irreps=128x0e + 128x1o", "--r_max=5.0"],
}
README = ["--model=MACE", "--batch_size=10", "--ema", "--ema_decay=0.99", "--amsgrad", "--E0s=average"]
STAGES = ["--max_num_epochs=1500", "--stage_two", "--start_stage_two=1200"]  # here by the clock
SHARE = 0.8  # of the time, for the first stage

Row = dict[str, Any]


class UntilClock(int):
    """Stands for a number of epochs: an epoch is below it until one began after a time."""

    end = 0.0
    passed = False

    def __gt__(self, epoch: int) -> bool:  # the loop asks before each epoch
        self.passed = self.passed or time.time() >= self.end
        return not self.passed

    def __le__(self, epoch: int) -> bool:  # names of checkpoints
        return self.passed


def train_mace(asked: Row) -> Row:
    """`mace_run_train` with its loop ended by the clock."""
    from dataclasses import replace

    import mace.tools
    from mace.cli import run_train

    ends = {"max_num_epochs": UntilClock(10**9), "start": UntilClock(10**9)}
    ends["max_num_epochs"].end = asked["began"] + 60 * asked["minutes"]
    ends["start"].end = asked["began"] + 60 * asked["minutes"] * SHARE
    seen = {"epochs": 0}
    train, one_epoch = mace.tools.train, mace.tools.train.__globals__["train_one_epoch"]

    def counted(**given: Any) -> None:
        seen["epochs"] += 1
        one_epoch(**given)

    def timed(**given: Any) -> None:
        seen["parameters"] = sum(one.numel() for one in given["model"].parameters())
        given["swa"] = replace(given["swa"], start=ends["start"])
        given["checkpoint_handler"].io.swa_start = ends["start"]
        train(**(given | {"max_num_epochs": ends["max_num_epochs"]}))
        if seen["epochs"] < 2:
            sys.exit(f"MACE saw {seen['epochs']} epochs in {asked['minutes']} minutes; give it more.")
        seen["trained"] = time.time() - asked["began"]

    mace.tools.train.__globals__["train_one_epoch"] = counted
    mace.tools.train = run_train.tools.train = timed
    sys.argv = ["mace_run_train", *asked["options"]]
    run_train.main()
    return seen | {"mace-torch": version("mace-torch"), "e3nn": version("e3nn")}


def mace_calculator(asked: Row) -> Any:
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=asked["model"], device="cpu", default_dtype=asked["dtype"])


def our_calculator(asked: Row) -> Any:
    from labformer.domains.potentials.calculator import LabformerCalculator

    return LabformerCalculator(asked["model"], dtype=asked["dtype"])


def fit_ours(asked: Row) -> Row:
    """Fit on the frames of a file and save."""
    from labformer.domains.potentials.predictor import InteratomicPotential

    frames, held = (labformer_frames(asked[part]) if asked[part] else None for part in ("train", "valid"))
    delta, _, method = asked["method"].rpartition("+")
    start = time.perf_counter()
    potential = InteratomicPotential(method, delta=delta, seed=asked["seed"]).fit(frames or [], held)
    row: Row = {"fit_s": round(time.perf_counter() - start, 1), "parameters": potential.count()}
    potential.save_pretrained(asked["model"])
    return row | {"labformer": version("labformer")}


def labformer_frames(path: str) -> list[Any]:
    import ase.io

    from labformer.domains.potentials.frame import from_atoms

    return [
        from_atoms(atoms).labelled(atoms.info["REF_energy"], atoms.arrays["REF_forces"])
        for atoms in ase.io.read(path, ":")
    ]


def test_calculator(calculator: Any, asked: Row) -> Row:
    """Mean absolute errors on the frames of a file: meV and meV/Å."""
    import ase.io
    import numpy as np

    energies, forces, start = [], [], time.perf_counter()
    for atoms in ase.io.read(asked["test"], ":"):
        atoms.calc = calculator
        forces.append(np.abs(atoms.get_forces() - atoms.arrays["REF_forces"]).ravel())
        energies.append(abs(atoms.get_potential_energy() - atoms.info["REF_energy"]))
    row = {"forces_mae_mev_angstrom": round(1e3 * float(np.concatenate(forces).mean()), 2), "test_frames": len(forces)}
    seconds = round(time.perf_counter() - start, 2)
    return row | {"energy_mae_mev": round(1e3 * float(np.mean(energies)), 2), "test_s": seconds}


def steps_per_second(calculator: Any, asked: Row) -> Row:
    """Velocity Verlet of 0.5 fs from 300 K, the first steps left out."""
    import ase.io
    import numpy as np
    from ase import units
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
    from ase.md.verlet import VelocityVerlet

    atoms = ase.io.read(asked["train"], "0")
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=np.random.default_rng(asked["seed"]))
    motion = VelocityVerlet(atoms, 0.5 * units.fs)
    motion.run(20)
    start = time.perf_counter(), time.process_time()
    motion.run(asked["steps"])
    seconds, busy = time.perf_counter() - start[0], time.process_time() - start[1]
    return {"steps_per_s": asked["steps"] / seconds, "steps_per_cpu_s": asked["steps"] / busy, "atoms": len(atoms)}


def universal(asked: Row) -> Row:
    """A pretrained model as it comes, on periodic frames."""
    if asked["peer"] == "chgnet":
        from chgnet.model.dynamics import CHGNetCalculator

        calculator = CHGNetCalculator(use_device="cpu")
        row: Row = {"chgnet": version("chgnet")}
    else:
        from sevenn.calculator import SevenNetCalculator

        calculator = SevenNetCalculator(asked["model"], device="cpu")
        row = {"sevenn": version("sevenn")}
    found = test_calculator(calculator, asked)
    return row | {key: one for key, one in found.items() if key != "energy_mae_mev"}


CHILDREN: dict[str, Callable[[Row], Row]] = {
    "train mace": train_mace,
    "fit ours": fit_ours,
    "test mace": lambda asked: test_calculator(mace_calculator(asked), asked),
    "test ours": lambda asked: test_calculator(our_calculator(asked), asked),
    "steps mace": lambda asked: steps_per_second(mace_calculator(asked), asked),
    "steps ours": lambda asked: steps_per_second(our_calculator(asked), asked),
    "universal": universal,
}


def peer_python(folder: Path, peer: str, packages: Sequence[str] = ()) -> str:
    """The interpreter of a peer's environment, made when it is missing; leaves with one line if it cannot be.

    packages  of a peer that needs no torch
    """
    home, wanted = folder / peer, packages or [PEERS[peer]]
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            if not packages:  # torch first, as the suite has it, so that the peer pulls no other build
                subprocess.run([*install, f"torch=={version('torch').partition('+')[0]}"], check=True)
        subprocess.run([*install, *wanted], check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the peer {' '.join(wanted)} cannot be installed in {home} ({error}); nothing was measured.")
    return str(python)


def child(python: str, name: str, asked: Row, threads: int, folder: Path, script: str = __file__) -> Row:
    """One process of one contender, which finds libraries of its own environment; what it prints goes to a log."""
    settings = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    if python != sys.executable:
        settings["LD_LIBRARY_PATH"] = str(Path(python).parent.parent / "lib")
    answer, log = folder / "answer.json", folder / "log.txt"
    command = [python, str(Path(script).absolute()), "--child", name, json.dumps(asked), str(answer)]
    with log.open("w") as file:
        done = subprocess.run(command, stdout=file, stderr=file, env=os.environ | settings, cwd=folder)
    if done.returncode:
        sys.exit(f"{name} failed: {' / '.join(log.read_text().strip().splitlines()[-3:])}")
    row = dict(json.loads(answer.read_text()))
    sys.stderr.write(f"{name}: {row}\n")
    return row


def write_frames(frames: list[Any], path: Path) -> str:
    """As extxyz with the keys that mace_run_train looks for."""
    import ase.io
    from ase import Atoms

    made = []
    for frame in frames:
        atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell if frame.periodic else None, pbc=frame.pbc)
        atoms.info["REF_energy"] = frame.energy
        atoms.arrays["REF_forces"] = frame.forces
        made.append(atoms)
    ase.io.write(path, made, format="extxyz")
    return str(path)


def molecule_files(chosen: argparse.Namespace, folder: Path) -> Row:
    """Train, validation ("" where it is inside the train part) and test frames of rMD17."""
    import ase.io

    from labformer.domains.potentials.frame import molecule

    def read(part: str) -> list[Any]:
        path = chosen.data / "molecules" / "rmd17" / f"{chosen.molecule}_{part}_01.xyz"
        return [
            molecule(atoms.numbers, atoms.positions).labelled(atoms.info["Energy"], atoms.get_forces())
            for atoms in ase.io.read(path, ":")
        ]

    train, test = read("train"), read("test")[: chosen.test]
    held = train[-chosen.held :] if chosen.validation == "last" else []
    if chosen.frames + len(held) > len(train):
        sys.exit(f"the train file has {len(train)} frames, fewer than --frames and --held together.")
    return {
        "train": write_frames(train[: chosen.frames], folder / "train.xyz"),
        "valid": write_frames(held, folder / "valid.xyz") if held else "",
        "test": write_frames(test, folder / "test.xyz"),
    }


def compare_with_mace(python: str, chosen: argparse.Namespace, folder: Path) -> tuple[list[Row], Row]:
    """Rows of MACE and of ours for each seed, then their speed; -> rows and versions met."""
    files, rows, met = molecule_files(chosen, folder), [], {}
    case = {"molecule": chosen.molecule, "frames": chosen.frames, "validation": chosen.validation}
    contenders: list[tuple[str, str, Row]] = []
    for seed in chosen.seeds:
        asked = files | {"seed": seed, "steps": chosen.steps, "dtype": "float64"}
        if chosen.minutes:
            options = [*SIZES[chosen.size], *README, *STAGES, f"--default_dtype={chosen.dtype}", *chosen.mace_options]
            held = [f"--valid_file={files['valid']}"] if files["valid"] else ["--valid_fraction=0.1"]
            where = ["--name=mace", f"--train_file={files['train']}", *held, f"--seed={seed}", "--device=cpu"]
            work = folder / f"mace{seed}"
            work.mkdir()
            began = {"options": [*where, *options], "minutes": chosen.minutes, "began": time.time()}
            trained = child(python, "train mace", began, chosen.threads, work)
            asked |= {"model": str(next(work.glob("mace_stagetwo.model"), work / "mace.model"))}
            tested = child(python, "test mace", asked, chosen.threads, work)
            met |= {key: trained.pop(key) for key in ("mace-torch", "e3nn")}
            shown = {"fit_s": round(trained.pop("trained"), 1), **trained}
            said = [one for one in options if one not in STAGES]
            rows.append({"contender": "mace", **case, "seed": seed, **tested, **shown, "options": said})
            contenders.append((python, "mace", asked))
        for method in chosen.ours:
            ours = asked | {"model": str(folder / f"{method}{seed}"), "method": method}
            fitted = child(sys.executable, "fit ours", ours, chosen.threads, folder)
            met["labformer"] = fitted.pop("labformer")
            tested = child(sys.executable, "test ours", ours, chosen.threads, folder)
            rows.append({"contender": method, **case, "seed": seed, **tested, **fitted})
            contenders.append((sys.executable, "ours", ours))
    turns: list[list[Row]] = [[] for _ in contenders]
    fast = {"dtype": "float32"}
    for _ in range(chosen.rounds):
        for place, (interpreter, kind, asked) in enumerate(contenders):
            turns[place].append(child(interpreter, f"steps {kind}", asked | fast, chosen.threads, folder))
    for row, rounds in zip(rows, turns, strict=True):
        for key in ("steps_per_s", "steps_per_cpu_s"):
            row[key] = round(statistics.median(one[key] for one in rounds), 1)
    return rows, met


def compare_universal(chosen: argparse.Namespace, folder: Path) -> tuple[list[Row], Row]:
    """Rows of each pretrained model and element."""
    from labformer.domains.potentials.reading.door import read_frames

    rows, met = [], {}
    for peer, models in (("chgnet", [""]), ("sevenn", chosen.sevenn)):
        if not models:
            continue
        python = peer_python(chosen.environments, peer)
        for element in chosen.elements:
            read = read_frames(chosen.data / "crystals" / "mlearn" / f"{element}_test.json").frames
            test = write_frames(list(read)[: chosen.metal_frames], folder / f"{element}.xyz")
            for model in models:
                asked = {"peer": peer, "model": model, "test": test}
                found = child(python, "universal", asked, chosen.threads, folder)
                met[peer] = found.pop(peer)
                rows.append({"contender": f"{peer} {model}".strip(), "set": f"mlearn {element} test", **found})
    return rows, met


def tell(rows: list[Row], versions: Row, chosen: argparse.Namespace) -> None:
    """Rows and what they were measured on, printed and in the file of --json."""
    from core import processor

    machine = {"processor": processor(), "threads": chosen.threads, "versions": versions}
    text = json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n"
    if chosen.json:
        chosen.json.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        name, asked, answer = sys.argv[2:]
        row = CHILDREN[name](json.loads(asked))
        Path(answer).write_text(json.dumps(row), encoding="utf-8")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", type=Path, help="folder of the peers' environments, outside the repository")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=("mace", "universal"), default=["mace", "universal"])
    parser.add_argument("--data", type=Path, default=os.environ.get("LABFORMER_DATA"), help="as LABFORMER_DATA")
    parser.add_argument("--minutes", type=float, default=30.0, help="of MACE's training; 0 leaves MACE out")
    parser.add_argument("--molecule", default="aspirin", help="of rMD17")
    parser.add_argument("--frames", type=int, default=50, help="the first of the train file")
    parser.add_argument("--validation", choices=("inside", "last"), default="inside", help="of the frames or the file")
    parser.add_argument("--held", type=int, default=50, help="the last of the train file, with --validation last")
    parser.add_argument("--test", type=int, default=1000, help="frames of the test file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, default="small", help="of MACE")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="of MACE's training")
    parser.add_argument("--mace-options", nargs="*", default=[], help="further ones, as --mace-options=--lr=0.005")
    parser.add_argument("--ours", nargs="*", default=["acorn"])
    parser.add_argument("--steps", type=int, default=200, help="of dynamics in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of dynamics")
    parser.add_argument("--elements", nargs="+", default=["Si", "Cu"])
    parser.add_argument("--metal-frames", type=int, default=None, help="of each test file; left out: all")
    parser.add_argument("--sevenn", nargs="*", default=["7net-0"], help="pretrained models of SevenNet")
    chosen = parser.parse_args()
    if chosen.data is None:
        parser.error("give --data, or set LABFORMER_DATA")
    chosen.environments = chosen.environments.absolute()
    rows: list[Row] = []
    versions: Row = {"python": platform.python_version(), "torch": version("torch")}
    with tempfile.TemporaryDirectory() as name:
        if "mace" in chosen.tasks:
            python = peer_python(chosen.environments, "mace") if chosen.minutes else ""
            found, met = compare_with_mace(python, chosen, Path(name))
            rows, versions = rows + found, versions | met
        if "universal" in chosen.tasks:
            found, met = compare_universal(chosen, Path(name))
            rows, versions = rows + found, versions | met
    tell(rows, versions, chosen)


if __name__ == "__main__":
    main()
