"""Names of units and what they are in Å, eV, eV/Å and eV/Å³."""

from collections.abc import Mapping

from ....shared.errors import InputError
from ....shared.reading.table import nearest

ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "Hartree": 27.211386245981,
    "Ry": 13.6056931229905,
    "kcal/mol": 0.0433641153087705,
    "kJ/mol": 0.0103642696562262,
}
LENGTH = {"Å": 1.0, "bohr": 0.529177210544, "nm": 10.0, "pm": 0.01}
STRESS = {"eV/Å^3": 1.0, "GPa": 1 / 160.2176634, "kbar": 1 / 1602.176634, "Hartree/bohr^3": 183.6314687}
ALIASES = {
    "ha": "Hartree",
    "eh": "Hartree",
    "a.u.": "Hartree",
    "rydberg": "Ry",
    "kcal": "kcal/mol",
    "kj": "kJ/mol",
    "a": "Å",
    "ang": "Å",
    "angstrom": "Å",
    "ångström": "Å",
    "a0": "bohr",
    "kb": "kbar",
    "kilobar": "kbar",
}


def energy_unit(name: str) -> str:
    """The unit as it stands in ENERGY; raises InputError with the names known."""
    return _named(name, ENERGY, "energy unit")


def length_unit(name: str) -> str:
    """The unit as it stands in LENGTH; raises InputError with the names known."""
    return _named(name, LENGTH, "length unit")


def force_unit(name: str) -> str:
    """The unit as ENERGY/LENGTH; raises InputError with the names known."""
    above, _, below = name.strip().rpartition("/")
    if not above:
        raise InputError(f"force unit {name!r} is not known; give ENERGY/LENGTH, as in kcal/mol/Å or Hartree/bohr.")
    return f"{energy_unit(above)}/{length_unit(below)}"


def force_factor(unit: str) -> float:
    """EV/Å in one such unit of `force_unit`."""
    above, _, below = unit.rpartition("/")
    return ENERGY[above] / LENGTH[below]


def stress_factor(name: str) -> float:
    """EV/Å³, positive under tension, in one such unit; a minus before the unit says positive under pressure."""
    sign, bare = (-1.0, name.strip()[1:]) if name.strip().startswith("-") else (1.0, name)
    bare = bare.replace("A^3", "Å^3").replace("Å³", "Å^3").replace("A3", "Å^3").replace("bohr³", "bohr^3")
    return sign * STRESS[_named(bare, STRESS, "stress unit")]


def _named(name: str, known: Mapping[str, float], what: str) -> str:
    folded = name.strip().casefold()
    found = {one.casefold(): one for one in known}
    meant = found.get(folded) or ALIASES.get(folded)
    if meant not in known:
        raise InputError(f"{what} {name!r} is not known{nearest(name, known)}; give one of {', '.join(known)}.")
    return str(meant)
