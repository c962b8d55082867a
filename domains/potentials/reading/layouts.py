"""JSON in the layout of the elemental benchmark of Zuo et al. (2020), and in that of ALIGNN's training files."""

import json
import re
from typing import Any

import numpy as np

from ....shared.errors import InputError
from .elements import SYMBOLS, atomic_numbers
from .raw import Floats, RawFrame

KBAR = 1e-3 / 1.602176634  # eV/Å³
VASP = [0, 1, 2, 4, 5, 3]  # xx yy zz xy yz zx -> xx yy zz yz xz xy
LAMMPS = [0, 1, 2, 5, 4, 3]  # xx yy zz xy xz yz -> xx yy zz yz xz xy


def read_layout(text: str, path: str) -> tuple[list[RawFrame], list[str]]:
    """Frames of a list of records. Raises InputError for JSON of any other layout.

    Zuo et al. (2020, J. Phys. Chem. A 124, 731): `structure` as pymatgen writes it, `outputs` with the energy of the
    whole frame in eV, forces in eV/Å, and virial_stress in kbar, positive under pressure. ALIGNN: `atoms` as jarvis
    writes it, total_energy in eV an atom, forces, and stresses of the same kind. See `shear_order` for their order.
    """
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, cannot be read as JSON ({error.msg}); it may be cut short: download it."
        ) from None
    if isinstance(records, list) and records and all(isinstance(one, dict) for one in records):
        for needed, read, notes in (
            (
                {"structure", "outputs"},
                _of_structure,
                ["stress in kbar, positive under pressure, turned to eV/Å³ and ASE's sign and order"],
            ),
            (
                {"atoms", "forces"},
                _of_atoms,
                [
                    "energies an atom, as ALIGNN has them, times the number of atoms",
                    "stress in kbar, positive under pressure, turned to eV/Å³ and ASE's sign and order",
                ],
            ),
        ):
            if all(needed <= set(one) for one in records):
                frames = [_attempt(read, one, f"{path}, frame {place}") for place, one in enumerate(records)]
                unknown = sorted({SYMBOLS[one.numbers[0] - 1] for one in frames if one.info.pop("unordered", False)})
                if unknown:
                    notes = [*notes[:-1], f"stress left out: the order of its shear is not known for {unknown[0]}"]
                return frames, notes
    raise InputError(
        f"{path} is JSON of another layout; records with structure and outputs (mlearn), or with atoms, total_energy "
        "and forces (ALIGNN) are read: convert it to extxyz, with ase convert."
    )


def _attempt(read: Any, record: dict[str, Any], where: str) -> RawFrame:
    try:
        return read(record, where)  # type: ignore[no-any-return]
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{where} lacks a part or has one of another shape ({error!r}); write it again.") from None


def _of_structure(record: dict[str, Any], where: str) -> RawFrame:
    structure, outputs = record["structure"], record["outputs"]
    sites = structure["sites"]
    if any(len(site["species"]) != 1 or site["species"][0].get("occu", 1) != 1 for site in sites):
        raise InputError(f"{where} has sites that are not one whole atom; make it an ordered structure.")
    cell = np.array(structure["lattice"]["matrix"], float)
    symbols = [site["species"][0]["element"] for site in sites]
    positions = np.array([site["abc"] for site in sites], float) @ cell
    info = {"energy": outputs["energy"]} if "energy" in outputs else {}
    if "virial_stress" in outputs:
        info |= _stress(outputs["virial_stress"], symbols, str(record.get("description", "")))
    group = re.sub(r"Snapshot \d+ of \d+ of |,? ?(mode|strain) [-\d.]+", "", str(record.get("description", "")))
    return _raw(symbols, positions, cell, where, info, outputs.get("forces"), group)


def _of_atoms(record: dict[str, Any], where: str) -> RawFrame:
    atoms = record["atoms"]
    cell, coordinates = np.array(atoms["lattice_mat"], float), np.array(atoms["coords"], float)
    positions = coordinates if atoms.get("cartesian") else coordinates @ cell
    info = {}
    if "total_energy" in record:
        info["energy"] = float(record["total_energy"]) * len(atoms["elements"])
    if "stresses" in record:
        info |= _stress(record["stresses"], [str(one).strip() for one in atoms["elements"]], "")
    return _raw(atoms["elements"], positions, cell, where, info, record["forces"], "")


def _raw(
    symbols: list[str], positions: Floats, cell: Floats, where: str, info: dict[str, Any], forces: Any, group: str
) -> RawFrame:
    numbers = atomic_numbers([str(symbol).strip() for symbol in symbols], where)
    arrays = {} if forces is None else {"forces": np.array(forces, float)}
    return RawFrame(numbers, positions, cell, np.ones(3, bool), where, info, arrays, group, fixed=True)


def _stress(values: Any, symbols: list[str], description: str) -> dict[str, Any]:
    stress = np.array(values, float)
    if stress.shape != (6,):
        raise ValueError(f"six components of stress are due, not {stress.shape}")
    order = shear_order(symbols, description)
    return {"unordered": True} if order is None else {"stress": -stress[order] * KBAR}


def shear_order(symbols: list[str], description: str) -> list[int] | None:
    """Where xx yy zz yz xz xy stand in the published stress of a frame; None where nobody looked.

    The files of the benchmark do not agree with one another. Found from the energies of sheared cells (dE/dstrain),
    from slabs, through whose vacuum no force passes, and for dynamics from the virial of a pair potential fitted to
    the forces: xx yy zz xy yz zx for Li and for the strained cells of Si and Ge, xx yy zz xy xz yz for all of Cu and
    for dynamics, vacancies and surfaces of Si and Ge.
    """
    match sorted({*symbols}):
        case ["Li"]:
            return VASP
        case ["Cu"]:
            return LAMMPS
        case ["Si"] | ["Ge"]:
            return VASP if ", mode " in description else LAMMPS
    return None
