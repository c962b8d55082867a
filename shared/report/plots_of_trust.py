"""Plots of how far a forecast can be trusted: its quantiles, its error by group and over time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import BLUE, FAINT, INK, MUTED, VERMILION, date_axis, label, legend, new_figure, thousands

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_bars(levels: ArrayLike, shares: ArrayLike, tolerance: float | None = None) -> "Figure":
    """Of every quantile the share of truth below it, less its level; levels and shares (level,) from 0 to 1.

    tolerance  half the width of the band in which a bar is called good
    """
    figure, axes = new_figure(2.6)
    level, off = 100 * np.asarray(levels, float), 100 * (np.asarray(shares, float) - np.asarray(levels, float))
    place, band = np.arange(len(level)), np.inf if tolerance is None else 100 * tolerance
    if tolerance is not None:
        axes.axhspan(-band, band, color=FAINT, alpha=0.6, linewidth=0, label=f"± {band:g} points")
    axes.bar(place, off, color=[VERMILION if abs(one) > band else BLUE for one in off], width=0.6)
    for x, one, below in zip(place, off, level + off, strict=True):
        up = bool(one >= 0)
        axes.annotate(
            f"{below:.1f} %", (x, one), (0, 3 if up else -3), textcoords="offset points", ha="center",
            va="bottom" if up else "top", color=INK, fontsize=9,
        )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xticks(place, [f"{one:g} %" for one in level])
    axes.margins(y=0.2)
    label(axes, "quantile, as promised", "truth found below, less the promise", "points")
    if tolerance is not None:
        legend(axes)
    return figure


def error_by_group(
    names: Sequence[str],
    errors: Mapping[str, ArrayLike],
    *,
    chosen: str,
    metric: str = "MAE",
    unit: str = "",
    group_name: str = "",
) -> "Figure":
    """Errors (name,) by model in groups that have no order in time: bars for the chosen one, dashes for others."""
    figure, axes = new_figure(2.8)
    place = np.arange(len(names))
    axes.bar(place, np.asarray(errors[chosen]), color=BLUE, width=0.7, alpha=0.85, label=chosen)
    for name in errors:
        if name != chosen:
            axes.plot(place, np.asarray(errors[name]), "_", color=INK, markersize=13, markeredgewidth=1.6, label=name)
    every = -(-len(names) // 12)
    axes.set_xticks(place[::every], list(names)[::every])
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    thousands(axes)
    label(axes, group_name, metric, unit)
    legend(axes)
    return figure


def level_over_time(time: ArrayLike, level: ArrayLike, limit: float, *, quantity: str = "", name: str = "") -> "Figure":
    """A level around one, and the limit beyond which it is out of the ordinary; (time,), datetime64 or numbers."""
    figure, axes = new_figure(2.6)
    times, values = np.asarray(time), np.asarray(level, float)
    axes.axhspan(0, limit, color=FAINT, alpha=0.6, linewidth=0, label=f"usual, up to {limit:.2f}")
    axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=":")
    axes.plot(times, values, color=BLUE, linewidth=1.8, label=name or quantity)
    out = values > limit
    if out.any():
        axes.plot(times[out], values[out], "o", color=VERMILION, markersize=4, label="beyond")
    axes.set_ylim(0, 1.15 * max(limit, float(np.nanmax(values))))
    axes.margins(x=0.01)
    date_axis(axes, times)
    label(axes, y=quantity)
    legend(axes)
    return figure
