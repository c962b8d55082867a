"""What is wrong with the points of one run: order, repeats, gaps, blow-ups, far too many of them."""

import numpy as np
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.reading.table import plural
from ..trajectory import LEAST

Floats = NDArray[np.float64]
Rows = tuple[Floats, Floats]  # times (row,), states (row, state)
DISORDER = 0.1  # share of points out of order, from which runs are mixed rather than rows misplaced
MISSING = 0.5  # share of incomplete rows, from which dropping them hides too much
BLOW_UP = 1e8  # times the median size of a state
HALF = 0.5  # of the points from the first that is beyond: fewer make a spike, more a blow-up, which may swing


def complete(times: Floats, states: Floats, names: tuple[str, ...], where: str) -> tuple[Floats, Floats, list[str]]:
    """Drop rows without a time or a state; raises InputError when that is most of the rows."""
    lacks = np.isnan(states)
    bad = np.isnan(times) | lacks.any(1)
    if not bad.any():
        return times, states, []
    worst = int(lacks.sum(0).argmax()) if lacks.any() else -1
    which = f"{names[worst]!r} is empty in {lacks[:, worst].mean():.0%} of them" if worst >= 0 else "times are missing"
    if bad.mean() > MISSING:
        raise InputError(
            f"{where}: {plural(int(bad.sum()), 'row')} of {len(bad):,} lack a value ({which}); leave that column out "
            "with states=, or fill it."
        )
    first = int(bad.argmax())
    at = f"first at time {times[first]:g}" if np.isfinite(times[first]) else f"first point {first}"
    return times[~bad], states[~bad], [f"{where}: {plural(int(bad.sum()), 'row')} without a value dropped, {at}"]


def segments(times: Floats, where: str) -> tuple[list[slice], list[str]]:
    """Cut where time starts over at the first time of all: runs that stand one below the other."""
    starts = np.flatnonzero((np.diff(times) < 0) & (times[1:] == times[0])) + 1
    edges = [0, *starts.tolist(), len(times)]
    cuts = [slice(low, high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    if len(cuts) == 1 or any(cut.stop - cut.start < LEAST or (np.diff(times[cut]) <= 0).any() for cut in cuts):
        return [slice(0, len(times))], []
    return cuts, [f"{where}: time starts over {plural(len(starts), 'time')}, read as {len(cuts)} runs"]


def rising(times: Floats, states: Floats, names: tuple[str, ...], where: str) -> tuple[Floats, Floats, list[str]]:
    """Sort a few misplaced points and drop repeated ones; raises InputError for mixed runs and for contradictions."""
    notes: list[str] = []
    back = np.diff(times) < 0
    if back.any():
        if (np.diff(times) > 0).sum() == 0:
            notes.append(f"{where}: times fall throughout, turned round")
        elif back.mean() > DISORDER:
            raise InputError(
                f"{where}: time goes back {plural(int(back.sum()), 'time')} in {len(times):,} points, first after "
                f"{times[back.argmax()]:g}; are runs mixed? Name the column that tells them apart with run=."
            )
        else:
            first = times[1:][back][0]
            notes.append(f"{where}: {plural(int(back.sum()), 'point')} out of order sorted, first at time {first:g}")
        order = np.argsort(times, kind="stable")
        times, states = times[order], states[order]
    again = np.flatnonzero(np.diff(times) == 0) + 1
    if len(again):
        differs = (states[again] != states[again - 1]).any(1)
        if differs.any():
            row = int(again[differs.argmax()])
            column = int((states[row] != states[row - 1]).argmax())
            raise InputError(
                f"{where}: time {times[row]:g} stands twice with different {names[column]!r}, "
                f"{states[row - 1, column]:g} and {states[row, column]:g} ({plural(int(differs.sum()), 'such time')}); "
                "keep one of them, or name the column of the run with run=."
            )
        notes.append(f"{where}: {plural(len(again), 'repeated point')} dropped, first at time {times[again[0]]:g}")
        times, states = np.delete(times, again), np.delete(states, again, 0)
    return times, states, notes


def bounded(times: Floats, states: Floats, names: tuple[str, ...], where: str) -> tuple[Floats, Floats, list[str]]:
    """Cut a run before it blows up for good; raises InputError at a spike in between."""
    usual = np.array([np.median(np.abs(column[column != 0])) if column.any() else np.inf for column in states.T])
    beyond = np.abs(states) > BLOW_UP * usual
    far = np.any(beyond, axis=1)
    if not far.any():
        return times, states, []
    first, column = int(far.argmax()), int(beyond[int(far.argmax())].argmax())
    value, size = states[first, column], usual[column]
    what = f"{names[column]!r} is {value:.3g} at time {times[first]:g}, its median size {size:.3g}"
    if not far[-1] or far[first:].mean() < HALF:
        raise InputError(f"{where}: {what}, and comes back; correct or leave out that point.")
    if first < LEAST:
        raise InputError(f"{where}: {what}; {plural(first, 'point')} before it say too little.")
    return times[:first], states[:first], [f"{where}: blows up ({what}); cut before, {plural(first, 'point')} are left"]


def thinned(times: Floats, states: Floats, most: int, where: str) -> tuple[Floats, Floats, list[str]]:
    """Keep every k-th point, so that no more than `most` are left."""
    if len(times) <= most:
        return times, states, []
    every = -(-len(times) // most)
    note = f"{where}: {len(times):,} points thinned to every {every}th, {len(times[::every]):,} are left"
    return times[::every], states[::every], [note]
