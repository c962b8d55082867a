"""Trajectories as the tensors that ODEFormer reads."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.odeformer import REACH, ODEFormerConfig, Points
from .generator import FIRST, LAST
from .numbers import MANTISSAS
from .tokens import NUMBER, PAD, point_tokens

Floats = NDArray[np.float64]
Path = tuple[Floats, Floats]  # times (time,) from FIRST to LAST, states (time, state)
LARGEST = float(MANTISSAS) ** 9  # beyond this a state says only that it is huge


def gather_points(paths: Sequence[Path], config: ODEFormerConfig) -> Points:
    """The points of several trajectories, padded to the longest; each must have at most `config.states` states."""
    longest, batch, width = max(len(times) for times, _ in paths), len(paths), config.states
    times = np.full((batch, longest), FIRST)
    states = np.zeros((batch, longest, width))
    real = np.zeros((batch, longest), bool)
    missing = np.ones((batch, width), bool)
    for row, (at, path) in enumerate(paths):
        count, own = path.shape
        times[row, :count], states[row, :count, :own], real[row, :count], missing[row, :own] = at, path, True, False
    words = point_tokens(times, np.clip(states, -LARGEST, LARGEST), width)
    words[:, :, 3:] = np.where(np.repeat(missing, 3, 1)[:, None], NUMBER[PAD], words[:, :, 3:])
    words[~real] = NUMBER[PAD]
    numbers = np.concatenate(
        [
            (times[..., None] - (FIRST + LAST) / 2) / ((LAST - FIRST) / 2),
            np.arcsinh(states),
            *_slopes(times, states, real),
        ],
        -1,
    )
    numbers *= real[..., None]
    return Points(torch.from_numpy(words), torch.from_numpy(numbers.astype(np.float32)), torch.from_numpy(real))


def thinned(path: Path, points: int, random: np.random.Generator | None = None) -> Path:
    """At most so many points: random ones in order, or evenly chosen ones."""
    count = len(path[0])
    if count <= points:
        return path
    if random is None:
        kept = np.linspace(0, count - 1, points).round().astype(np.int64)
    else:
        kept = np.sort(random.choice(count, points, replace=False))
    return path[0][kept], path[1][kept]


def _slopes(times: Floats, states: Floats, real: NDArray[np.bool_]) -> list[Floats]:
    """Compressed slopes of secants over REACH points to each side, less at the ends."""
    last = real.sum(1, keepdims=True) - 1
    place = np.arange(times.shape[1])[None]
    out = []
    for reach in REACH:
        after = np.minimum(place + reach, last)
        before = np.minimum(np.maximum(place - reach, 0), after)
        span = np.take_along_axis(times, after, 1) - np.take_along_axis(times, before, 1)
        rise = np.take_along_axis(states, after[..., None], 1) - np.take_along_axis(states, before[..., None], 1)
        out.append(np.arcsinh(rise / np.where(span > 0, span, 1.0)[..., None]))
    return out
