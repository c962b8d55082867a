"""Numbers with a unit behind them, "3.2 mm": read when the unit is the same in all cells, refused otherwise."""

import re

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from ....shared.errors import InputError
from ....shared.reading.cells import is_text, numbers, text_of
from ....shared.reading.suspicion import without_sentinels
from ....shared.reading.table import Table, plural

QUANTITY = re.compile(r"([-+]?(?:\d[\d.,' ]*|[.,]\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s.,+-][^\d]*)?")
LETTER = r"[^\d\s.,+\-'eE]"  # what a plain number has not; soon looked for in a long column


def is_quantity(cell: str) -> bool:
    """Does a cell begin with a number, maybe with a unit behind it?"""
    return QUANTITY.fullmatch(cell.strip()) is not None


def quantities(table: Table, name: str) -> NDArray[np.float64]:
    """Read a column as float64 (row,), NaN where missing; a unit that all cells share is taken off and said.

    Raises InputError at cells that are no numbers, infinite ones, and units that differ.
    """
    column = table.frame[name]
    if is_text(column) and pc.any(pc.match_substring_regex(text_of(column), LETTER)).as_py():
        cells = text_of(column).to_pylist()
        read = [QUANTITY.fullmatch(cell) if cell is not None else None for cell in cells]
        units = {one[2].strip() for one in read if one is not None and one[2] is not None}
        if units:
            bare = _bare(table, name, cells, read, units)
            table = Table(table.frame.assign(**{name: bare}), table.where, table.header, repairs=table.repairs)
    return without_sentinels(table, name, numbers(table, name))


def _bare(
    table: Table, name: str, cells: list[str | None], read: list[re.Match[str] | None], units: set[str]
) -> pd.Series:
    with_unit = [place for place, one in enumerate(read) if one is not None and one[2] is not None]
    without = [place for place, one in enumerate(read) if one is not None and one[2] is None]
    if len(units) > 1:
        other = next(place for place in with_unit if read[place][2].strip() != read[with_unit[0]][2].strip())  # type: ignore[index]
        raise InputError(
            f"{table.where}: column {name!r} mixes units, {cells[with_unit[0]]!r} in {table.row(with_unit[0])} and "
            f"{cells[other]!r} in {table.row(other)}; write all in one unit."
        )
    if without and len(with_unit) < len(without):  # a stray word in a column of plain numbers
        raise InputError(
            f"{table.where}: {table.row(with_unit[0])} of column {name!r} is {cells[with_unit[0]]!r}, the others are "
            f"plain numbers ({plural(len(with_unit), 'such cell')}); keep the unit out of the cells."
        )
    if without:
        raise InputError(
            f"{table.where}: column {name!r} has a unit in {table.row(with_unit[0])} ({cells[with_unit[0]]!r}) and "
            f"none in {table.row(without[0])} ({cells[without[0]]!r}); write all cells alike."
        )
    table.repairs.append(f"unit {next(iter(units))!r} taken off the cells of {name!r}")
    texts = [one[1].strip() if one is not None else cell for one, cell in zip(read, cells, strict=True)]
    return pd.Series(texts, index=table.frame.index, dtype=object)
