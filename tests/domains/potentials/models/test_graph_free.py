from dataclasses import replace

import numpy as np
import pytest
import torch

from labformer.domains.potentials.batch import collate
from labformer.domains.potentials.frame import Frame, molecule
from labformer.domains.potentials.models.graph_free import ConservativeGraphFreeTransformer, GraphFreeTransformer
from labformer.domains.potentials.models.graph_free_config import PUBLISHED, GraphFreeConfig, GraphFreeTraining
from labformer.domains.potentials.models.graph_free_network import GraphFreeNetwork
from labformer.domains.potentials.models.graph_free_symmetry import rotation_error, violation
from labformer.shared.errors import InputError

TINY = GraphFreeConfig(width=32, depth=2, heads=2, hidden=64, initial=0.3)
PARTS = [GraphFreeTransformer, ConservativeGraphFreeTransformer]
NAMES = ["direct", "conservative"]


def spring_trimers(count, seed=0, noise=0.15):
    """Water-like molecules of harmonic springs between all pairs: energies and exact forces."""
    draw = np.random.default_rng(seed)
    rest = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
    frames = []
    for _ in range(count):
        x = rest + noise * draw.standard_normal((3, 3))
        energy, forces = -10.0, np.zeros((3, 3))
        for i, j in ((0, 1), (0, 2), (1, 2)):
            gap = x[i] - x[j]
            stretch = np.linalg.norm(gap) - np.linalg.norm(rest[i] - rest[j])
            energy += 2.0 * stretch**2
            push = -4.0 * stretch * gap / np.linalg.norm(gap)
            forces[i] += push
            forces[j] -= push
        frames.append(molecule(np.array([8, 1, 1]), x).labelled(energy, forces))
    return frames


def mixed(seed=0):
    """Three molecules of different elements and sizes, two of them of one size."""
    draw = np.random.default_rng(seed)
    kinds = ([8, 1, 1], [6, 1, 1, 1, 1], [7, 1, 1], [1, 1])
    made = [molecule(np.array(one), 1.2 * draw.standard_normal((len(one), 3))) for one in kinds]
    return [one.labelled(-float(len(one)), draw.standard_normal((len(one), 3))) for one in made]


def untrained(kind, frames="random", seed=0):
    """A part in float64 whose weights are drawn, so that every law can be asked of it."""
    part = kind(TINY, GraphFreeTraining(epochs=1, frames=frames))
    part.fit_frames(mixed(), [], seed)
    return part.double()


@pytest.fixture(scope="module")
def trained():
    """Both parts after a short training on the springs."""
    frames, training = (
        spring_trimers(120),
        GraphFreeTraining(batch=16, learning_rate=6e-3, warmup=20, energy_weight=0.3),
    )
    direct = GraphFreeTransformer(replace(TINY, initial=0.1), replace(training, epochs=25, frames="inertia"))
    conservative = ConservativeGraphFreeTransformer(replace(TINY, initial=0.2), replace(training, epochs=30))
    for part in (direct, conservative):
        part.fit_frames(frames[:96], frames[96:])
    return {"direct": direct, "conservative": conservative}


@pytest.mark.parametrize("frames", ["random", "cube"])
@pytest.mark.parametrize("kind", PARTS, ids=NAMES)
def test_a_pack_answers_as_its_molecules_do_one_by_one(kind, frames):
    part, every = untrained(kind, frames), mixed()
    together = part.evaluate(collate(every, 0.0))
    alone = [part.evaluate(collate([one], 0.0)) for one in every]
    torch.testing.assert_close(together.energies, torch.cat([one.energies for one in alone]), rtol=0, atol=1e-10)
    torch.testing.assert_close(together.forces, torch.cat([one.forces for one in alone]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", PARTS, ids=NAMES)
def test_other_molecules_of_a_pack_change_nothing(kind):
    part, every = untrained(kind), mixed()
    moved = [every[0], replace(every[1], positions=3.0 * every[1].positions), *every[2:]]
    before, after = (part.evaluate(collate(frames, 0.0)) for frames in (every, moved))
    others = torch.tensor([0, 2, 3])
    torch.testing.assert_close(after.energies[others], before.energies[others], rtol=0, atol=1e-12)
    torch.testing.assert_close(after.forces[:3], before.forces[:3], rtol=0, atol=1e-12)
    assert (after.forces[3:8] - before.forces[3:8]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", PARTS, ids=NAMES)
def test_atoms_are_a_set_and_place_does_not_matter(kind):
    part, one = untrained(kind), mixed()[1]
    order = np.array([3, 0, 4, 2, 1])
    shuffled = replace(one, numbers=one.numbers[order], positions=one.positions[order] + [5.0, -3.0, 2.0])
    here, there = (part.evaluate(collate([frame], 0.0)) for frame in (one, shuffled))
    torch.testing.assert_close(there.energies, here.energies)
    torch.testing.assert_close(there.forces, here.forces[torch.from_numpy(order)])


def test_the_answer_depends_on_elements_charge_and_spin():
    frame = mixed()[0]
    answers = []
    for charge, spin, number in ((0, 1, 8), (1, 1, 8), (0, 3, 8), (0, 1, 7)):
        part = untrained(GraphFreeTransformer)
        part.charge, part.spin = charge, spin
        asked = replace(frame, numbers=np.array([number, 1, 1]))
        answers.append(part.evaluate(collate([asked], 0.0)).forces)
    for other in answers[1:]:
        assert (other - answers[0]).abs().max() > 1e-4


@pytest.mark.parametrize("frames", ["random", "cube"])
def test_conservative_forces_are_minus_the_gradient_and_sum_to_zero(frames):
    part, frame = untrained(ConservativeGraphFreeTransformer, frames), mixed()[1]
    found = violation(part, frame, step=1e-4)
    assert found.against_energy_ev_per_angstrom < 1e-6
    assert found.asymmetry < 1e-6
    assert found.net_force_ev_per_angstrom < 1e-10
    assert part.evaluate(collate([frame], 0.0), stress=True).stress.abs().max() == 0


def test_direct_forces_are_no_gradient_and_the_check_says_so():
    found = violation(untrained(GraphFreeTransformer), mixed()[1], step=1e-4)
    assert found.asymmetry > 0.05
    assert found.net_force_ev_per_angstrom > 1e-3
    assert found.against_energy_ev_per_angstrom > 1e-3


def test_the_frames_of_inertia_make_the_answer_turn_with_the_molecule_exactly():
    every = mixed()[:3]
    assert rotation_error(untrained(GraphFreeTransformer, "inertia"), every).force_share < 1e-9
    assert rotation_error(untrained(GraphFreeTransformer), every).force_share > 1e-2


def test_averaging_over_a_cube_leaves_less_of_the_rotation_error():
    every = mixed()[:3]
    for kind in PARTS:
        one, cube = (rotation_error(untrained(kind, frames), every).energy_ev for frames in ("random", "cube"))
        assert cube < one / 2


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_springs_better_than_the_mean(trained, name):
    part, unseen = trained[name], spring_trimers(60, seed=5)
    said = part.evaluate(collate(unseen, 0.0, torch.float32))
    forces = np.concatenate([frame.forces for frame in unseen])
    energies = np.array([frame.energy for frame in unseen])
    assert np.abs(said.forces.numpy() - forces).mean() < 0.6 * np.abs(forces).mean()
    assert np.abs(said.energies.numpy() - energies).mean() < np.abs(energies - energies.mean()).mean()
    losses = [epoch.loss for epoch in part.outcome.history]
    assert losses[-1] < 0.7 * losses[0]


def test_training_again_gives_the_same_and_another_seed_another():
    frames = spring_trimers(12)
    answers = []
    for seed in (0, 0, 1):
        part = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=2, batch=4))
        part.fit_frames(frames[:8], frames[8:], seed)
        answers.append(part.evaluate(collate(frames, 0.0, torch.float32)).forces)
    assert torch.equal(answers[0], answers[1]) and not torch.equal(answers[0], answers[2])


def test_training_that_was_stopped_goes_on_from_its_folder(tmp_path):
    frames, training = spring_trimers(12), GraphFreeTraining(epochs=2, batch=4)
    first, again = (GraphFreeTransformer(TINY, training, folder=tmp_path) for _ in range(2))
    first.fit_frames(frames[:8], frames[8:])
    again.fit_frames(frames[:8], frames[8:])
    assert again.outcome == first.outcome and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", PARTS, ids=NAMES)
def test_a_part_comes_back_from_its_settings_and_tensors(kind, tmp_path):
    part, every = untrained(kind).float(), mixed()
    back = kind.restore(dict(part.settings()), part.state_dict())
    for dtype in (torch.float32, torch.float64):
        one, two = (each.evaluate(collate(every, 0.0, dtype)) for each in (part, back))
        assert torch.equal(one.energies, two.energies) and torch.equal(one.forces, two.forces)
        assert one.energies.dtype == torch.float64 and one.forces.dtype == dtype
    assert back.count() == part.count() > 0


def test_energies_of_thousands_of_ev_keep_their_digits_in_single_precision():
    frames = [replace(frame, energy=frame.energy - 40_000.0) for frame in spring_trimers(20)]
    part = GraphFreeTransformer(replace(TINY, initial=1e-4), GraphFreeTraining(epochs=1))
    part.fit_frames(frames, [])
    said = part.evaluate(collate(frames, 0.0, torch.float32)).energies
    mean = np.mean([frame.energy for frame in frames])
    assert abs(float(said.mean()) - mean) < 1e-4


def test_what_it_cannot_read_is_refused():
    frames = mixed()
    cell = Frame(np.array([6, 6]), np.zeros((2, 3)), 5 * np.eye(3), np.ones(3, bool), -1.0, np.zeros((2, 3)))
    part = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1))
    with pytest.raises(InputError, match="cell"):
        part.fit_frames([cell], [])
    with pytest.raises(InputError, match="not learned"):
        part.evaluate(collate(frames, 0.0))
    with pytest.raises(InputError, match="element 118"):
        part.fit_frames([replace(frames[0], numbers=np.array([118, 1, 1]))], [])
    with pytest.raises(InputError, match="charge=30"):
        GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1), charge=30).fit_frames(frames, [])
    with pytest.raises(InputError, match="jump"):
        ConservativeGraphFreeTransformer(TINY, GraphFreeTraining(frames="inertia"))
    with pytest.raises(InputError, match="frames='other'"):
        GraphFreeTraining(frames="other")


def test_the_published_size_is_that_of_the_smallest_of_the_paper():
    with torch.device("meta"):
        network = GraphFreeNetwork(PUBLISHED, direct=True)
    assert 52e6 < sum(one.numel() for one in network.parameters()) < 62e6
