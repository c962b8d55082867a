"""What works without a download: ethanol labelled by GFN2-xTB, shipped, and copper labelled by EMT, made in seconds."""

from importlib.resources import files
from pathlib import Path

import numpy as np

from .... import data as shipped
from ....shared.errors import InputError, require
from ....shared.writing import whole_file
from ..frame import Frame, from_atoms

ETHANOL = "ethanol_gfn2.extxyz"
TEMPERATURE = 500.0  # K, of the shipped trajectory
STEP = 0.5  # fs
BETWEEN = 25.0  # fs from one kept frame to the next: over two periods of a C-H stretch
EQUILIBRATION = 2_000.0  # fs before the first


def ethanol_gfn2() -> list[Frame]:
    """400 frames of one ethanol molecule at 500 K in the order of time, energy and forces by GFN2-xTB; see make_."""
    from .door import read_frames

    return list(read_frames([Path(str(files(shipped).joinpath(ETHANOL)))]).frames)


def make_ethanol_gfn2(target: Path, count: int = 400, seed: int = 0, overwrite: bool = False) -> None:
    """Write `count` frames of Langevin dynamics on GFN2-xTB as extxyz; about two minutes for 400, with tblite.

    Ethanol alone in space, 500 K, steps of 0.5 fs, friction 0.01/fs, a frame every 25 fs after 2 ps. Positions in Å
    around the centre of mass, energies in eV, forces in eV/Å, to six decimals. GFN2-xTB: Bannwarth, Ehlert and Grimme
    (2019), J. Chem. Theory Comput. 15, 1652. Raises MissingExtra without ase and tblite.
    """
    require("ase", "potentials")
    require("tblite", "potentials")
    from ase import units
    from ase.build import molecule
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import Stationary, ZeroRotation
    from tblite.ase import TBLite

    random = np.random.RandomState(seed)
    atoms = molecule("CH3CH2OH")
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    spread = np.sqrt(atoms.get_masses() * units.kB * TEMPERATURE)[:, None]
    atoms.set_momenta(random.standard_normal((len(atoms), 3)) * spread)
    Stationary(atoms)
    ZeroRotation(atoms)
    drag = 0.01 / units.fs
    dynamics = Langevin(atoms, STEP * units.fs, temperature_K=TEMPERATURE, friction=drag, fixcm=False, rng=random)
    dynamics.run(round(EQUILIBRATION / STEP))
    with whole_file(target, overwrite=overwrite) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for place in range(count):
            dynamics.run(round(BETWEEN / STEP))
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            rows = np.c_[atoms.positions - atoms.get_center_of_mass(), forces]
            file.write(f"{len(atoms)}\nProperties=species:S:1:pos:R:3:forces:R:3 energy={energy:.6f} ")
            file.write(f'time_fs={place * BETWEEN:g} pbc="F F F"\n')
            for symbol, row in zip(atoms.symbols, rows, strict=True):
                file.write(f"{symbol} {' '.join(f'{value:.6f}' for value in row)}\n")


def copper_emt(count: int = 60, seed: int = 0, repeat: int = 2) -> list[Frame]:
    """Copper crystals, strained by up to some per cent and rattled, with energy, forces and stress by ASE's EMT.

    repeat  cubic cells along each edge: 4 repeat³ atoms, 32 by default
    Effective medium theory: Jacobsen, Stoltze and Nørskov (1996), Surf. Sci. 366, 394. Half of the frames are rattled
    by 0.05 Å a coordinate, half by 0.15 Å. Raises MissingExtra without ase.
    """
    if count < 1 or repeat < 1:
        raise InputError(f"count={count} and repeat={repeat} must be at least 1.")
    require("ase", "potentials")
    from ase.build import bulk
    from ase.calculators.emt import EMT

    random, frames = np.random.default_rng(seed), []
    for place in range(count):
        atoms = bulk("Cu", "fcc", a=3.615, cubic=True).repeat(repeat)
        strain = random.normal(0.0, 0.015, (3, 3)) + np.eye(3) * random.normal(0.0, 0.015)
        atoms.set_cell(atoms.cell @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
        atoms.positions += random.normal(0.0, (0.05, 0.15)[place % 2], atoms.positions.shape)
        atoms.calc = EMT()
        frame = from_atoms(atoms, f"copper by EMT, frame {place}")
        frames.append(frame.labelled(float(atoms.get_potential_energy()), atoms.get_forces(), atoms.get_stress()))
    return frames
