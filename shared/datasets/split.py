"""Splits that are named and fixed: in time, where the later part is never seen by the earlier one, and by group."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError


class Span(NamedTuple):
    """Rows [start, stop) of one part; forecasts begin at `border`, rows before it are only looked back on."""

    start: int
    border: int
    stop: int

    @property
    def rows(self) -> slice:
        """The rows of this part with the early ones, to index a table along time."""
        return slice(self.start, self.stop)

    def windows(self, lookback: int, horizon: int) -> int:
        """How many windows of stride 1 fit: rows - lookback - horizon + 1, at least 0."""
        return max(0, self.stop - self.start - lookback - horizon + 1)


class TimeSplit(NamedTuple):
    """Three parts in the order of time."""

    train: Span
    validation: Span
    test: Span


def split_at(borders: tuple[int, int, int], lookback: int = 0, rows: int | None = None) -> TimeSplit:
    """Cut at fixed rows: train [0, a), validation [a, b), test [b, c) for borders (a, b, c); later rows are unused.

    Validation and test start `lookback` rows early, so that their first forecast begins exactly at the border and
    their number of windows does not depend on the lookback. Raises InputError when the borders do not rise, pass
    `rows`, or leave too few rows in front of a border for the lookback.
    """
    train, validation, test = borders
    if not 0 < train < validation < test:
        raise InputError(f"the borders {borders} must rise from above 0: end of train, of validation, of test.")
    if rows is not None and test > rows:
        raise InputError(f"the borders {borders} pass the end of the table, which has {rows} rows; give a longer one.")
    if not 0 <= lookback <= train:
        raise InputError(f"a lookback of {lookback} does not fit before the end of train at row {train}.")
    return TimeSplit(
        Span(0, 0, train),
        Span(train - lookback, train, validation),
        Span(validation - lookback, validation, test),
    )


def split_in_parts(rows: int, lookback: int = 0, train: float = 0.7, test: float = 0.2) -> TimeSplit:
    """Cut in the order of time: floor(train · rows) rows, then the rest, then floor(test · rows) at the end.

    The rounding is that of the published long-horizon comparisons (966 rows: 676 / 97 / 193).
    """
    if not (0 < train < 1 and 0 < test < 1 and train + test < 1):
        raise InputError(f"parts of {train} for train and {test} for test leave none for validation.")
    # a product such as 0.7 * 10 may fall below the whole number that it means
    first, last = (int(part * rows + 1e-9) for part in (train, test))
    if not 0 < first < rows - last < rows:
        raise InputError(f"{rows} rows are too few for a train, a validation and a test part.")
    return split_at((first, rows - last, rows), lookback)


def split_by_group(
    groups: Sequence[Hashable], parts: Mapping[str, float], seed: int = 0
) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """Deal whole groups (houses, scaffolds, feeders) to named parts; -> the rows of each part, in rising order.

    groups  one label a row
    parts   the share of the groups of each part, adding up to 1: {"train": 0.7, "validation": 0.1, "test": 0.2}

    The answer depends on the set of labels and the seed, not on the order of the rows. Raises InputError when the
    shares do not add up to 1 or a part would stay empty.
    """
    if any(share <= 0 for share in parts.values()) or abs(sum(parts.values()) - 1) > 1e-9:
        raise InputError(f"the shares {dict(parts)} must be positive and add up to 1.")
    names = sorted(set(groups), key=repr)
    borders = np.round(np.cumsum([0.0, *parts.values()]) * len(names)).astype(int)
    if empty := [part for part, count in zip(parts, np.diff(borders), strict=True) if not count]:
        raise InputError(f"{len(names)} groups are too few: nothing is left for {', '.join(empty)}.")
    order = np.random.default_rng(seed).permutation(len(names))
    place = {names[group]: rank for rank, group in enumerate(order)}
    ranks = np.array([place[group] for group in groups])
    return {
        part: np.flatnonzero((low <= ranks) & (ranks < high))
        for part, low, high in zip(parts, borders[:-1], borders[1:], strict=True)
    }


def refuse_shared_times(**parts: Any) -> None:
    """Raise InputError unless each part (its forecast times) is wholly later than the part named before it."""
    named = [(name, np.asarray(times)) for name, times in parts.items() if len(times)]
    for (before, early), (after, late) in zip(named, named[1:], strict=False):
        if early.max() >= late.min():
            raise InputError(
                f"the split leaks: {before} reaches to {early.max()}, but {after} begins at {late.min()}; "
                "cut the table in the order of time."
            )


def refuse_shared_groups(**parts: Sequence[Hashable]) -> None:
    """Raise InputError when a group stands in two parts."""
    home: dict[Hashable, str] = {}
    for part, groups in parts.items():
        for group in set(groups):
            if home.setdefault(group, part) != part:
                raise InputError(f"the split leaks: {group!r} is in {home[group]} and in {part}; keep groups whole.")
