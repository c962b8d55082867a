"""Split conformal intervals, one margin for each step of the horizon, around a point or a pair of quantiles.

Both calibrations have one form. The score of a truth y and a forecast band [low, high] is max(low - y, y - high)
(Romano, Patterson & Candès 2019, eq. 6), with low = high = the point forecast it is |y - point| (Lei et al. 2018),
and the margin is the score of rank ceil((n + 1) coverage) among n calibration scores. If calibration and test windows
are exchangeable, a new truth lies inside with at least that probability, whatever the model.

Few windows: `pool` lends a step the scores of its neighbours, K = 2 pool + 1 steps in all. With n exchangeable windows,
whose steps depend in any way, the mean coverage over those K steps is at least coverage n / (n + 1): the threshold of
rank r among n K scores is no lower than that of rank r among (n + 1) K. It says nothing of one step alone. Measured on
48 circular steps whose spread runs from 0.2 to 1.8 over the day, Gaussian errors, symmetric, coverage 0.9, mean over
steps (lowest step) and mean width, 300 repetitions (standard error up to 0.017 where steps are correlated by 0.99):

    windows  correlation of steps   pool 0             pool 1             pool 2             pool 4
    14       0                      .94 (.91)  4.05    .91 (.87)  3.46    .91 (.88)  3.38    .93 (.87)  3.46
    14       0.9                    .93 (.89)  4.05    .90 (.86)  3.44    .90 (.86)  3.36    .91 (.87)  3.44
    14       0.99                   .94 (.92)  4.13    .89 (.86)  3.38    .89 (.86)  3.34    .91 (.86)  3.42
    28       0.9                    .94 (.90)  3.86    .91 (.88)  3.42    .91 (.87)  3.37    .92 (.87)  3.41
    60       0.9                    .91 (.87)  3.37    .91 (.86)  3.32    .91 (.86)  3.33    .92 (.86)  3.37

Windows correlated by 0.5 as well lose up to 0.02, and fall to 0.88. So one or two neighbours make intervals from 14 to
28 windows 11 to 19 % narrower, at 0.88 to 0.91 in place of 0.93 (the rank of few scores rounds up); with 60 windows
there is nothing left to gain.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .metrics import Floats


@dataclass(frozen=True, slots=True)
class Margins:
    """What calibration learnt: how far to move the lower edge down and the upper edge up at each step."""

    coverage: float  # the share of truth that the interval is made to hold
    below: Floats  # (step,), unit of the data; negative where a band was too wide and shrinks
    above: Floats  # (step,)
    scores: int  # fewest calibration scores behind any step

    def interval(self, low: ArrayLike, high: ArrayLike | None = None) -> tuple[Floats, Floats]:
        """Widen a forecast; (..., step) -> low and high of (..., step).

        A point forecast is given alone. Edges that would cross meet in their middle.
        """
        return widen(low, high, self.below, self.above)

    def to_dict(self) -> dict[str, object]:
        """Plain numbers and lists, for JSON."""
        return {
            "coverage": self.coverage,
            "below": self.below.tolist(),
            "above": self.above.tolist(),
            "scores": self.scores,
        }

    @classmethod
    def from_dict(cls, state: dict[str, object]) -> "Margins":
        """The inverse of `to_dict`."""
        below, above = (np.array(state[name], dtype=np.float64) for name in ("below", "above"))
        return cls(float(str(state["coverage"])), below, above, int(str(state["scores"])))


def split_conformal(
    truth: ArrayLike,
    point: ArrayLike,
    coverage: float = 0.9,
    *,
    symmetric: bool = True,
    pool: int | None = 0,
    circular: bool = False,
    real: ArrayLike | None = None,
) -> Margins:
    """Calibrate a point forecast on windows it was not fitted on; see `conformalised_quantiles` for the arguments.

    truth, point  (window, step)
    """
    return conformalised_quantiles(
        truth, point, point, coverage, symmetric=symmetric, pool=pool, circular=circular, real=real
    )


def conformalised_quantiles(
    truth: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    coverage: float = 0.9,
    *,
    symmetric: bool = True,
    pool: int | None = 0,
    circular: bool = False,
    real: ArrayLike | None = None,
) -> Margins:
    """Calibrate a band of two quantile forecasts (Romano, Patterson & Candès 2019, theorems 1 and 2).

    truth, low, high  (window, step), on windows the model was not fitted on
    symmetric  one margin for both edges; False calibrates each edge by itself, at (1 - coverage) / 2 a side, which
               follows skewed errors and needs twice the windows
    pool       neighbours on either side whose scores a step may use; None takes as many as the coverage needs
    circular   the last step is a neighbour of the first (a horizon of one whole day)
    real       (window, step), True means real; other entries give no score
    Raises InputError when a step has too few scores for the coverage, and says how many it needs.
    """
    signed = _signed_scores(truth, low, high, real)
    scores = np.max(signed, axis=0, keepdims=True) if symmetric else signed
    share = coverage if symmetric else (1 + coverage) / 2
    radius = enough_pool(scores[0], share, circular) if pool is None else pool
    pooled = [pool_steps(side, radius, circular) for side in scores]
    margin = [_upper_quantile(side, share, f"a coverage of {coverage:g}") for side in pooled]
    return Margins(coverage, margin[0], margin[-1], int(np.isfinite(pooled[0]).sum(0).min()))


def residual_quantiles(
    truth: ArrayLike,
    point: ArrayLike,
    levels: Sequence[float],
    *,
    pool: int | None = 0,
    circular: bool = False,
    real: ArrayLike | None = None,
) -> Floats:
    """Offsets that turn a point forecast into quantiles: (step, level), never crossing.

    The offset at a level above one half is the residual truth - point of rank ceil((n + 1) level), below it of rank
    floor((n + 1) level), so the pair (1 - c) / 2, (1 + c) / 2 is the asymmetric interval of coverage c.
    At 0.5 it is the median. Arguments and errors as in `conformalised_quantiles`.
    """
    below, above = _signed_scores(truth, point, point, real)
    extreme = max(max(level, 1 - level) for level in levels)
    radius = enough_pool(above, extreme, circular) if pool is None else pool
    below, above = pool_steps(below, radius, circular), pool_steps(above, radius, circular)
    offset = [
        np.nanmedian(above, axis=0)
        if level == 0.5
        else _upper_quantile(above, level, f"the quantile {level:g}")
        if level > 0.5
        else -_upper_quantile(below, 1 - level, f"the quantile {level:g}")
        for level in levels
    ]
    return np.stack(offset, axis=-1)


def scores_needed(share: float) -> int:
    """Fewest scores n whose rank ceil((n + 1) share) exists: 9 for 0.9, 19 for 0.95, 99 for 0.99."""
    if not 0 < share < 1:
        raise InputError(f"a coverage lies between 0 and 1, not {share}.")
    return max(1, math.ceil(share / (1 - share) - 1e-9))


def enough_pool(scores: Floats, share: float, circular: bool) -> int:
    """Smallest radius at which every step has the scores it needs; scores (window, step), NaN is none.

    Raises InputError when all steps together are too few.
    """
    needed, steps = scores_needed(share), scores.shape[1]
    for radius in range((steps + 1) // 2 if circular else steps):
        if np.isfinite(pool_steps(scores, radius, circular)).sum(0).min() >= needed:
            return radius
    raise InputError(
        f"{int(np.isfinite(scores).sum())} calibration scores over all {steps} steps are too few: "
        f"{needed} are needed; calibrate on more windows, or ask for less coverage."
    )


def pool_steps(scores: Floats, radius: int, circular: bool) -> Floats:
    """Each step with its neighbours' scores; (window, step) -> (window x (2 radius + 1), step), NaN where none is.

    Not circular: steps near an edge have fewer neighbours.
    """
    windows, steps = scores.shape
    largest = (steps - 1) // 2 if circular else steps - 1
    if not 0 <= radius <= largest:
        raise InputError(f"pool={radius} does not fit {steps} steps; take from 0 to {largest}.")
    padding = ((0, 0), (radius, radius))
    padded = np.pad(scores, padding, mode="wrap") if circular else np.pad(scores, padding, constant_values=np.nan)
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=1)
    return neighbours.transpose(0, 2, 1).reshape(windows * (2 * radius + 1), steps)


def widen(low: ArrayLike, high: ArrayLike | None, below: Floats, above: Floats) -> tuple[Floats, Floats]:
    """The band [low - below, high + above]; edges that would cross meet in their middle."""
    low = np.asarray(low, dtype=np.float64)
    high = low if high is None else np.asarray(high, dtype=np.float64)
    if low.shape != high.shape or low.shape[-1:] != below.shape:
        raise InputError(f"a forecast of shape {low.shape} does not end in the {below.size} calibrated steps.")
    low, high = low - below, high + above
    middle = (low + high) / 2
    return np.minimum(low, middle), np.maximum(high, middle)


def _signed_scores(truth: ArrayLike, low: ArrayLike, high: ArrayLike, real: ArrayLike | None) -> Floats:
    """(side, window, step): how far the truth lies below the band, and above it; NaN where it is not real."""
    truth, low, high = (np.asarray(array, dtype=np.float64) for array in (truth, low, high))
    kept = np.ones(truth.shape, dtype=bool) if real is None else np.asarray(real, dtype=bool)
    if truth.ndim != 2 or not truth.shape == low.shape == high.shape == kept.shape:
        raise InputError(
            f"calibration needs arrays of one shape (window, step), not truth {truth.shape}, forecasts "
            f"{low.shape} and {high.shape}, real {kept.shape}."
        )
    scores = np.stack([low - truth, truth - high])
    if not np.isfinite(scores[:, kept]).all():
        raise InputError("calibration has values that are not finite; mark them as not real (real=np.isfinite(...)).")
    return np.where(kept, scores, np.nan)


def _upper_quantile(scores: Floats, share: float, what: str) -> Floats:
    """The score of rank ceil((n + 1) share) at each step; (score, step) with NaN for none -> (step,)."""
    count = np.isfinite(scores).sum(0)
    if (fewest := int(count.min())) < (needed := scores_needed(share)):
        raise InputError(
            f"{what} needs {needed} calibration scores a step, and step {int(count.argmin())} has {fewest}; "
            f"calibrate on {needed} windows, or pool neighbouring steps (pool=None takes as many as needed)."
        )
    # 0.9 x 10 must be rank 9 although the product of floats may be a hair above it
    rank = np.ceil((count + 1) * share - 1e-9).astype(int)
    return np.asarray(np.take_along_axis(np.sort(scores, axis=0), rank[None] - 1, axis=0)[0])
