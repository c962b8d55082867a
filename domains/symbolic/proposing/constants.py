"""Constants of several laws fitted to a run at once: Levenberg and Marquardt's steps through the batched integrator."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..trajectory import Trajectory
from .normal_form import Expression, compile_expressions, with_numbers
from .programs import CONSTANT, Program
from .reconstruction import compared, reproduced, spread

Floats = NDArray[np.float64]
Law = tuple[Expression, ...]
STEP = 1e-4  # of a difference quotient, relative to the constant


def refined(laws: Sequence[Law], run: Trajectory, rounds: int = 8) -> list[tuple[Law, float]]:
    """Each law with constants that reproduce the run better, and its error as of `reconstruction_errors`.

    Signs and exponents stay. The best point seen is kept, so no law gets worse; inf for one that never runs through.
    """
    part = compared(run)
    weight = 1.0 / (spread(part) * np.sqrt(len(part.times)))
    programs = [compile_expressions(law) for law in laws]
    free = [np.flatnonzero((one.code == CONSTANT) & (np.abs(one.value) != 1.0)) for one in programs]
    values = [one.value[place] for one, place in zip(programs, free, strict=True)]
    damping = np.full(len(laws), 1e-2)
    residual = _residuals(programs, values, free, part, weight)
    for _ in range(rounds):
        slopes = _slopes(programs, values, free, residual, part, weight)
        tried = []
        for value, slope, error, damp in zip(values, slopes, residual, damping, strict=True):
            tried.append(value if slope is None or error is None else value + _change(slope, error, damp))
        new = _residuals(programs, tried, free, part, weight)
        for law, (old, other) in enumerate(zip(residual, new, strict=True)):
            if other is not None and (old is None or other @ other < old @ old):
                residual[law], values[law] = other, tried[law]
                damping[law] /= 5
            else:
                damping[law] *= 8
    out = []
    for written, program, place, value, error in zip(laws, programs, free, values, residual, strict=True):
        put = dict(zip(program.value[place].tolist(), value.tolist(), strict=True))
        fitted = tuple(with_numbers(one, put) for one in written)
        size = np.inf if error is None else float(np.sqrt((error.reshape(-1, part.dimension) ** 2).sum(0)).sum())
        out.append((fitted, size))
    return out


def _residuals(
    programs: Sequence[Program], values: Sequence[Floats], free: Sequence[NDArray[np.int64]], run: Trajectory,
    weight: Floats,
) -> list[Floats | None]:  # fmt: skip
    """Weighted differences of each law's trajectory from the run, flat; None where it blows up."""
    if not programs:
        return []
    ready = [_with(one, place, value) for one, place, value in zip(programs, free, values, strict=True)]
    states, alive = reproduced(ready, run)
    return [((states[i] - run.states) * weight).reshape(-1) if alive[i] else None for i in range(len(programs))]


def _slopes(
    programs: Sequence[Program], values: Sequence[Floats], free: Sequence[NDArray[np.int64]],
    residual: Sequence[Floats | None], run: Trajectory, weight: Floats,
) -> list[Floats | None]:  # fmt: skip
    """Difference quotients of the residuals by the constants, (residual, constant); all laws in one integration."""
    owner, moved = [], []
    for law, value in enumerate(values):
        if residual[law] is not None:
            for place in range(len(value)):
                other = value.copy()
                other[place] += STEP * max(abs(value[place]), 1e-3)
                owner.append(law)
                moved.append(other)
    found = _residuals([programs[law] for law in owner], moved, [free[law] for law in owner], run, weight)
    out: list[Floats | None] = []
    for law, value in enumerate(values):
        mine = [one for one, own in zip(found, owner, strict=True) if own == law]
        base = residual[law]
        if base is None or not mine or any(one is None for one in mine):
            out.append(None)
            continue
        step = STEP * np.maximum(np.abs(value), 1e-3)
        out.append(np.stack([one - base for one in mine if one is not None], 1) / step)
    return out


def _change(slope: Floats, error: Floats, damping: float) -> Floats:
    """The damped Gauss-Newton step, in units of the columns' own sizes."""
    size = np.linalg.norm(slope, axis=0)
    size = np.where(size > 0, size, 1.0)
    unit = slope / size
    left = unit.T @ unit + damping * np.eye(len(size))
    return np.linalg.solve(left, -unit.T @ error) / size


def _with(program: Program, place: NDArray[np.int64], value: Floats) -> Program:
    new = program.value.copy()
    new[place] = value
    return replace(program, value=new)
