"""Rows of an exported table that are none of its data: units, names again, totals, empty ones."""

import re

import numpy as np
import pandas as pd

from .cells import MISSING, is_text
from .table import Table, plural

TOTALS = {
    *("total", "totals", "grand total", "sum", "average", "mean", "minimum", "maximum", "min", "max", "count"),
    *("summe", "gesamt", "mittelwert", "somme", "moyenne", "totale", "suma", "media"),
}
WORDS = {"true", "false", *MISSING}
UNIT = re.compile(r"[^\d\s+-][^:]{0,15}|hh:mm(:ss)?", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?")


def without_extra_rows(table: Table) -> Table:
    """Leave out the rows that are no data and say which; a row of units names the units of its columns."""
    frame, notes, units = table.frame, list(table.repairs), dict(table.units)
    if found := _units(frame):
        units |= found
        notes.append(
            f"{table.row(0)} left out: units ({', '.join(f'{name} in {unit}' for name, unit in found.items())})"
        )
        frame = frame.iloc[1:]
    for cells, what in (([""] * frame.shape[1], "empty"), (list(frame.columns), "the header again")):
        if len(rows := _equal(frame, cells)):
            first = table.row(int(rows[0]) + len(table.frame) - len(frame))
            notes.append(f"{plural(len(rows), 'row')} left out ({what}), first {first}")
            frame = frame.drop(index=frame.index[rows])
    while len(frame) and (word := _first_word(frame.iloc[-1])) in TOTALS:
        notes.append(f"the last row left out: it holds the {word}")
        frame = frame.iloc[:-1]
    if frame is table.frame:
        return table
    return Table(frame, table.where, table.header, table.index, units, notes)


def _units(frame: pd.DataFrame) -> dict[str, str]:
    """Read the first row as units of the columns; empty when it holds anything else, or nothing below is a number."""
    if len(frame) < 2 or not is_text(frame.iloc[:, -1]):
        return {}
    cells, below = _texts(frame.iloc[0]), _texts(frame.iloc[1])
    if not all(not cell or (UNIT.fullmatch(cell) and cell.casefold() not in WORDS) for cell in cells):
        return {}
    return {
        str(name): cell.strip("[]()")
        for name, cell, under in zip(frame.columns, cells, below, strict=True)
        if cell and NUMBER.fullmatch(under)
    }


def _equal(frame: pd.DataFrame, cells: list[str]) -> np.ndarray:
    """Positions of the rows that hold exactly these cells; (match,)."""
    column = frame.iloc[:, 0]
    if not is_text(column):
        hits = column.isna() if not any(cells) else pd.Series(False, column.index)
    else:
        hits = column.isna() | (column == "") if not cells[0] else column == cells[0]
    rows = np.flatnonzero(hits.fillna(False).to_numpy(bool))
    return np.array([row for row in rows if _texts(frame.iloc[row]) == cells], dtype=int)


def _texts(row: pd.Series) -> list[str]:
    return ["" if pd.isna(cell) else str(cell).strip() for cell in row]


def _first_word(row: pd.Series) -> str:
    return next(filter(None, _texts(row)), "").casefold().rstrip(":")
