"""Weights of invariants as matrices that act on densities, so that no invariant is ever listed."""

import math
from collections import defaultdict
from typing import NamedTuple

import torch
from torch import Tensor

from .config import AcornConfig
from .invariants import Invariants, Triple


class Joined(NamedTuple):
    """Products of the density of one degree with those of no higher degree, and what they couple to."""

    degree: int
    coupling: Tensor  # ((2 degree + 1) · rows, (degree + 1)²): from the harmonics of the lower degrees
    thirds: dict[int, slice]  # rows of each third degree: its lower degrees, and for each of them its orders


def blocks(config: AcornConfig, made: Invariants, kinds: int, weights: Tensor) -> list[Tensor]:
    """Weights of each block of columns, (sets, kinds, count)."""
    three, four = made.bodies
    gated = kinds * three * (config.gates >= 3), kinds * four * (config.gates >= 4)
    counts = 1, kinds * config.radial_two, three, four, *gated
    ends = torch.tensor([0, *(kinds * count for count in counts)]).cumsum(0).tolist()
    return [
        weights[:, start:end].reshape(len(weights), kinds, -1) for start, end in zip(ends[:-1], ends[1:], strict=True)
    ]


def with_gates(plain: Tensor, gated: Tensor, kinds: int) -> Tensor:
    """(sets, kinds, count) and (sets, kinds, kinds · count or 0) -> (sets, kinds, gates, count)."""
    if not gated.shape[2]:
        return plain[:, :, None]
    return torch.cat([plain[:, :, None], gated.reshape(*plain.shape[:2], kinds, -1)], 2)


def matrices(made: Invariants, weights: Tensor) -> Tensor:
    """Three-body weights (sets, kinds, gates, count) -> (sets, kinds, harmonics, channels, gates · channels).

    It is twice the symmetric form of the energy, so that its product with a density is the gradient.
    """
    degree, channels = made.config.degree, made.channels
    each = weights.reshape(*weights.shape[:3], degree + 1, -1) * made.twice.to(weights.dtype)
    matrix = torch.zeros(*each.shape[:4], channels, channels, dtype=weights.dtype)
    x, y = made.pairs
    matrix[..., x, y] += each
    matrix[..., y, x] += each
    orders = [matrix[:, :, :, own] / math.sqrt(2 * own + 1) for own in range(degree + 1) for _ in range(2 * own + 1)]
    return torch.stack(orders, 2).permute(0, 1, 2, 5, 3, 4).flatten(4).contiguous()


def joined(triples: list[Triple]) -> list[Joined]:
    """For each degree, all lower and third ones: every slot of a triple is the third one once."""
    found: dict[int, dict[int, dict[int, Tensor]]] = defaultdict(lambda: defaultdict(dict))
    for one in triples:
        a, b, c = one.degrees
        found[b][c][a] = one.block
        found[c][b][a] = one.block.permute(0, 2, 1)
        found[c][a][b] = one.block.permute(1, 2, 0)
    made = []
    for q, thirds in sorted(found.items()):
        coupling, ends = [], {}
        rows = 0
        for r, lower in sorted(thirds.items()):
            start = rows
            for p, block in sorted(lower.items()):
                wide = torch.zeros(2 * q + 1, 2 * r + 1, (q + 1) ** 2, dtype=block.dtype)
                wide[:, :, p * p : (p + 1) ** 2] = block.permute(1, 2, 0)
                coupling.append(wide)
                rows += 2 * r + 1
            ends[r] = slice(start, rows)
        made.append(Joined(q, torch.cat(coupling, 1).flatten(0, 1), ends))
    return made


def cubes(made: Invariants, pairs: list[Joined], weights: Tensor) -> list[Tensor]:
    """Four-body weights (sets, kinds, gates, count) -> matrices (sets, kinds, pairs · channels², gates · channels).

    One for each third degree; the pairs of degrees that couple to it stand in the order of `pairs`, and in each by the
    lower degree.
    """
    sets, kinds, gates, _ = weights.shape
    count = len(made.few)
    folded: dict[tuple[int, int, int], Tensor] = {}

    def add(key: tuple[int, int, int], cube: Tensor) -> None:
        folded[key] = folded[key] + cube if key in folded else cube

    start = 0
    for one in made.triples:
        a, b, c = one.degrees
        x, y, z = one.channels
        cube = torch.zeros(sets, kinds, gates, count, count, count, dtype=weights.dtype)
        cube[..., x, y, z] = weights[..., start : start + len(x)]
        start += len(x)
        add((a, b, c), cube)
        add((a, c, b), cube.transpose(-1, -2))
        add((b, c, a), cube.permute(0, 1, 2, 4, 5, 3))
    found = []
    for third in range(made.config.degree_four + 1):
        degrees = sorted((q, p) for p, q, r in folded if r == third and p <= q)
        # channels of the higher degree first, as products come
        each = [folded[p, q, third].transpose(3, 4).reshape(sets, kinds, gates, count**2, count) for q, p in degrees]
        found.append(torch.cat(each, 3).transpose(2, 3).flatten(3).contiguous())
    return found
