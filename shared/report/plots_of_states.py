"""Plots of a state that is or is not there: what was called what, and whether its probability can be believed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import BLUE, COLOURS, INK, LINES, MUTED, label, legend, new_figure, new_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_matrices(counts: Mapping[str, ArrayLike], states: Sequence[str], *, unit: str = "") -> "Figure":
    """One matrix for each name: counts (true state, stated state), each cell shaded by its share of the true state."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", BLUE])
    figure, panels = new_panels(len(counts), 2.4)
    for i, (axes, (name, count)) in enumerate(zip(panels, counts.items(), strict=True)):
        cells = np.asarray(count, float)
        share = cells / np.maximum(cells.sum(1, keepdims=True), 1)
        axes.imshow(share, cmap=shades, vmin=0, vmax=1.3, aspect="auto")
        for (row, column), value in np.ndenumerate(cells):
            said = f"{value:,.0f}\n{100 * share[row, column]:.1f} %"
            axes.text(column, row, said, ha="center", va="center", color="#1b2733", fontsize=8)
        axes.set_xticks(range(len(states)), [f"said {state}" for state in states])
        axes.set_yticks(range(len(states)), [f"is {state}" if i == 0 else "" for state in states])
        axes.grid(visible=False)
        axes.set_title(f"{name} ({unit})" if unit and i == 0 else name, loc="left", color=INK, fontsize=9)
    return figure


def reliability_curves(
    stated: Mapping[str, ArrayLike], found: Mapping[str, ArrayLike], *, event: str = "it is there"
) -> "Figure":
    """Share of cases in which something was there, by the probability that was stated; (bin,) each by the same names.

    On the diagonal probabilities can be taken at their word; bins without cases are NaN.
    """
    figure, axes = new_figure(3.4, 6.0)
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.8, linestyle=":")
    for i, (name, probability) in enumerate(stated.items()):
        x, y = 100 * np.asarray(probability, float), 100 * np.asarray(found[name], float)
        real = np.isfinite(x) & np.isfinite(y)
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(x[real], y[real], color=colour, linewidth=1.6, marker="o", markersize=3.5, linestyle=LINES[i % 4])
        axes.lines[-1].set_label(name)
    axes.set_xlim(-2, 102)
    axes.set_ylim(-2, 102)
    label(axes, f"stated probability that {event} (%)", "how often it was so", "%")
    legend(axes)
    return figure
