"""What the runs cannot tell: constant states, rest, sums that do not change, states that go together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..trajectory import Trajectory
from .smoothing import CLEAN, Curve, Noise

Floats = NDArray[np.float64]


def constant_states(runs: Sequence[Trajectory], noise: Noise) -> list[int]:
    """States that do not change beyond their noise in any run."""
    out = []
    for j in range(runs[0].dimension):
        values = [run.states[:, j] for run in runs]
        magnitude = max(float(np.abs(one).max()) for one in values)
        level = float(noise.level[j]) * (magnitude if noise.multiplicative else 1.0)
        moved = max(float(one.std()) for one in values)
        drift = max(abs(float(one[: len(one) // 3].mean() - one[-(len(one) // 3) :].mean())) for one in values)
        few = min(len(one) for one in values) // 3
        still = moved <= 1.3 * level and drift <= 4 * level / np.sqrt(few)
        if moved <= 1e-9 * magnitude or still:
            out.append(j)
    return out


def relations(curves: Sequence[Curve], live: Sequence[int], spread: Floats, noise: Noise) -> list[tuple[Floats, float]]:
    """Affine relations among the varying states that hold along every run: (weights (state,), their deviation).

    A relation counts when it leaves no more than the noise of the smooth curves leaves.
    """
    if len(live) < 2:
        return []
    # each run may have a constant of its own: what is conserved differs between runs
    centred = np.concatenate([one.states[:, live] - one.states[:, live].mean(0) for one in curves]) / spread[list(live)]
    _, singular, vectors = np.linalg.svd(centred, full_matrices=False)
    scale = np.concatenate([np.abs(one.states[:, live]) for one in curves]).mean(0) / spread[list(live)]
    level = noise.level[list(live)] * (scale if noise.multiplicative else 1.0 / spread[list(live)])
    least = max(1e-4, 0.3 * float(level.max()))
    out = []
    for value, vector in zip(singular / np.sqrt(len(centred)), vectors, strict=True):
        if value < least:
            weights = np.zeros(len(spread))
            weights[list(live)] = vector / spread[list(live)]
            out.append((weights / weights[np.abs(weights).argmax()], float(value)))
    return out


def at_rest(curves: Sequence[Curve], spread: Floats, live: Sequence[int]) -> bool:
    """Most of every run is spent where nothing moves."""
    shares = []
    for one in curves:
        speed = np.abs(one.slopes[:, list(live)]) / spread[list(live)] * (one.times[-1] - one.times[0])
        shares.append(float((speed.max(1) < 0.15).mean()))
    return min(shares, default=0.0) > 0.6


def warnings_of(
    runs: Sequence[Trajectory], curves: Sequence[Curve], noise: Noise, spread: Floats, still: Sequence[int]
) -> list[str]:
    """In words, what these runs leave open."""
    names = runs[0].names
    live = [j for j in range(len(names)) if j not in still]
    out = [
        f"{names[j]} does not change beyond its noise: its equation is given as 0, and what it does to the others "
        "cannot be told from a constant." for j in still
    ]  # fmt: skip
    if not live:
        out.append("no state changes: the runs sit on a fixed point, which every law with that fixed point explains.")
        return out
    for j in live:
        for k in live:
            if j < k:
                gap = max(float(np.abs(one.states[:, j] - one.states[:, k]).max()) for one in curves)
                clean = max(noise.level[j], noise.level[k]) < CLEAN
                if gap < (1e-4 if clean else 0.1) * min(spread[j], spread[k]):
                    out.append(f"{names[j]} and {names[k]} are the same along every run: terms in one and in the other "
                               "cannot be told apart; a run that starts with them apart would decide.")  # fmt: skip
    for weights, deviation in relations(curves, live, spread, noise):
        parts = [_signed(w, names[j]) for j, w in enumerate(weights) if abs(w) > 1e-3]
        if len(parts) > 1:
            kept = " ".join(parts).removeprefix("+ ")
            levels = [float((one.states @ weights).mean()) for one in curves]
            apart = max(levels) - min(levels) > 0.1 * float(np.abs(weights * spread).max())
            said = (
                f"{kept} stays constant along each run (to {deviation:.1e} of its spread): a conserved sum, or a tie."
            )
            more = " The equations are not unique on these runs; one that starts elsewhere would decide."
            out.append(said if apart else said + more)
    if at_rest(curves, spread, live):
        out.append("most of the measured time is spent near a fixed point: only the approach to it speaks for the law; "
                   "runs from other starts would tell more.")  # fmt: skip
    return out


def _signed(weight: float, name: str) -> str:
    """A part of a sum, for people: "+ x", "- 0.5 y"."""
    size = f"{abs(weight):.3g}"
    return f"{'-' if weight < 0 else '+'} {'' if size == '1' else size + ' '}{name}"
