"""Plots of what moves: states over time, in the plane, and what is left between a law and its data."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .style import BLUE, INK, MUTED, VERMILION, label, legend, new_figure, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
ARROWS = 17  # along each axis of a field
DRAWN = 400  # points; more hide each other


def states_over_time(
    times: ArrayLike,
    measured: ArrayLike,
    names: Sequence[str],
    line_times: ArrayLike,
    line: ArrayLike,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    *,
    measured_name: str = "measured",
    line_name: str = "equations",
) -> "Figure":
    """One plot under the other for each state: points that were measured, the line that follows, its band.

    times, measured            (point,), (point, state)
    line_times, line           (time,), (time, state)
    low, high                  (time, state), NaN or None where there is no band
    """
    figure, panels = _rows(len(names))
    at, points = np.asarray(times), np.asarray(measured)
    clock, path = np.asarray(line_times), np.asarray(line)
    some = np.unique(np.linspace(0, len(at) - 1, min(len(at), DRAWN)).astype(int))
    for place, (axes, name) in enumerate(zip(panels, names, strict=True)):
        if low is not None and high is not None:
            axes.fill_between(
                clock, np.asarray(low)[:, place], np.asarray(high)[:, place], color=BLUE, alpha=0.25, linewidth=0
            )
        axes.plot(clock, path[:, place], color=BLUE, linewidth=1.4, label=line_name)
        axes.plot(at[some], points[some, place], ".", color=INK, markersize=3.5, alpha=0.7, label=measured_name)
        label(axes, "time" if place == len(names) - 1 else "", name)
    legend(panels[0])
    return figure


def plane_of_motion(
    field: Callable[[Floats], Floats],
    runs: Sequence[ArrayLike],
    lines: Sequence[ArrayLike],
    names: tuple[str, str],
) -> "Figure":
    """Where a law of two states drives from each place, with the runs that were measured and the lines that follow.

    field  states (2, batch) -> their derivatives (2, batch)
    runs   (point, 2) each, as measured
    lines  (time, 2) each, as followed
    """
    figure, axes = new_figure(4.6, 6.4)
    every = np.concatenate([np.asarray(run) for run in runs])
    edge = 0.08 * np.maximum(np.ptp(every, axis=0), 1e-12)
    ends = every.min(0) - edge, every.max(0) + edge
    x, y = np.meshgrid(*(np.linspace(low, high, ARROWS) for low, high in zip(*ends, strict=True)))
    pushed = field(np.stack([x.ravel(), y.ravel()])).reshape(2, ARROWS, ARROWS) / (ends[1] - ends[0])[:, None, None]
    length = np.hypot(*pushed)
    with np.errstate(all="ignore"):
        arrow = np.where(np.isfinite(length) & (length > 0), pushed / length, np.nan)
    axes.quiver(x, y, *arrow, color=MUTED, alpha=0.55, width=0.0022, scale=32, headwidth=4, pivot="mid")
    for place, one in enumerate(lines):
        path = np.asarray(one)
        axes.plot(path[:, 0], path[:, 1], color=BLUE, linewidth=1.4, label="equations" if not place else None)
    for place, one in enumerate(runs):
        path = np.asarray(one)
        some = np.unique(np.linspace(0, len(path) - 1, min(len(path), DRAWN)).astype(int))
        axes.plot(
            path[some, 0], path[some, 1], ".", color=INK, markersize=3.5, alpha=0.7,
            label="measured" if not place else None,
        )  # fmt: skip
        axes.plot(*path[0], "o", color=VERMILION, markersize=5, label="start" if not place else None)
    label(axes, names[0], names[1])
    legend(axes)
    return figure


def rate_over_state(field: Callable[[Floats], Floats], runs: Sequence[ArrayLike], name: str) -> "Figure":
    """How fast one state moves at each value of it, over the range that was measured; zeros are where it rests."""
    figure, axes = new_figure()
    every = np.concatenate([np.asarray(run) for run in runs])[:, 0]
    at = np.linspace(every.min(), every.max(), 300)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.plot(at, field(at[None])[0], color=BLUE, linewidth=1.6)
    label(axes, name, f"rate of {name}")
    return figure


def residuals_over_time(times: Sequence[ArrayLike], residuals: Sequence[ArrayLike], names: Sequence[str]) -> "Figure":
    """What was measured less what follows from the law; a plot for each state, runs (point,), (point, state)."""
    figure, panels = _rows(len(names), 1.3)
    for place, (axes, name) in enumerate(zip(panels, names, strict=True)):
        axes.axhline(0, color=MUTED, linewidth=0.8)
        for clock, off in zip(times, residuals, strict=True):
            axes.plot(np.asarray(clock), np.asarray(off)[:, place], ".", color=VERMILION, markersize=3, alpha=0.6)
        label(axes, "time" if place == len(names) - 1 else "", f"{name}, measured less followed")
    return figure


def _rows(count: int, height: float = 1.9) -> "tuple[Figure, list[Axes]]":
    """Plots one under the other that share their time."""
    figure, _ = new_panels(1, 0.7 + height * count)
    figure.clear()
    panels: list[Axes] = list(figure.subplots(count, 1, squeeze=False, sharex=True)[:, 0])
    for axes in panels:
        axes.set_facecolor("none")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(MUTED)
        axes.tick_params(colors=MUTED, labelsize=9, length=3)
        axes.grid(axis="y", linewidth=0.5, alpha=0.4)
    return figure, panels
