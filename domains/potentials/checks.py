"""The laws of interatomic potentials, tried on the user's own frames and shown in the report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...shared.errors import InputError
from ...shared.evaluation.check import Check
from . import force_checks, symmetry_checks
from .dynamics.evaluator import Evaluator
from .frame import Frame
from .symmetry_checks import Off

FRAMES = 3
MEASURED = 0.05  # of the typical force: below it a law that is not promised counts as held


# what rounding may do, by precision; and what it may do to differences, which divide it by a short step
ROUNDING = {"float64": Off(1e-7, 1e-6, 1e-7), "float32": Off(1e-4, 2e-3, 1e-4)}
DIFFERENCES = {"float64": Off(0.0, 1e-6, 1e-7), "float32": Off(0.0, 2e-2, 1e-3)}
RELATIVE = {"float64": 1e-6, "float32": 1e-4}  # of the typical force, on top

Law = Callable[[Evaluator, Frame, np.random.Generator], Off | None]

# what a potential can leave out of its promises -> the words, and how it is tried; None where it does not apply
LAWS: dict[str, tuple[str, Law]] = {
    "batch": ("other frames in the batch change nothing", symmetry_checks.accompanied),
    "translation": ("moving everything changes nothing", symmetry_checks.translated),
    "rotation": ("turning everything turns the forces alike", symmetry_checks.rotated),
    "reflection": ("a mirror image has the mirrored forces", symmetry_checks.reflected),
    "permutation": ("the order of atoms does not matter", symmetry_checks.permuted),
    "extensive": ("two copies far apart cost twice", symmetry_checks.doubled),
    "origin": ("another origin of the cell changes nothing", symmetry_checks.shifted_origin),
    "basis": ("another basis of the same lattice changes nothing", symmetry_checks.other_basis),
    "supercell": ("a supercell costs its multiple", symmetry_checks.supercell),
    "gradient": ("forces are minus the gradient of the energy", force_checks.against_differences),
    "strain": ("stress is the derivative by strain", force_checks.against_strain),
    "sum": ("forces sum to zero", force_checks.sum_of_forces),
    "torque": ("torques sum to zero", force_checks.sum_of_torques),
    "smooth": ("energy and forces are continuous where pairs pass the cutoff", force_checks.jumps),
}
FOLLOWS = {"rotation": "torque", "translation": "sum"}  # Noether: without the symmetry there is no such sum
OF_GRADIENTS = ("gradient", "strain", "sum", "torque")  # what forces that are predicted directly do not promise


def run_checks(
    potential: Any,
    frames: Sequence[Frame],
    dtype: str = "float64",
    device: str = "cpu",
    seed: int = 0,
    count: int = FRAMES,
) -> list[Check]:
    """All laws, each on `count` of the frames; the worst counts.

    A potential may say in `unpromised` (names of `LAWS`) which it does not hold by construction; for one that is not
    `conservative` these are added: gradient, sum, torque, strain. Such a law is measured all the same, said to be not
    promised, and counts as held below 5 % of the typical force. With `energy_noise` (eV, of a self-consistent part)
    differences are taken over longer steps and allowed that much more.
    """
    if not frames:
        raise InputError("there are no frames to check the potential on; give at least one.")
    places = sorted({round(one) for one in np.linspace(0, len(frames) - 1, min(count, len(frames)))})
    tried = [replace(frames[place], energy=None, forces=None, stress=None) for place in places]
    evaluator = Evaluator(potential, dtype, device, skin=0.0, doubts=False)
    unpromised = set(getattr(potential, "unpromised", ())) | (set() if evaluator.conservative else {*OF_GRADIENTS})
    unpromised |= {then for name, then in FOLLOWS.items() if name in unpromised}
    typical = float(np.sqrt(np.mean(np.concatenate([one.forces.ravel() for one in evaluator.many(tried)]) ** 2)))
    slack = force_checks.slack(evaluator)
    return [
        one
        for name, (words, law) in LAWS.items()
        if (one := _check(evaluator, tried, name, words, law, name in unpromised, typical, dtype, slack, seed))
    ]


def _check(
    evaluator: Evaluator, frames: Sequence[Frame], name: str, words: str, law: Law, unpromised: bool, typical: float,
    dtype: str, slack: float, seed: int,
) -> Check | None:  # fmt: skip
    """One law on all frames; None where it applies to none."""
    words += " (not promised)" if unpromised else ""
    found: list[Off] = []
    for place, frame in enumerate(frames):
        try:
            off = law(evaluator, frame, np.random.default_rng([seed, place]))
        except InputError as error:
            return Check(words, False, f"cannot be tried: {error}")
        if off is not None:
            found.append(off)
    if not found:
        return None
    # a broken answer is not a number, which must win over every number
    worst = Off(*(float(np.max(column)) for column in zip(*found, strict=True)))
    allowed = _allowed(name, dtype, unpromised, typical, slack)
    holds = all(value <= limit for value, limit in zip(worst, allowed, strict=True))
    return Check(words, holds, _words(worst, allowed))


def _allowed(name: str, dtype: str, unpromised: bool, typical: float, slack: float) -> Off:
    if unpromised:
        return Off(MEASURED * typical, MEASURED * typical, MEASURED * typical)
    differ = name in ("gradient", "strain")
    energy, force, stress = (DIFFERENCES if differ else ROUNDING)[dtype]
    more = slack if differ else 0.0
    return Off(energy, force + RELATIVE[dtype] * typical + more, stress + more / 10)


def _words(worst: Off, allowed: Off) -> str:
    units = ("eV/atom", "eV/Å", "eV/Å³")
    said = [
        f"{value:.1e} {unit} (at most {limit:.0e})"
        for value, limit, unit in zip(worst, allowed, units, strict=True)
        if value != 0
    ]
    return ", ".join(said) or "exactly"


def failed(checks: Sequence[Check]) -> list[str]:
    """The laws that did not hold."""
    return [one.law for one in checks if not one.holds]
