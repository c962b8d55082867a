"""Several meters under each other in one column of values."""

import numpy as np
import pandas as pd

from ..errors import InputError
from .grid import say_time
from .table import Table


def refuse_several_meters(
    times: pd.DatetimeIndex, values: np.ndarray, keep: np.ndarray, table: Table, used: tuple[str, ...]
) -> None:
    """Raise InputError when most times stand in several rows that differ, and name the column that tells them apart.

    times, values  (row,) and (row, column) of the rows that `keep`, (row of the table,) bool, marks
    used           columns that have another meaning already
    """
    if times.is_unique:
        return
    rows = pd.DataFrame(values).assign(time=times.asi8)
    doubled = rows["time"].duplicated(keep=False) & ~rows.duplicated(keep=False)
    if 2 * doubled.sum() < len(rows):
        return
    each = int(rows["time"].value_counts().median())
    first = times[int(doubled.to_numpy().argmax())]
    said = f"{table.where}: most times stand in {each} rows with different values, first {say_time(first)}"
    for name in table.frame.columns:
        if name in used or list(table.frame.columns).count(name) > 1:
            continue
        column = table.frame[name][keep].astype(str).to_numpy()
        kinds = pd.unique(column)
        if (
            1 < len(kinds) <= max(2 * each, each + 3)
            and not pd.DataFrame({"t": rows["time"], "id": column}).duplicated().any()
        ):
            listed = ", ".join(map(repr, kinds[:5])) + (", ..." if len(kinds) > 5 else "")
            raise InputError(
                f"{said}: column {name!r} tells several meters apart ({listed}); keep the rows of one, or give each a "
                f"column of its own (pandas: frame.pivot(columns={name!r}, ...))."
            )
    raise InputError(
        f"{said}: several meters seem to share the column, and no other column tells them apart; export one meter, or "
        "a column for each."
    )
