"""What a potential says of frames as a file: extended XYZ for tools of the field, NetCDF and tables for all others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ..domains.potentials.predictor import InteratomicPotential, Prediction
from ..domains.potentials.reading.elements import SYMBOLS
from ..shared.errors import InputError
from ..shared.writing import FORMATS, require_writable, whole_file, write_labelled

XYZ = (".extxyz", ".xyz")
Variable = tuple[tuple[str, ...], np.ndarray, dict[str, str]]
VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")
COLUMNS = "species:S:1:pos:R:3:forces:R:3:force_radius:R:1:novelty:R:1"


def require_output(path: str | Path, overwrite: bool) -> None:
    """Raise InputError unless the file can be written: to be asked before long work."""
    if Path(path).suffix.lower() not in (*XYZ, *FORMATS):
        raise InputError(f"cannot write {path}: end the name in {', '.join((*XYZ, *FORMATS))}.")
    require_writable(path, overwrite)


def write_predictions(
    potential: InteratomicPotential, predictions: Sequence[Prediction], path: str | Path, overwrite: bool = False
) -> None:
    """By suffix, whole or not at all: .extxyz and .xyz, or .nc, .csv and .parquet of the same numbers."""
    require_output(path, overwrite)
    if Path(path).suffix.lower() in XYZ:
        with whole_file(path, overwrite) as partial, partial.open("w", encoding="utf-8", newline="\n") as sink:
            sink.writelines(to_extxyz(one) for one in predictions)
    else:
        write_labelled(dataset(potential, predictions), atom_table, path, overwrite)


def to_extxyz(one: Prediction) -> str:
    """A frame as extended XYZ that ASE reads: energy, forces, stress by the potential, and how far to trust them.

    Of each atom `force_radius` (eV/Å; nan where nothing was calibrated) and `novelty` (1: edge of training).
    """
    frame = one.frame
    words = []
    if frame.cell.any():
        words.append(f'Lattice="{" ".join(f"{value:.10g}" for value in frame.cell.ravel())}"')
    words += [f"Properties={COLUMNS}", f"energy={one.energy:.8f}"]
    words += [
        f"{name}={value:.8f}" for name, value in zip(("energy_low", "energy_high"), one.energy_interval, strict=True)
        if np.isfinite(value)
    ]  # fmt: skip
    if one.stress is not None:
        xx, yy, zz, yz, xz, xy = one.stress
        words.append(f'stress="{" ".join(f"{value:.10g}" for value in (xx, xy, xz, xy, yy, yz, xz, yz, zz))}"')
    words.append(f'pbc="{" ".join("T" if periodic else "F" for periodic in frame.pbc)}"')
    rows = np.c_[frame.positions, one.forces, one.force_radius, one.novelty]
    lines = [
        f"{SYMBOLS[number - 1]:<2} {' '.join(f'{value:.8f}' for value in row)}"
        for number, row in zip(frame.numbers, rows, strict=True)
    ]
    return "\n".join([str(len(frame)), " ".join(words), *lines, ""])


def dataset(potential: InteratomicPotential, predictions: Sequence[Prediction]) -> xr.Dataset:
    """Frames of different sizes as one contiguous ragged array (CF 1.11, section 9.3.3): atoms one after the other."""
    frames = [one.frame for one in predictions]
    sizes = [len(one) for one in frames]
    coverage = f"with {potential.coverage:.0%} coverage"

    def atoms(arrays: list[np.ndarray], unit: str, text: str, *more: str) -> Variable:
        return ("atom", *more), np.concatenate(arrays), {"units": unit, "long_name": text}

    return xr.Dataset(
        {
            "row_size": ("frame", sizes, {"long_name": "atoms of the frame", "sample_dimension": "atom"}),
            "energy": ("frame", [one.energy for one in predictions], {"units": "eV", "long_name": "potential energy"}),
            "energy_low": ("frame", [one.energy_interval[0] for one in predictions],
                           {"units": "eV", "long_name": f"lower end of the interval {coverage}"}),
            "energy_high": ("frame", [one.energy_interval[1] for one in predictions],
                            {"units": "eV", "long_name": f"upper end of the interval {coverage}"}),
            "number": atoms([one.numbers for one in frames], "1", "atomic number"),
            "frame_of_atom": ("atom", np.repeat(np.arange(len(frames)), sizes), {"long_name": "frame, from 0"}),
            "position": atoms([one.positions for one in frames], "angstrom", "position", "axis"),
            "force": atoms([one.forces for one in predictions], "eV/angstrom", "force", "axis"),
            "force_radius": atoms([one.force_radius for one in predictions], "eV/angstrom",
                                  f"bound of the length of the force's error {coverage}"),
            "novelty": atoms([one.novelty for one in predictions], "1", "distance from training, 1 at its edge"),
            "stress": (("frame", "voigt"),
                       np.array([np.full(6, np.nan) if one.stress is None else one.stress for one in predictions]),
                       {"units": "eV/angstrom^3", "long_name": "stress, positive under tension"}),
        },
        {"frame": np.arange(len(frames)), "axis": ["x", "y", "z"], "voigt": list(VOIGT)},
        {"title": "energies and forces by an interatomic potential", "method": potential.method,
         "Conventions": "CF-1.11"},
    )  # fmt: skip


def atom_table(made: xr.Dataset) -> pd.DataFrame:
    """A row for each atom, with the energy of its frame."""
    frame = made["frame_of_atom"].values
    columns = {"frame": frame, "element": [SYMBOLS[number - 1] for number in made["number"].values]}
    columns |= {name: made["position"].values[:, place] for place, name in enumerate("xyz")}
    columns |= {f"force_{name}": made["force"].values[:, place] for place, name in enumerate("xyz")}
    columns |= {name: made[name].values for name in ("force_radius", "novelty")}
    columns |= {name: made[name].values[frame] for name in ("energy", "energy_low", "energy_high")}
    return pd.DataFrame(columns)
