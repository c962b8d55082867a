"""The house style of plots: five colours, thin lines, no boxes; and how a figure becomes part of a page."""

import html
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# blue and vermilion of Okabe & Ito 2008 stay apart for every kind of colour vision; lines differ in style too
INK, MUTED, FAINT, BLUE, VERMILION = "#1b2733", "#66727f", "#dfe4e9", "#0072b2", "#d55e00"
# in a page each colour is a variable, so that a figure follows the light or dark of its reader
VARIABLES = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", BLUE: "--blue", VERMILION: "--vermilion"}
LINES = ("-", "--", ":", "-.")


def new_figure(height: float = 3.2, width: float = 8.0) -> "tuple[Figure, Axes]":
    """A figure of one plot, in inches; needs no display and no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(colors=MUTED, labelsize=9, length=3)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def label(axes: "Axes", x: str = "", y: str = "", unit: str = "") -> None:
    """Name the axes; the quantity stands on top of its axis, where it is read first."""
    axes.set_xlabel(x, color=MUTED, fontsize=9)
    axes.set_title(f"{y} ({unit})" if unit else y, loc="left", color=INK, fontsize=10, pad=10)


def legend(axes: "Axes") -> None:
    """A legend without a frame, above the plot at the right; long names take more rows."""
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles,
        labels,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=max(1, min(len(labels), 100 // (6 + max(map(len, labels))))),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handlelength=1.6,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def to_svg(figure: "Figure", alt: str, name: str) -> str:
    """The figure as an inline <svg>: no outside resource, words kept as text, colours as the page's variables.

    alt   what a reader who cannot see it should know; escaped here
    name  prefix of all ids, one for each figure of a page
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"(\bid=\"|href=\"#|url\(#)", rf"\g<1>{name}-", drawing)
    for colour, variable in VARIABLES.items():
        drawing = drawing.replace(colour, f"var({variable}, {colour})")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)
