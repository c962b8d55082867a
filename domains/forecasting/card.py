"""The card of a fitted forecaster: what it is, what it was fitted on, how good it is, and when not to use it."""

from typing import TYPE_CHECKING

from ... import __version__
from ...shared.reading.grid import say_duration
from .blend_load import BlendLoad

if TYPE_CHECKING:
    from .predictor import LoadForecaster


def card(forecaster: "LoadForecaster") -> str:
    """Markdown for people."""
    data, layout, comparison = forecaster.data_, forecaster.layout_, forecaster.comparison_
    unit = layout.units.get(layout.targets[0], "as in the file")
    start = data.local()[data.known - 1] + data.step
    repairs = "\n".join(f"- {repair}" for repair in data.repairs) or "- none was needed"
    covariates = ", ".join((*layout.past_covariates, *layout.future_covariates)) or "none"
    return f"""# Load forecaster: {forecaster.chosen_}

Forecasts {", ".join(layout.targets)} ({unit}) for {forecaster.horizon} after the last known value.
A step is {say_duration(data.step)}.{_parts(forecaster)}
Made by labformer {__version__}, seed {forecaster.seed}, fitted in {forecaster.seconds_fit_:.1f} s.

## Data

{data.summary()}. Covariates: {covariates}. The licence of the data is its owner's.

Repairs:
{repairs}

## How good it is

{comparison.to_markdown()}

{forecaster.calibration_()}.

## When not to use it

- For another series, or after a lasting change of this one (new industry, rooftop solar, tariffs): fit again.
- For forecasts that start at another time of day than {start:%H:%M}: they are answered, but not calibrated.
- Beyond the weather it was fitted on, and on days of a kind it never saw (holidays in a short history).
- When `labformer predict` says that it has drifted, or after a month: fit again.
- The interval holds on average over days like the recent ones, not for the one day that is unlike them.
"""


def _parts(forecaster: "LoadForecaster") -> str:
    """The members of a blend and their mean weights, if it is one."""
    if not isinstance(forecaster.model_, BlendLoad):
        return ""
    shares = ", ".join(f"{name} {share:.2f}" for name, share in forecaster.model_.shares().items())
    return f"\nIt is a weighted mean of forecasts: {shares}."
