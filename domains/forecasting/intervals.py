"""Calibrated intervals of a backtest: they learn from validation, then go through the test part as time would."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...shared.evaluation.adaptive import AdaptiveConformal
from .backtest import Backtest, Parts, truth_at
from .data import LoadData
from .features import steps_a_day
from .load_model import Floats

MEMORY, POOL = 60, 1  # forecasts whose errors calibrate an interval, and neighbouring steps that share them


class DayAheadIntervals:
    """Adaptive conformal intervals of several coverages for each step and target, nested by construction.

    Learns in the order of time from forecasts and what came true; a forecast's truth enters only once it is known.
    """

    def __init__(
        self, steps: int, targets: int, coverages: Sequence[float], memory: int, pool: int, circular: bool
    ) -> None:
        self.coverages = tuple(coverages)
        self.parts = [
            [AdaptiveConformal(steps, coverage, memory=memory, pool=pool, circular=circular) for coverage in coverages]
            for _ in range(targets)
        ]

    def learn(self, truth: Floats, point: Floats, real: NDArray[np.bool_]) -> None:
        """Take one forecast and its truth; (step, target) each."""
        for target, levels in enumerate(self.parts):
            for one in levels:
                one.update(truth[:, target], point[:, target], real=real[:, target])

    def margins(self) -> Floats:
        """Half widths of the next intervals; (step, target, coverage), growing with the coverage."""
        zero = np.zeros(self.parts[0][0].steps)
        found = [[one.interval(zero)[1] for one in levels] for levels in self.parts]
        return np.maximum.accumulate(np.maximum(np.array(found), 0.0), axis=1).transpose(2, 0, 1)


def follow(intervals: DayAheadIntervals, truth: Floats, point: Floats, real: NDArray[np.bool_], delay: int) -> Floats:
    """Margins of each forecast in turn, learning from those that were complete when it was made.

    truth, point, real  (origin, step, target)
    delay               how many later forecasts start before the truth of one is whole (1 for a day ahead)
    ->                  (origin, step, target, coverage)
    """
    found = []
    for origin in range(len(truth)):
        if (done := origin - delay) >= 0:
            intervals.learn(truth[done], point[done], real[done])
        found.append(intervals.margins())
    for done in range(max(0, len(truth) - delay), len(truth)):
        intervals.learn(truth[done], point[done], real[done])
    return np.stack(found)


def calibrate(
    one: Backtest, data: LoadData, parts: Parts, coverages: Sequence[float]
) -> tuple[DayAheadIntervals, Floats]:
    """Intervals that know validation and test, and the margins they gave on test, each before its truth was known.

    -> intervals for what comes next, margins (origin, step, target, coverage)
    """
    steps, day = one.validation.shape[1], steps_a_day(data)
    # neighbouring steps share errors; a horizon of whole days ends where it begins on the clock
    intervals = DayAheadIntervals(
        steps, len(data.target_names), coverages, MEMORY, min(POOL, (steps - 1) // 2), steps % day == 0
    )
    truth, real = truth_at(data, parts.validation_origins, steps)
    for window in zip(truth, one.validation, real, strict=True):
        intervals.learn(*window)
    truth, real = truth_at(data, parts.test_origins, steps)
    return intervals, follow(intervals, truth, one.test, real, delay=-(-steps // min(day, steps)))
