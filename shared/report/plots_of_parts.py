"""Plots of a whole and its parts: over one stretch of time, by period, by hour of the week."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..evaluation.table import figures
from .style import BLUE, COLOURS, FAINT, INK, date_axis, label, legend, new_figure, new_panels, thousands

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def stacked_areas(
    time: ArrayLike,
    parts: Mapping[str, ArrayLike],
    whole: ArrayLike,
    *,
    whole_name: str = "the whole",
    rest_name: str = "the rest",
    quantity: str = "",
    unit: str = "",
) -> "Figure":
    """Parts stacked over time under the line of their whole, the rest of it left pale.

    time   (step,), start of each step, evenly spaced: datetime64 (without a zone) or numbers
    parts  (step,) by name, the first at the bottom; NaN is drawn as nothing
    whole  (step,), a gap where it is NaN
    """
    figure, axes = new_figure(3.6)
    place = np.asarray(time)
    edges = np.repeat(np.append(place, place[-1] + (place[1] - place[0])), 2)[1:-1]
    floor = np.zeros(len(edges))
    line = np.repeat(np.asarray(whole, float), 2)
    for i, (name, part) in enumerate(parts.items()):
        top = floor + np.repeat(np.nan_to_num(np.asarray(part, float)), 2)
        axes.fill_between(edges, floor, top, where=top > floor, color=_colour(i), linewidth=0, label=name)
        floor = top
    axes.fill_between(edges, floor, line, where=line > floor, color=FAINT, linewidth=0, label=rest_name)
    axes.plot(edges, line, color=INK, linewidth=0.7, label=whole_name)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    date_axis(axes, place)
    thousands(axes)
    label(axes, y=quantity, unit=unit)
    legend(axes)
    return figure


def stacked_bars(
    names: Sequence[str],
    parts: Mapping[str, ArrayLike],
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    truth: ArrayLike | None = None,
    *,
    quantity: str = "",
    unit: str = "",
) -> "Figure":
    """Parts of each period one on the other, with the interval of their sum and what it truly was, where known.

    names             (period,)
    parts             (period,) by name, the first at the bottom
    low, high, truth  (period,), of the sum
    """
    figure, axes = new_figure(3.2)
    place, floor = np.arange(len(names)), np.zeros(len(names))
    for i, (name, part) in enumerate(parts.items()):
        values = np.nan_to_num(np.asarray(part, float))
        axes.bar(place, values, bottom=floor, width=0.55, color=_colour(i), label=name)
        floor = floor + values
    if low is not None and high is not None:
        ends = np.stack([np.asarray(low, float), np.asarray(high, float)])
        middle, reach = ends.mean(0), np.diff(ends, axis=0)[0] / 2
        axes.errorbar(
            place, middle, yerr=reach, fmt="none", ecolor=INK, elinewidth=1.2, capsize=4, label="interval of the sum"
        )
    if truth is not None:
        axes.plot(place + 0.36, np.asarray(truth, float), "<", color=INK, markersize=6, label="as metered")
    axes.set_xticks(place, list(names))
    axes.set_xlim(-0.8, max(len(names), 4) - 0.2)
    thousands(axes)
    label(axes, y=quantity, unit=unit)
    legend(axes)
    return figure


def week_maps(maps: Mapping[str, ArrayLike], *, unit: str = "") -> "Figure":
    """One map of a week for each name: (7, 24) by day from Monday and hour, each shaded up to its own largest value."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", BLUE])
    figure, panels = new_panels(len(maps), 2.2)
    for i, (axes, (name, values)) in enumerate(zip(panels, maps.items(), strict=True)):
        grid = np.asarray(values, float)
        axes.imshow(grid, aspect="auto", cmap=shades, vmin=0, vmax=float(np.nanmax(grid)) or 1.0)
        axes.set_yticks(range(7), DAYS if i == 0 else [""] * 7)
        axes.set_xticks([0, 6, 12, 18])
        axes.grid(visible=False)
        label(axes, f"hour; darkest: {figures(float(np.nanmax(grid)))} {unit}".rstrip())
        axes.set_title(name, loc="left", color=INK, fontsize=9)
    return figure


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
