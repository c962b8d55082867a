"""ODEFormer: a trajectory in, the tokens of its equations out (d'Ascoli et al. 2024, arXiv:2310.05573).

A post-norm encoder-decoder transformer. Each point of the trajectory is one token, made of its number words; the
decoder writes the system in prefix notation. `PUBLISHED` has the published sizes. `SMALL` differs from the paper in
two ways that a processor needs: mantissas are written as two digit pairs that share small tables, and each point also
carries its states and slopes as plain numbers.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shared.errors import InputError
from ....shared.transformer.attention import causal_bias, hide
from ....shared.transformer.block import CrossBlock, PostNormBlock
from ....shared.transformer.feedforward import FeedForward
from ....shared.transformer.multihead import Cache, CrossHead, MultiHead
from ....shared.transformer.stack import Decoder, Encoder
from ..proposing.tokens import MANTISSA, NUMBER, PAD, STATES, WORDS

PAIR = 100  # values of two digits
SIZES = [MANTISSA, PAIR, PAIR]  # rows of plain words, of first and of last two digits
REACH = (1, 4)  # points to each side over which a slope is taken


@dataclass(frozen=True, slots=True)
class ODEFormerConfig:
    """Sizes; the defaults are those of the published training script."""

    states: int = STATES  # most states of a system
    width: int = 512
    encoder_depth: int = 4
    decoder_depth: int = 12
    heads: int = 16
    number_width: int = 64  # of one word of a point
    points: int = 200  # that the network was trained on, at most
    length: int = 200  # words of a system, at most
    mantissa: Literal["table", "digits"] = "table"  # a row for each of 10,000, or the sum of two rows of 100
    slopes: bool = False  # give states and slopes as numbers too

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise InputError(f"width={self.width} must be a multiple of heads={self.heads}.")
        if not 1 <= self.states <= STATES:
            raise InputError(f"states={self.states} must lie in 1 to {STATES}, as the vocabulary does.")
        if min(self.encoder_depth, self.decoder_depth, self.number_width) < 1 or min(self.points, self.length) < 8:
            raise InputError(f"{self} has a size that is too small.")


PUBLISHED = ODEFormerConfig()
SMALL = ODEFormerConfig(
    states=3, width=128, encoder_depth=2, decoder_depth=3, heads=4, number_width=16, points=64, length=96,
    mantissa="digits", slopes=True,
)  # fmt: skip


class Points(NamedTuple):
    """Trajectories for the network."""

    words: Tensor  # (batch, point, 3 (states + 1)) numbers of words, padding included
    numbers: (
        Tensor  # (batch, point, 1 + states (1 + slopes)) time, states and slopes, compressed; zero for missing ones
    )
    real: Tensor  # (batch, point) True where there is a point


class WordTable(nn.Module):
    """One row a word; with `output` also the scores of words, by the same rows."""

    def __init__(self, width: int, output: bool) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(len(WORDS), width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(len(WORDS))) if output else None

    def forward(self, words: Tensor) -> Tensor:
        """(...) -> (..., width)."""
        return F.embedding(words, self.rows)

    def log_probabilities(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., word)."""
        return F.linear(x, self.rows, self.bias).log_softmax(-1)

    def surprise(self, x: Tensor, words: Tensor) -> Tensor:
        """Minus the log-probability of words (...) after x (..., width), in nats."""
        return -self.log_probabilities(x).gather(-1, words[..., None])[..., 0]


class DigitTable(nn.Module):
    """A row for each plain word; a mantissa is the sum of the rows of its first and of its last two digits.

    Scores are sums in the same way, so a softmax over all words costs no more than one over the rows.
    """

    def __init__(self, width: int, output: bool) -> None:
        super().__init__()
        rows = MANTISSA + 2 * PAIR
        self.rows = nn.Parameter(torch.randn(rows, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(rows)) if output else None

    def forward(self, words: Tensor) -> Tensor:
        """(...) -> (..., width)."""
        first, second = self._parts(words)
        number = (words >= MANTISSA)[..., None]
        return F.embedding(first, self.rows) + F.embedding(second, self.rows) * number

    def log_probabilities(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., word)."""
        scores = F.linear(x, self.rows, self.bias)
        plain, high, low = torch.split(scores, SIZES, -1)
        pairs = (high[..., :, None] + low[..., None, :]).flatten(-2)
        return torch.cat([plain, pairs], -1).log_softmax(-1)

    def surprise(self, x: Tensor, words: Tensor) -> Tensor:
        """Minus the log-probability of words (...) after x (..., width), in nats."""
        scores = F.linear(x, self.rows, self.bias)
        plain, high, low = (part.logsumexp(-1) for part in torch.split(scores, SIZES, -1))
        first, second = (scores.gather(-1, part[..., None])[..., 0] for part in self._parts(words))
        return torch.logaddexp(plain, high + low) - first - second * (words >= MANTISSA)

    def _parts(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of the word or of its first two digits, and of its last two digits."""
        mantissa = (words - MANTISSA).clamp(min=0)
        high = torch.where(words < MANTISSA, words, MANTISSA + mantissa // PAIR)
        return high, MANTISSA + PAIR + mantissa % PAIR


class PostCrossBlock(CrossBlock):
    """A decoder block with a norm after each sum (Vaswani et al. 2017, section 3.1)."""

    def step(
        self, x: Tensor, memory: Cache, cache: Cache | None = None, bias: Tensor | None = None,
        context_bias: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:  # fmt: skip
        """As `CrossBlock.step`."""
        mix, cross = self.mix, self.cross
        assert isinstance(mix, MultiHead)
        change, cache = mix.step(x, cache, bias)
        x = self.norm_mix(self.add_mix(x, self.drop(change)))
        query = cross.query(x, cache.key.shape[-2] - x.shape[-2])
        x = self.norm_cross(x + self.drop(cross.gather(query, memory, context_bias)))
        out: Tensor = self.norm_feed(self.add_feed(x, self.drop(self.feed(x))))
        return out, cache


class ODEFormer(nn.Module):
    """Writes the system of a trajectory; points in, surprise of the right words out, or words one by one."""

    Config = ODEFormerConfig

    def __init__(self, config: ODEFormerConfig = PUBLISHED) -> None:
        super().__init__()
        self.config = config
        width, heads = config.width, config.heads
        table = WordTable if config.mantissa == "table" else DigitTable

        def norm() -> nn.LayerNorm:
            return nn.LayerNorm(width, eps=1e-12)

        def feed() -> FeedForward:
            return FeedForward(width, 4 * width, F.silu)

        flat = 3 * (config.states + 1) * config.number_width
        self.point_words = table(config.number_width, output=False)
        self.rise, self.fall = nn.Linear(flat, flat), nn.Linear(flat, width)
        self.numbers = nn.Linear(1 + config.states * (1 + len(REACH)), flat, bias=False) if config.slopes else None
        self.norm_points, self.norm_words = norm(), norm()
        self.encoder = Encoder(
            PostNormBlock(MultiHead(width, heads), feed(), norm(), norm()) for _ in range(config.encoder_depth)
        )
        self.words = table(width, output=True)
        self.place = nn.Parameter(torch.randn(config.length, width) * width**-0.5)
        self.decoder = Decoder(
            PostCrossBlock(MultiHead(width, heads), CrossHead(width, heads), feed(), norm(), norm(), norm())
            for _ in range(config.decoder_depth)
        )

    def encode(self, points: Points) -> Tensor:
        """-> (batch, point, width); the order of the points does not matter."""
        x = self.rise(self.point_words(points.words).flatten(-2))
        if self.numbers is not None:
            x = x + self.numbers(points.numbers)
        encoded: Tensor = self.encoder(self.norm_points(self.fall(F.silu(x))), bias=hide(points.real))
        return encoded

    def forward(self, points: Points, words: Tensor) -> Tensor:
        """Surprise in nats of each word after the first, given those before it; zero where the word is padding.

        words (batch, token) -> (batch, token - 1)
        """
        x = self._embed(words[:, :-1], 0)
        bias = causal_bias(x.shape[1], x.shape[1], device=x.device)
        x = self.decoder(x, self.encode(points), bias, hide(points.real))
        surprise: Tensor = self.words.surprise(x, words[:, 1:])
        return surprise * (words[:, 1:] != NUMBER[PAD])

    def read(self, points: Points) -> tuple[list[Cache], Tensor]:
        """What the decoder needs of trajectories, made once for all words: memory, and the bias that hides padding."""
        return self.decoder.read(self.encode(points)), hide(points.real)

    def step(
        self, words: Tensor, place: int, memory: list[Cache], hidden: Tensor, caches: list[Cache] | None
    ) -> tuple[Tensor, list[Cache]]:
        """One more word (batch,) of each sequence -> log-probabilities (batch, word) of the next, and the caches."""
        x, caches = self.decoder.step(self._embed(words[:, None], place), memory, caches, None, hidden)
        scores: Tensor = self.words.log_probabilities(x[:, 0])
        return scores, caches

    def _embed(self, words: Tensor, place: int) -> Tensor:
        embedded: Tensor = self.norm_words(self.words(words) + self.place[place : place + words.shape[1]])
        return embedded


def mean_surprise(model: ODEFormer, batch: tuple[Points, Tensor], mantissa: float = 1.0) -> Tensor:
    """Cross entropy with teacher forcing, the mean over words, in nats; shape ().

    `mantissa` is the weight of mantissas in the mean: 1 as published. A small network cannot tell their last digits,
    and what it gets from them is mostly noise.
    """
    points, words = batch
    aim = words[:, 1:]
    weight = torch.where(aim >= MANTISSA, mantissa, 1.0) * (aim != NUMBER[PAD])
    mean: Tensor = (model(points, words) * weight).sum() / weight.sum()
    return mean
