"""A potential as ASE's calculator: eV, Å, eV/Å, stress as Voigt-6 in eV/Å³."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...shared.errors import MissingExtra
from .dynamics.evaluator import Answer, Evaluator
from .frame import Frame, from_atoms

try:
    from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
except ImportError as error:
    raise MissingExtra(
        "this needs the package 'ase', which is not installed: pip install \"labformer[potentials]\"."
    ) from error

if TYPE_CHECKING:
    from ase import Atoms

NOVEL = 2.0  # times the edge of training: beyond it a warning is due; one atom in a hundred of a fair test is beyond 1
# where novelty does not come with the forces it is looked at when an atom or a corner of the cell has moved so far, Å,
FAR = 0.2  # since the last look, a scan in small steps too,
LOOK = 100  # or after so many evaluations


class LabformerCalculator(Calculator):
    """Any script of ASE runs on a potential through this.

    potential  an `InteratomicPotential`, the folder of one or a shipped name; or anything with `cutoff`, `conservative`
               and `evaluate(batch, stress)`. It is copied: what was given stays in its own precision.
    dtype      "float32" is fast and right to about 1e-4 eV/Å: for dynamics; "float64" for relaxation to tight
               tolerances, phonons and finite differences
    device     "cpu", "cuda", ...
    skin       Å by which pairs are searched beyond the cutoff; a list serves until an atom has moved half of it
    doubts     whether every answer brings `force_radius` and `novelty`, which costs some models several times their
               forces; `evaluate_many` always brings them
    novel      warn, once, when an atom's novelty passes this. It is looked at in every answer that brings it, else
               whenever something moved by 0.2 Å since the last look

    `results` holds energy, free_energy (the same), forces, stress where the atoms are periodic, and where the potential
    has them `force_radius` (atom,) eV/Å (the error of an atom's force vector lies below it, with the coverage to which
    the potential was calibrated) and `novelty` (atom,) (1: surroundings at the edge of training); see `doubts`.

    Atoms with an element that was not learned raise InputError. Atoms that move (they have momenta) under forces that
    are no gradient draw one warning: their energy drifts.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]
    ignored_changes = {"initial_charges", "initial_magmoms"}
    name = "labformer"

    def __init__(
        self,
        potential: Any,
        dtype: str = "float32",
        device: str = "cpu",
        skin: float = 0.5,
        doubts: bool = False,
        novel: float = NOVEL,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if isinstance(potential, str | Path):
            from .predictor import InteratomicPotential

            potential = InteratomicPotential.from_pretrained(potential)
        self.evaluator = Evaluator(potential, dtype, device, skin, doubts)
        self.novel = novel
        self.evaluations = 0
        self._stress = (
            False  # asked for once, it comes with every answer: relaxations of cells ask for all at each step
        )
        self._warned: set[str] = set()
        self._looked: tuple[int, Frame] | None = None  # at which evaluation novelty was looked at last, and at what

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill `results`; called by ASE."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        held: Any = self.atoms
        frame = from_atoms(held)
        if "stress" in properties:
            if not frame.periodic or not frame.volume > 0:
                raise PropertyNotImplementedError("stress needs periodic atoms in a cell with a volume.")
            self._stress = True
        found = self.evaluator.one(frame, stress=self._stress and frame.periodic)
        self.evaluations += 1
        self._warn(held, frame, found)
        self.results = _results(found)

    def check_state(self, atoms: "Atoms", tol: float = 0.0) -> list[str]:
        """What changed since the last answer; called by ASE several times a step, whose own way costs as much as
        the forces of a small molecule."""
        held: Any = self.atoms
        if held is None:
            return list(all_changes)
        same = {
            "positions": np.array_equal(held.positions, atoms.positions),
            "numbers": np.array_equal(held.numbers, atoms.numbers),
            "cell": np.array_equal(held.cell.array, atoms.cell.array),
            "pbc": np.array_equal(held.pbc, atoms.pbc),
        }
        return [name for name, one in same.items() if not one]

    def evaluate_many(self, frames: "Sequence[Frame | Atoms]", stress: bool | None = None) -> list[dict[str, Any]]:
        """`results` of many frames at once, in batches; ASE's own route asks one at a time.

        stress  None: of all frames that are periodic, if every one is
        """
        plain = [one if isinstance(one, Frame) else from_atoms(one) for one in frames]
        wanted = bool(plain) and all(one.periodic for one in plain) if stress is None else stress
        return [_results(found) for found in self.evaluator.many(plain, wanted, doubts=True)]

    def _warn(self, atoms: Any, frame: Frame, found: Answer) -> None:
        if not self.evaluator.conservative and atoms.has("momenta") and atoms.get_momenta().any():
            self._warn_once(
                "direct",
                "the forces of this potential are predicted, not derived from its energy: total energy drifts in "
                "molecular dynamics. Use a thermostat, or a conservative potential.",
            )
        novelty = found.novelty
        if novelty is None and "novel" not in self._warned and self._look_is_due(frame):
            self._looked = self.evaluations, frame
            novelty = self.evaluator.novelty(frame)
        if novelty is not None and np.max(novelty, initial=0.0) > self.novel:
            atom = int(np.argmax(novelty))
            self._warn_once(
                "novel",
                f"atom {atom} ({atoms.symbols[atom]}) stands in surroundings {novelty[atom]:.1f} times as far out as "
                f"the edge of training, at evaluation {self.evaluations}: do not trust what follows.",
            )

    def _look_is_due(self, frame: Frame) -> bool:
        if self._looked is None or self.evaluations - self._looked[0] >= LOOK:
            return True
        last = self._looked[1]
        if not np.array_equal(last.numbers, frame.numbers):
            return True
        moved = np.concatenate([frame.positions - last.positions, frame.cell - last.cell])
        return bool((moved**2).sum(1).max() > FAR**2)

    def _warn_once(self, key: str, words: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            warnings.warn(words, stacklevel=2)


def _results(found: Answer) -> dict[str, Any]:
    results: dict[str, Any] = {"energy": found.energy, "free_energy": found.energy, "forces": found.forces}
    others = {"stress": found.stress, "force_radius": found.force_radius, "novelty": found.novelty}
    return results | {name: value for name, value in others.items() if value is not None}
