"""The part of the report that says how far the answers can be trusted: states, probabilities, intervals, doubts."""

import numpy as np
import xarray as xr

from ..domains.nilm.appliances import APPLIANCES
from ..domains.nilm.evaluation import coverage_rows
from ..domains.nilm.house import House
from ..domains.nilm.metrics import Scored, score_table
from ..domains.nilm.predictor import Disaggregator
from ..domains.nilm.states import on_rule
from ..shared.report.page import Section
from ..shared.report.plots_of_states import confusion_matrices, reliability_curves

BINS = 10  # of the probability
LEAST = 20  # steps in a bin, to be drawn


def states(disaggregator: Disaggregator, house: House, prediction: xr.Dataset) -> Section:
    """How often each appliance was said to run when it did and when it did not."""
    counts = {}
    for name, title, truth, power in _metered(house, prediction, "power_w"):
        rule = APPLIANCES[name].at(house.step)
        on, said = on_rule(truth, rule), power >= rule.on_w
        counts[title] = np.array([[(~on & ~said).sum(), (~on & said).sum()], [(on & ~said).sum(), (on & said).sum()]])
    rules = ", ".join(
        f"{APPLIANCES[name].title} from a probability of {at:g} and {APPLIANCES[name].at(house.step).on_w:.0f} W"
        for name, at in disaggregator.thresholds_.items()
    )
    text = f"Steps by what the appliance did and what was said of it; shares are of each row. Said to run: {rules}."
    figure = confusion_matrices(counts, ("off", "on"), unit="steps")
    return Section("On and off", text, figure, alt="Confusion of on and off, one matrix an appliance")


def probabilities(house: House, prediction: xr.Dataset) -> Section:
    """Whether an appliance runs as often as its probability says."""
    stated, found = {}, {}
    for name, title, truth, probability in _metered(house, prediction, "probability"):
        on = on_rule(truth, APPLIANCES[name].at(house.step))
        place = np.minimum((probability * BINS).astype(int), BINS - 1)
        count = np.bincount(place, minlength=BINS).astype(float)
        count[count < LEAST] = np.nan
        stated[title] = np.bincount(place, probability, BINS) / count
        found[title] = np.bincount(place, on, BINS) / count
    text = (
        "Steps by the probability that was stated, and how often the appliance ran in them. On the diagonal a "
        "probability can be taken at its word; below it, the appliance is claimed too often. Bins of fewer than "
        f"{LEAST} steps are left out."
    )
    figure = reliability_curves(stated, found, event="it runs")
    return Section("Can the probabilities be believed", text, figure, alt="Share of steps on by stated probability")


def held(disaggregator: Disaggregator) -> Section:
    """Coverage and width of the intervals on the test houses."""
    text = (
        f"Share of truth on the test that lies in the {disaggregator.coverage:.0%} intervals, with their mean width. "
        "They are calibrated on validation. A minute is in question from a probability of .1; below, nearly every "
        "truth is 0, and so is the interval. A day of use is one on which some energy is expected. Few months "
        "tell little."
    )
    return Section("Do the intervals hold", text, table=coverage_rows(disaggregator.coverage_))


def reasons(disaggregator: Disaggregator, house: House | None) -> list[str]:
    """Why answers for this house, or for any, should not be trusted, a sentence each."""
    return [doubt for name in disaggregator.chosen_ if (doubt := disaggregator.doubt(house, name))]


def doubts(disaggregator: Disaggregator, house: House) -> Section:
    """What not to trust, and for which houses nothing here speaks."""
    points = [f"{reason[0].upper()}{reason[1:]}." for reason in reasons(disaggregator, house)]
    text = "Validation gives no reason to doubt an appliance." if not points else "Not to be trusted on validation:"
    points.append(
        f"Learnt from {', '.join(disaggregator.houses_)}: appliances of other powers or programmes than theirs may be "
        "missed, and loads they did not have (an electric heater, a car) may be taken for one."
    )
    lines = [Scored(disaggregator.chosen_[name], name, one) for name, one in disaggregator.apart_scores_.items()]
    if not lines:
        return Section("What to trust", text, points=points)
    text += (
        " In the table each house of training is answered by a smaller model that learnt from the others: nearer to "
        "what a stranger's house will see than validation is."
    )
    return Section("What to trust", text, points=points, table=score_table(lines))


def _metered(house: House, prediction: xr.Dataset, what: str) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """Name, title, truth and answer of each metered appliance, where both are known."""
    found = []
    for name in map(str, prediction["appliance"].values):
        if name in house.appliances_w:
            truth, said = house.appliances_w[name], prediction[what].sel(appliance=name).values
            real = np.isfinite(truth) & np.isfinite(said)
            found.append((name, APPLIANCES[name].title, truth[real], said[real]))
    return found
