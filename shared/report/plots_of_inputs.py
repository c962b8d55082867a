"""Plots of what a result rests on: the shares of its parts, the worth of its inputs, its answer to one of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import BLUE, COLOURS, INK, MUTED, VERMILION, label, legend, new_figure, round_steps, thousands

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def share_areas(shares: Mapping[str, ArrayLike], steps: ArrayLike, *, step_name: str = "step ahead") -> "Figure":
    """Shares that add up to one, stacked over the steps; (step,) by name, the largest in the mean at the bottom."""
    figure, axes = new_figure(2.6)
    place = np.asarray(steps, float)
    width = place[1] - place[0] if len(place) > 1 else 1.0
    edges = np.append(place - width / 2, place[-1] + width / 2)
    floor = np.zeros(len(place))
    parts = {name: 100 * np.asarray(share, float) for name, share in shares.items()}
    for i, name in enumerate(sorted(parts, key=lambda name: -float(parts[name].mean()))):
        top = floor + parts[name]
        low, high = (np.append(values, values[-1]) for values in (floor, top))
        axes.fill_between(
            edges, low, high, step="post", color=COLOURS[i % len(COLOURS)], alpha=0.8, linewidth=0, label=name
        )
        floor = top
    axes.set_ylim(0, 100)
    axes.set_xlim(edges[0], edges[-1])
    round_steps(axes)
    label(axes, step_name, "share in the forecast", "%")
    legend(axes)
    return figure


def importance_bars(names: Sequence[str], growth: ArrayLike, low: ArrayLike, high: ArrayLike) -> "Figure":
    """By how much the error grows without each input, with the range over repeats; shares (name,), the first on top."""
    figure, axes = new_figure(0.7 + 0.42 * len(names))
    values, lows, highs = (100 * np.asarray(one, float)[::-1] for one in (growth, low, high))
    place = np.arange(len(names))
    axes.barh(place, values, color=BLUE, alpha=0.85, height=0.62)
    axes.errorbar(
        values, place, xerr=[values - lows, highs - values], fmt="none", ecolor=INK, elinewidth=1.2, capsize=3
    )
    for y, value, tip in zip(place, values, np.maximum(highs, 0), strict=True):
        text = f"{value:+,.0f} %" if round(value) else "0 %"
        axes.annotate(text, (tip, y), (6, 0), textcoords="offset points", va="center", color=INK, fontsize=9)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(place, list(names)[::-1], color=INK)
    axes.set_xlim(min(0.0, 1.1 * float(lows.min())), 1.12 * max(float(highs.max()), 1.0))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    label(axes, y="growth of the error when the input is taken from other days")
    return figure


def response_curve(
    observed: Mapping[str, tuple[ArrayLike, ArrayLike]],
    answers: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    input_name: str = "",
    input_unit: str = "",
    quantity: str = "",
    unit: str = "",
) -> "Figure":
    """How an outcome follows one input, by kind of case: dots are what was observed, lines what a model answers.

    observed  (bin,) input and outcome, by kind; entries that are NaN are left out
    answers   (place, shift) input and outcome, by the same kinds: a short line for each place
    """
    figure, axes = new_figure(3.6)
    for i, (name, (x, y)) in enumerate(observed.items()):
        colour, marker = (BLUE, VERMILION)[i % 2], "os"[i % 2]
        axes.plot(
            np.asarray(x), np.asarray(y), marker, color=colour, markersize=4, alpha=0.45, markeredgewidth=0,
            label=f"{name}, observed",
        )  # fmt: skip
        for j, (inputs, outcomes) in enumerate(zip(*map(np.asarray, answers[name]), strict=True)):
            named = f"{name}, forecast" if j == 0 else "_"
            axes.plot(inputs, outcomes, color=colour, linewidth=2.2, solid_capstyle="round", label=named)
    axes.margins(x=0.02)
    thousands(axes)
    label(axes, f"{input_name} ({input_unit})" if input_unit else input_name, quantity, unit)
    legend(axes)
    return figure
