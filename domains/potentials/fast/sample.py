"""Which frames stand for all of them, which atoms of large ones, and how many equations they give."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame

FEWEST = 4  # whole frames
ENOUGH = 20  # frames, of some of whose atoms forces are asked for
LEAST_ATOMS = 4
OTHERS = 7  # equations of a frame that are not of forces


def ordered(train: Sequence[Frame], seed: int) -> NDArray[np.int64]:
    """Places of the frames, shuffled: any first of them are a fair sample."""
    return np.random.default_rng([seed, 29]).permutation(len(train))


def first_of(frames: list[Frame], equations: int) -> list[Frame]:
    """The first frames that give up to so many equations; two at least."""
    return frames[: max(2, int(np.searchsorted(np.cumsum(list(map(equations_of, frames))), equations)))]


def spread_over(frames: list[Frame], equations: int) -> tuple[list[Frame], int]:
    """Frames that give up to so many equations, and the atoms of each whose forces are asked for; 0: of all.

    Three cells of a liquid say less of what is to be believed than a few dozen atoms of each of twenty: where whole
    frames would be so few, more of them give some of their atoms. Five cells of copper with their energies say more.
    """
    some, count = first_of(frames, equations), min(ENOUGH, len(frames))
    if len(some) >= min(FEWEST, count) and sum(map(equations_of, some)) <= equations:
        return some, 0
    return frames[:count], max(LEAST_ATOMS, (equations // count - OTHERS) // 3)


def drawn_rows(kinds: NDArray[np.int8], atoms: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the equations of a frame that are not of forces, and of those of so many atoms, drawn; in order."""
    forces = np.flatnonzero(kinds == 1).reshape(-1, 3)
    kept = rng.choice(len(forces), min(atoms, len(forces)), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(kinds != 1), forces[kept].ravel()]))


def equations_of(frame: Frame) -> int:
    """Of energy, forces, and strain where a frame has stress."""
    return 1 + 3 * len(frame) + 6 * (frame.stress is not None and frame.volume > 0)


def mean_atoms(frames: Sequence[Frame]) -> float:
    """Of a frame."""
    return float(np.mean([len(one) for one in frames]))
