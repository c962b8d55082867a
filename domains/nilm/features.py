"""What the mains look like around each minute: the inputs of the boosted trees.

Every input is a difference of mains readings, or a count made of differences, so that a constant load added to the
house changes nothing. Nothing of the clock enters: habits are what two houses share least.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from .house import Watts

Floats = NDArray[np.float32]
LAGS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 60, 75, 90, 120)  # steps before and after
REACH = 240  # steps on either side that are looked at, above a quiet level that an hour more has a part in
LEAST_REACH = 24  # of longer steps


def steps_of(minutes: float, step_minutes: float, least: int = 1) -> int:
    """So many minutes in steps, where steps are longer than a minute; `least` at least."""
    return round(minutes) if step_minutes <= 1 else max(round(minutes / step_minutes), least)


def without_gaps(mains_w: Watts, step_minutes: float = 1) -> Watts:
    """Readings with each gap filled by the quiet level beside it, so that nothing seems to run there; (time,)."""
    real = np.isfinite(mains_w)
    if real.all():
        return mains_w
    if not real.any():
        return np.zeros_like(mains_w)
    quiet = minimum_filter1d(mains_w[real], 2 * steps_of(60, step_minutes, 2) + 1, mode="nearest")
    return np.where(real, mains_w, quiet[np.maximum(np.cumsum(real) - 1, 0)]).astype(np.float32)


def quiet_level(mains_w: Watts, reach: int = 60) -> Watts:
    """Lowest reading within `reach` steps on either side; (time,)."""
    return np.asarray(minimum_filter1d(mains_w, 2 * reach + 1, mode="nearest"))


def features(mains_w: Watts, rows: NDArray[np.int64], step_minutes: float = 1) -> Floats:
    """Inputs of the given rows; mains (time,) without NaN, rows (row,) -> (row, feature).

    What is looked at lasts as long whatever the step, down to a few steps; steps below a minute count as one.
    """
    reach = steps_of(REACH, step_minutes, LEAST_REACH)
    x = np.pad(mains_w.astype(np.float32), reach, mode="edge")
    at = rows + reach
    here = x[at]
    columns: list[Floats] = []
    bases = {span: quiet_level(x, steps_of(span, step_minutes)) for span in (5, 15, 60, 240)}
    columns += [here - base[at] for base in bases.values()]
    for lag in sorted({*LAGS[:4], *(steps_of(lag, step_minutes) for lag in LAGS)}):
        columns += [x[at - lag] - here, x[at + lag] - here]
    above = x - bases[60]
    own = above[at]
    steps = np.diff(x, prepend=x[:1])
    calm = np.minimum(above, 600.0)  # what motors do, where heaters would drown it
    unrest = np.abs(np.diff(calm, prepend=calm[:1]))
    for span in (5, 15, 30, 60, 120, 240):
        width = steps_of(span, step_minutes, 2)
        for side in (-1, 1):
            middle = at + side * (width // 2)
            columns += [uniform_filter1d(above, width)[middle], maximum_filter1d(x, width)[middle] - here]
    for span in (15, 30, 60):
        width = steps_of(span, step_minutes, 2)
        for side in (-1, 1):
            middle = at + side * (width // 2)
            columns += [
                maximum_filter1d(steps, width)[middle],
                minimum_filter1d(steps, width)[middle],
                uniform_filter1d(unrest, width)[middle],
                uniform_filter1d(calm, width)[middle],
                minimum_filter1d(x, width)[middle] - here,
            ]
    columns += _plateau(x, at, own, steps_of(60, step_minutes, 6))
    columns += _likeness(above, at, own, reach, step_minutes)
    return np.stack(columns, axis=1)


def _plateau(x: Floats, at: NDArray[np.int64], own: Floats, longest: int) -> list[Floats]:
    """How long the mains have stayed near this level and will stay, and the steps that end it on either side."""
    found: list[Floats] = []
    here = x[at]
    for share in (0.25, 0.5):
        room = share * own + 20
        for side in (-1, 1):
            length = np.zeros(len(at), np.float32)
            inside = np.ones(len(at), bool)
            for lag in range(1, longest + 1):
                live = np.flatnonzero(inside)
                if not len(live):
                    break
                stays = np.abs(x[at[live] + side * lag] - here[live]) <= room[live]
                inside[live[~stays]] = False
                length[live[stays]] += 1
            end = at + side * (length.astype(np.int64) + 1)
            beyond = np.clip(end + side, 0, len(x) - 1)
            found += [length, here - x[end], here - x[beyond]]
    return found


def _likeness(above: Floats, at: NDArray[np.int64], own: Floats, reach: int, step_minutes: float) -> list[Floats]:
    """How many of the steps before and after stand as high as this one, near and far: heaters come back alike."""
    found: list[Floats] = []
    around = sliding_window_view(above, 2 * reach + 1)  # (time, lag), a view
    near, far = steps_of(15, step_minutes), steps_of(60, step_minutes, 2)
    parts = (
        (0, reach - far), (reach - far, reach - near), (reach + near + 1, reach + far + 1),
        (reach + far + 1, 2 * reach + 1),
    )  # fmt: skip
    counts = [np.empty(len(at), np.float32) for _ in range(2 * len(parts))]
    for start in range(0, len(at), 20_000):
        some = slice(start, start + 20_000)
        block = around[at[some] - reach]
        level = own[some, None]
        alike = np.abs(block - level) <= 0.08 * level + 15
        high = block >= 0.6 * level
        for place, (low, top) in enumerate(parts):
            counts[2 * place][some] = alike[:, low:top].sum(1)
            counts[2 * place + 1][some] = high[:, low:top].sum(1)
    found += counts
    return found
