"""The part of the report that says what the forecast rests on: the worth of each input, the answer to weather."""

from typing import NamedTuple

from ..domains.forecasting.importance import ORIGINS, REPEATS, Importance, permutation_importance
from ..domains.forecasting.predictor import LoadForecaster
from ..domains.forecasting.response import KINDS, response
from ..domains.forecasting.scoring import target_scale
from ..domains.forecasting.surroundings import Surroundings
from ..shared.report.page import Section
from ..shared.report.plots_of_inputs import importance_bars, response_curve

MOST = 2  # covariates whose response is shown, the most important ones


class Worth(NamedTuple):
    """What each input is worth, the most important first, and how the report says it."""

    inputs: list[Importance]
    section: Section


def importance(forecaster: LoadForecaster) -> Worth:
    """Importance of the inputs of the model that made the forecasts of the test part."""
    data, parts = forecaster.data_, forecaster.parts_
    tested = forecaster.backtests_[forecaster.chosen_].model
    found = permutation_importance(tested, data, parts, target_scale(data, parts), seed=forecaster.seed)
    count = min(ORIGINS, len(parts.test_origins))
    first = found[0]
    text = (
        f"By how much the error of {count} test forecasts grows when one input is taken from other days and the rest "
        f"stays as it was, in the mean of {REPEATS} tries (thin line: the range). A growth of 100 % doubles the error; "
        "0 % says that the model does without. The hour of the day cannot be taken away like this, and stays."
    )
    said = f"Most depends on {first.family}: without it the error grows by {first.growth:.0%}"
    figure = importance_bars(*zip(*found, strict=True))
    return Worth(found, Section("What the forecast rests on", text, figure, alt=said))


def responses(forecaster: LoadForecaster, worth: Worth) -> list[Section]:
    """How the forecast answers to the covariates that matter most, a section each; none when none matters."""
    data = forecaster.data_
    surroundings = Surroundings.fit(data, slice(0, data.known))
    groups = {group.name: group for group in surroundings.groups}
    used = [groups[one.family] for one in worth.inputs if one.family in groups and one.growth > 0][:MOST]
    sections = []
    for group in used:
        found = response(forecaster.model_, data, surroundings, group, forecaster.horizon_)
        text = (
            f"Dots are what was observed, each the median of days of about the same {group.name}. Lines are what "
            f"{forecaster.chosen_} forecasts of typical days, and of the same days had it been a little lower or "
            f"higher over the coming {forecaster.horizon}. All are means over the horizon. Lines that follow the dots "
            "say that the model has learnt the response."
        )
        for target, name in enumerate(data.target_names):
            seen = {
                kind: (found.seen_level[i], found.seen_load[i, :, target])
                for i, kind in enumerate(KINDS)
                if (found.seen_level[i] == found.seen_level[i]).any()
            }
            answers = {
                kind: (found.level[i], found.forecast[i, ..., target]) for i, kind in enumerate(KINDS) if kind in seen
            }
            figure = response_curve(
                seen, answers, input_name=group.name, input_unit=found.unit, quantity=f"mean {name}",
                unit=data.units.get(name, ""),
            )  # fmt: skip
            sections.append(
                Section(
                    f"Response of {name} to {group.name}",
                    text,
                    figure,
                    alt=f"Observed and forecast {name} against {group.name}, on work days and days off",
                )  # fmt: skip
            )
    return sections
