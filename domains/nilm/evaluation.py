"""A fitted disaggregator on a house it has not seen, whose appliances are metered."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...shared.errors import InputError
from ...shared.evaluation.table import Table, figures
from .answer import expected_powers, powers
from .appliances import APPLIANCES
from .calibration import coverage_table
from .choice import score_house
from .house import House
from .metrics import Scored, score_table
from .predictor import Disaggregator

PART = 0.005  # of the time without a value of its meter, from which that is said


class Evaluation(NamedTuple):
    """Scores by appliance, and how much truth the intervals held."""

    lines: list[Scored]
    coverage: pd.DataFrame  # as `coverage_table`
    left_out: list[str]  # what of the house or the model is not scored, a sentence each

    def table(self) -> Table:
        """The scores, with the zero predictor beside them."""
        return score_table(self.lines)


def evaluate_on(disaggregator: Disaggregator, house: House) -> Evaluation:
    """Score the answers for every appliance that the model knows and the house has metered.

    Raises InputError when there is none.
    """
    both = [name for name in disaggregator.chosen_ if name in house.appliances_w]
    if not both:
        raise InputError(
            f"{house.name} has metered {', '.join(house.appliances_w) or 'nothing'}, the model answers "
            f"{', '.join(disaggregator.chosen_)}; there is nothing to score."
        )
    said = disaggregator.say(house)
    thresholds = {name: disaggregator.thresholds_[name] for name in both}
    counted = {name: disaggregator.counted_[name] for name in both}
    power_w, expected_w = powers(house, said, thresholds), expected_powers(house, said, counted)
    lines = [
        Scored(
            disaggregator.chosen_[name], name,
            score_house(house, power_w[name], APPLIANCES[name].at(house.step), thresholds[name], expected_w[name]),
        )
        for name in both
    ]  # fmt: skip
    coverage = coverage_table([house], [said], counted, disaggregator.bands_, disaggregator.coverage)
    return Evaluation(lines, coverage, _left_out(disaggregator, house, both))


def _left_out(disaggregator: Disaggregator, house: House, both: Sequence[str]) -> list[str]:
    """What is known on one side alone, and appliances that were metered for a part of the time."""
    sides = (disaggregator.chosen_, house.appliances_w)
    answered, metered = ([name for name in found if name not in both] for found in sides)
    lines = [f"{name}: the model answers it, the house has not metered it" for name in answered]
    lines += [f"{name}: the house has metered it, the model does not know it" for name in metered]
    whole = np.isfinite(house.mains_w)
    for name in both:
        absent = np.isnan(house.appliances_w[name][whole]).mean()
        if absent > PART:
            lines.append(f"{name} in {absent:.0%} of the steps with mains, in which its own meter has no value")
    return lines


def coverage_rows(coverage: pd.DataFrame) -> Table:
    """Coverage for people: every appliance and level with its width."""
    units = {"minute in question": "W"}
    rows = [
        (
            APPLIANCES[row.appliance].title, row.level, f"{100 * row.wanted:.0f} %", f"{100 * row.covered:.1f} %",
            f"{figures(row.width)} {units.get(row.level, 'kWh')}", f"{row.n:,}",
        )
        for row in coverage.rename(columns={"count": "n"}).itertuples()
    ]  # fmt: skip
    return Table(("appliance", "of a", "wanted", "held", "mean width", "count"), rows)
