"""Learning rates over a run: pure functions of where the run stands."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Moment(NamedTuple):
    """Where a run stands and what its schedule may ask about."""

    step: int  # from 0, warm-up included
    steps_per_epoch: int
    epochs: int
    warmup: int = 0
    final_rate: float = 0.0
    restart_epochs: int = 5
    validations: tuple[float, ...] = ()  # of the epochs behind

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0."""
        return self.step // self.steps_per_epoch


def constant(peak: float, at: Moment) -> float:
    """Always `peak`."""
    return peak


def cosine(peak: float, at: Moment) -> float:
    """From `peak` after the warm-up down to `final_rate` at the end, half a cosine (Loshchilov & Hutter 2017)."""
    total = at.epochs * at.steps_per_epoch
    return _between(peak, at.final_rate, max(0, at.step - at.warmup) / max(1, total - at.warmup))


def halved(peak: float, at: Moment) -> float:
    """Halved each epoch with a late start, as the published LTSF loops do: epochs 1 and 2 both run at `peak`."""
    return peak * 0.5 ** max(0, at.epoch - 1)


def restarts(peak: float, at: Moment) -> float:
    """A cosine set once an epoch that starts anew every `restart_epochs` (the SAMformer recipe)."""
    return _between(peak, at.final_rate, at.epoch % at.restart_epochs / at.restart_epochs)


def plateau(peak: float, at: Moment) -> float:
    """A tenth whenever more than 3 epochs in a row brought no lower validation, never under `final_rate`."""
    rate, best, bad = peak, math.inf, 0
    for value in at.validations:
        best, bad = (value, 0) if value < best else (best, bad + 1)
        if bad > 3:
            rate, bad = rate / 10, 0
    return max(rate, at.final_rate)


SCHEDULES: dict[str, Callable[[float, Moment], float]] = {
    "constant": constant,
    "cosine": cosine,
    "halved": halved,
    "plateau": plateau,
    "restarts": restarts,
}


def learning_rate(schedule: str, peak: float, at: Moment) -> float:
    """The rate of the step `at.step`: the named schedule, times a linear rise over the first `warmup` steps."""
    return SCHEDULES[schedule](peak, at) * min(1.0, (at.step + 1) / (at.warmup + 1))


def _between(peak: float, final: float, part: float) -> float:
    return final + (peak - final) * (1 + math.cos(math.pi * part)) / 2
