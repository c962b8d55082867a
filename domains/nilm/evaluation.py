"""A fitted disaggregator on a house it has not seen, whose appliances are metered."""

from typing import NamedTuple

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


class Evaluation(NamedTuple):
    """Scores by appliance, and how much truth the intervals held."""

    lines: list[Scored]
    coverage: pd.DataFrame  # as `coverage_table`

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
    return Evaluation(lines, coverage)


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
