"""What is chosen on validation: for each appliance a model, and the probability from which it counts as running."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .appliances import Appliance
from .expected import AS_IT_IS, expected, short_of
from .house import Estimate, House, Watts
from .left_out import LeftOut
from .metrics import Score, average, score

THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
NOTHING = 0.5  # TECA of predicting nothing
DEAR = 5.0
ALIKE = 0.03  # merits that differ by less
LEAST_STRANGERS = 2  # houses left out, from which sums of energy rest on them alone


class Choice(NamedTuple):
    """A threshold and what it scores on the houses of validation, in their mean."""

    threshold: float
    score: Score
    merit: float  # of the answers at this threshold, their own sums included: what a model is chosen for
    counted: float  # times by which what is expected is raised in sums of energy (`expected`)
    apart: Score | None = None  # on houses that were left out of the fit, where there are such with the appliance


def switched(estimate: Estimate, threshold: float, one: Appliance) -> Watts:
    """Power where the appliance is likelier than `threshold` to run, and at least its least; else 0; NaN stays.

    A threshold of 0 leaves power as it is.
    """
    if threshold == AS_IT_IS:
        return estimate.power_w
    runs = (estimate.on >= threshold) & (estimate.power_w >= one.on_w)
    return np.where(np.isnan(estimate.on), np.nan, np.where(runs, estimate.power_w, 0)).astype(np.float32)


def merit(found: Score) -> float:
    """What a choice should make large: TECA, overlap and states, less the monthly error; dearly less below TECA .5.

    Below .5, energy is assigned worse than by predicting nothing, and a good monthly sum is made of wrong minutes.
    """
    worse = max(NOTHING - found.teca, 0.0)
    return found.teca + found.mr + found.f1 - min(found.month_error, 1.0) - DEAR * worse


def score_house(house: House, power_w: Watts, one: Appliance, threshold: float, energy_w: Watts | None = None) -> Score:
    """The score of an answer that was switched at this threshold, and of the power that energies are the sum of."""
    least = 0.0 if threshold == AS_IT_IS else None
    return score(house.appliances_w[one.name], power_w, one, house.local(), least, energy_w)


def choose(
    houses: Sequence[House],
    said: Sequence[Mapping[str, Estimate]],
    one: Appliance,
    thresholds: Sequence[float] = THRESHOLDS,
    apart: Sequence[LeftOut] = (),
) -> Choice | None:
    """The threshold of most merit in the mean of the houses in which the appliance ran; None if it ran in none.

    Of several thresholds that are about as good, the middle one: which of them is best is chance.
    said   by house, what a model says of it; it was not fitted on these rows
    apart  houses left out of a fit, as smaller models answer them. What is expected is raised by what sums of energy
           are short of there, where two or more have the appliance, else by that of the other houses. The threshold
           does not rest on them: models of fewer houses are wrong more often than this one
    """
    owners = _owners(houses, said, one)
    others = _owners([found.house for found in apart], [found.said for found in apart], one)
    if not owners:
        return None
    judges = others if len(others) >= LEAST_STRANGERS else owners
    counted = AS_IT_IS if tuple(thresholds) == (AS_IT_IS,) else short_of(judges, one.name)

    def scored(found: Sequence[tuple[House, Estimate]], at: float, factor: float | None) -> Score:
        return average(
            [
                score_house(house, switched(said, at, one), one, at, None if factor is None else expected(said, factor))
                for house, said in found
            ]
        )

    merits = [merit(scored(owners, at, None)) for at in thresholds]
    good = [at for at, found in zip(thresholds, merits, strict=True) if found >= max(merits) - ALIKE]
    at = good[len(good) // 2]
    apart_score = scored(others, at, counted) if others else None
    return Choice(at, scored(owners, at, counted), merits[list(thresholds).index(at)], counted, apart_score)


def _owners(
    houses: Sequence[House], said: Sequence[Mapping[str, Estimate]], one: Appliance
) -> list[tuple[House, Estimate]]:
    """Houses in which the appliance ran, and what is said of it there."""
    return [
        (house, estimates[one.name])
        for house, estimates in zip(houses, said, strict=True)
        if one.name in house.appliances_w
        and (house.appliances_w[one.name][np.isfinite(house.mains_w)] >= one.on_w).any()
    ]
