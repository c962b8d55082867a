from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from labformer.domains.symbolic.models.odeformer import (
    PUBLISHED,
    SMALL,
    DigitTable,
    ODEFormer,
    ODEFormerConfig,
    Points,
    WordTable,
)  # fmt: skip
from labformer.domains.symbolic.proposing.corpus import make_corpus
from labformer.domains.symbolic.proposing.decoding import beam_search, sample
from labformer.domains.symbolic.proposing.generator import GeneratorConfig
from labformer.domains.symbolic.proposing.lessons import padded
from labformer.domains.symbolic.proposing.points import gather_points, thinned
from labformer.domains.symbolic.proposing.tokens import END, NUMBER, WORDS, system_tokens, token_numbers
from labformer.domains.symbolic.proposing.training import ProposerTraining, fit_network
from labformer.domains.symbolic.system import System
from labformer.shared.errors import InputError

TINY = ODEFormerConfig(
    states=2, width=16, encoder_depth=1, decoder_depth=2, heads=2, number_width=4, points=20, length=24,
    mantissa="digits", slopes=True,
)  # fmt: skip
TABLE = replace(TINY, mantissa="table", slopes=False)


def network(config: ODEFormerConfig = TINY, seed: int = 0) -> ODEFormer:
    torch.manual_seed(seed)
    return ODEFormer(config).eval()


def some_points(config: ODEFormerConfig = TINY, counts: tuple[int, ...] = (20, 12)) -> Points:
    random = np.random.default_rng(0)
    paths = [(np.linspace(1, 10, n), random.normal(size=(n, 1 + row % 2))) for row, n in enumerate(counts)]
    return gather_points(paths, config)


def some_words() -> torch.Tensor:
    laws = [["0.5*x_0"], ["x_1", "sin(2.5*x_0)"]]
    return padded([token_numbers(system_tokens(System.parse(law))) for law in laws])


def test_the_published_network_has_about_74_million_parameters() -> None:
    with torch.device("meta"):
        made = ODEFormer(PUBLISHED)
    count = sum(one.numel() for one in made.parameters())
    decoder, encoder = (sum(one.numel() for one in part.parameters()) for part in (made.decoder, made.encoder))
    assert count == pytest.approx(74e6, rel=0.04)  # the rest is decoder positions, 200 here
    assert decoder == pytest.approx(50e6, rel=0.02)
    assert encoder == pytest.approx(13e6, rel=0.04)


def test_the_small_network_fits_three_megabytes_in_bfloat16() -> None:
    assert 2 * sum(one.numel() for one in ODEFormer(SMALL).parameters()) < 3_000_000


@pytest.mark.parametrize("kind", [WordTable, DigitTable])
def test_scores_of_all_words_are_a_distribution_and_surprise_reads_them(kind: type) -> None:
    torch.manual_seed(0)
    table, x = kind(8, output=True), torch.randn(3, 5, 8)
    with torch.no_grad():
        table.bias.normal_()
    words = torch.randint(len(WORDS), (3, 5))
    scores = table.log_probabilities(x)
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(3, 5))
    torch.testing.assert_close(table.surprise(x, words), -scores.gather(-1, words[..., None])[..., 0])


def test_a_mantissa_is_the_sum_of_its_digit_pairs() -> None:
    table = DigitTable(4, output=False)
    number = {word: table(torch.tensor(NUMBER[word])) for word in ("N1234", "N1200", "N0034", "N0000", "sin")}
    torch.testing.assert_close(number["N1234"] + number["N0000"], number["N1200"] + number["N0034"])


@pytest.mark.parametrize("config", [TINY, TABLE], ids=["digits", "table"])
def test_the_cache_says_what_teacher_forcing_says(config: ODEFormerConfig) -> None:
    model, points, words = network(config), some_points(config), some_words()
    with torch.no_grad():
        surprise = model(points, words)
        memory, hidden = model.read(points)
        caches = None
        for place in range(words.shape[1] - 1):
            scores, caches = model.step(words[:, place], place, memory, hidden, caches)
            real = words[:, place + 1] != NUMBER["<pad>"]
            wanted = -scores.gather(1, words[:, place + 1, None])[:, 0] * real
            torch.testing.assert_close(surprise[:, place], wanted, rtol=1e-4, atol=1e-5)


def test_a_word_does_not_see_those_after_it() -> None:
    model, points, words = network(), some_points(), some_words()
    other = words.clone()
    other[:, 5:] = NUMBER["x_0"]
    with torch.no_grad():
        torch.testing.assert_close(model(points, words)[:, :4], model(points, other)[:, :4])


def test_the_order_of_points_and_the_padding_do_not_matter() -> None:
    model, words = network(), some_words()
    points = some_points()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    mixed = Points(*(one[:, order] for one in points))
    alone = Points(*(one[1:, :12] for one in points))
    with torch.no_grad():
        whole = model(points, words)
        torch.testing.assert_close(model(mixed, words), whole, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model(alone, words[1:]), whole[1:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [TINY, TABLE], ids=["digits", "table"])
def test_what_is_sampled_follows_the_seed_and_carries_its_probability(config: ODEFormerConfig) -> None:
    model, points = network(config), some_points(config)
    some, same, other = (sample(model, points, 6, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert some == same
    assert some != other
    assert [len(group) for group in some] == [6, 6]
    for group, row in zip(some, range(2), strict=True):
        for sentence in group:
            words = torch.tensor([[NUMBER[word] for word in sentence.words]])
            with torch.no_grad():
                wanted = model(Points(*(one[row : row + 1] for one in points)), words).mean()
            assert -sentence.score == pytest.approx(wanted.item(), rel=1e-4)
            assert sentence.words[0] == END
    with pytest.raises(InputError):
        sample(model, points, 2, temperature=0)


def test_a_beam_holds_the_best_sentences_in_order() -> None:
    model, points = network(), some_points()
    with torch.no_grad():
        model.words.bias[:] = -6.0
        model.words.bias[[NUMBER[word] for word in (END, "x_0", "sin")]] = 0.0
        found = beam_search(model, points, 8)
        for row, group in enumerate(found):
            assert 1 <= len(group) <= 8
            assert [one.score for one in group] == sorted((one.score for one in group), reverse=True)
            assert len({one.words for one in group}) == len(group)
            for sentence in group:
                words = torch.tensor([[NUMBER[word] for word in sentence.words]])
                wanted = model(Points(*(one[row : row + 1] for one in points)), words).mean()
                assert -sentence.score == pytest.approx(wanted.item(), rel=1e-4)
                assert sentence.words[-1] == END


def test_a_trajectory_is_thinned_evenly_or_by_chance_and_keeps_its_order() -> None:
    path = (np.linspace(1, 10, 50), np.arange(50.0)[:, None])
    even, drawn = thinned(path, 10), thinned(path, 10, np.random.default_rng(0))
    assert even[0][0] == 1
    assert even[0][-1] == 10
    assert (np.diff(drawn[0]) > 0).all()
    assert len(drawn[0]) == 10
    assert thinned(path, 50) is path


@pytest.mark.parametrize(
    "wrong", [{"width": 10}, {"states": 0}, {"states": 9}, {"length": 2}, {"decoder_depth": 0}], ids=str
)
def test_sizes_that_do_not_fit_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        ODEFormerConfig(**wrong)


def test_training_lowers_the_surprise_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labformer.domains.symbolic.proposing.corpus.DRAWS", 40)
    generator = GeneratorConfig(states=2, binaries=1, unaries=0, settled=0.0, longest=24)
    options = ProposerTraining(
        examples=30, held=8, batch=6, steps=6, epochs=3, learning_rate=1e-2, warmup=2, model=TINY, generator=generator
    )
    model, outcome = fit_network(options, tmp_path, progress=False)
    losses = [row.validation for row in outcome.history]
    assert losses[0] is not None and losses[-1] is not None
    assert losses[-1] < losses[0]
    again, same = fit_network(options, tmp_path, progress=False)
    assert same.history == outcome.history
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor)
    assert len(make_corpus(tmp_path / "corpus", 30, generator, seed=1, progress=False)) >= 30
