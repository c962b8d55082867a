"""Why an answer should not be trusted, in a line; and what simulated households say where no house left out can.

Validation at home says nothing of another house where one house alone taught an appliance: on the last quarter of REFIT
20 the microwave is found well enough, in REFIT 2 worse than by predicting nothing (TECA .44, .28 and .41 with three
seeds). Simulated households that the models never saw are strangers, too, if easier ones than real houses: of what
ships, dishwashers have TECA .90 there and .75 in houses left out, washing machines .81 and .61, kettles .93 and .81. So
what has less than .7 there will be found little better than nothing elsewhere. That is known of minutes alone.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from .appliances import MINUTE, Appliance
from .choice import score_house, switched
from .house import Estimate, House
from .lending import lenders
from .metrics import Score, average

HOUSEHOLDS, DAYS = 6, 14
LEAST_TECA = 0.7


def doubt(one: Appliance, where: str, score: Score) -> str:
    """The line for an appliance that was found too seldom there."""
    return (
        f"do not trust single uses of the {one.title}: {where} TECA is {score.teca:.2f}, where predicting nothing has "
        f"0.50, and F1 is {score.f1:.2f}"
    )


def doubts_of_strangers(
    say: Callable[[House], Mapping[str, Estimate]],
    asked: Sequence[Appliance],
    thresholds: Mapping[str, float],
    step: pd.Timedelta,
    seed: int,
) -> dict[str, str]:
    """Doubts by appliance, of those that simulated households raise; none at steps over a minute or unlike its ticks.

    say  what the chosen models say of a house
    """
    drawn = int(np.random.default_rng([seed, 29]).integers(2**31))  # households that lend nothing to the fit
    homes = [one.whole() for one in lenders(step, drawn, HOUSEHOLDS, DAYS)] if asked and step <= MINUTE else []
    said, found = [say(home) for home in homes], {}
    for one in asked:
        at = thresholds[one.name]
        scores = [
            score_house(home, switched(estimates[one.name], at, one), one, at)
            for home, estimates in zip(homes, said, strict=True)
            if (home.appliances_w[one.name] >= one.on_w).any()
        ]
        if scores and (score := average(scores)).teca < LEAST_TECA:
            where = "no house was left out to judge it, and in simulated ones, which are easier than real ones,"
            found[one.name] = doubt(one, where, score)
    return found
