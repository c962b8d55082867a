"""The members of a year-ahead forecast, what they say of months they never saw, and how much weight each gets.

The year ahead is a year no member has seen, so what is chosen is chosen on rows held out in whole months: with two or
more years of history each year in turn, with one year two months at a time, half a year apart.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..data import LoadData
from ..models.blend import convex_weights
from ..models.boosted_trees import BoostedTrees
from ..models.network_regression import NetworkRegression
from ..models.spline_ridge import SplineRidge
from ..regression_load import Learner
from ..surroundings import Floats
from ..tables import Table

MONTH_FOLDS, MOST_FOLDS = 6, 6
SPREAD_LEVELS = (0.05, 0.95)  # the network's own quantiles that say how uncertain a row is
NARROWEST = 0.3  # of the mean spread; surer of one row than that no model may be


class Member(NamedTuple):
    """How a member is made, from a seed and a device, and how it comes back from arrays."""

    made: Callable[[int, str], Learner]
    loaded: Callable[[Mapping[str, NDArray[Any]]], Learner]


# of the spline ridge: without load as an input it has more weather columns and needs a stiffer curve and a firmer hand
KNOTS, CLIP, PENALTY = 4, 3.0, 30.0
MEMBERS: dict[str, Member] = {
    "spline-ridge": Member(
        lambda seed, device: SplineRidge(KNOTS, CLIP, PENALTY),
        lambda arrays: SplineRidge.from_arrays(arrays, CLIP),
    ),
    "boosting": Member(lambda seed, device: BoostedTrees(seed=seed), BoostedTrees.from_arrays),
    "load-network": Member(
        lambda seed, device: NetworkRegression(seed=seed, device=device), NetworkRegression.from_arrays
    ),
}


@dataclass
class HeldOut:
    """What members that had not seen them say of training rows, on the standardised scale."""

    rows: NDArray[np.int64]  # (row,)
    fold: NDArray[np.int64]  # (row,)
    truth: Floats  # (row,)
    points: Floats  # (member, row)
    spread: Floats  # (row,), 1 without a network
    by_year: bool  # folds are years, so that residuals hold the change of level between years
    seconds: float = field(default=0.0)

    def weights(self, among: NDArray[np.bool_] | None = None) -> Floats:
        """Convex weights of the members on these rows, all of them unless told; (member,)."""
        return convex_weights(self.points, self.truth, among)

    def blend(self) -> Floats:
        """The blend of each fold with the weights of all others; (row,)."""
        answer = np.empty(len(self.rows))
        for fold in np.unique(self.fold):
            out = self.fold == fold
            answer[out] = self.weights(~out) @ self.points[:, out]
        return answer


def fold_of(data: LoadData, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
    """The fold of each row, and whether folds are years; folds are whole months. (row,) -> (row,)."""
    local = data.local()[rows]
    month = np.asarray(12 * local.year + local.month, np.int64)
    years = round((data.times[rows[-1]] - data.times[rows[0]]).days / 365.25)
    if years < 2:
        return month % MONTH_FOLDS, False
    year = np.minimum((month - month[0]) // 12, years - 1)
    return year * min(years, MOST_FOLDS) // years, True


def fit_members(
    names: tuple[str, ...], table: Table, truth: Floats, rows: NDArray[np.int64], seed: int, device: str
) -> dict[str, Learner]:
    """Each member fitted on the rows; table and truth (time, ..)."""
    columns, keys = table.columns.at(rows), table.keys[rows]
    return {name: MEMBERS[name].made(seed, device).fit(columns, keys, truth[rows]) for name in names}


def points_of(members: Mapping[str, Learner], table: Table, rows: NDArray[np.int64]) -> Floats:
    """(row,) -> (member, row), standardised."""
    columns = table.columns.at(rows)
    return np.stack([member.predict(columns, table.keys[rows]) for member in members.values()])


def spread_of(members: Mapping[str, Learner], table: Table, rows: NDArray[np.int64], least: float = 0.0) -> Floats:
    """Half the distance of the network's own quantiles, at least `least`; 1 without a network. (row,) -> (row,)."""
    network = next((member for member in members.values() if isinstance(member, NetworkRegression)), None)
    if network is None:
        return np.ones(len(rows))
    edges = network.quantiles(table.columns.at(rows), table.keys[rows], SPREAD_LEVELS)
    return np.asarray(np.maximum((edges[:, 1] - edges[:, 0]) / 2, least))


def hold_out(
    names: tuple[str, ...],
    data: LoadData,
    table: Table,
    truth: Floats,
    rows: NDArray[np.int64],
    seed: int,
    device: str,
    progress: bool = False,
) -> HeldOut:
    """Fit every member without each fold and let it forecast that fold."""
    started = time.perf_counter()
    fold, by_year = fold_of(data, rows)
    points, spread = np.empty((len(names), len(rows))), np.empty(len(rows))
    for one in tqdm(np.unique(fold), desc="held-out months", unit="fold", disable=not progress):
        out = fold == one
        members = fit_members(names, table, truth, rows[~out], seed, device)
        points[:, out] = points_of(members, table, rows[out])
        spread[out] = spread_of(members, table, rows[out])
    spread = np.maximum(spread, NARROWEST * spread.mean())
    return HeldOut(rows, fold, truth[rows], points, spread, by_year, time.perf_counter() - started)
