"""What a user may say about files of frames."""

from dataclasses import dataclass

from ....shared.errors import InputError
from .units import energy_unit, force_unit, length_unit, stress_factor

NEEDS = ("forces", "energy", "nothing")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Keys and units of files of frames; what is empty is found, and the finding is said."""

    energy_key: str = ""  # of the comment line or the calculator; "Energy", "REF_energy", "free_energy"
    forces_key: str = ""  # of the atoms
    stress_key: str = ""  # of the comment line; a key with "virial" in it is -volume times stress
    energy_unit: str = ""  # eV, meV, Hartree, Ry, kcal/mol or kJ/mol
    force_unit: str = ""  # energy unit / length unit, as kcal/mol/Å; else made of the two
    length_unit: str = ""  # Å, bohr, nm or pm
    stress_unit: str = ""  # eV/Å^3, GPa, kbar or Hartree/bohr^3; with a minus before it positive under pressure
    energy_per_atom: bool = False  # energies were divided by the number of atoms
    gradients: bool = False  # what stands as forces are gradients, of the opposite sign
    pbc: str = ""  # "T" or "F" for a cell whose file leaves periodicity open, or says it wrongly
    needs: str = "forces"  # "forces" (and energy), "energy" or "nothing": frames that lack it are refused
    largest_force: float = 100.0  # eV/Å; beyond it, and far beyond all others, a frame is left out

    def __post_init__(self) -> None:
        if self.needs not in NEEDS:
            raise InputError(f"needs={self.needs!r} is not known; give one of {', '.join(NEEDS)}.")
        if self.pbc not in ("", "T", "F"):
            raise InputError(f"pbc={self.pbc!r} is not known; give T for periodic, F for not, or nothing.")
        if not self.largest_force > 0:
            raise InputError(f"largest_force={self.largest_force} must be above 0 eV/Å.")
        for given, check in (
            (self.energy_unit, energy_unit),
            (self.force_unit, force_unit),
            (self.length_unit, length_unit),
            (self.stress_unit, stress_factor),
        ):
            if given:
                check(given)
