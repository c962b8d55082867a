from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labformer.domains.symbolic.models.odeformer import SMALL
from labformer.domains.symbolic.proposing.corpus import Corpus, make_corpus, pack_examples
from labformer.domains.symbolic.proposing.corruption import CorruptionConfig, corrupted, drawn_units, in_units
from labformer.domains.symbolic.proposing.generator import (
    FIRST,
    LAST,
    GeneratorConfig,
    _tree,
    draw_examples,
    draw_system,
)
from labformer.domains.symbolic.proposing.integrate import integrate_many
from labformer.domains.symbolic.proposing.lessons import Lessons, clean_example
from labformer.domains.symbolic.proposing.normal_form import compile_expressions, from_sympy, to_system
from labformer.domains.symbolic.proposing.tokens import WORDS, read_tokens, system_tokens
from labformer.domains.symbolic.system import System
from labformer.shared.errors import InputError

TWO = GeneratorConfig(states=2, binaries=2, unaries=1, settled=0.3)


@pytest.fixture(scope="module")
def examples() -> list:
    return draw_examples(np.random.default_rng(3), 60, TWO)[0]


def test_the_same_seed_draws_the_same_systems() -> None:
    draws = [[draw_system(np.random.default_rng(seed)) for seed in range(5)] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len({str(one) for one in draws[0]}) == 5


def test_numbers_lie_in_the_published_range() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        one = draw_system(random, GeneratorConfig(states=1, binaries=1, unaries=0))
        assert one is not None
        words = system_tokens(one)
        assert 1 <= len(one) <= 1
        assert len(words) <= 30


def test_trees_are_uniform_and_hold_their_operators() -> None:
    random = np.random.default_rng(1)

    def shape(tree: tuple) -> str:
        return "x" if tree[0] == "x" else f"({shape(tree[1])}{shape(tree[2])})"

    counts = Counter(shape(_tree(random, 3, 1)) for _ in range(4000))
    assert len(counts) == 5, "as many as the Catalan number says"
    assert min(counts.values()) > 650  # of 800; five deviations


def test_an_example_follows_its_law_and_keeps_the_limit(examples: list) -> None:
    assert len(examples) >= 8
    for one in examples[:8]:
        times = np.linspace(FIRST, LAST, len(one.states))
        got = integrate_many([compile_expressions(one.components)], one.states[:1], times, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(got.states[0], one.states, rtol=2e-2, atol=2e-2)
        assert 50 <= len(one.states) <= 200
        assert np.abs(one.states).max() <= 100
        assert read_tokens([WORDS[word] for word in one.words]) is not None


def test_a_corpus_goes_on_where_it_stopped_and_refuses_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labformer.domains.symbolic.proposing.corpus.DRAWS", 16)
    whole = make_corpus(tmp_path / "whole", 8, TWO, seed=4, progress=False)
    small = make_corpus(tmp_path / "parts", 2, TWO, seed=4, progress=False)
    grown = make_corpus(tmp_path / "parts", 8, TWO, seed=4, progress=False)
    assert len(small) < len(grown)
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(whole, name), getattr(grown, name))
    with pytest.raises(InputError, match="other settings"):
        make_corpus(tmp_path / "parts", 8, TWO, seed=5, progress=False)


def test_corruption_drops_then_disturbs_and_never_twice_alike(examples: list) -> None:
    random = np.random.default_rng(0)
    path = (np.linspace(FIRST, LAST, len(examples[0].states)), examples[0].states)
    some, other = (corrupted(path, random, CorruptionConfig(dropped=(0.5,), noise=(0.1,))) for _ in range(2))
    assert len(some[0]) == len(path[0]) - len(path[0]) // 2
    assert (np.diff(some[0]) > 0).all()
    assert not np.array_equal(some[0], other[0])
    kept = np.isin(path[0], some[0])
    ratio = some[1] / path[1][kept]
    assert 0.05 < (ratio - 1).std() < 0.2
    clean = corrupted(path, random, CorruptionConfig(dropped=(0.0,), noise=(0.0,)))
    np.testing.assert_array_equal(clean[1], path[1])


@pytest.mark.parametrize("text", [["x_1", "-2.0*x_0 - 0.5*x_1"], ["sin(x_0)*x_1 + 1.0", "x_0/(x_1**2 + 2.0)"]])
def test_other_units_follow_the_chain_rule(text: list[str]) -> None:
    system = System.parse(text)
    law = tuple(map(from_sympy, system.equations))
    scale, rate = [2.0, -0.3], 1.7
    wanted = system.rescaled(scale, rate)
    x = np.array([0.4, 0.9])
    np.testing.assert_allclose(to_system(in_units(law, scale, [0, 1], rate)).rhs(0.0, x), wanted.rhs(0.0, x))
    np.testing.assert_allclose(
        to_system(in_units(law, [1.0, 1.0], [1, 0])).rhs(0.0, x), system.permuted([1, 0]).rhs(0.0, x)
    )


def test_a_rescaled_lesson_is_still_its_law(examples: list) -> None:
    """The words of an augmented example describe its augmented trajectory."""
    corpus = pack_examples(examples, 3)
    random = np.random.default_rng(2)
    (times, states), words = clean_example(corpus, 0)
    law = read_tokens([WORDS[word] for word in words])
    scale, order = drawn_units(len(law), random, CorruptionConfig())
    moved = (states * scale)[:, order]
    got = integrate_many([compile_expressions(in_units(law, scale, order))], moved[:1], times)
    np.testing.assert_allclose(got.states[0], moved, rtol=3e-2, atol=3e-2)


def test_lessons_keep_like_lengths_together_and_no_system_on_both_sides(examples: list) -> None:
    corpus = pack_examples(examples, 3)
    lessons = Lessons(corpus, SMALL, CorruptionConfig(), batch=4)
    assert sum(len(group) for group in lessons.groups) <= len(corpus)
    first, held = lessons.split(6)
    assert isinstance(first.corpus, Corpus)
    assert len(first.corpus) <= len(corpus) - 6
    points, words = held[0]
    assert points.words.shape[:2] == points.real.shape
    assert words.shape[0] == points.real.shape[0]
    again, _ = first.split(6)
    assert len(again.corpus) < len(first.corpus)


@pytest.mark.parametrize(
    "wrong", [{"states": 0}, {"states": 7}, {"binaries": 0}, {"points": (3, 9)}, {"starts": 0}], ids=str
)
def test_a_generator_that_draws_nothing_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        GeneratorConfig(**wrong)
