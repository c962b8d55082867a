"""When an appliance runs: the two on-rules of the published tables, and the uses a person would count."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...shared.errors import InputError
from .appliances import Appliance

Flags = NDArray[np.bool_]


def on_rule(power_w: ArrayLike, appliance: Appliance) -> Flags:
    """The simple rule, the one of REFIT: on while on_w <= power <= max_w; NaN is off; (...) -> (...)."""
    power = np.asarray(power_w)
    return np.asarray((power >= appliance.on_w) & (power <= appliance.max_w))


def full_rule(power_w: ArrayLike, min_w: float, max_w: float, min_on: int, min_off: int, min_active: int) -> Flags:
    """The rule with durations, the one of UK-DALE (Kelly & Knottenbelt 2015, "Neural NILM").

    power_w  (time,) W; NaN is off
    min_on, min_off, min_active  steps
    ->       (time,)
    In this order: activations join when the gap between them is at most `min_off`; those shorter than `min_on` go;
    those shorter than `min_active` go. Raises InputError for a duration below zero.
    """
    if min(min_on, min_off, min_active) < 0:
        raise InputError(f"durations are steps, none below zero: {min_on=}, {min_off=}, {min_active=}.")
    power = np.asarray(power_w)
    found = uses((power >= min_w) & (power <= max_w), min_off)
    return _marked(found[found[:, 1] - found[:, 0] >= max(min_on, min_active)], len(power))


def runs(on: ArrayLike) -> NDArray[np.intp]:
    """First step and the step after the last of every run of True; (time,) -> (run, 2), in order."""
    edges = np.diff(np.concatenate([[False], np.asarray(on, dtype=bool), [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def uses(on: ArrayLike, pause: int) -> NDArray[np.intp]:
    """Runs of True, where breaks of at most `pause` steps belong to the same use; (time,) -> (use, 2)."""
    found = runs(on)
    joined = found[1:, 0] - found[:-1, 1] <= pause
    starts, stops = np.delete(found[:, 0], np.flatnonzero(joined) + 1), np.delete(found[:, 1], np.flatnonzero(joined))
    return np.stack([starts, stops], axis=1)


def pause_steps(appliance: Appliance, step_minutes: float) -> int:
    """Steps that the longest pause within one use of the appliance lasts."""
    return int(appliance.pause_min / step_minutes)


def _marked(found: NDArray[np.intp], length: int) -> Flags:
    change = np.zeros(length + 1, dtype=np.int8)
    change[found[:, 0]], change[found[:, 1]] = 1, -1
    return np.cumsum(change[:-1], dtype=np.int8).astype(bool)
