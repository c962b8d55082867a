"""Words out of ODEFormer, one by one with a key-value cache: by sampling, or by beam search."""

from typing import NamedTuple

import torch
from torch import Tensor

from ....shared.errors import InputError
from ....shared.transformer.multihead import Cache
from ..models.odeformer import ODEFormer, Points
from .tokens import END, NUMBER, WORDS

CLOSE = NUMBER[END]


class Sentence(NamedTuple):
    """What was written about one trajectory."""

    words: tuple[str, ...]  # opened and, unless the length ran out, closed by the end word
    score: float  # log-probability a word, in nats, of the network itself


@torch.no_grad()
def sample(
    model: ODEFormer, points: Points, count: int, *, temperature: float = 0.1, seed: int = 0
) -> list[list[Sentence]]:
    """`count` sentences for each trajectory, best first, drawn from the softmax of log-probabilities over temperature.

    Raises InputError when the temperature is not above zero.
    """
    if temperature <= 0:
        raise InputError(f"temperature={temperature} must be above 0; use beam search for the likeliest sentences.")
    random = torch.Generator(points.real.device).manual_seed(seed)
    batch, device = len(points.real), points.real.device
    memory, hidden = _repeated(*model.read(points), count)
    rows = torch.arange(batch * count, device=device)
    words = torch.full((len(rows), 1), CLOSE, device=device)
    total = torch.zeros(len(rows), device=device)
    caches: list[Cache] | None = None
    out: list[list[Sentence]] = [[] for _ in range(batch)]
    for place in range(model.config.length - 1):
        scores, caches = model.step(words[:, -1], place, memory, hidden, caches)
        word = torch.multinomial((scores / temperature).softmax(-1), 1, generator=random)
        total = total + scores.gather(1, word)[:, 0]
        words = torch.cat([words, word], 1)
        over = word[:, 0] == CLOSE
        if place == model.config.length - 2:
            over = torch.ones_like(over)
        for row in over.nonzero()[:, 0].tolist():
            said = tuple(WORDS[number] for number in words[row].tolist())
            out[int(rows[row]) // count].append(Sentence(said, float(total[row]) / (len(said) - 1)))
        going = ~over
        if not going.any():
            break
        if over.any():
            rows, words, total, hidden = rows[going], words[going], total[going], hidden[going]
            memory, caches = _taken(memory, going), _taken(caches, going)
    return [sorted(one, key=lambda sentence: -sentence.score) for one in out]


@torch.no_grad()
def beam_search(model: ODEFormer, points: Points, width: int) -> list[list[Sentence]]:
    """Up to `width` sentences for each trajectory, best first: log-probability divided by the number of words.

    Unclosed sentences are not given back.
    """
    batch, device = len(points.real), points.real.device
    memory, hidden = _repeated(*model.read(points), width)
    words = torch.full((batch * width, 1), CLOSE, device=device)
    total = torch.full((batch, width), -torch.inf, device=device)
    total[:, 0] = 0.0  # all beams are the same at first
    caches: list[Cache] | None = None
    done: list[list[Sentence]] = [[] for _ in range(batch)]
    first = torch.arange(batch, device=device)[:, None] * width
    for place in range(model.config.length - 1):
        scores, caches = model.step(words[:, -1], place, memory, hidden, caches)
        joint = (total[..., None] + scores.view(batch, width, -1)).flatten(1)
        best, where = joint.topk(2 * width, -1)  # of twice the width, at least half do not close
        beam, word = first + where // len(WORDS), where % len(WORDS)
        closes = word == CLOSE
        for row, column in (closes & best.isfinite()).nonzero().tolist():
            said = (*words[beam[row, column]].tolist(), CLOSE)
            if column < width:  # what closes must be among the best
                done[row].append(Sentence(tuple(map(WORDS.__getitem__, said)), float(best[row, column]) / (place + 1)))
        kept = closes.to(torch.int8).sort(dim=1, stable=True).indices[:, :width]
        total, beam, word = best.gather(1, kept), beam.gather(1, kept).flatten(), word.gather(1, kept).reshape(-1, 1)
        words = torch.cat([words[beam], word], 1)
        caches = _taken(caches, beam)
        if all(_settled(found, one, width, place + 1) for found, one in zip(done, total, strict=True)):
            break
    return [sorted(one, key=lambda sentence: -sentence.score)[:width] for one in done]


def _settled(found: list[Sentence], total: Tensor, width: int, length: int) -> bool:
    """Whether enough sentences are closed and no open one leads the worst of the best."""
    if len(found) < width:
        return False
    return float(total.max()) / length < sorted(one.score for one in found)[-width]


def _repeated(memory: list[Cache], hidden: Tensor, count: int) -> tuple[list[Cache], Tensor]:
    return [Cache(*(part.repeat_interleave(count, 0) for part in one)) for one in memory], hidden.repeat_interleave(
        count, 0
    )


def _taken(caches: list[Cache], rows: Tensor) -> list[Cache]:
    return [Cache(one.key[rows], one.value[rows]) for one in caches]
