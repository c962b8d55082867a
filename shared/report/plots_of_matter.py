"""Plots of what holds matter together: predictions against truth, what a run conserves, its lines and its distances."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import BLUE, COLOURS, FAINT, INK, LINES, MUTED, VERMILION, label, legend, new_figure, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = 4000  # points; more hide each other and swell a page
BINS = 10


def parity(panels: Sequence[tuple[str, str, ArrayLike, ArrayLike]]) -> "Figure":
    """Predicted against true values, one square a quantity; points on the line are right.

    panels  (quantity, unit, true (value,), predicted (value,)); means are left in, what is not finite is left out
    """
    figure, squares = new_panels(len(panels), 3.9)
    for axes, (quantity, unit, true, predicted) in zip(squares, panels, strict=True):
        truth, said = np.ravel(np.asarray(true, float)), np.ravel(np.asarray(predicted, float))
        known = np.isfinite(truth) & np.isfinite(said)
        truth, said = truth[known], said[known]
        some = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), DRAWN)).astype(int)) if len(truth) else slice(0)
        ends = (float(min(truth.min(), said.min())), float(max(truth.max(), said.max()))) if len(truth) else (0.0, 1.0)
        axes.plot(ends, ends, color=MUTED, linewidth=0.9)
        axes.plot(truth[some], said[some], ".", color=BLUE, markersize=2.5, alpha=0.5)
        off = f"MAE {np.abs(said - truth).mean():.3g} {unit}" if len(truth) else "no values"
        axes.annotate(off, (0.04, 0.95), xycoords="axes fraction", va="top", color=INK, fontsize=9)
        axes.set_aspect("equal", adjustable="datalim")
        label(axes, f"true ({unit})", f"{quantity}, predicted", unit)
    return figure


def drift_over_time(
    times: ArrayLike, energy: ArrayLike, *, time_unit: str = "ps", unit: str = "meV/atom", limit: float | None = None
) -> "Figure":
    """What a run should conserve, less its first value, with the straight line through it; times, energy (time,).

    limit  the change over the whole run that is allowed, drawn as a band
    """
    figure, axes = new_figure(2.8)
    clock, change = np.asarray(times, float), np.asarray(energy, float) - np.asarray(energy, float)[0]
    if limit is not None:
        axes.axhspan(-limit, limit, color=FAINT, alpha=0.6, linewidth=0, label=f"± {limit:g} {unit}")
    some = np.unique(np.linspace(0, len(clock) - 1, min(len(clock), DRAWN)).astype(int))
    axes.plot(clock[some], change[some], color=BLUE, linewidth=0.8, alpha=0.8, label="total energy")
    good = np.isfinite(change)
    if good.sum() > 2:
        slope, height = np.polyfit(clock[good], change[good], 1)
        total = slope * (clock[-1] - clock[0])
        axes.plot(clock, slope * clock + height, color=VERMILION, linewidth=1.4, label=f"line: {total:+.2g} {unit}")
    axes.margins(x=0.01)
    label(axes, f"time ({time_unit})", "change of total energy", unit)
    legend(axes)
    return figure


def spectra(lines: Mapping[str, tuple[ArrayLike, ArrayLike]], *, reference: str = "") -> "Figure":
    """Vibrational densities over wavenumber by name, the reference filled behind; (line,) in 1/cm, (line,)."""
    figure, axes = new_figure()
    if reference in lines:
        waves, density = (np.asarray(one, float) for one in lines[reference])
        axes.fill_between(waves, density, color=MUTED, alpha=0.35, linewidth=0, label=reference)
    others = [name for name in lines if name != reference]
    for place, name in enumerate(others):
        waves, density = (np.asarray(one, float) for one in lines[name])
        axes.plot(waves, density, color=COLOURS[place % len(COLOURS)], linewidth=1.2, label=name)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.margins(x=0.01)
    label(axes, "wavenumber (1/cm)", "vibrational density")
    legend(axes)
    return figure


def radial_curves(
    distances: ArrayLike,
    curves: Mapping[str, ArrayLike],
    reference: Mapping[str, ArrayLike] | None = None,
    *,
    periodic: bool = True,
    names: tuple[str, str] = ("model", "reference"),
) -> "Figure":
    """How often pairs stand at each distance, one row for each kind of pair, against the reference where it has one.

    distances  (bin,) in Å;  curves, reference  by kind of pair (bin,)
    """
    figure, rows = _rows(len(curves))
    radii = np.asarray(distances, float)
    for place, (axes, (pair, curve)) in enumerate(zip(rows, curves.items(), strict=True)):
        if reference is not None and pair in reference:
            axes.fill_between(radii, np.asarray(reference[pair]), color=MUTED, alpha=0.35, linewidth=0, label=names[1])
        axes.plot(radii, np.asarray(curve), color=BLUE, linewidth=1.4, label=names[0])
        if periodic:
            axes.axhline(1, color=MUTED, linewidth=0.7, linestyle=":")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        label(axes, "distance (Å)" if place == len(rows) - 1 else "", f"{pair}, {'g(r)' if periodic else 'density'}")
    legend(rows[0])
    return figure


def error_against_doubt(
    doubt: ArrayLike, error: ArrayLike, coverage: float | None = None, *, unit: str = "eV/Å", bins: int = BINS
) -> "Figure":
    """Whether large errors were announced: true error over the bound that was given, point by point and in tenths.

    doubt, error  (value,), both positive; the bound holds below the diagonal
    coverage      the share that was promised to lie below it
    """
    figure, axes = new_figure(3.9, 6.4)
    bound, off = np.ravel(np.asarray(doubt, float)), np.ravel(np.asarray(error, float))
    known = np.isfinite(bound) & np.isfinite(off) & (bound > 0)
    bound, off = bound[known], off[known]
    if not len(bound):
        axes.annotate("no bounds were given", (0.5, 0.5), xycoords="axes fraction", ha="center", color=MUTED)
        label(axes, f"bound ({unit})", "true error", unit)
        return figure
    least = max(float(np.quantile(off, 0.001)), 1e-3 * float(off.max()), 1e-12)  # a log scale ends somewhere
    some = np.unique(np.linspace(0, len(bound) - 1, min(len(bound), DRAWN)).astype(int))
    below = float((off <= bound).mean())
    axes.plot(bound[some], off[some].clip(least), ".", color=BLUE, markersize=2.5, alpha=0.35)
    ends = np.array([bound.min(), bound.max()])
    promise = "" if coverage is None else f" (promised {100 * coverage:g} %)"
    axes.plot(ends, ends, color=INK, linewidth=1, label=f"bound: {100 * below:.1f} % lie below{promise}")
    order = np.array_split(np.argsort(bound), min(bins, len(bound)))
    middle = [float(np.median(bound[one])) for one in order]
    axes.plot(
        middle, [float(off[one].mean()) for one in order], "o-", color=VERMILION, markersize=4, linewidth=1.2,
        label="mean error of each tenth" if bins == BINS else "mean error of each part",
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    label(axes, f"bound ({unit})", "true error", unit)
    legend(axes)
    return figure


def weight_over_distance(
    distances: ArrayLike, weights: Mapping[str, ArrayLike], *, even: float | None = None
) -> "Figure":
    """How much attention goes to atoms at each distance, one line a layer; (bin,) in Å, by layer (bin,).

    even  the weight that every atom would have if distance did not count
    """
    figure, axes = new_figure()
    radii = np.asarray(distances, float)
    for place, (name, values) in enumerate(weights.items()):
        colour, style = COLOURS[place % len(COLOURS)], LINES[place // len(COLOURS) % len(LINES)]
        axes.plot(radii, np.asarray(values, float), color=colour, linestyle=style, linewidth=1.5, label=name)
    if even is not None:
        axes.axhline(even, color=MUTED, linewidth=0.8, linestyle=":", label="if distance did not count")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    label(axes, "distance (Å)", "mean attention weight")
    legend(axes)
    return figure


def _rows(count: int) -> "tuple[Figure, list[Axes]]":
    """Plots one under the other that share their distances."""
    figure, _ = new_panels(1, 0.7 + 1.5 * count)
    figure.clear()
    rows: list[Axes] = list(figure.subplots(count, 1, squeeze=False, sharex=True)[:, 0])
    for axes in rows:
        axes.set_facecolor("none")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(MUTED)
        axes.tick_params(colors=MUTED, labelsize=9, length=3)
        axes.grid(axis="y", color=FAINT, linewidth=0.8)
    return figure, rows
