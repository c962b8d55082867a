"""The comparison of candidates on test houses, day by day."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...shared.evaluation.comparison import Comparison, Contender, compare
from .house import House, Watts
from .metrics import average
from .registry import BLEND, entry

if TYPE_CHECKING:
    from .predictor import Disaggregator

SEEN = 0.5  # of a day with readings, to be scored


def day_comparison(
    model: "Disaggregator", test: Sequence[House], answers: Mapping[str, Sequence[Mapping[str, Watts]]]
) -> Comparison:
    """Mean absolute error of a day, W, mean over the appliances, of every candidate; chosen by merit on validation."""
    names = model.candidates()
    contenders = []
    for name in names:
        errors = []
        for house, power_w in zip(test, answers[name], strict=True):
            wrong = [
                np.abs(watts.astype(np.float64) - house.appliances_w[one])
                for one, watts in power_w.items()
                if one in house.appliances_w
            ]
            errors.append(_by_day(np.mean(wrong, axis=0), house.per_day()))
        scores = model.scores_[name].values()
        mean = average(list(scores))
        others = {"TECA": mean.teca, "MR": mean.mr, "F1": mean.f1, "month error": mean.month_error}
        validation = average(list(model.validation_scores_[name].values()))
        contenders.append(
            Contender(
                name,
                validation.mae,
                np.concatenate(errors),
                "simple" if name == BLEND else entry(name).role,
                others=others,
                seconds_fit=model.seconds_fit_.get(name, float("nan")),
                seconds_predict=model.seconds_predict_[name],
                parameters=None if name == BLEND else model.members_[name].parameters(),
            )
        )
    votes = list(model.chosen_.values())
    return compare(contenders, "MAE", "W", chosen=max(names, key=votes.count))


def _by_day(error: np.ndarray, day: int) -> np.ndarray:
    """Means of the whole days that have readings for at least half; (time,) -> (day,)."""
    days = error[: len(error) // day * day].reshape(-1, day)
    seen = np.isfinite(days).mean(1) >= SEEN
    return np.asarray(np.nanmean(days[seen], axis=1))
