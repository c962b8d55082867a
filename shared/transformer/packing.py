"""Ragged batches laid end to end: no token is spent on padding, and the result is that of the padded computation."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import InputError
from .attention import Mixer


class Packed(NamedTuple):
    """Sequences of different length end to end; token (1, sum of lengths, channel).

    `encoder(packed.token, lengths=packed.lengths)` runs every block of a stack on it.
    """

    token: Tensor
    lengths: tuple[int, ...]


def pack(sequences: Sequence[Tensor]) -> Packed:
    """Lay sequences (token, channel) end to end; raises InputError when there is none, or their channels differ."""
    if len({sequence.shape[1:] for sequence in sequences}) != 1 or sequences[0].dim() != 2:
        shapes = [tuple(sequence.shape) for sequence in sequences]
        raise InputError(f"packing takes one or more sequences (token, channel) of the same channels; got {shapes}.")
    return Packed(torch.cat(list(sequences))[None], tuple(map(len, sequences)))


def unpack(packed: Packed) -> list[Tensor]:
    """The sequences (token, channel) again, as views."""
    return list(torch.split(packed.token[0], list(packed.lengths)))


def mix_within(mixer: Mixer, query: Tensor, key: Tensor, value: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Mix each packed sequence by itself: attention under a block-diagonal mask, without the masked blocks.

    query, key, value as in `attend`, token axes of sum(lengths). One call a run of neighbours of the same length:
    measured on a CPU with skewed lengths, one call a sequence beats padding (3 to 8 times), padded buckets of similar
    length and nested tensors. Raises InputError when the lengths do not add up to the tokens.
    """
    if sum(lengths) != query.shape[-2]:
        raise InputError(f"lengths add up to {sum(lengths)}, but {query.shape[-2]} tokens are packed.")
    runs = [(length, len(list(same))) for length, same in groupby(lengths)]
    parts = (torch.split(x, [length * count for length, count in runs], -2) for x in (query, key, value))
    return torch.cat([_mix_run(mixer, q, k, v, count) for (_, count), q, k, v in zip(runs, *parts, strict=True)], -2)


def _mix_run(mixer: Mixer, query: Tensor, key: Tensor, value: Tensor, count: int) -> Tensor:
    """Mix `count` sequences of one length, which lie end to end, as a batch."""
    if count == 1:
        return mixer(query, key, value, None)

    def apart(x: Tensor) -> Tensor:  # (batch, head, count * token, channel) -> (batch * count, head, token, channel)
        return torch.unflatten(x, -2, (count, -1)).transpose(1, 2).flatten(0, 1)

    mixed = mixer(apart(query), apart(key), apart(value), None)
    return torch.unflatten(mixed, 0, (-1, count)).transpose(1, 2).flatten(2, 3)
