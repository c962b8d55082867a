from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from labformer.domains.symbolic.models.odeformer import SMALL, ODEFormer
from labformer.domains.symbolic.proposing.generator import Example, GeneratorConfig
from labformer.domains.symbolic.proposing.normal_form import from_sympy
from labformer.domains.symbolic.proposing.proposal_card import card
from labformer.domains.symbolic.proposing.proposal_quality import blind, fresh_examples, measure, r2, surprise
from labformer.domains.symbolic.proposing.proposals import Proposal, Proposer, Readings
from labformer.domains.symbolic.proposing.training import PUBLISHED_TRAINING, ProposerTraining, training_of
from labformer.domains.symbolic.system import System
from labformer.domains.symbolic.trajectory import Trajectory
from labformer.shared.errors import InputError
from labformer.shared.learning.loop import Epoch, Outcome

SIMPLE = GeneratorConfig(states=2, binaries=1, unaries=0, settled=0.0, longest=40)


def law_of(*text: str) -> tuple:
    return tuple(map(from_sympy, System.parse(list(text)).equations))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return fresh_examples(5, SIMPLE, 3)


def test_fresh_examples_follow_the_seed_and_are_different_systems(examples: list[Example]) -> None:
    assert [one.components for one in fresh_examples(5, SIMPLE, 3)] == [one.components for one in examples]
    assert len({one.components for one in examples}) == 5


def test_the_truth_scores_one_and_an_empty_answer_zero(examples: list[Example]) -> None:
    laws = iter([one.components for one in examples])
    perfect = measure(lambda run: Readings([Proposal(next(laws), 0.0, 0.0)], 1, 1), examples)
    assert (perfect.term_recall, perfect.structure_recall, perfect.reconstructed, perfect.parsed) == (1, 1, 1, 1)
    nothing = measure(lambda run: Readings([], 4, 0), examples)
    assert (nothing.term_recall, nothing.structure_recall, nothing.reconstructed, nothing.parsed) == (0, 0, 0, 0)
    with pytest.raises(InputError):
        measure(lambda run: Readings([], 0, 0), [])


def test_r2_is_one_for_the_truth_and_zero_for_what_blows_up() -> None:
    times = np.linspace(0, 4, 60)
    run = Trajectory(times, np.exp(-times)[:, None])
    assert r2(law_of("-1.0*x_0"), run) == pytest.approx(1.0, abs=1e-6)
    assert r2(law_of("x_0**3 + 5.0*x_0"), run) == 0.0
    assert r2(law_of("0"), run) < 0


def test_blind_draws_have_the_dimension_of_the_run(examples: list[Example]) -> None:
    read = blind(SIMPLE, 4)
    for states in (1, 2):
        run = Trajectory(np.linspace(1, 10, 20), np.random.default_rng(0).normal(size=(20, states)))
        found = read(run)
        assert {len(one.components) for one in found.proposals} == {states}
        assert [one.error for one in found.proposals][0] == min(one.error for one in found.proposals)


def test_an_untrained_network_is_as_surprised_as_a_guess(examples: list[Example]) -> None:
    torch.manual_seed(0)
    assert surprise(Proposer(ODEFormer(SMALL)), examples) > 7


def test_the_card_says_what_it_must(examples: list[Example]) -> None:
    figures = asdict(measure(lambda run: Readings([], 4, 0), examples))
    outcome = Outcome(1, 2.0, [Epoch(1, 10, 3.0, 2.0, 1e-3, 60.0)], 60.0)
    text = card(ProposerTraining(), outcome, {"trained": {**figures, "surprise": 2.0}, "blind draws": figures})
    for word in ("Seed", "Figures", "Do not use", "Licence", "Units", "simulated"):
        assert word in text


def test_the_published_training_is_the_papers() -> None:
    made = PUBLISHED_TRAINING
    assert (made.model.width, made.model.encoder_depth, made.model.decoder_depth, made.model.heads) == (512, 4, 12, 16)
    assert (made.corruption.noise[-1], made.corruption.dropped[-1], made.corruption.rescaled) == (0.1, 0.5, 0.0)
    assert (made.learning_rate, made.warmup, made.mantissa) == (2e-4, 10_000, 1.0)
    assert replace(made.generator) == GeneratorConfig()


def test_a_size_of_training_takes_changes_and_refuses_nonsense() -> None:
    made = training_of("published", {"steps": 3, "out": "ignored", "learning_rate": 1e-4})
    assert (made.steps, made.learning_rate, made.model) == (3, 1e-4, PUBLISHED_TRAINING.model)
    with pytest.raises(InputError, match="small, published"):
        training_of("huge", {})
    with pytest.raises(InputError, match="fewer than all"):
        training_of("small", {"examples": 10, "held": 10})
