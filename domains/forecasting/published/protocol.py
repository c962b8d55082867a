"""The published long-horizon protocol (Zhou et al. 2021, Zeng et al. 2023): fixed borders, standardised by the train
rows, windows one step apart, every test window kept, errors on standardised values.

Values are taken as they stand. The public weather file holds 81 sentinels of -9999 in its train rows: published figures
leave them in, so they stay here too, although they distort three scales; clean them outside such comparisons.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....shared.datasets.scaler import StandardScaler
from ....shared.datasets.split import TimeSplit, split_at, split_in_parts
from ....shared.errors import InputError

Floats = NDArray[np.float64]
Borders = Literal["hourly", "quarter-hourly", "parts"]

MONTH_HOURS = 30 * 24
FIXED: dict[str, tuple[int, int, int]] = {
    "hourly": (12 * MONTH_HOURS, 16 * MONTH_HOURS, 20 * MONTH_HOURS),
    "quarter-hourly": (48 * MONTH_HOURS, 64 * MONTH_HOURS, 80 * MONTH_HOURS),
}


@dataclass(frozen=True)
class Case:
    """A standardised table and where it is cut."""

    name: str
    values: Floats  # (time, series), standardised by the train rows
    marks: Floats  # (time, 4), calendar in [-0.5, 0.5]
    borders: Borders
    note: str | None = None  # what a reader of the errors must know of the file

    def split(self, lookback: int) -> TimeSplit:
        """Train, validation and test; the later two begin `lookback` rows early."""
        return _split(len(self.values), lookback, self.borders)


def read_case(path: str | Path, name: str, borders: Borders) -> Case:
    """Read a CSV with a `date` column and one column a variate (the format of ETT).

    Raises InputError for a file that is not so, for values that are missing or infinite, and when rows are too few
    for the borders.
    """
    table = _read(Path(path))
    values = table.drop(columns="date").to_numpy(np.float64)
    train = _split(len(values), 0, borders).train
    scaler = StandardScaler.fit(values[train.rows])
    return Case(name, scaler.encode(values), calendar_marks(pd.DatetimeIndex(table["date"])), borders)


def calendar_marks(times: pd.DatetimeIndex) -> Floats:
    """Hour, weekday, day of month and day of year, each scaled to [-0.5, 0.5]; -> (time, 4)."""
    parts = (times.hour / 23, times.dayofweek / 6, (times.day - 1) / 30, (times.dayofyear - 1) / 365)
    return np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=-1) - 0.5


def window_errors(forecast: Floats, truth: Floats) -> dict[str, Floats]:
    """Mean squared and absolute error of each window; (window, series, horizon) twice -> (window,) each."""
    error = forecast - truth
    return {"mse": np.square(error).mean((1, 2)), "mae": np.abs(error).mean((1, 2))}


def _split(rows: int, lookback: int, borders: Borders) -> TimeSplit:
    return split_in_parts(rows, lookback) if borders == "parts" else split_at(FIXED[borders], lookback, rows)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} as CSV ({error}); give a CSV with a date column.") from error
    if "date" not in table:
        raise InputError(f"{path} has no column 'date'; its columns are {list(table.columns)}.")
    try:
        table["date"] = pd.to_datetime(table["date"])
    except ValueError as error:
        raise InputError(f"{path}: the column 'date' holds something that is no time ({error}).") from error
    if missing := int(table["date"].isna().sum()):
        raise InputError(f"{path}: {missing} values of 'date' are missing; fill them or drop their rows.")
    if not table["date"].is_monotonic_increasing:
        raise InputError(f"{path}: the column 'date' goes back in time; sort the rows by it.")
    for column in table.columns.drop("date"):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: the column {column!r} is not numeric; remove it or mend its values.")
        if bad := int((~np.isfinite(table[column])).sum()):
            raise InputError(f"{path}: {bad} values of {column!r} are missing or infinite; fill them first.")
    if len(table.columns) < 2:
        raise InputError(f"{path} has no column beside 'date'; give one a variate.")
    return table
