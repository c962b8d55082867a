"""What is known of load when a forecast is made.

Every value is asked from `Known`, which refuses a target at or after the origin: that nothing looks ahead is enforced
here, not trusted to the caller.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shared.errors import InputError
from .data import LoadData

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class LookAhead(RuntimeError):
    """A forecast asked for a value that is not known at its origin: an error of the program, not of the data."""


@dataclass(frozen=True)
class Known:
    """The history of one variable as seen from each origin."""

    values: Floats  # (time,)
    origins: Rows  # (origin,), the row of the first forecast step

    def at(self, rows: Rows) -> Floats:
        """Values at rows (origin, any), each before its origin; raises LookAhead otherwise."""
        if (late := rows >= self.origins[:, None]).any():
            raise LookAhead(f"{int(late.sum())} values lie at or after the origin of their forecast.")
        if (rows < 0).any():
            raise LookAhead("a lag reaches back before the first row.")
        return self.values[rows]


def steps_a_day(data: LoadData) -> int:
    """Rows of one day; raises InputError when a day is not a whole number of steps."""
    day = np.timedelta64(1, "D") / data.step.to_timedelta64()
    if day < 1 or day != round(day):
        raise InputError(f"a step of {data.step} does not divide a day; resample the file to such a step, e.g. 1h.")
    return int(day)


def lag_days(day: int, horizon: int) -> tuple[int, ...]:
    """Whole days back that are known over the whole horizon: the first two, one, two, three and four weeks."""
    first = -(-horizon // day)
    return tuple(sorted({first, first + 1, *(week for week in (7, 14, 21, 28) if week >= first)}))
