import numpy as np
import pytest

from labformer.domains.potentials.models.automorphisms import automorphisms, bonds_of, matched
from labformer.domains.potentials.models.radii import COVALENT, bond_lengths


def bonded(pairs: list[tuple[int, int]], count: int) -> np.ndarray:
    bonds = np.zeros((count, count), bool)
    for one, other in pairs:
        bonds[one, other] = bonds[other, one] = True
    return bonds


ETHANOL = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
ETHANOL_BONDS = bonded([(0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 6), (1, 7), (2, 8)], 9)
RING = bonded([(atom, (atom + 1) % 6) for atom in range(6)] + [(atom, atom + 6) for atom in range(6)], 12)
BENZENE = np.array([6] * 6 + [1] * 6)


@pytest.mark.parametrize(("numbers", "bonds", "count"), [(ETHANOL, ETHANOL_BONDS, 12), (BENZENE, RING, 12)])
def test_are_a_group_that_keeps_elements_and_bonds(numbers: np.ndarray, bonds: np.ndarray, count: int) -> None:
    found = automorphisms(numbers, bonds)
    assert len(found) == count
    assert (found[0] == np.arange(len(numbers))).all()
    group = {tuple(one) for one in found.tolist()}
    for one in found:
        assert (numbers[one] == numbers).all() and (bonds[np.ix_(one, one)] == bonds).all()
        assert all(tuple(one[other].tolist()) in group for other in found)


def test_a_group_over_the_limit_becomes_a_smaller_group() -> None:
    chain = bonded([(0, 1), *((0, 2 + place) for place in range(3)), *((1, 5 + place) for place in range(3))], 8)
    ethane = np.array([6, 6] + [1] * 6)
    assert len(automorphisms(ethane, chain)) == 72
    found = automorphisms(ethane, chain, limit=40)
    group = {tuple(one) for one in found.tolist()}
    assert len(group) == 36 and all(tuple(one[other].tolist()) in group for one in found for other in found)
    assert len(automorphisms(ethane, chain, limit=1)) == 1


def test_bonds_come_from_distances_of_most_frames() -> None:
    water = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    frames = np.stack([water, water * 1.02, water * 3])  # the last one has fallen apart
    assert (bonds_of(np.array([8, 1, 1]), frames) == bonded([(0, 1), (0, 2)], 3)).all()


def test_radii_are_those_of_ase() -> None:
    data = pytest.importorskip("ase.data", reason="needs the extra potentials")
    np.testing.assert_allclose(COVALENT[1:97], data.covalent_radii[1:97])
    assert bond_lengths(np.array([6, 1]))[0, 1] == pytest.approx(1.07)


def test_a_molecule_is_known_in_another_order_of_its_atoms_and_no_other_molecule_is() -> None:
    order = np.array([8, 3, 1, 6, 2, 0, 5, 7, 4])
    numbers, bonds = ETHANOL[order], ETHANOL_BONDS[np.ix_(order, order)]
    found = matched(ETHANOL, ETHANOL_BONDS, numbers, bonds)
    assert found is not None
    assert (numbers[found] == ETHANOL).all() and (bonds[np.ix_(found, found)] == ETHANOL_BONDS).all()
    ether = bonded([(0, 2), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (1, 8)], 9)
    assert matched(ETHANOL, ETHANOL_BONDS, ETHANOL, ether) is None
    assert matched(ETHANOL, ETHANOL_BONDS, BENZENE, RING) is None
