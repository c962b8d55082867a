"""The plots of a forecast: what comes, which model is better, when it was off. Each returns a matplotlib `Figure`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..evaluation.comparison import Comparison
from ..evaluation.table import figures
from .style import (
    BLUE,
    FAINT,
    INK,
    LINES,
    MUTED,
    VERMILION,
    date_axis,
    label,
    legend,
    new_figure,
    round_steps,
    thousands,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forecast_fan(
    history_time: ArrayLike,
    history: ArrayLike,
    time: ArrayLike,
    median: ArrayLike,
    intervals: Sequence[tuple[float, ArrayLike, ArrayLike]] = (),
    truth: ArrayLike | None = None,
    paths: ArrayLike | None = None,
    *,
    quantity: str = "",
    unit: str = "",
) -> "Figure":
    """The past, the forecast in its intervals, and what came if it is known.

    history_time, history         (past,)
    time, median, truth           (step,); times are datetime64 (without a zone) or numbers
    intervals                     (coverage, low, high) with low and high (step,), in any order
    paths                         (path, step), drawn thin over the intervals
    """
    figure, axes = new_figure(3.6)
    past_time, past, future = np.asarray(history_time), np.asarray(history, float), np.asarray(time)
    widest_first = sorted(intervals, key=lambda interval: -interval[0])
    for i, (coverage, low, high) in enumerate(widest_first):
        shade = 0.16 + 0.18 * i
        axes.fill_between(
            future, np.asarray(low), np.asarray(high), color=BLUE, alpha=shade, linewidth=0,
            label=f"{100 * coverage:g} % interval",
        )  # fmt: skip
    axes.plot(past_time, past, color=MUTED, linewidth=1.1, label="history")
    for i, path in enumerate(() if paths is None else np.asarray(paths)):
        axes.plot(future, path, color=INK, linewidth=0.5, alpha=0.6, label="_" if i else "possible paths")
    axes.plot(future, np.asarray(median), color=BLUE, linewidth=1.8, label="forecast")
    if truth is not None:
        axes.plot(future, np.asarray(truth), color=INK, linewidth=1.2, linestyle=(0, (3, 1.5)), label="what came")
    axes.axvline(future[0], color=MUTED, linewidth=0.8, linestyle=":")
    axes.margins(x=0.01)
    date_axis(axes, future)
    thousands(axes)
    label(axes, y=quantity, unit=unit)
    legend(axes)
    return figure


def error_by_step(
    errors: Mapping[str, ArrayLike],
    *,
    metric: str = "MAE",
    unit: str = "",
    chosen: str = "",
    steps: ArrayLike | None = None,
    step_name: str = "step ahead",
) -> "Figure":
    """Error of each model at each step of the horizon; errors (step,) by model, the chosen one drawn strongest.

    steps  (step,), where each step stands on the axis, as hours ahead; None counts from 1
    """
    figure, axes = new_figure()
    others = [name for name in errors if name != chosen]
    for i, name in enumerate(others):
        values = np.asarray(errors[name])
        colour = (MUTED, VERMILION)[i // len(LINES) % 2]
        axes.plot(_steps(steps, values), values, color=colour, linewidth=1.3, linestyle=LINES[i % 4], label=name)
    if chosen in errors:
        values = np.asarray(errors[chosen])
        axes.plot(_steps(steps, values), values, color=BLUE, linewidth=2.2, label=chosen)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    round_steps(axes)
    thousands(axes)
    label(axes, step_name, metric, unit)
    legend(axes)
    return figure


def coverage_bars(
    names: Sequence[str],
    measured: ArrayLike,
    nominal: float,
    windows: int | None = None,
    *,
    tolerance: float | None = None,
    step_name: str = "",
) -> "Figure":
    """How far measured coverage stands above or below the promised one; measured (name,) as shares from 0 to 1.

    windows    how many windows each share was counted on: draws the band in which 9 of 10 shares would fall by chance
               if windows were independent
    tolerance  half the width of a band to draw instead, as a share
    Bars that leave the band downwards are marked.
    """
    figure, axes = new_figure(2.8)
    share, place = 100 * np.asarray(measured, float), np.arange(len(names))
    band, words = 0.0, ""
    if tolerance is not None:
        band, words = 100 * tolerance, f"± {100 * tolerance:g} points"
    elif windows is not None:
        band, words = 164.5 * (nominal * (1 - nominal) / windows) ** 0.5, f"chance, {windows} windows"
    if words:
        span = (100 * nominal - band, min(100, 100 * nominal + band))
        axes.axhspan(*span, color=FAINT, alpha=0.6, linewidth=0, label=words)
    colours = [VERMILION if value < 100 * nominal - band else BLUE for value in share]
    axes.bar(place, share - 100 * nominal, bottom=100 * nominal, color=colours, width=0.7)
    axes.axhline(100 * nominal, color=INK, linewidth=1, label=f"promised {100 * nominal:g} %")
    every = -(-len(names) // 12)
    axes.set_xticks(place[::every], [names[i] for i in place[::every]])
    axes.set_ylim(max(0, min(share.min(), 100 * nominal - band) - 3), 101)
    axes.margins(x=0.01)
    label(axes, step_name, "measured coverage", "%")
    legend(axes)
    return figure


def comparison_bars(comparison: Comparison) -> "Figure":
    """The error of each model with its interval, best on top, the chosen one in colour."""
    rows = comparison.rows[::-1]
    figure, axes = new_figure(0.9 + 0.42 * len(rows))
    values = np.array([row.value for row in rows])
    reach = np.array([[row.value - row.low, row.high - row.value] for row in rows]).T
    place = np.arange(len(rows))
    colours = [BLUE if row.model == comparison.chosen else MUTED for row in rows]
    axes.barh(place, values, color=colours, alpha=0.85, height=0.62)
    axes.errorbar(values, place, xerr=np.nan_to_num(reach), fmt="none", ecolor=INK, elinewidth=1.2, capsize=3)
    tips = values + np.nan_to_num(reach[1])
    for y, value, tip in zip(place, values, tips, strict=True):
        axes.annotate(figures(value), (tip, y), (6, 0), textcoords="offset points", va="center", color=INK, fontsize=9)
    axes.set_yticks(place, [row.model for row in rows], color=INK)
    axes.set_xlim(0, 1.1 * float(tips.max()) or 1)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    label(axes, y=f"{comparison.metric} on test, {100 * comparison.coverage:g} % interval", unit=comparison.unit)
    return figure


def residual_calendar(
    days: ArrayLike,
    residual: ArrayLike,
    step_names: Sequence[str],
    *,
    unit: str = "",
    step_name: str = "",
) -> "Figure":
    """Where and when the forecast was off: one column a day, one row a step of the day.

    days      (day,), datetime64 (without a zone) or numbers, one after another
    residual  (day, step), truth minus forecast; NaN stays empty
    Red is truth above the forecast, blue below; the strongest colour is the 99th percentile of the sizes.
    """
    figure, axes = new_figure(3.4)
    values = np.asarray(residual, float)
    sizes = np.abs(values[np.isfinite(values)])
    limit = float(np.quantile(sizes, 0.99)) if sizes.size else 1.0
    image = axes.imshow(
        values.T, aspect="auto", cmap="RdBu_r", vmin=-(limit or 1.0), vmax=limit or 1.0, interpolation="nearest"
    )
    moments = np.asarray(days)
    every = -(-len(moments) // 8)
    axes.set_xticks(np.arange(len(moments))[::every], [_day_name(day) for day in moments[::every]])
    rows = -(-len(step_names) // 8)
    axes.set_yticks(np.arange(len(step_names))[::rows], list(step_names)[::rows])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelsize=9, length=0)
    label(axes, y=f"truth minus forecast by day and {step_name}" if step_name else "truth minus forecast", unit=unit)
    return figure


def _steps(steps: ArrayLike | None, values: ArrayLike) -> np.ndarray:
    return np.arange(1, len(np.asarray(values)) + 1) if steps is None else np.asarray(steps)


def _day_name(day: object) -> str:
    if not isinstance(day, np.datetime64):
        return str(day)
    date = day.astype("datetime64[s]").item()
    return f"{date.day} {date:%b}"
