"""Scores of a split of the mains, in watts, and the table that never shows an error without the zero predictor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...shared.errors import InputError
from ...shared.evaluation.metrics import mae, rmse
from ...shared.evaluation.table import Table, figures
from .appliances import Appliance
from .states import on_rule

ZERO = "zero"
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Score:
    """One appliance over the steps where truth and prediction are both real; NaN where a score does not exist."""

    mae: float  # W
    rmse: float  # W
    teca: float  # 1 - sum|p - y| / (2 sum|y|); 0.5 is no better than predicting nothing
    nde: float  # sum (p - y)^2 / sum y^2
    mr: float  # sum min(p, y) / sum max(p, y), the matching rate
    sae: float  # |sum p - sum y| / sum y over everything
    accuracy: float  # of the on state, as the next four
    balanced_accuracy: float
    precision: float
    recall: float
    f1: float
    day_error: float  # median over days with true energy of |predicted - true| / true
    month_error: float  # the same over months
    covered: float  # share of the steps that could be scored
    threshold: float  # W; predictions under it count as zero, above it as on
    on_share: float  # of the scored steps, in truth
    mean_w: float  # truth
    root_mean_square_w: float  # truth

    def of_zero(self) -> "Score":
        """What predicting nothing scores against the same truth."""
        some = self.mean_w > 0
        error, ever_on = (1.0 if some else NAN), self.on_share > 0
        return Score(
            mae=self.mean_w, rmse=self.root_mean_square_w, teca=error / 2, nde=error, mr=0.0 if some else NAN,
            sae=error, accuracy=1 - self.on_share, balanced_accuracy=0.5 if 0 < self.on_share < 1 else NAN,
            precision=NAN,
            recall=0.0 if ever_on else NAN, f1=0.0 if ever_on else NAN,
            day_error=self.day_error * 0 + 1, month_error=self.month_error * 0 + 1, covered=self.covered,
            threshold=self.threshold, on_share=self.on_share, mean_w=self.mean_w,
            root_mean_square_w=self.root_mean_square_w,
        )  # fmt: skip


class Scored(NamedTuple):
    """A line of the table."""

    model: str
    appliance: str
    score: Score


def score(
    truth_w: ArrayLike,
    power_w: ArrayLike,
    appliance: Appliance,
    times: pd.DatetimeIndex | None = None,
    threshold: float | None = None,
    energy_w: ArrayLike | None = None,
) -> Score:
    """Score a prediction of one appliance.

    truth_w    (time,) W, left as it is; NaN where there is no reading
    power_w    (time,) W, NaN where there is no answer; strictly below `threshold` it counts as 0
    times      (time,) on the local clock, for energy per day and month; without it those are NaN
    threshold  W, `appliance.on_w` if None; a prediction strictly above it is on; truth is on by the simple rule
    energy_w   (time,) W that sum up to the energies of days and months; `power_w` above its threshold if None
    Sums over all steps, not means over windows, as in the NILMFormer comparison (Petralia et al. 2025).
    Raises InputError when the shapes differ or nothing is real in both.
    """
    threshold = appliance.on_w if threshold is None else threshold
    everything = np.asarray(truth_w, dtype=np.float64)
    answer = np.asarray(power_w, dtype=np.float64)
    if everything.shape != answer.shape or everything.ndim != 1:
        raise InputError(f"truth of shape {everything.shape} and prediction of {answer.shape} must both be (time,).")
    real = np.isfinite(everything) & np.isfinite(answer)
    truth, power = everything[real], np.where(answer < threshold, 0.0, answer)[real]
    error, size = mae(truth, power), float(np.abs(truth).sum())
    state = _states(on_rule(truth, appliance), power > threshold)
    summed = power if energy_w is None else np.nan_to_num(np.asarray(energy_w, dtype=np.float64)[real])
    periods = [NAN, NAN] if times is None else [_energy_error(times[real], truth, summed, unit) for unit in ("D", "M")]
    return Score(
        mae=error,
        rmse=rmse(truth, power),
        teca=1 - _ratio(error * len(truth), 2 * size),
        nde=_ratio(np.square(truth - power).sum(), np.square(truth).sum()),
        mr=_ratio(np.minimum(truth, power).sum(), np.maximum(truth, power).sum()),
        sae=_ratio(abs(power.sum() - truth.sum()), size),
        **state,
        day_error=periods[0],
        month_error=periods[1],
        covered=float(real.mean()),
        threshold=threshold,
        mean_w=size / len(truth),
        root_mean_square_w=math.sqrt(np.square(truth).mean()),
    )


def average(scores: Sequence[Score]) -> Score:
    """The plain mean of each field over appliances or seeds; what is NaN in one of them is NaN in the mean."""
    if not scores:
        raise InputError("the mean of no scores does not exist; score at least one appliance.")
    return Score(**{one.name: float(np.mean([getattr(s, one.name) for s in scores])) for one in fields(Score)})


def score_table(lines: Sequence[Scored], caption: str = "") -> Table:
    """All models under one header; the zero predictor is added to every appliance, and means where a model has several.

    The state columns stand beside the power from which a prediction counts as on: they compare under one rule only.
    """
    appliances = list(dict.fromkeys(line.appliance for line in lines))
    zeros = {line.appliance: line.score.of_zero() for line in reversed(lines)}
    rows = [Scored(ZERO, name, zeros[name]) for name in appliances]
    rows += [line for line in lines if line.model != ZERO]
    for model in dict.fromkeys(row.model for row in rows):
        found = [row.score for row in rows if row.model == model]
        if len(found) > 1:  # a mean threshold would say nothing
            rows.append(Scored(model, f"mean of {len(found)}", replace(average(found), threshold=NAN)))
    columns = {
        "TECA": "teca", "MR": "mr", "F1": "f1", "balanced accuracy": "balanced_accuracy", "MAE, W": "mae",
        "RMSE, W": "rmse", "SAE": "sae", "day error": "day_error", "month error": "month_error",
        "on from, W": "threshold",
    }  # fmt: skip
    cells = [[row.model, row.appliance, *(figures(getattr(row.score, at)) for at in columns.values())] for row in rows]
    return Table(["model", "appliance", *columns], cells, caption=caption)


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else NAN


def _states(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> dict[str, float]:
    """Scores of two states from the four counts."""
    both, only_found = float((truth & found).sum()), float((~truth & found).sum())
    missed, neither = float((truth & ~found).sum()), float((~truth & ~found).sum())
    recall, quiet = _ratio(both, both + missed), _ratio(neither, neither + only_found)
    return {
        "accuracy": (both + neither) / len(truth),
        "balanced_accuracy": (recall + quiet) / 2,
        "precision": _ratio(both, both + only_found),
        "recall": recall,
        "f1": _ratio(2 * both, 2 * both + only_found + missed),
        "on_share": (both + missed) / len(truth),
    }


def _energy_error(times: pd.DatetimeIndex, truth: NDArray[np.float64], power: NDArray[np.float64], unit: str) -> float:
    """Median over days (D) or months (M) with true energy of |predicted - true| / true."""
    period = np.unique(times.tz_localize(None).to_numpy().astype(f"datetime64[{unit}]"), return_inverse=True)[1]
    true, predicted = np.bincount(period, truth), np.bincount(period, power)
    some = true > 0
    return float(np.median(np.abs(predicted - true)[some] / true[some])) if some.any() else NAN
