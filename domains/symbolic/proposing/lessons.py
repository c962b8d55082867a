"""A corpus as batches for training: examples of like length together, corrupted anew at each visit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..models.odeformer import ODEFormer, ODEFormerConfig, Points
from .corpus import Corpus
from .corruption import CorruptionConfig, corrupted, drawn_units, in_units
from .generator import FIRST, LAST
from .normal_form import is_finite
from .points import Path, gather_points, thinned
from .tokens import MANTISSA, NUMBER, PAD, WORDS, read_tokens, system_tokens, token_numbers

POOL = 64  # batches whose examples are sorted together by length


@dataclass(eq=False)
class Lessons:
    """Row i is a whole batch: about `batch` examples of like length; made anew, and different, at each call."""

    corpus: Corpus
    model: ODEFormerConfig
    corruption: CorruptionConfig
    batch: int = 64
    seed: int = 0
    longest: int = 200  # words of an example

    def __post_init__(self) -> None:
        length = np.diff(self.corpus.word_edge)
        fits = np.flatnonzero(
            (length <= min(self.longest, self.model.length)) & (self.corpus.dimension <= self.model.states)
        )
        if not len(fits):
            raise InputError("no example of the corpus fits the network; give it more states or length.")
        order = np.random.default_rng(self.seed).permutation(fits)
        pools = [order[at : at + POOL * self.batch] for at in range(0, len(order), POOL * self.batch)]
        ranked = [pool[np.argsort(length[pool], kind="stable")] for pool in pools]
        self.groups = [pool[at : at + self.batch] for pool in ranked for at in range(0, len(pool), self.batch)]

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self.groups)

    def batch_of(self, rows: NDArray[np.int64], random: np.random.Generator) -> tuple[Points, Tensor]:
        """These examples: their points, and their words (batch, token) with padding."""
        lessons = [self._lesson(int(row), random) for row in rows]
        return gather_points([path for path, _ in lessons], self.model), padded([words for _, words in lessons])

    def __getitem__(self, group: int) -> tuple[Points, Tensor]:
        """Batch number `group`, corrupted by a draw of its own that is always the same: for validation."""
        return self.batch_of(self.groups[group], np.random.default_rng([self.seed, group]))

    def split(self, held: int) -> tuple["Lessons", list[tuple[Points, Tensor]]]:
        """Lessons on all but about the last `held` examples, and these as fixed batches; no system stands in both."""
        cut = max(1, len(self.corpus) - held)
        while cut < len(self.corpus) and np.array_equal(self.corpus.system(cut), self.corpus.system(cut - 1)):
            cut += 1
        first, second = (
            Lessons(self.corpus.part(*ends), self.model, self.corruption, self.batch, self.seed, self.longest)
            for ends in ((0, cut), (cut, len(self.corpus)))
        )
        return first, [second[place] for place in range(len(second))]

    def _lesson(self, row: int, random: np.random.Generator) -> tuple[Path, NDArray[np.int64]]:
        path, words = clean_example(self.corpus, row)
        if self.corruption.rescaled and random.random() < self.corruption.rescaled:
            components = read_tokens([WORDS[word] for word in words])
            scale, order = drawn_units(len(components), random, self.corruption)
            other = in_units(components, scale, order)
            said = token_numbers(system_tokens(other)) if all(map(is_finite, other)) else words
            if len(said) <= self.model.length:
                path, words = (path[0], (path[1] * scale)[:, order]), said
        return thinned(corrupted(path, random, self.corruption), self.model.points, random), words


@dataclass(eq=False)
class Visits:
    """`Lessons` as the training loop asks for them: `count` batches an epoch, each drawn at random from all.

    The draws come from torch's stream, which the loop seeds and keeps with its checkpoints.
    """

    lessons: Lessons
    count: int

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return self.count

    def batch(self, indices: Tensor) -> tuple[Points, Tensor]:
        """One batch for each of `indices`, joined; which ones, only chance says."""
        rows = np.concatenate([self.lessons.groups[place] for place in self._draw(len(self.lessons), len(indices))])
        return self.lessons.batch_of(rows, np.random.default_rng(self._draw(2**62, 1)))

    def _draw(self, below: int, count: int) -> list[int]:
        drawn: list[int] = torch.randint(below, (count,)).tolist()
        return drawn


def clean_example(corpus: Corpus, row: int) -> tuple[Path, NDArray[np.int64]]:
    """The trajectory of an example and the words of its system."""
    words = corpus.system(row)
    states = corpus.states[corpus.point_edge[row] : corpus.point_edge[row + 1], : corpus.dimension[row]]
    return (np.linspace(FIRST, LAST, len(states)), states.astype(np.float64)), words


def padded(words: Sequence[NDArray[np.int64]]) -> Tensor:
    """Sequences as one tensor (batch, token), padding at the end."""
    out = np.full((len(words), max(map(len, words))), NUMBER[PAD])
    for row, one in enumerate(words):
        out[row, : len(one)] = one
    return torch.from_numpy(out)


def held_surprise(
    model: ODEFormer,
    batches: Sequence[tuple[Points, Tensor]],
    device: str | torch.device = "cpu",
    mantissa: float = 1.0,
) -> float:
    """Nats a word over fixed batches, mantissas counted with this weight."""
    total = count = 0.0
    with torch.no_grad():
        for points, words in batches:
            surprise = model(Points(*(one.to(device) for one in points)), words.to(device)).cpu()
            aim = words[:, 1:]
            weight = torch.where(aim >= MANTISSA, mantissa, 1.0) * (aim != NUMBER[PAD])
            total += float((surprise * weight).sum())
            count += float(weight.sum())
    return total / count
