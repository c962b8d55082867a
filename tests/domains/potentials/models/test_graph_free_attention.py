import numpy as np
import pytest
import torch

from labformer.domains.potentials.frame import molecule
from labformer.domains.potentials.models.graph_free import GraphFreeTransformer
from labformer.domains.potentials.models.graph_free_attention import (
    atom_attention,
    attention_by_distance,
    effective_radius,
)
from labformer.domains.potentials.models.graph_free_config import GraphFreeConfig, GraphFreeTraining
from labformer.domains.potentials.models.graph_free_frames import (
    cube_rotations,
    inertia_frames,
    random_rotations,
    turned,
)
from labformer.shared.errors import InputError

TINY = GraphFreeConfig(width=16, depth=2, heads=2, hidden=24, initial=0.3)


def chain(spacing=1.0, atoms=6):
    positions = np.array([[spacing * i, 0.1 * (i % 2), 0.05 * i] for i in range(atoms)])
    return molecule(np.full(atoms, 6), positions).labelled(0.0, np.ones((atoms, 3)))


@pytest.fixture(scope="module")
def part():
    made = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1))
    made.fit_frames([chain()], [])
    return made


def test_weights_between_atoms_leave_room_for_the_marks_and_do_not_change_the_answer(part):
    weights = atom_attention(part, chain())
    assert weights.shape == (2, 2, 6, 6) and (weights >= 0).all()
    assert (weights.sum(-1) < 1).all()


def test_in_frames_of_inertia_attention_turns_with_the_molecule():
    made = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1, frames="inertia"))
    made.fit_frames([chain()], [])
    whole, rotation = chain(), random_rotations(1, torch.float64)[0].numpy()
    other = molecule(whole.numbers, whole.positions @ rotation + 3.0)
    # another of the four frames may come first: the nearest of their weights counts
    apart = [np.abs(atom_attention(made, other) - atom_attention(made, flipped)).max() for flipped in _flips(whole)]
    assert min(apart) < 1e-5


def _flips(frame):
    """The molecule turned by half a turn about each of its axes of inertia, and as it is."""
    centred = torch.from_numpy(frame.positions - frame.positions.mean(0))
    frames = inertia_frames(centred, torch.zeros(len(frame), dtype=torch.long), 1)[:, 0]
    return [molecule(frame.numbers, (centred @ one @ frames[0].T).numpy()) for one in frames]


def test_every_pair_is_counted_once_and_the_mean_weight_is_kept(part):
    frames = [chain(), chain(1.3, 4)]
    found = attention_by_distance(part, frames, longest=20.0, bins=10)
    assert found.pairs.sum() == 6 * 5 + 4 * 3
    total = np.nansum(found.weight * found.pairs, axis=-1)
    by_hand = sum(
        weights.sum((-1, -2)) - np.trace(weights, axis1=2, axis2=3)
        for weights in (atom_attention(part, frame) for frame in frames)
    )
    np.testing.assert_allclose(total, by_hand, rtol=1e-10)
    assert np.isnan(found.weight[..., found.pairs == 0]).all()


def test_where_all_atoms_are_looked_at_alike_the_radius_follows_the_distances(part):
    even = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1))
    even.fit_frames([chain()], [])
    for block in even.network.trunk.encoder.blocks:
        torch.nn.init.zeros_(block.mix.to_qkv.weight)
    near, wide = (effective_radius(even, chain(spacing), share=0.6) for spacing in (1.0, 2.0))
    assert (wide.radius_angstrom > 1.9 * near.radius_angstrom).all()
    third = np.sort(np.linalg.norm(chain().positions - chain().positions[0], axis=1))[3]
    np.testing.assert_allclose(near.radius_angstrom[:, :, 0], third)
    whole = effective_radius(even, chain(), share=1.0).radius_angstrom
    np.testing.assert_allclose(whole[0, 0, 0], np.linalg.norm(chain().positions[5] - chain().positions[0]))
    with pytest.raises(InputError, match="share"):
        effective_radius(even, chain(), share=0.0)


def test_rotations_are_proper_and_uniform_in_the_mean():
    torch.manual_seed(0)
    drawn = random_rotations(4000, torch.float64)
    torch.testing.assert_close(drawn @ drawn.mT, torch.eye(3, dtype=torch.float64).expand(4000, 3, 3))
    torch.testing.assert_close(torch.linalg.det(drawn), torch.ones(4000, dtype=torch.float64))
    assert drawn.mean(0).abs().max() < 0.05
    cube = cube_rotations(torch.float64)
    assert len({tuple(one.flatten().tolist()) for one in cube}) == 24
    assert (torch.linalg.det(cube) == 1).all()


def test_a_molecule_in_its_axes_looks_the_same_however_it_lay():
    torch.manual_seed(1)
    x = torch.randn(5, 3, dtype=torch.float64)
    x = x - x.mean(0)
    zero = torch.zeros(5, dtype=torch.int64)
    y = turned(x, random_rotations(1, torch.float64), zero)
    seen = [turned(x, frame, zero) for frame in inertia_frames(x, zero, 1)]
    again = [turned(y, frame, zero) for frame in inertia_frames(y, zero, 1)]
    for one in again:
        assert min((one - other).abs().max().item() for other in seen) < 1e-10
    assert len(seen) == 4
