"""The card of a fitted year-ahead forecaster: what it is, what it was fitted on, how good, and when not to use it."""

from .... import __version__
from ....shared.reading.grid import say_duration
from ..data import LoadData
from .predictor import YearLoad


def year_card(model: YearLoad, data: LoadData) -> str:
    """Markdown for people."""
    layout = model.layout_
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in model.weights_.items())
    repairs = "\n".join(f"- {repair}" for repair in data.repairs) or "- none was needed"
    calendar = (
        f"weekdays {'used' if model.weekdays else 'not used'}, holidays {model.holidays or 'as in the covariates'}"
    )
    tested = "Not scored on another year." if model.comparison_ is None else model.comparison_.to_markdown()
    return f"""# Year-ahead load: {model.chosen_}

Forecasts {layout.target} ({layout.unit or "unit as in the file"}) each {say_duration(data.step)} from weather and
calendar alone; no load of the time ahead is needed or used. Weights on the (log) scale: {weights}.
Made by labformer {__version__}, seed {model.seed}, fitted in {model.seconds_["blend"]:.1f} s.

## Data

Fitted on {layout.fitted_from} to {layout.fitted_until}; {data.summary()}. Covariates: {", ".join(layout.covariates)};
{calendar}. The licence of the data is its owner's.

Repairs:
{repairs}

## How good it is

On the last year, by a model of the years before it:

{tested}

{model.calibration_()}.

## When not to use it

- For another series, or after a lasting change of this one (new industry, rooftop solar, tariffs): fit again.
- For tomorrow, when today's load is known: a day-ahead forecast is better by far.
- With a weather forecast in place of measured weather the error of that forecast comes on top.
- Beyond the weather it was fitted on, and where the years' level moved more than between the years of history.
"""
