"""Formats against ASE's own readers, and the stress of JSON files against the energies of strained cells."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="the readers are compared with those of ase, of the extra potentials")

from labformer.domains.potentials.frame import Frame, to_atoms
from labformer.domains.potentials.reading.door import read_frames
from labformer.domains.potentials.reading.embedded import copper_emt, ethanol_gfn2
from labformer.domains.potentials.reading.extxyz import pairs
from labformer.domains.potentials.reading.layouts import KBAR, LAMMPS, VASP, shear_order
from labformer.domains.potentials.reading.options import ReadOptions
from labformer.shared.errors import InputError


def same(found: Sequence[Frame], true: Sequence[Frame], digits: float = 1e-7) -> None:
    assert len(found) == len(true)
    for one, other in zip(found, true, strict=True):
        for name in ("numbers", "positions", "cell", "pbc", "energy", "forces", "stress"):
            left, right = getattr(one, name), getattr(other, name)
            assert (left is None) == (right is None), name
            if left is not None:
                np.testing.assert_allclose(np.asarray(left, float), np.asarray(right, float), atol=digits, err_msg=name)


@pytest.mark.parametrize("suffix", [".extxyz", ".traj", ".db"])
def test_what_ase_writes_comes_back(suffix: str, tmp_path: Path) -> None:
    from ase.io import write

    frames = copper_emt(6)
    write(tmp_path / f"frames{suffix}", [to_atoms(one) for one in frames])
    read = read_frames(tmp_path / f"frames{suffix}")
    same(read.frames, frames)
    assert read.repairs == ()


def test_the_shipped_file_reads_as_ase_reads_it() -> None:
    from importlib.resources import files

    from ase.io import iread

    import labformer.data as shipped

    path = str(files(shipped).joinpath("ethanol_gfn2.extxyz"))
    for one, atoms in zip(ethanol_gfn2(), iread(path, ":", format="extxyz"), strict=True):
        assert one.energy == atoms.get_potential_energy()
        np.testing.assert_array_equal(one.positions, atoms.positions)
        np.testing.assert_array_equal(one.forces, atoms.get_forces())
        assert not one.periodic


def test_keys_of_a_comment_are_numbers_arrays_truths_and_words() -> None:
    found = pairs(
        """Lattice="1 0 0 0 1 0 0 0 1" e=-3.5e1 name=a_b t="T F T" quoted='two words' n=[1, 2] who="x=1" flag"""
    )
    assert found["e"] == -35.0 and found["name"] == "a_b" and found["quoted"] == "two words" and found["who"] == "x=1"
    assert (
        found["Lattice"].shape == (9,) and found["t"].tolist() == [True, False, True] and found["n"].tolist() == [1, 2]
    )
    assert "flag" not in found


def test_a_molecule_cut_by_its_box_is_joined(tmp_path: Path) -> None:
    from ase.io import write

    whole = ethanol_gfn2()[:4]
    atoms = [to_atoms(replace(one, cell=np.eye(3) * 30.0, pbc=np.ones(3, bool))) for one in whole]
    for one in atoms:
        one.wrap()
    assert np.ptp(atoms[0].positions, axis=0).max() > 20
    write(tmp_path / "cut.extxyz", atoms)
    for one, other in zip(read_frames(tmp_path / "cut.extxyz").frames, whole, strict=True):
        gaps = one.positions - other.positions
        np.testing.assert_allclose(gaps, gaps[:1].repeat(len(gaps), 0), atol=1e-6)
        assert not one.periodic


def test_a_one_atom_crystal_is_no_isolated_atom(tmp_path: Path) -> None:
    from ase.build import bulk
    from ase.calculators.emt import EMT
    from ase.io import write

    frames = []
    for length in (3.5, 3.6, 3.7):
        atoms = bulk("Cu", "fcc", a=length)
        atoms.calc = EMT()
        atoms.get_stress()
        frames.append(atoms)
    write(tmp_path / "cells.extxyz", frames)
    read = read_frames(tmp_path / "cells.extxyz")
    assert len(read.frames) == 3 and not read.reference and read.frames[0].stress is not None


def test_several_files_join_with_groups_of_their_own(tmp_path: Path) -> None:
    text = Path(
        str(__import__("importlib.resources").resources.files("labformer.data") / "ethanol_gfn2.extxyz")
    ).read_text()
    lines = text.splitlines(keepends=True)
    (tmp_path / "a.xyz").write_text("".join(lines[:33]))
    (tmp_path / "b.xyz").write_text("".join(lines[22:55]))
    read = read_frames([tmp_path / "a.xyz", tmp_path / "b.xyz"])
    assert len(read.frames) == 5 and len(set(read.groups)) == 2
    assert any("1 frame left out, atoms as in an earlier one" in line for line in read.repairs)


def test_needs_decide_what_may_lack(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("2\nany comment\nH 0 0 0\nH 0 0 0.74\n")
    assert read_frames(tmp_path / "a.xyz", ReadOptions(needs="nothing")).frames[0].energy is None
    with pytest.raises(InputError, match="no energy"):
        read_frames(tmp_path / "a.xyz", ReadOptions(needs="energy"))


@pytest.mark.parametrize("given", [{"needs": "all"}, {"pbc": "yes"}, {"largest_force": 0.0}, {"force_unit": "kcal"}])
def test_options_that_are_none_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        ReadOptions(**given)  # type: ignore[arg-type]


def test_orders_of_shear_are_permutations_and_known_elements_alone_have_one() -> None:
    named = np.array(["xx", "yy", "zz", "xy", "yz", "xz"])
    assert named[VASP].tolist() == ["xx", "yy", "zz", "yz", "xz", "xy"]
    named = np.array(["xx", "yy", "zz", "xy", "xz", "yz"])
    assert named[LAMMPS].tolist() == ["xx", "yy", "zz", "yz", "xz", "xy"]
    assert shear_order(["Mo", "Mo"], "") is None
    assert pytest.approx(1 / 1602.176634) == KBAR
