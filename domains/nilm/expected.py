"""Energy counts doubts: a minute that is half likely to be a use adds half of it.

Whatever lies below a threshold is missing from a sum of answers that were switched on or off, and in a stranger's house
that is much: there an appliance is found with less probability. What a month adds up to is the mean that is to be
expected, times what such sums were short of on houses whose truth is known.

Of an appliance that idles, a washing machine, a fifth or so lies in minutes that count as off. There a model may have
learnt the mean itself (`Estimate.mean_w`), which takes the place of probability times power.
"""

from collections.abc import Sequence

import numpy as np

from .house import Estimate, House, Watts

LEAST = 0.02  # probability from which a minute counts; from .1 on what sums are short of differs more between houses
MOST = 2.0  # times by which a sum is raised at most, or lowered
AS_IT_IS = 0.0  # factor, and threshold, of a model whose answer is a mean power already


def expected(estimate: Estimate, factor: float) -> Watts:
    """Power to be expected in the mean, W; NaN stays; (time,)."""
    if factor == AS_IT_IS:
        return estimate.power_w
    if estimate.mean_w is not None:
        return np.where(np.isnan(estimate.on), np.nan, estimate.mean_w * np.float32(factor)).astype(np.float32)
    weight = np.where(estimate.on >= LEAST, estimate.on * np.float32(factor), np.float32(0))
    return np.where(np.isnan(estimate.on), np.nan, weight * estimate.power_w).astype(np.float32)


def short_of(found: Sequence[tuple[House, Estimate]], name: str) -> float:
    """Times by which energy exceeds what is expected, in the middle of the houses, on a scale of ratios.

    found  houses in which the appliance ran, and what is said of them. 1 where nothing was expected or nothing ran
    """
    ratios = []
    for house, estimate in found:
        plain, truth = expected(estimate, 1.0), house.appliances_w[name]
        seen = np.isfinite(plain) & np.isfinite(truth)
        sums = float(truth[seen].sum(dtype=np.float64)), float(plain[seen].sum(dtype=np.float64))
        if min(sums) > 0:
            ratios.append(sums[0] / sums[1])
    return float(np.clip(np.exp(np.median(np.log(ratios))), 1 / MOST, MOST)) if ratios else 1.0
