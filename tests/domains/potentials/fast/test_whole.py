"""A term of a whole molecule keeps the laws, and says the same however the molecule is written down."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.checks import run_checks
from labformer.domains.potentials.fast.acorn import Acorn
from labformer.domains.potentials.fast.dual import DualEquations
from labformer.domains.potentials.fast.normal import NormalEquations
from labformer.domains.potentials.fast.solve import Prior
from labformer.domains.potentials.fast.whole import Whole, one_molecule
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.parts import answers
from labformer.shared.errors import InputError

BEYOND = 3.0  # Å; atoms farther apart do not see each other in the small potential


def _chain(count, seed=0):
    """Four atoms in a row whose ends, out of each other's sight, pull each other all the same."""
    draw, made = np.random.default_rng(seed), []
    rest = torch.tensor([[0.0, 0, 0], [1.3, 0.4, 0], [2.6, 0, 0], [3.6, 0.4, 0]], dtype=torch.float64)
    for number in range(count):
        positions = (rest + torch.from_numpy(draw.normal(0, 0.06, (4, 3)))).requires_grad_()
        gaps = torch.pdist(positions)
        bent = gaps - torch.pdist(rest)
        energy = 10 * bent.square().sum() + 6 * bent[2] * bent.square().sum()  # the third pair is that of the ends
        (slope,) = torch.autograd.grad(energy, positions)
        frame = molecule(np.array([9, 6, 6, 1]), positions.detach().numpy(), f"chain {number}")
        made.append(frame.labelled(float(energy.detach()), -slope.numpy()))
    return made


@pytest.fixture(scope="module")
def fitted(small_module):
    part = Acorn(small_module)
    part.fit_frames(_chain(30), [])
    return part


@pytest.fixture(scope="module")
def small_module():
    from labformer.domains.potentials.fast.config import AcornConfig

    return AcornConfig(
        cutoff=BEYOND, reach=2.5, radial_two=5, radial=4, degree=2, radial_four=2, degree_four=2, members=3
    )  # fmt: skip


def _said(part, *frames):
    return part.evaluate(collate(frames, part.cutoff))


def _error(part, frames):
    return float(np.mean([np.abs(one.forces - one.frame.forces).mean() for one in answers(part, frames, stress=False)]))


def test_it_learns_what_no_surroundings_tell_and_is_left_out_where_it_does_not_help(fitted, small_module):
    assert fitted.whole is not None
    alone = Acorn(replace(small_module, whole=False))
    alone.fit_frames(_chain(30), [])
    assert alone.whole is None
    test = _chain(30, seed=5)
    assert _error(fitted, test) < 0.5 * _error(alone, test)
    # what is left out says so beforehand
    left = np.mean([np.abs(one.force_error).mean() for one in fitted.left_out().values()])
    assert left < 0.5 * np.mean([np.abs(one.force_error).mean() for one in alone.left_out().values()])


def test_laws_hold(fitted):
    broken = [one for one in run_checks(fitted, _chain(2, seed=3)) if not one.holds]
    assert not broken, broken


@pytest.mark.parametrize("some", [1000, 20])
def test_rows_say_what_the_settled_term_says(some):
    frames = _chain(6)
    term = Whole.of(frames, frames[:4], 10.0).centred(some)
    weights = torch.randn(2, term.columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = term.rows(frames[5].positions)
    term.settle(weights)
    batch = collate([frames[4], frames[5]], 0.0)
    for member in (0, 1):
        energies, forces, _ = term.answered(batch, term.pattern.copies(batch), member)
        said = rows @ weights[member].numpy()
        assert float(energies[1]) == pytest.approx(said[0], rel=1e-6)
        np.testing.assert_allclose(forces[4:].numpy().ravel(), said[1:], atol=1e-6 * np.abs(said).max())


def test_with_all_frames_for_centres_products_of_rows_are_the_kernel():
    frames = _chain(5)
    term = Whole.of(frames, frames, 5.0).centred(1000)
    rows = term.stacked(frames)
    one, other = (frames[k].positions for k in (0, 3))
    inverse = [1 / torch.pdist(torch.from_numpy(place)).numpy() for place in (one, other)]
    distance = np.linalg.norm(inverse[0] - inverse[1]) * 5**0.5 / 5.0
    wanted = (1 + distance + distance**2 / 3) * np.exp(-distance)
    assert len(term.relabelled) == 1
    assert rows[0] @ rows[3 * 13] == pytest.approx(wanted, rel=1e-6)


def test_copies_count_and_order_does_not(fitted):
    frame, other = _chain(2, seed=7)
    alone = _said(fitted, frame)
    far = other.positions + np.array([40.0, 0, 0])
    pair = molecule(np.tile(frame.numbers, 2), np.concatenate([frame.positions, far]))
    both = _said(fitted, pair)
    assert float(both.energies[0]) == pytest.approx(float(alone.energies[0] + _said(fitted, other).energies[0]))
    shuffled = np.array([4, 2, 0, 7, 1, 6, 5, 3])
    mixed = _said(fitted, molecule(pair.numbers[shuffled], pair.positions[shuffled]))
    assert float(mixed.energies[0]) == pytest.approx(float(both.energies[0]), abs=1e-9)
    np.testing.assert_allclose(mixed.forces, both.forces[shuffled], atol=1e-9)
    # atoms of one element in another order, which numbers alone would not tell
    swapped = molecule(frame.numbers, frame.positions[[0, 2, 1, 3]])
    found = _said(fitted, swapped)
    assert float(found.energies[0]) == pytest.approx(float(alone.energies[0]), abs=1e-9)


def test_a_bond_that_breaks_does_not_change_the_molecule(fitted):
    frame = _chain(1, seed=8)[0]
    energies = []
    for stretch in np.linspace(0.0, 4.0, 81):
        torn = frame.positions.copy()
        torn[3, 0] += stretch
        energies.append(float(_said(fitted, molecule(frame.numbers, torn)).energies[0]))
    bends = np.abs(np.diff(energies, 2))
    assert bends.max() < 0.2 * np.ptp(energies)


def test_another_molecule_is_answered_by_a_fit_without_the_term(fitted, small_module):
    frame = _chain(1, seed=9)[0]
    part = molecule(frame.numbers[:3], frame.positions[:3])
    alone = Acorn(small_module)
    alone.elements = fitted.elements
    equations = alone._equations(_chain(30))
    alone._fold(equations.weights(fitted.prior))
    np.testing.assert_allclose(_said(fitted, part).forces, _said(alone, part).forces, rtol=1e-4, atol=1e-4)
    among = _said(fitted, frame, part, frame)
    np.testing.assert_allclose(among.forces[4:7], _said(fitted, part).forces, atol=1e-9)
    np.testing.assert_allclose(among.forces[7:], _said(fitted, frame).forces, atol=1e-9)
    kept, fitted.folded_plain = fitted.folded_plain, None
    try:
        with pytest.raises(InputError, match='"whole": false'):
            _said(fitted, part)
    finally:
        fitted.folded_plain = kept


def test_in_a_cell_the_nearest_images_are_the_molecule(fitted):
    frame = _chain(1, seed=10)[0]
    free = _said(fitted, frame)
    cell = np.diag([12.0, 13.0, 14.0])
    wrapped = np.mod(frame.positions - 0.6, np.diag(cell))
    inside = Frame(frame.numbers, wrapped, cell, np.ones(3, bool))
    found = _said(fitted, inside)
    assert float(found.energies[0]) == pytest.approx(float(free.energies[0]), abs=1e-9)
    np.testing.assert_allclose(found.forces, free.forces, atol=1e-9)
    with pytest.raises(InputError, match="meet its own image"):
        _said(fitted, replace(inside, cell=0.5 * cell))


def test_saved_and_read_it_says_the_same(fitted):
    again = Acorn.restore(fitted.settings(), fitted.state_dict())
    frame = _chain(1, seed=11)[0]
    part = molecule(frame.numbers[:3], frame.positions[:3])
    for wanted, found in zip(_said(fitted, frame, part), _said(again, frame, part), strict=True):
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, atol=1e-10)
    assert again.count() == fitted.count()


@pytest.mark.parametrize("kind", [DualEquations, NormalEquations])
def test_a_block_that_is_forgotten_might_never_have_been(small_module, kind):
    frames = _chain(10)
    part = Acorn(replace(small_module, radial=2, radial_four=2, degree=1, degree_four=1))
    part.elements = (1, 6, 9)
    term = Whole.of(frames, frames[:5], 10.0).centred(30)
    prior, design, without = Prior(noise=1e-4), part._design(frames, term), part._design(frames)
    every = kind(design.columns, [2.0] * len(design.columns), prior)
    fewer = kind(without.columns, [2.0] * len(design.columns), prior)
    for frame in frames:
        every.add(part._rows(design, frame))
        fewer.add(part._rows(without, frame))
    every.weights(prior)
    every.forget_last()
    np.testing.assert_allclose(every.weights(prior), fewer.weights(prior), rtol=1e-3, atol=1e-6)


def test_only_frames_of_one_molecule_have_it(small_module, fitted):
    chain = _chain(3)
    assert one_molecule(chain)
    assert not one_molecule([*chain, molecule(chain[0].numbers[::-1].copy(), chain[0].positions)])
    assert not one_molecule([replace(chain[0], cell=np.eye(3) * 20, pbc=np.ones(3, bool))])
    mixed = [*chain, molecule(chain[0].numbers[:3], chain[0].positions[:3]).labelled(0.0, np.zeros((3, 3)))]
    with pytest.raises(InputError, match="whole=true"):
        Acorn(replace(small_module, whole=True)).fit_frames(mixed, [])
