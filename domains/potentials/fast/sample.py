"""Which frames stand for all of them, and how many equations they give."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame


def ordered(train: Sequence[Frame], seed: int) -> NDArray[np.int64]:
    """Places of the frames, shuffled: any first of them are a fair sample."""
    return np.random.default_rng([seed, 29]).permutation(len(train))


def first_of(frames: list[Frame], equations: int) -> list[Frame]:
    """The first frames that give up to so many equations; two at least."""
    return frames[: max(2, int(np.searchsorted(np.cumsum(list(map(equations_of, frames))), equations)))]


def equations_of(frame: Frame) -> int:
    """Of energy, forces, and strain where a frame has stress."""
    return 1 + 3 * len(frame) + 6 * (frame.stress is not None and frame.volume > 0)
