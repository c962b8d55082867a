from dataclasses import replace

import numpy as np
import pytest
import torch

from labformer.domains.potentials.frame import molecule
from labformer.domains.potentials.models.graph_free import GraphFreeTransformer
from labformer.domains.potentials.models.graph_free_bins import Bins, smoothed
from labformer.domains.potentials.models.graph_free_config import GraphFreeConfig, GraphFreeTraining
from labformer.domains.potentials.models.graph_free_pretraining import NextToken, NextTokenLoss, pretrain, pretrained
from labformer.domains.potentials.models.graph_free_sequences import Ranges, SequenceConfig, Sequences, decoded
from labformer.domains.potentials.models.graph_free_tokens import Mark, tokens_of, vocabulary
from labformer.shared.errors import InputError
from labformer.shared.learning.config import TrainingConfig

TINY = GraphFreeConfig(width=32, depth=2, heads=2, hidden=64, initial=0.1)
SEQUENCE = SequenceConfig(position_bins=4, force_bins=3, energy_bins=6)


def frames(count=24, seed=0):
    draw = np.random.default_rng(seed)
    made = []
    for place in range(count):
        numbers = np.array([[8, 1, 1], [6, 1, 1, 1, 1]][place % 2])
        one = molecule(numbers, draw.standard_normal((len(numbers), 3)))
        energy = -1.0 * len(numbers) + 0.1 * draw.standard_normal()
        made.append(one.labelled(energy, draw.standard_normal((len(one), 3))))
    return made


def test_bins_are_about_equally_full_and_centres_fall_into_their_own():
    values = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) ** 3
    bins = Bins.of(values, 7)
    counts = torch.bincount(bins.bin(values).flatten(), minlength=7)
    assert counts.min() >= 0.95 * 3000 / 7 and counts.max() <= 1.05 * 3000 / 7
    assert bins.bin(bins.centres).tolist() == list(range(7))
    assert bins.bin(torch.tensor([-1e9, 1e9])).tolist() == [0, 6]


def test_a_vector_is_one_id_and_comes_back_in_its_bins():
    values = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    bins = Bins.of(values, 5)
    ids = bins.joint(values)
    assert ids.min() >= 0 and ids.max() < 125
    assert torch.equal(bins.bin(bins.vectors(ids)), bins.bin(values))
    assert bins.joint(bins.centres[torch.tensor([[1, 2, 3]])]).tolist() == [(1 * 5 + 2) * 5 + 3]


def test_bins_that_would_be_empty_are_refused():
    with pytest.raises(InputError, match="repeat"):
        Bins.of(torch.zeros(50), 4)
    with pytest.raises(InputError, match="fewer bins"):
        Bins.of(torch.arange(3.0), 4)


def test_smoothed_targets_sum_to_one_peak_at_the_label_and_stay_local():
    labels = torch.tensor([0, 5, 9])
    spread = smoothed(labels, 10, 0.8).double()
    torch.testing.assert_close(spread.sum(1), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-6)
    assert spread.argmax(1).tolist() == labels.tolist()
    assert spread[1, 4] == spread[1, 6] > 0 and (spread[1, [0, 1, 9]] == 0).all()
    assert torch.equal(smoothed(labels, 10, 0.0), torch.eye(10)[labels])


@pytest.mark.parametrize("forces", ["joint", "axes", "first"])
def test_a_sequence_reads_back_as_the_molecule_within_its_bins(forces):
    every, sequence = frames(), replace(SEQUENCE, forces=forces)
    rows = Sequences(every, TINY, sequence, still=True)
    for place in (0, 1):
        tokens = rows.batch(torch.tensor([place]))
        back, bins = decoded(tokens, TINY, sequence, rows.bins), rows.bins
        assert back.numbers.tolist() == every[place].numbers.tolist()
        assert torch.equal(bins.position.bin(back.positions), bins.position.bin(rows.positions[place]))
        told = rows.forces[place][:1] if forces == "first" else rows.forces[place]
        assert torch.equal(bins.force.bin(back.forces), bins.force.bin(told))
        assert bins.energy.bin(back.energy) == bins.energy.bin(rows.energies[place])


def test_the_layout_is_that_of_the_paper():
    rows = Sequences(frames(), TINY, SEQUENCE, charge=-1, spin=2, still=True)
    tokens, ranges = rows.batch(torch.tensor([0])), Ranges.of(TINY, SEQUENCE)
    marks = [Mark(one) if one < len(Mark) else None for one in tokens.ids.tolist()]
    head = [Mark.BOS, Mark.SPIN, None, Mark.SPIN_END, Mark.CHARGE, None, Mark.CHARGE_END, Mark.POS]
    middle = [*[None] * 3, Mark.POS_END, Mark.FORCE, *[None] * 3, Mark.FORCE_END]
    assert marks == [*head, *middle, Mark.TARGET, None, Mark.TARGET_END, Mark.EOS]
    assert tokens.values[[2, 5]].tolist() == [[2, 0, 0], [-1, 0, 0]]
    torch.testing.assert_close(tokens.values[8:11], rows.positions[0])
    assert (tokens.values[[0, 1, 3, 11, 12, 16, 20]] == 0).all()
    assert tokens.elements.nonzero().flatten().tolist() == [8, 9, 10]
    assert ranges.end == vocabulary(TINY) + 4**3 + 3**3 + 6 and int(tokens.ids.max()) < ranges.end
    assert torch.equal(tokens.ids[:8], tokens_of(TINY, rows.numbers[0], rows.positions[0], (3,), -1, 2).ids[:8])


def test_molecules_are_turned_and_shuffled_anew_each_time():
    rows = Sequences(frames(), TINY, SEQUENCE)
    first, second = (rows.batch(torch.tensor([1])) for _ in range(2))
    assert not torch.equal(first.values, second.values)
    for tokens in (first, second):
        near = torch.linalg.vector_norm(tokens.values[tokens.atoms], dim=1).sort().values
        torch.testing.assert_close(near, torch.linalg.vector_norm(rows.positions[1], dim=1).sort().values)


def test_no_token_sees_the_ones_after_it_and_sequences_do_not_see_each_other():
    rows = Sequences(frames(), TINY, SEQUENCE, still=True)
    tokens = rows.batch(torch.tensor([0, 1, 2]))
    network = NextToken(TINY, SEQUENCE).double()
    tokens = tokens._replace(values=tokens.values.double())
    changed = tokens._replace(values=tokens.values.clone())
    changed.values[24:] += 1.0  # inside the second sequence, behind its fourth token
    with torch.no_grad():
        before, after = network(tokens), network(changed)
    assert tokens.lengths[0] == 21
    torch.testing.assert_close(after[:24], before[:24], rtol=0, atol=1e-12)
    assert (after[24:] - before[24:]).abs().max() > 1e-6


def test_the_loss_of_even_scores_is_the_logarithm_of_the_number_of_bins():
    rows = Sequences(frames(), TINY, SEQUENCE, still=True)
    network = NextToken(TINY, SEQUENCE)
    torch.nn.init.zeros_(network.score.weight)
    found = NextTokenLoss()(network, rows.batch(torch.tensor([0])))
    expected = (3 * np.log(4**3) + 3 * np.log(3**3) + np.log(6)) / 7
    assert abs(float(found.detach()) - expected) < 1e-5


def test_pretraining_lowers_the_loss_and_its_trunk_starts_the_second_stage():
    draw, every = np.random.default_rng(0), []
    for stretch in 0.2 * draw.standard_normal(64):  # the second atom stands opposite to the first: that can be learned
        along = np.array([[0.5 + stretch / 2, 0, 0], [-0.5 - stretch / 2, 0, 0]])
        every.append(molecule(np.array([1, 1]), along).labelled(stretch**2, -4 * stretch * along))
    training = TrainingConfig(epochs=25, batch=16, learning_rate=5e-3)
    network, outcome = pretrain(every[:48], every[48:], TINY, training, SEQUENCE)
    losses = [epoch.loss for epoch in outcome.history]
    assert losses[-1] < losses[0] - 0.5 and outcome.best_validation < outcome.history[0].validation
    start = pretrained(network)
    part = GraphFreeTransformer(TINY, GraphFreeTraining(epochs=1, learning_rate=1e-12), start=start)
    part.fit_frames(every, [])
    for name, tensor in part.network.trunk.state_dict().items():
        torch.testing.assert_close(tensor, start[name], rtol=0, atol=1e-6)
    assert len(start["embed.token.weight"]) == vocabulary(TINY)


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="32"):
        SequenceConfig(position_bins=40)
    with pytest.raises(InputError, match="forces='all'"):
        SequenceConfig(forces="all")
