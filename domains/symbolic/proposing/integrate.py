"""Integration of many different systems at once: Dormand-Prince steps, each system on its own clock."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ....shared.errors import InputError
from ..system import System
from .programs import Program, Tape, compile_system

# Dormand and Prince 1980: nodes are not needed (autonomous), weights of the stages, the error, the dense output
STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
ERROR = [-71 / 57600, 0.0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40]
DENSE = [  # Shampine 1986: b_i(theta) = sum_j DENSE[i][j] theta^(j+1), of fourth order
    [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
    [0, 0, 0, 0],
    [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
    [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
    [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
    [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
    [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
]
AHEAD = 16  # output times looked at in one go
HASTE, HOPE = 50, 4  # every so many steps, give up what would need so many times the steps at its pace so far


class Integrated(NamedTuple):
    """What came of the systems of a batch."""

    states: NDArray[np.float64]  # (batch, time, state); NaN from where a system was given up
    alive: NDArray[np.bool_]  # (batch,) True when the last time was reached within the limit


def integrate_many(
    systems: Sequence[System | Program],
    starts: ArrayLike,
    times: ArrayLike,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    limit: float = 1e6,
    max_steps: int = 3000,
    device: str | torch.device = "cpu",
) -> Integrated:
    """Integrate each system from its own start; all of them step together, each with its own step size.

    starts     (batch, state) at the first time; rows of smaller systems are padded with anything finite
    times      (time,) for all, or (batch, time) with rows that rise; a row may end in inf where it has fewer times
    limit      a system is given up where any state passes it, where it is not finite, and after `max_steps` steps,
               or before when it would need several times as many at its pace so far

    Explicit Runge-Kutta 5(4) with dense output (Dormand and Prince 1980; Shampine 1986). States beyond a system's own
    are NaN. Raises InputError for shapes that do not fit and functions that are not known.
    """
    programs = [one if isinstance(one, Program) else compile_system(one) for one in systems]
    y0 = np.asarray(starts, np.float64)
    grid = np.asarray(times, np.float64)
    if not programs:
        raise InputError("there are no systems to integrate; give at least one.")
    width = max(one.dimension for one in programs)
    if y0.ndim != 2 or y0.shape[0] != len(programs) or y0.shape[1] < width:
        raise InputError(f"starts have shape {y0.shape}; give ({len(programs)}, {width}): a row a system.")
    grid = np.broadcast_to(grid, (len(programs), grid.shape[-1]))
    with np.errstate(invalid="ignore"):
        rises = np.isinf(grid[:, 1:]) | (np.diff(grid, axis=1) > 0)
    if not (grid.shape[1] and np.isfinite(grid[:, 0]).all() and rises.all()):
        raise InputError("the times of a system must rise, from a finite one.")
    own = np.arange(width) < np.array([one.dimension for one in programs])[:, None]
    run = _Run(Tape(programs, device), np.where(own, y0[:, :width], 0.0), grid, rtol, atol, limit, max_steps)
    run.to_the_end()
    states = run.out.cpu().numpy()
    states[np.broadcast_to(~own[:, None], states.shape)] = np.nan
    states[np.isinf(grid)] = np.nan
    return Integrated(states, run.reached.cpu().numpy())


class _Run:
    """The systems still under way, and what is known of all."""

    def __init__(
        self, tape: Tape, y: NDArray[np.float64], times: NDArray[np.float64], rtol: float, atol: float, limit: float,
        max_steps: int,
    ) -> None:  # fmt: skip
        device = tape.device
        self.tape, self.rtol, self.atol, self.limit, self.max_steps = tape, rtol, atol, limit, max_steps
        self.stages = [torch.tensor(one, dtype=torch.float64, device=device) for one in STAGES]
        self.error, self.dense = (torch.tensor(one, dtype=torch.float64, device=device) for one in (ERROR, DENSE))
        self.y = torch.from_numpy(y.copy()).to(device)
        self.times = torch.from_numpy(times.copy()).to(device)
        batch, count = times.shape
        self.out = torch.full((batch, count, y.shape[1]), torch.nan, dtype=torch.float64, device=device)
        self.out[:, 0] = self.y
        self.reached = torch.zeros(batch, dtype=torch.bool, device=device)
        self.row = torch.arange(batch, device=device)  # which system each row under way is
        self.idle = torch.zeros_like(self.reached)  # done or lost, and not yet taken out
        self.last = torch.where(self.times.isinf(), -torch.inf, self.times).amax(1)
        self.first = self.times[:, 0]
        self.t = self.first.clone()
        self.share = torch.from_numpy(1.0 / (tape.output >= 0).sum(1)).to(device)  # of one state in the error
        self.next = torch.ones(batch, dtype=torch.int64, device=device)  # output times behind
        self.slope = tape(self.y)
        size, speed = self._norm(self.y, self.y), self._norm(self.slope, self.y)
        first = torch.where((size < 1e-5) | (speed < 1e-5), 1e-6, 0.01 * size / speed).nan_to_num(1e-6)
        self.step = torch.minimum(first * 4, (self.last - self.t) / 4)

    def to_the_end(self) -> None:
        """Step until every system has reached its last time or was given up."""
        self._part(self.t >= self.last, ~self.slope.isfinite().all(1))
        for step in range(self.max_steps):
            if not len(self.row):
                return
            self._advance()
            if step and not step % HASTE:
                way = (self.t - self.first) / (self.last - self.first).clamp(min=1e-300)
                self._part(self.t >= self.last, ~self.idle & (way * self.max_steps < step / HOPE))

    def _advance(self) -> None:
        """One attempt at a step for each system under way."""
        last = self.last
        h = torch.minimum(self.step, last - self.t)
        slopes = self.y.new_empty((7, *self.y.shape))
        slopes[0] = self.slope
        new = self.y
        for stage, weights in enumerate(self.stages, 1):
            new = torch.addcmul(self.y, h[:, None], (weights @ slopes[:stage].flatten(1)).view_as(self.y))
            slopes[stage] = self.tape(new)
        wrong = h[:, None] * (self.error @ slopes.flatten(1)).view_as(self.y)
        scale = torch.maximum(self.y.abs(), new.abs())
        error = self._norm(wrong, scale)
        sound = error.isfinite() & new.isfinite().all(1) & slopes[-1].isfinite().all(1)
        error = torch.where(sound, error, torch.inf)
        good = error <= 1
        t_new = torch.where(h >= last - self.t, last, self.t + h)
        self._emit(good, t_new, h, slopes)
        factor = (0.9 * error.clamp(min=1e-10) ** -0.2).clamp(0.2, 10.0)
        self.step = h * torch.where(good, factor, factor.clamp(max=1.0))
        self.t = torch.where(good, t_new, self.t)
        self.y = torch.where(good[:, None], new, self.y)
        self.slope = torch.where(good[:, None], slopes[-1], self.slope)
        lost = (self.y.abs() > self.limit).any(1) | (self.step < 1e-12 * (1 + self.t.abs()))
        self._part((self.t >= last) & ~lost, lost)

    def _emit(self, good: Tensor, t_new: Tensor, h: Tensor, slopes: Tensor) -> None:
        """Write the states at the output times that the good steps pass."""
        count = self.times.shape[1]
        within = good
        while True:
            place = self.next[:, None] + torch.arange(AHEAD, device=self.t.device)
            due = self.times[self.row[:, None], place.clamp(max=count - 1)]
            passed = within[:, None] & (place < count) & (due <= t_new[:, None])
            system, column = passed.nonzero(as_tuple=True)
            if not len(system):
                return
            theta = ((due[system, column] - self.t[system]) / h[system]).clamp(max=1.0)
            powers = torch.stack([theta, theta**2, theta**3, theta**4], 1)
            weight = powers @ self.dense.T * h[system, None]  # (point, stage)
            # one product a stage: stacking the slopes of all systems would cost more than the points need
            state = self.y[system]
            for stage, slope in enumerate(slopes):
                if stage != 1:
                    state = torch.addcmul(state, weight[:, stage, None], slope[system])
            self.out[self.row[system], place[system, column]] = state
            number = passed.sum(1)
            self.next = self.next + number
            within = number == AHEAD
            if not within.any():
                return

    def _part(self, done: Tensor, lost: Tensor) -> None:
        """Note the systems that are done or lost, and take them out once they are enough to be worth it."""
        self.reached[self.row[done & ~lost & ~self.idle]] = True
        self.idle = self.idle | done | lost
        count = int(self.idle.sum())
        if count < max(1.0, 0.15 * len(self.idle)):
            self.last = torch.where(self.idle, self.t, self.last)  # let them stand for a while
            return
        kept = ~self.idle
        for name in ("y", "t", "next", "slope", "step", "row", "first", "last", "share", "idle"):
            setattr(self, name, getattr(self, name)[kept])
        if len(self.row):
            self.tape = self.tape.narrowed(kept.cpu().numpy())

    def _norm(self, x: Tensor, size: Tensor) -> Tensor:
        return (x / (self.atol + self.rtol * size.abs())).square().sum(1).mul(self.share).sqrt()
