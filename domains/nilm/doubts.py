"""Why an answer should not be trusted, in a line; and what simulated households say where no house left out can.

Validation at home says nothing of another house where one house alone taught an appliance: on the last quarter of REFIT
20 the microwave is found well enough, in REFIT 2 worse than by predicting nothing (TECA .44, .28 and .41 with three
seeds). In simulated households that the models never saw it is as bad (.44, .27 and .40), and the kettle, which does
carry over, is found (.95). They are easier than real ones: what is not found there will not be found elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from .appliances import Appliance
from .choice import NOTHING, score_house, switched
from .house import Estimate, House
from .lending import lenders
from .metrics import Score, average

HOUSEHOLDS, DAYS = 4, 14


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
    """Doubts by appliance, of those that simulated households raise; none where the simulator knows no such step.

    say  what the chosen models say of a house
    """
    drawn = int(np.random.default_rng([seed, 29]).integers(2**31))  # households that lend nothing to the fit
    homes = [one.whole() for one in lenders(step, drawn, HOUSEHOLDS, DAYS)] if asked else []
    said, found = [say(home) for home in homes], {}
    for one in asked:
        at = thresholds[one.name]
        scores = [
            score_house(home, switched(estimates[one.name], at, one), one, at)
            for home, estimates in zip(homes, said, strict=True)
            if (home.appliances_w[one.name] >= one.on_w).any()
        ]
        if scores and (score := average(scores)).teca < NOTHING:
            found[one.name] = doubt(one, "no house was left out to judge it, and in simulated households", score)
    return found
