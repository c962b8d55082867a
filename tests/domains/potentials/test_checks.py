from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.potentials.checks import LAWS, failed, run_checks
from labformer.domains.potentials.frame import Frame
from labformer.shared.errors import InputError

spec = spec_from_file_location("potentials_pair", Path(__file__).with_name("pair_potential.py"))
assert spec is not None and spec.loader is not None
pair = module_from_spec(spec)
spec.loader.exec_module(pair)

MOLECULE, CRYSTAL = pair.cluster(5), pair.crystal()
WORDS = {name: words for name, (words, _) in LAWS.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sound_potential_holds_every_law_that_applies(dtype: str) -> None:
    found = run_checks(pair.Morse(), [MOLECULE, CRYSTAL], dtype)
    assert [one.law for one in found] == list(WORDS.values())
    assert failed(found) == [], [one for one in found if not one.holds]


def test_laws_of_cells_are_left_out_for_molecules_and_the_other_way_about() -> None:
    cells = {"origin", "basis", "supercell", "strain"}
    molecules = {"extensive", "torque"}
    assert [one.law for one in run_checks(pair.Morse(), [MOLECULE])] == [WORDS[n] for n in WORDS if n not in cells]
    assert [one.law for one in run_checks(pair.Morse(), [CRYSTAL])] == [WORDS[n] for n in WORDS if n not in molecules]


BROKEN: dict[str, tuple[Frame, set[str]]] = {
    "kink": (MOLECULE, {"smooth"}),
    "turned": (MOLECULE, {"rotation", "reflection", "torque"}),
    "scaled": (MOLECULE, {"gradient"}),
    "placed": (MOLECULE, {"translation", "rotation", "reflection", "extensive", "sum"}),
    "ordered": (MOLECULE, {"permutation", "extensive"}),
    "shared": (MOLECULE, {"batch", "extensive"}),
    "mirror": (MOLECULE, {"reflection"}),
    "stress": (CRYSTAL, {"strain"}),
    "image": (CRYSTAL, {"supercell"}),
    "kink in a cell": (CRYSTAL, {"smooth"}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_potential_is_caught_by_the_law_it_breaks(fault: str) -> None:
    frame, expected = BROKEN[fault]
    broken = failed(run_checks(pair.Morse(fault.partition(" ")[0]), [frame]))
    assert {WORDS[name] for name in expected} <= set(broken)
    alone = {"scaled", "stress", "mirror"}  # these break nothing else
    assert fault not in alone or len(broken) == len(expected), broken


def test_predicted_forces_are_measured_and_said_to_promise_nothing() -> None:
    found = {one.law: one for one in run_checks(pair.Morse("direct"), [MOLECULE])}
    for name in ("gradient", "sum"):
        check = found[WORDS[name] + " (not promised)"]
        assert not check.holds and "eV/Å" in check.detail
    assert found[WORDS["translation"]].holds


def test_a_law_that_a_potential_does_not_promise_holds_while_its_breach_is_small() -> None:
    turned = pair.Morse("turned")
    turned.unpromised = frozenset({"rotation", "reflection"})
    found = {one.law: one for one in run_checks(turned, [MOLECULE])}
    assert found[WORDS["rotation"] + " (not promised)"].holds
    assert found[WORDS["torque"] + " (not promised)"].holds, "follows from rotation"
    assert found[WORDS["gradient"]].holds


def test_a_potential_that_refuses_a_changed_frame_is_told_so() -> None:
    class OneMolecule(pair.Morse):  # type: ignore[name-defined,misc]
        def evaluate(self, batch: object, stress: bool = False) -> object:
            if any(one > len(MOLECULE) for one in batch.sizes):  # type: ignore[attr-defined]
                raise InputError("this potential is of one molecule.")
            return super().evaluate(batch, stress)

    found = {one.law: one for one in run_checks(OneMolecule(), [MOLECULE])}
    assert found[WORDS["smooth"]].holds, "tried by moving one atom"
    assert not found[WORDS["extensive"]].holds and "of one molecule" in found[WORDS["extensive"]].detail


def test_answers_that_are_not_numbers_hold_no_law() -> None:
    import torch

    broken = pair.Morse()
    broken.depth = torch.tensor(np.nan)
    assert not any(one.holds for one in run_checks(broken, [MOLECULE]))


def test_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        run_checks(pair.Morse(), [])
