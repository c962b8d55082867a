"""The map that all series share: one ridge regression over every window of a sample of them, solved exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from ....shared.errors import InputError
from ..models.closed_form import Ridge, less_last_value, solve

Floats = NDArray[np.float64]

MOST_FORECASTS = 28  # that a series is judged by, four weeks of days: older ones say little of tomorrow


@dataclass(frozen=True)
class Split:
    """Parts of the steps that all series share: forecasts start at `validation`, then at `test`, a season apart."""

    validation: tuple[int, ...]  # first steps of forecasts to choose and calibrate on, rising
    test: tuple[int, ...]  # first steps of forecasts that are scored once; empty where none are
    train: int  # the steps before this one are for fitting


def split_steps(steps: int, horizon: int, stride: int, validation: float, test: float) -> Split:
    """Cut steps in time: train, then validation, then test, the last forecast ending with the last step.

    validation, test  shares of the steps; each holds one forecast at least and `MOST_FORECASTS` at most
    Raises InputError when nothing would be left to train on.
    """
    if not (0 < validation < 1 and 0 < test < 1 and validation + test < 1):
        raise InputError(f"validation={validation:g} and test={test:g} are shares of the steps that leave some to fit.")
    tests = backwards(steps, horizon, stride, _between(int(test * steps) // stride))
    checks = backwards(tests[0], horizon, stride, _between(int(validation * steps) // stride))
    if checks[0] < 2 * horizon:
        raise InputError(
            f"{steps} steps are too few to fit, choose and test forecasts of {horizon}: give longer series, or a "
            "shorter horizon."
        )
    return Split(checks, tests, checks[0])


def _between(forecasts: int) -> int:
    return min(max(1, forecasts), MOST_FORECASTS)


def backwards(end: int, horizon: int, stride: int, count: int) -> tuple[int, ...]:
    """First steps of `count` forecasts a stride apart, rising, the last of which ends before the step `end`."""
    return tuple(end - horizon - stride * back for back in reversed(range(count)))


def pooled_gram(values: Floats, length: int) -> tuple[Floats, int]:
    """What `closed_form.window_gram` computes, for many series at once; (series, time) -> (length + 1,) * 2, count.

    The recurrence along the diagonals holds for the sum over series too, so its steps are two matrix products.
    """
    windows = values.shape[1] - length + 1
    size = next_fast_len(values.shape[1], real=True)
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    for block in np.array_split(values, max(1, len(values) // 256)):  # a few spectra at a time
        spectrum += (rfft(block, size) * rfft(block[:, :windows], size).conj()).sum(0)
    head, tail = values[:, :length], values[:, windows:]
    step = tail.T @ tail - head[:, : length - 1].T @ head[:, : length - 1]
    gram = np.zeros((length + 1, length + 1))
    gram[0, :length] = irfft(spectrum, size)[:length]
    for row in range(length - 1):
        gram[row + 1, row + 1 : length] = gram[row, row : length - 1] + step[row, row:]
    running = np.concatenate(([0.0], np.cumsum(values.sum(0))))
    gram[:length, -1] = running[windows:] - running[:length]
    count = windows * len(values)
    gram[-1, -1] = count
    return np.triu(gram) + np.triu(gram, 1).T, count


class Shared(NamedTuple):
    """The map and how it was chosen."""

    weight: Floats  # (lookback - 1, horizon): what each step's difference from the last value adds
    lookback: int
    penalty: float
    validation_mse: float  # in units of each series' own variance


def fit_shared(values: Floats, horizon: int, split: Split, lookbacks: Sequence[int]) -> Shared:
    """NLinear (Zeng et al. 2023) by ridge regression; lookback and penalty are the best on the validation steps.

    values  (series, time), finite; each series counts in units of its own standard deviation over the training steps
    Raises InputError when no lookback leaves a window to train on, or all series are constant there.
    """
    train = values[:, : split.train]
    spread = train.std(1)
    moving = spread > 1e-9 * np.abs(train).max(1, initial=0.0)
    if not moving.any():
        raise InputError("no series changes over the training steps; there is nothing to learn from.")
    scaled = (values[moving] - train[moving].mean(1, keepdims=True)) / spread[moving, None]
    end = split.validation[-1] + horizon
    tried: list[tuple[int, Ridge]] = []
    for lookback in lookbacks:
        if split.train < lookback + horizon:
            continue
        window = lookback + horizon
        train_part, check_part = (
            less_last_value(*pooled_gram(part, window), lookback)
            for part in (scaled[:, : split.train], scaled[:, split.train - lookback : end])
        )
        tried.append((lookback, solve(train_part, check_part)))
    if not tried:
        raise InputError(
            f"{split.train} training steps are too few for a lookback of {min(lookbacks)} and a horizon of {horizon}; "
            "give longer series, or a shorter lookback or horizon."
        )
    lookback, best = min(tried, key=lambda one: one[1].validation_mse)
    return Shared(best.weight, lookback, best.penalty, best.validation_mse)
