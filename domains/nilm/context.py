"""What a first answer says of a minute's surroundings and of the whole house: the inputs of a second pass.

A house has one kettle, at one power. Whatever the first pass finds at a level of power, over months, tells what runs
at that level in this house, and that is learnt without a single label of it (stacking; Tu & Bai 2010, "Auto-context").
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from .features import steps_of

Floats = NDArray[np.float32]
MEANS = ((5, 0), (11, -6), (11, 6), (51, -36), (51, 36), (121, -90), (121, 90))  # width and centre, in minutes
LARGEST = (31, 121, 361)  # widths
BAND = 0.04  # width of a band of level, in its logarithm
LEVELS = 220  # bands
KERNEL = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
DOUBT = 5.0  # steps at a level before the house is believed


def context(on: Sequence[Floats], rows: NDArray[np.int64], above_w: Floats, time: int, real: int, day: int) -> Floats:
    """Inputs of a second pass.

    on       for each appliance, the first answer's probability at the rows (row,)
    rows     (row,) places in time; elsewhere nothing runs
    above_w  (row,) W above the quiet level
    time     steps of the house, `real` of them with readings, `day` of them a day
    ->       (row, input)
    """
    band = np.clip(np.log(np.maximum(above_w, 50) / 50) / BAND, 0, LEVELS - 1).astype(np.int64)
    rows_at = np.convolve(np.bincount(band, minlength=LEVELS), KERNEL, "same")
    minutes = 1440 / day
    columns: list[NDArray[Any]] = []
    line = np.zeros(time, np.float32)
    for one in on:
        line[rows] = one
        columns.append(one)
        for lasting, away in MEANS:
            width, centre = steps_of(lasting, minutes), int(np.sign(away)) * steps_of(abs(away), minutes)
            columns.append(uniform_filter1d(line, width, mode="constant")[np.clip(rows + centre, 0, time - 1)])
        columns += [maximum_filter1d(line, steps_of(width, minutes, 3), mode="constant")[rows] for width in LARGEST]
        at_level = np.convolve(np.bincount(band, one, LEVELS), KERNEL, "same")
        columns.append((at_level / (rows_at + DOUBT))[band])  # how likely it is at this level, in this house
        columns.append((at_level / max(float(at_level.max()), 1e-6))[band])  # against its own favourite level
        columns.append(np.full(len(rows), one.sum() / max(real, 1) * day))  # steps a day
    return np.stack(columns, axis=1).astype(np.float32)
