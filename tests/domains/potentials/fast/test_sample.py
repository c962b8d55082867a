"""On which frames, and on which atoms of large ones, the prior of an acorn is chosen."""

import numpy as np
import pytest

from labformer.domains.potentials.fast.acorn import Acorn
from labformer.domains.potentials.fast.sample import ENOUGH, drawn_rows, equations_of, first_of, spread_over
from labformer.domains.potentials.frame import Frame, molecule


def frames_of(atoms: int, count: int) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [molecule(np.full(atoms, 8), rng.uniform(0, 9, (atoms, 3))) for _ in range(count)]


@pytest.mark.parametrize(("size", "count"), [(9, 64), (64, 9), (108, 5)])
def test_frames_that_are_not_too_large_are_asked_whole(size: int, count: int) -> None:
    frames = frames_of(size, 100)
    some, atoms = spread_over(frames, 1800)
    assert atoms == 0
    assert some == first_of(frames, 1800)
    assert len(some) == count


def test_two_frames_that_fit_are_asked_whole() -> None:
    assert spread_over(frames_of(100, 2), 1800)[1] == 0


@pytest.mark.parametrize(("size", "count"), [(192, 160), (192, 10), (5000, 30), (5000, 2)])
def test_large_frames_give_some_of_their_atoms_so_that_there_are_many(size: int, count: int) -> None:
    some, atoms = spread_over(frames_of(size, count), 1800)
    assert len(some) == min(ENOUGH, count)
    assert 0 < atoms < size
    assert len(some) * (7 + 3 * atoms) <= 1800
    assert len(some) * (7 + 3 * (atoms + 1)) > 1800


def test_all_equations_of_an_atom_are_drawn_together_with_those_of_no_atom() -> None:
    kinds = np.array([0] + [1] * 30 + [2] * 6, np.int8)
    places = drawn_rows(kinds, 4, np.random.default_rng(3))
    assert (np.diff(places) > 0).all()
    assert set(np.flatnonzero(kinds != 1)) < set(places)
    forces = places[kinds[places] == 1].reshape(-1, 3) - 1
    assert len(forces) == 4
    assert (forces[:, 0] % 3 == 0).all()
    np.testing.assert_array_equal(np.diff(forces, axis=1), 1)
    np.testing.assert_array_equal(drawn_rows(kinds, 99, np.random.default_rng(3)), np.arange(len(kinds)))


def test_equations_of_some_atoms_are_those_of_all_at_their_places(copper_frames, small) -> None:
    part = Acorn(small)
    part.elements = (29,)
    whole, some = part._equations(copper_frames[:2]), part._equations(copper_frames[:2], 2, seed=5)
    assert some.ends == [1 + 6 + 6, 2 * (1 + 6 + 6)]
    assert equations_of(copper_frames[0]) == whole.ends[0]
    labels = whole.labels[: whole.ends[0]].tolist()
    assert all(one in labels for one in some.labels[: some.ends[0]].tolist())
    assert not np.array_equal(part._equations(copper_frames[:2], 2, seed=6).labels, some.labels)
