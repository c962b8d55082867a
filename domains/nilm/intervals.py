"""Intervals of power and energy: conformal bands of truth over prediction, one for each kind of prediction.

A minute that is called on with probability .5 is half the time 0 and half the time the whole power; a day of a large
prediction errs otherwise than a day of none. So calibration is done within bins of what was predicted (Mondrian
conformal prediction, Vovk, Gammerman & Shafer 2005, section 4.5), with the ranks of `tails` among the ratios of truth
to prediction. Bins in which truth is hardly ever above zero cover more than was asked, since an interval that ends at
zero holds all the zeros. Minutes of one use are no independent draws, nor are days of one house: the guarantee is one
on the average over houses that are like those of calibration, and coverage elsewhere is measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...shared.evaluation.conformal import scores_needed

Floats = NDArray[np.float64]
MINUTE_EDGES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)  # of the probability

MINUTE_FLOOR = 20.0  # W
NOTHING = (1e-9,)  # two bins of an energy: nothing, and more
UNKNOWN = 1e9  # the upper bound of a bin of which nothing is known: all that the mains allow


@dataclass(frozen=True, slots=True)
class Bands:
    """Bounds of truth over prediction, by bin of a key; in the lowest bin bounds of truth itself."""

    coverage: float
    floor: float  # added to every prediction, in its unit, so that no ratio is against next to nothing
    edges: Floats  # (bin - 1,), rising; a key equal to an edge lies above it
    low: Floats  # (bin,)
    high: Floats  # (bin,)
    scores: NDArray[np.int64]  # (bin,), how many ratios each bound rests on

    def interval(self, key: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
        """Low and high for each prediction, in its unit; (...,) -> two of (...,)."""
        key, predicted = np.asarray(key, np.float64), np.asarray(predicted, np.float64)
        at = np.searchsorted(self.edges, key, side="right")
        scale = np.where(at == 0, 1.0, predicted + self.floor)
        return self.low[at] * scale, self.high[at] * scale

    def known(self, key: ArrayLike) -> NDArray[np.bool_]:
        """Whether the bin of each key was calibrated; (...,) -> same."""
        at = np.searchsorted(self.edges, np.asarray(key, np.float64), side="right")
        return np.asarray(self.high[at] < UNKNOWN)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("edges", "low", "high", "scores")}
        return {"coverage": self.coverage, "floor": self.floor, **arrays}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Bands":
        """The inverse of `to_dict`."""
        arrays = {name: np.array(state[name], dtype=np.float64) for name in ("edges", "low", "high")}
        return cls(
            float(state["coverage"]), float(state["floor"]), **arrays, scores=np.array(state["scores"], dtype=np.int64)
        )


def calibrate(
    truth: ArrayLike,
    key: ArrayLike,
    predicted: ArrayLike,
    edges: ArrayLike,
    coverage: float = 0.9,
    floor: float = 0.0,
) -> Bands:
    """Bands from predictions whose truth is known, on data the model was not fitted on.

    truth, key, predicted  (row,); the lowest bin of the key takes truth as it is, the others truth over
                           prediction + floor
    A bin with fewer ratios than the coverage needs (9 for 0.9) takes those of the bin below it as well; where these
    are too few again, nothing is known, and the interval reaches from 0 to all that the mains allow.
    """
    truth, key, predicted = (np.asarray(one, np.float64) for one in (truth, key, predicted))
    edges = np.asarray(edges, np.float64)
    at = np.searchsorted(edges, key, side="right")
    ratio = np.where(at == 0, truth, truth / np.maximum(predicted + floor, 1e-9))
    usable = np.isfinite(ratio)
    low, high, count = np.zeros(len(edges) + 1), np.full(len(edges) + 1, UNKNOWN), np.zeros(len(edges) + 1, np.int64)
    for place in range(len(edges) + 1):
        lowest = place
        found = ratio[usable & (at == place)]
        while len(found) < scores_needed(coverage) and lowest > 1:
            lowest -= 1
            found = ratio[usable & (at >= lowest) & (at <= place)]
        count[place] = len(found)
        if len(found) >= scores_needed(coverage):
            low[place], high[place] = tails(found, coverage)
    return Bands(coverage, floor, edges, low, high, count)


def tails(values: Floats, coverage: float) -> tuple[float, float]:
    """Ends that hold a new value with at least the coverage, from at least `scores_needed` exchangeable ones.

    As much is cut off above as below. Where that would cut nothing but zeros off below, or the values are too few for
    two tails, the interval starts at 0, and all that may be cut off is cut off above.
    """
    ordered, n = np.sort(values), len(values)
    tail = (1 - coverage) / 2
    cut = math.floor((n + 1) * tail + 1e-9)  # values beyond either end, and the end itself
    if not cut or ordered[cut - 1] <= 0:
        return 0.0, float(ordered[math.ceil((n + 1) * coverage - 1e-9) - 1])
    return float(ordered[cut - 1]), float(ordered[n - cut])


def around(bands: Bands, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Low and high of an energy whose bin is itself, widened to hold the prediction; (...,) -> two of (...,)."""
    predicted = np.asarray(predicted, np.float64)
    low, high = bands.interval(predicted, predicted)
    return np.minimum(low, predicted), np.maximum(high, predicted)


def energy_floor(predicted: ArrayLike) -> float:
    """A tenth of the median of what is more than nothing, in the unit given."""
    some = np.asarray(predicted, np.float64)
    some = some[some > 0]
    return 0.1 * float(np.median(some)) if len(some) else 0.0


def energy_edges(predicted: ArrayLike) -> Floats:
    """Bins of an energy: nothing, below and above the median of what is more than nothing."""
    some = np.asarray(predicted, np.float64)
    some = some[some > 0]
    return np.array([1e-9, max(float(np.median(some)), 2e-9)] if len(some) else [1e-9])
