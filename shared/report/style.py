"""The house style of plots: five colours, thin lines, no boxes; and how a figure becomes part of a page."""

import html
import io
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# blue and vermilion of Okabe & Ito 2008 stay apart for every kind of colour vision; lines differ in style too
INK, MUTED, FAINT, BLUE, VERMILION = "#1b2733", "#66727f", "#dfe4e9", "#0072b2", "#d55e00"
# in a page each colour is a variable, so that a figure follows the light or dark of its reader
VARIABLES = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", BLUE: "--blue", VERMILION: "--vermilion"}
LINES = ("-", "--", ":", "-.")
COLOURS = (BLUE, "#e69f00", "#009e73", VERMILION, "#cc79a7", MUTED)  # of parts that stand side by side


def new_figure(height: float = 3.2, width: float = 8.0) -> "tuple[Figure, Axes]":
    """A figure of one plot, in inches; needs no display and no global state."""
    figure, (axes,) = new_panels(1, height, width)
    return figure, axes


def new_panels(count: int, height: float = 3.2, width: float = 8.0) -> "tuple[Figure, list[Axes]]":
    """A figure of plots side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    panels: list[Axes] = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in panels:
        axes.set_facecolor("none")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(MUTED)
        axes.tick_params(colors=MUTED, labelsize=9, length=3)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, panels


def label(axes: "Axes", x: str = "", y: str = "", unit: str = "") -> None:
    """Name the axes; the quantity stands on top of its axis, where it is read first."""
    axes.set_xlabel(x, color=MUTED, fontsize=9)
    axes.set_title(f"{y} ({unit})" if unit else y, loc="left", color=INK, fontsize=10, pad=10)


def legend(axes: "Axes") -> None:
    """A legend without a frame, above the plot at the right of its title; as many rows as that takes."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    assert figure is not None
    title = figure.text(0, 0, axes.get_title(loc="left"), fontsize=10)
    room = 0.9 * figure.bbox.width - title.get_window_extent().width
    title.remove()
    for rows in range(1, len(labels) + 1):
        drawn = axes.legend(
            handles,
            labels,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=-(-len(labels) // rows),
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handlelength=1.6,
            columnspacing=1.4,
            borderaxespad=0.2,
        )
        if drawn.get_window_extent().width <= room:
            break


def round_steps(axes: "Axes") -> None:
    """Ticks at threes, sixes and tens along the horizontal axis, which steps of a day and of a week share."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 3, 6, 10]))


def date_axis(axes: "Axes", times: np.ndarray) -> None:
    """Ticks at round moments with short names, when the times are moments at all."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if times.dtype.kind == "M":
        locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
        formats = ["%Y", "%b %Y", "%a %d %b", "%H:%M", "%H:%M", "%S.%f"]  # by the finest unit that a tick shows
        zeros = ["", "%Y", "%a %d %b", *formats[2:-1]]  # where a tick begins the next larger unit
        shown = ConciseDateFormatter(locator, formats=formats, zero_formats=zeros, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(shown)


def thousands(axes: "Axes") -> None:
    """Numbers of the quantity with commas."""
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


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
