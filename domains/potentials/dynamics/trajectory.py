"""What a run of molecular dynamics leaves: where atoms were, how fast, at what energy; written whole, read back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError, require
from ....shared.writing import whole_file
from ..frame import Frame

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
KELVIN = 8.617333262e-5  # eV/K, CODATA 2018
SUFFIXES = (".nc", ".extxyz", ".xyz")


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Moments of one system.

    numbers     (atom,)
    masses      (atom,) in unified atomic mass units
    cell, pbc   (3, 3) in Å and (3,), the same at all moments
    times_fs    (time,)
    positions   (time, atom, 3) in Å, never wrapped into the cell
    velocities  (time, atom, 3) in Å/fs, of the same moments
    potential   (time,) energy in eV
    kinetic     (time,) energy in eV
    novelty     (time,) of the atom that is strangest to the potential; NaN where that was not looked at
    freedoms    degrees of freedom that carry kinetic energy
    settings    of the run, plain values
    steps_per_second, ended   how fast it ran, and why before its time ("" where it did not)
    """

    numbers: NDArray[np.int64]
    masses: Floats
    cell: Floats
    pbc: NDArray[np.bool_]
    times_fs: Floats
    positions: Floats
    velocities: Floats
    potential: Floats
    kinetic: Floats
    novelty: Floats
    freedoms: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps_per_second: float = float("nan")
    ended: str = ""

    def __len__(self) -> int:
        return len(self.times_fs)

    @property
    def temperatures(self) -> Floats:
        """(time,) in K, of all freedoms."""
        return 2 * self.kinetic / (max(1, self.freedoms) * KELVIN)

    @property
    def strangest(self) -> float:
        """Highest novelty of any atom at any moment at which it was looked at; NaN without a look."""
        known = self.novelty[~np.isnan(self.novelty)]
        return float(known.max()) if len(known) else float("nan")

    @property
    def total(self) -> Floats:
        """(time,) potential and kinetic energy in eV."""
        return self.potential + self.kinetic

    def frames(self, every: int = 1) -> Iterator[Frame]:
        """The moments as frames, with their energies and without forces."""
        for place in range(0, len(self), every):
            yield Frame(
                self.numbers, self.positions[place], self.cell, self.pbc, float(self.potential[place]),
                name=f"{self.times_fs[place]:g} fs",
            )  # fmt: skip

    def after(self, time_fs: float) -> "Trajectory":
        """The moments from `time_fs` on: what is left when the start has been forgotten."""
        return self._rows(self.times_fs >= time_fs)

    def _rows(self, rows: NDArray[np.bool_]) -> "Trajectory":
        from dataclasses import replace

        over_time = ("times_fs", "positions", "velocities", "potential", "kinetic", "novelty")
        return replace(self, **{name: getattr(self, name)[rows] for name in over_time})


def write_trajectory(trajectory: Trajectory, path: str | Path, overwrite: bool = False) -> None:
    """Write whole or not at all: .nc keeps all; .extxyz and .xyz are for viewers (with velocities in ASE's units)."""
    require_suffix(path)
    with whole_file(path, overwrite) as partial:
        if Path(path).suffix.lower() == ".nc":
            as_dataset(trajectory).to_netcdf(partial, engine="h5netcdf")
            return
        require("ase", "potentials")
        from ase import Atoms, units
        from ase.io import write

        images = [
            Atoms(
                trajectory.numbers, positions, cell=trajectory.cell, pbc=trajectory.pbc,
                velocities=speeds / units.fs, info={"time_fs": float(time), "energy": float(energy)},
            )
            for positions, speeds, time, energy in zip(
                trajectory.positions, trajectory.velocities, trajectory.times_fs, trajectory.potential, strict=True
            )
        ]  # fmt: skip
        write(partial, images, format="extxyz")


def read_trajectory(path: str | Path) -> Trajectory:
    """A trajectory from the .nc that `write_trajectory` made; raises InputError for anything else."""
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            return from_dataset(opened.load())
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except (OSError, KeyError, ValueError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is not a trajectory of this suite ({error}); give the .nc that a run wrote."
        ) from None


def require_suffix(path: str | Path) -> None:
    """Raise InputError for a name that no trajectory is written under."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"cannot write a trajectory as {path}: end the name in {', '.join(SUFFIXES)}.")


_SHAPES: dict[str, tuple[tuple[str, ...], str]] = {
    "numbers": (("atom",), "1"),
    "masses": (("atom",), "u"),
    "cell": (("vector", "axis"), "angstrom"),
    "pbc": (("vector",), "1"),
    "times_fs": (("time",), "fs"),
    "positions": (("time", "atom", "axis"), "angstrom"),
    "velocities": (("time", "atom", "axis"), "angstrom fs-1"),
    "potential": (("time",), "eV"),
    "kinetic": (("time",), "eV"),
    "novelty": (("time",), "1"),
}


def as_dataset(trajectory: Trajectory) -> "xr.Dataset":
    """With named dimensions and units; what is not an array stands in the attributes."""
    import xarray as xr

    arrays = {
        name: (dims, np.asarray(getattr(trajectory, name), np.int8 if name == "pbc" else None), {"units": unit})
        for name, (dims, unit) in _SHAPES.items()
    }
    plain = {one.name: getattr(trajectory, one.name) for one in fields(trajectory) if one.name not in _SHAPES}
    return xr.Dataset(arrays, attrs={**plain, "settings": json.dumps(dict(trajectory.settings))})


def from_dataset(dataset: "xr.Dataset") -> Trajectory:
    """The inverse of `as_dataset`."""
    arrays = {name: dataset[name].values for name in _SHAPES}
    return Trajectory(
        **{**arrays, "pbc": arrays["pbc"].astype(bool), "numbers": arrays["numbers"].astype(np.int64)},
        freedoms=int(dataset.attrs["freedoms"]),
        settings=json.loads(dataset.attrs["settings"]),
        steps_per_second=float(dataset.attrs["steps_per_second"]),
        ended=str(dataset.attrs["ended"]),
    )
