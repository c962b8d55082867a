"""Excel workbooks: which sheet holds the table, and below which row it starts."""

import warnings
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from numbers import Number
from pathlib import Path

import pandas as pd

from ..errors import InputError, require
from .table import Table, plural

TOP = 40  # rows in which the header is looked for


def read_workbook(path: Path, wanted: Sequence[str]) -> Table:
    """Read the one sheet that has the wanted columns; without such a sheet, the first with rows.

    Rows above the header, such as a title, are left out and said. Raises InputError when several sheets fit.
    """
    engine = _engine()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl on styles and validations, which are not read
        with pd.ExcelFile(path, engine=engine) as book:
            tops = {str(name): book.parse(name, header=None, nrows=TOP) for name in book.sheet_names}
            filled = {name: top for name, top in tops.items() if not top.empty}
            if not filled:
                raise InputError(f"{path} has no rows of data in any sheet; export or download it again.")
            headers = {name: _header(top) for name, top in filled.items()}
            fitting = [name for name, top in filled.items() if wanted and {*wanted} <= _names(top.iloc[headers[name]])]
            if len(fitting) > 1:
                raise InputError(
                    f"{path}: several sheets have the columns {', '.join(wanted)} "
                    f"({', '.join(map(repr, fitting))}); keep one of them, or join them in one sheet."
                )
            sheet = (fitting or list(filled))[0]
            frame = book.parse(sheet, header=headers[sheet])
    notes = [f"sheet {sheet!r} read, of {plural(len(tops), 'sheet')}"] if sheet != next(iter(tops)) else []
    if above := headers[sheet]:
        notes.append(f"{plural(above, 'line')} above the header left out")
    return Table(frame, str(path), header=above + 1, repairs=notes)


def _engine() -> str:
    try:
        import_module("python_calamine")
    except ImportError:
        require("openpyxl", "forecasting")
        return "openpyxl"
    return "calamine"  # 3 to 15 times as fast as openpyxl, the same frames


def _header(top: pd.DataFrame) -> int:
    """Find the row of names: the first of text alone that is as wide as the rows below it; else the first row."""
    width = top.notna().sum(axis=1).to_numpy()
    for row, cells in enumerate(top.itertuples(index=False)):
        present = [cell for cell in cells if pd.notna(cell)]
        below = width[row + 1 :]
        if len(present) > 1 and len(below) and 2 * len(present) > max(below) and not any(map(_is_value, present)):
            return row
    return 0


def _is_value(cell: object) -> bool:
    return isinstance(cell, (Number, date)) or str(cell)[:1].isdigit()


def _names(row: pd.Series) -> set[str]:
    return {" ".join(str(cell).split()) for cell in row if pd.notna(cell)}
