"""Whether a run stayed physical, and when it ceased to: bonds, contacts, temperature.

After Fu et al. 2023 (Forces are not enough, TMLR), section 4: a molecule has become unstable when a bond differs from
its length in equilibrium by more than 0.5 Å.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from ..neighbours import neighbours
from ..reading.elements import RADII, SYMBOLS
from .trajectory import Trajectory

Floats = NDArray[np.float64]
STRETCH = 0.5  # Å
BONDED = 1.25  # times the sum of two covalent radii
CONTACT = 0.5  # times the same sum: closer than any bond under pressure
HOT = 5.0  # times the temperature asked for; a molecule of nine atoms swings by a third about it


class Stability(NamedTuple):
    """A verdict, with the worst of each sign."""

    stable: bool
    until_ps: float  # how long all was well
    reason: str  # the first thing that went wrong; "" where nothing did
    longest_stretch: float  # Å, of any bond against its length in the reference; NaN where bonds were not followed
    closest_contact: float  # shortest distance of a pair in sums of its covalent radii
    hottest_K: float  # noqa: N815  as ASE spells it


def stability(
    trajectory: Trajectory,
    reference: Frame | None = None,
    bonds: bool | None = None,
    stretch: float = STRETCH,
) -> Stability:
    """Follow bonds, contacts and temperature through a trajectory.

    reference  the frame that says which atoms are bonded and how far apart they rest; None: the first moment
    bonds      whether bonds must last; None: in a molecule yes, in a periodic frame no (atoms of a liquid or a metal
               change partners)
    stretch    Å by which a bond may differ from its length in the reference
    """
    first = next(trajectory.frames()) if reference is None else reference
    follow = not first.periodic if bonds is None else bonds
    radii = RADII[trajectory.numbers - 1]
    i, j = _bonds(first, radii)
    rest = np.linalg.norm(first.positions[i] - first.positions[j], axis=1)
    asked = float(trajectory.settings.get("temperature_K", 0.0)) or float(trajectory.temperatures[0])
    longest, closest, reason, until = (0.0 if follow else np.nan), np.inf, "", float(trajectory.times_fs[-1])
    symbols = [SYMBOLS[one - 1] for one in trajectory.numbers]
    for place, frame in enumerate(trajectory.frames()):
        wrong = ""
        if not np.isfinite(frame.positions).all():
            wrong = "positions are not finite"
        else:
            if follow and len(i):
                off = np.abs(np.linalg.norm(frame.positions[i] - frame.positions[j], axis=1) - rest)
                worst = int(off.argmax())
                longest = max(longest, float(off[worst]))
                if off[worst] > stretch:
                    pair = f"{symbols[i[worst]]}{i[worst]}-{symbols[j[worst]]}{j[worst]}"
                    wrong = f"bond {pair} is {off[worst]:.2f} Å off its length"
            near = _closest(frame, radii)
            closest = min(closest, near)
            if near < CONTACT:
                wrong = wrong or f"two atoms stand at {near:.2f} of their covalent distance"
            if trajectory.temperatures[place] > HOT * asked > 0:
                wrong = wrong or f"{trajectory.temperatures[place]:.0f} K, {asked:.0f} K were asked for"
        if wrong and not reason:
            reason, until = f"{wrong} at {trajectory.times_fs[place]:g} fs", float(trajectory.times_fs[place])
    reason = reason or trajectory.ended
    with np.errstate(invalid="ignore"):
        hottest = float(np.max(trajectory.temperatures))
    return Stability(not reason, until / 1000, reason, longest, closest, hottest)


def _bonds(frame: Frame, radii: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bonded pairs i < j within one image."""
    pairs = neighbours(frame, float(2 * BONDED * radii.max()))
    inside = (pairs.first < pairs.second) & ~pairs.shifts.any(1)
    i, j = pairs.first[inside], pairs.second[inside]
    bonded = np.linalg.norm(frame.positions[i] - frame.positions[j], axis=1) < BONDED * (radii[i] + radii[j])
    return i[bonded], j[bonded]


def _closest(frame: Frame, radii: Floats) -> float:
    pairs = neighbours(frame, float(2 * radii.max()))
    gaps = frame.positions[pairs.second] + pairs.shifts @ frame.cell - frame.positions[pairs.first]
    shares = np.linalg.norm(gaps, axis=1) / (radii[pairs.first] + radii[pairs.second])
    return float(shares.min(initial=np.inf))
