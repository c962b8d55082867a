"""Intervals of a year-ahead forecast: split conformal on held-out months, widened by what a new year's level may do.

The score of a held-out row is the size of its residual, over the network's own spread where that makes the intervals
narrower on the held-out rows; the margin is the score of rank ceil((n + 1) coverage) (Lei et al. 2018). Where whole
years were held out the residuals hold the change of level from year to year. Where only months were, they do not: each
residual is then moved by the mean residual of every month, up and down, as if the level of the year ahead lay as far
off as that of a month did. With one year of history that is an assumption, and the forecast says so.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ....shared.evaluation.conformal import scores_needed
from ..surroundings import Floats
from .members import HeldOut


@dataclass(frozen=True)
class YearIntervals:
    """Margins of nested intervals on the standardised scale."""

    coverages: tuple[float, ...]  # rising
    factors: tuple[float, ...]  # margin of each coverage, in units of the spread
    by_spread: bool  # the spread is the network's own, else 1
    by_year: bool

    @classmethod
    def fit(cls, held: HeldOut, point: Floats, months: NDArray[np.int64], coverages: tuple[float, ...]) -> Self:
        """Calibrate on held-out forecasts; point and months (row,)."""
        residual = held.truth - point
        moved = residual[:, None] + level_changes(residual, months, held.by_year)
        found = []
        for by_spread in {False, bool(np.ptp(held.spread) > 0)}:
            spread = held.spread if by_spread else np.ones_like(held.spread)
            scores = np.sort((np.abs(moved) / spread[:, None]).ravel())
            factors = tuple(float(scores[rank_of(share, len(residual), len(scores))]) for share in coverages)
            found.append((factors[-1] * spread.mean(), cls(coverages, factors, by_spread, held.by_year)))
        return min(found, key=lambda one: one[0])[1]

    def margins(self, spread: Floats) -> Floats:
        """Half widths on the standardised scale; (row,) -> (row, coverage)."""
        return np.outer(spread if self.by_spread else np.ones_like(spread), self.factors)

    def words(self) -> str:
        """How they were calibrated, in a sentence."""
        how = f"{self.coverages[-1]:.0%} intervals by split conformal prediction on held-out " + (
            "years; they hold the change of level between those years"
            if self.by_year
            else "months of the one year of history; how far another year's level may lie off is guessed from how far "
            "the months' levels did"
        )
        return how + ("; widths follow the network's own spread" if self.by_spread else "")


def level_changes(residual: Floats, months: NDArray[np.int64], by_year: bool) -> Floats:
    """By how much the level of the year ahead may differ beyond what residuals show; (row,), (row,) -> (draw,)."""
    if by_year:
        return np.zeros(1)
    means = np.array([residual[months == month].mean() for month in np.unique(months)])
    return np.concatenate([means, -means])


def rank_of(share: float, windows: int, scores: int) -> int:
    """Place among sorted scores of the one that holds `share`, rounded up as for `windows` independent ones."""
    scores_needed(share)
    return min(scores - 1, int(np.ceil((windows + 1) * share / windows * scores)) - 1)
