import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.models.mean_energy import ElementEnergies
from labformer.shared.errors import InputError

TRUE = {1: -13.6, 6: -1030.5, 8: -2041.25}
COMPOSITIONS = ((6, 1, 1, 1, 1), (8, 1, 1), (6, 8), (6, 6, 8, 1, 1, 1, 1, 1, 1))


def frame(numbers: tuple[int, ...], energy: float | None = None) -> Frame:
    made = molecule(np.array(numbers), np.arange(3.0 * len(numbers)).reshape(-1, 3))
    return made.labelled(sum(TRUE[one] for one in numbers) if energy is None else energy, None)


def energies(part: ElementEnergies, *numbers: tuple[int, ...]) -> np.ndarray:
    return part.evaluate(collate([frame(one) for one in numbers], 0.0)).energies.numpy()


def test_finds_the_energy_of_each_element() -> None:
    part = ElementEnergies()
    part.fit_frames([frame(one) for one in COMPOSITIONS], [])
    assert part.by_element() == pytest.approx(TRUE, abs=1e-9)
    assert part.determines(np.array([8, 8, 8]))
    found = part.evaluate(collate([frame((8, 8)), frame((1,))], 0.0), stress=True)
    assert found.energies.tolist() == pytest.approx([2 * TRUE[8], TRUE[1]])
    assert found.stress is not None and not found.forces.any() and not found.stress.any()


def test_one_composition_settles_its_own_sum_only() -> None:
    part = ElementEnergies()
    part.fit_frames([frame((8, 1, 1), energy) for energy in (-10.0, -14.0)], [])
    assert energies(part, (8, 1, 1), (8, 8, 1, 1, 1, 1)).tolist() == pytest.approx([-12.0, -24.0])
    assert part.determines(np.array([1, 8, 1]))
    assert not part.determines(np.array([8, 1]))
    assert not part.determines(np.array([7]))


def test_isolated_atoms_are_taken_as_given_and_what_is_left_is_a_shift_for_each_atom() -> None:
    part = ElementEnergies(TRUE)
    part.fit_frames([frame(one, sum(TRUE[z] for z in one) - 2.0 * len(one)) for one in COMPOSITIONS], [])
    assert energies(part, (8, 1, 1))[0] == pytest.approx(TRUE[8] + 2 * TRUE[1] - 6)
    bare = ElementEnergies(TRUE, shift=False)
    bare.fit_frames([frame(one) for one in COMPOSITIONS], [])
    assert bare.by_element() == TRUE
    assert bare.determines(np.array([8]))
    some = ElementEnergies({1: -13.6})
    some.fit_frames([frame((6, 1, 1, 1, 1)), frame((8, 1, 1))], [])
    assert some.by_element() == pytest.approx(TRUE)


def test_comes_back_as_it_was_in_full_precision() -> None:
    part = ElementEnergies({1: -13.6})
    part.fit_frames([frame(one) for one in COMPOSITIONS], [])
    part.to(torch.float32)
    back = ElementEnergies.restore(part.settings(), part.state_dict())
    assert (energies(back, *COMPOSITIONS) == energies(part, *COMPOSITIONS)).all()
    assert back.by_element()[8] == pytest.approx(TRUE[8], abs=1e-9)


def test_missing_energies_and_strange_elements_are_refused() -> None:
    part = ElementEnergies()
    with pytest.raises(InputError, match="no energy"):
        part.fit_frames([molecule(np.array([1]), np.zeros((1, 3)))], [])
    with pytest.raises(InputError, match="no frames"):
        part.fit_frames([], [])
    part.fit_frames([frame((8, 1, 1))], [])
    with pytest.raises(InputError, match=r"asked about \[6\]"):
        energies(part, (6, 8))
