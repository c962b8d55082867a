"""Slopes that are written out are those of the functions."""

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.fast import folded
from labformer.domains.potentials.fast.acorn import Acorn
from labformer.domains.potentials.fast.config import AcornConfig
from labformer.domains.potentials.fast.coordination import bonded
from labformer.domains.potentials.fast.density import Waves
from labformer.domains.potentials.fast.invariants import Invariants
from labformer.domains.potentials.fast.pairs import Pairs, radial
from labformer.domains.potentials.frame import molecule

CONFIG = AcornConfig()
LENGTHS = torch.linspace(0.5, 6.5, 61, dtype=torch.float64)
STEP = 1e-5


@pytest.mark.parametrize("which", ["radial", "bonded"])
def test_slopes_by_length_are_differences_and_end_at_the_cutoff(which):
    def function(lengths):
        if which == "radial":
            return radial(lengths, 7, 4.3, CONFIG)
        return bonded(lengths, torch.full_like(lengths, 1.5), 4.3)

    found = function(LENGTHS)
    differences = (function(LENGTHS + STEP).value - function(LENGTHS - STEP).value) / (2 * STEP)
    torch.testing.assert_close(found.slope, differences, rtol=1e-6, atol=1e-6)
    assert not found.value[LENGTHS >= 4.3].any() and not found.slope[LENGTHS >= 4.3].any()


def test_slopes_of_waves_by_vectors_are_differences_and_agree_with_each_other():
    vectors = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1.5
    vectors[0] = torch.tensor([0.0, 0.0, 1.4])  # at a pole
    pairs = Pairs.of(vectors)
    waves = Waves.of(pairs, CONFIG)
    slope = waves.slope(pairs)
    for axis in range(3):
        step = STEP * torch.eye(3, dtype=torch.float64)[axis]
        ahead, behind = (Waves.of(Pairs.of(vectors + sign * step), CONFIG).value for sign in (1, -1))
        torch.testing.assert_close(slope[..., axis], (ahead - behind) / (2 * STEP), rtol=1e-5, atol=1e-6)
    by_value = torch.randn(waves.value.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(waves.pulled(pairs, by_value), torch.einsum("erl,erlx->ex", by_value, slope))


def test_slopes_of_invariants_by_the_density_are_those_of_automatic_differentiation():
    config = AcornConfig(radial=3, degree=2, radial_four=2, degree_four=2)
    invariants = Invariants(config, 2)
    maker = torch.Generator().manual_seed(0)
    room = invariants.room(3)
    for atoms in (3, 2):  # the room is used again, by fewer atoms
        density = torch.randn(atoms, 6, 9, generator=maker, dtype=torch.float64)
        three, four = invariants.slopes(density, room)
        for atom in range(atoms):
            by_density = torch.autograd.functional.jacobian(
                lambda one: tuple(found[0] for found in invariants.values(one[None])), density[atom]
            )
            torch.testing.assert_close(three[atom], by_density[0])
            wide = torch.zeros_like(by_density[1])
            wide[:, invariants.few] = four[atom]
            torch.testing.assert_close(wide, by_density[1])


def test_atoms_in_portions_and_alone_get_the_same_answer(monkeypatch, water_frames, small):
    part = Acorn(small)
    part.fit_frames(water_frames[:8], [])
    frames = [*water_frames[8:12], molecule(np.array([8]), np.zeros((1, 3)))]
    whole = part.evaluate(collate(frames, part.cutoff))
    monkeypatch.setattr(folded, "ATOMS", 2)
    portions = part.evaluate(collate(frames, part.cutoff))
    torch.testing.assert_close(portions.energies, whole.energies)
    torch.testing.assert_close(portions.forces, whole.forces)
    assert not whole.forces[-1].any() and torch.isfinite(whole.energies[-1])
