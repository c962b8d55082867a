"""Cells of a table as numbers; what is no number is refused with its row, its text and what to do."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from .table import Table, plural

# What stands for a missing value in the tables people export; compared without regard to case.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?")

# How a column writes its numbers: (what it is called, every cell in that writing, what to delete, the decimal mark).
POINT = (
    "thousands separators taken out",
    r"[-+]?(\d+|[1-9]\d{0,2}([,' \x{a0}\x{202f}]\d{3})+)(\.\d*)?",
    r"[,' \x{a0}\x{202f}]",
    ".",
)
COMMA = (
    "decimal commas (and separators of thousands) read",
    r"[-+]?(\d+|[1-9]\d{0,2}([.' \x{a0}\x{202f}]\d{3})+)(,\d*)?",
    r"[.' \x{a0}\x{202f}]",
    ",",
)
HINTS = (
    (r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", "remove the thousands separators"),
    (r"[-+]?[\d.]+,\d+", "write a decimal point instead of the comma, and no thousands separators"),
    (r"[-+]?\d{1,3}([ '.]\d{3})+", "remove the thousands separators"),
    (r"[-+]?[\d.,]+\s*[^\d\s.,]+", "keep the unit out of the cells"),
)


def text_of(column: pd.Series) -> pa.Array:
    """Cells as trimmed text, null where missing; (row,) -> (row,)."""
    if pd.api.types.is_object_dtype(column.dtype):
        column = column.where(column.notna(), None).map(str, na_action="ignore")
    text = pc.utf8_trim_whitespace(pa.array(column).cast(pa.string()))
    absent = pc.is_in(pc.utf8_lower(text), pa.array(MISSING))
    return pc.if_else(absent, pa.scalar(None, pa.string()), text)


def is_text(column: pd.Series) -> bool:
    """Does this column hold text or Python objects, rather than numbers, booleans or times?"""
    kind, types = column.dtype, pd.api.types
    return types.is_object_dtype(kind) or types.is_string_dtype(kind) or isinstance(kind, pd.CategoricalDtype)


def numbers(table: Table, name: str) -> np.ndarray:
    """Return a column as float64 (row,), NaN where missing; TRUE and FALSE become 1 and 0.

    Raises InputError at text that is no number and at infinite values.
    """
    column = table.frame[name]
    if is_text(column):
        plain = _plainly(table, name, pa.array(column)) if isinstance(column.dtype, pd.ArrowDtype) else None
        values = _parse(table, name, text_of(column)) if plain is None else plain
    elif pd.api.types.is_numeric_dtype(column.dtype):  # booleans too
        values = column.to_numpy(np.float64, na_value=np.nan)
    else:
        raise InputError(f"{table.where}: column {name!r} holds {column.dtype}, not numbers; choose another column.")
    if (infinite := np.isinf(values)).any():
        first = int(infinite.argmax())
        raise InputError(
            f"{table.where}: {table.row(first)} of column {name!r} is infinite "
            f"({plural(infinite.sum(), 'such cell')}); leave a cell empty where no value was measured."
        )
    return values


def _plainly(table: Table, name: str, text: pa.Array) -> np.ndarray | None:
    """Read cells that are plain numbers, all of them; None where another reading is needed."""
    try:
        pc.cast(text.slice(0, 20), pa.float64())  # a whole column of failures is slow to find out
        values = np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowInvalid:
        return None
    _refuse_points_for_thousands(table, name, text)
    return values


def _parse(table: Table, name: str, text: pa.Array) -> np.ndarray:
    if (plain := _plainly(table, name, text)) is not None:
        return plain
    truth = pc.index_in(pc.utf8_lower(text), pa.array(["false", "true"]))
    if truth.null_count == text.null_count:
        return np.asarray(truth.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    if (written := _in_other_writing(table, name, text)) is not None:
        return written
    lenient = pd.to_numeric(pd.Series(text.to_pandas()), errors="coerce")
    values: np.ndarray = lenient.to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(values) & text.is_valid().to_numpy(zero_copy_only=False)
    if bad.any():
        first = int(bad.argmax())
        cell = text[first].as_py()
        hint = next((advice for form, advice in HINTS if re.fullmatch(form, cell)), "leave it empty if it is missing")
        raise InputError(
            f"{table.where}: {table.row(first)} of column {name!r} is {cell[:80]!r}, not a number "
            f"({plural(bad.sum(), 'such cell')}); {hint}."
        )
    return values


def _in_other_writing(table: Table, name: str, text: pa.Array) -> np.ndarray | None:
    """Read decimal commas and thousands separators when all cells of a column agree on one writing, else None."""
    read: list[tuple[str, np.ndarray]] = []
    for what, form, separators, mark in (POINT, COMMA):
        if pc.all(pc.match_substring_regex(text, f"^{form}$")).as_py():
            bare = pc.replace_substring(pc.replace_substring_regex(text, separators, ""), mark, ".")
            read.append((what, np.asarray(pc.cast(bare, pa.float64()).to_numpy(zero_copy_only=False), np.float64)))
    if not read:
        return None
    what, values = read[0]
    if not np.array_equal(values, read[-1][1], equal_nan=True):
        cell = next(cell for cell in text.to_pylist() if cell and re.search("[.,]", cell))
        raise InputError(
            f"{table.where}: column {name!r} can be read in two ways, {cell!r} with a thousands separator or with a "
            "decimal comma; write decimal points and no thousands separators."
        )
    table.repairs.append(f"{what} in {name!r}")
    return values


def _refuse_points_for_thousands(table: Table, name: str, text: pa.Array) -> None:
    """Refuse `987`, `1.012`, `12.345`: three digits behind every point, and none behind some, means thousands."""
    sample = text.take(np.linspace(0, len(text) - 1, min(len(text), 300)).astype(int))
    cells = sample.drop_null().to_pylist()
    pointed = [cell for cell in cells if "." in cell]
    bare = [cell for cell in cells if "." not in cell]
    if len(pointed) > 10 and bare and all(re.fullmatch(r"[-+]?[1-9]\d{0,2}(\.\d{3})?", cell) for cell in cells):
        raise InputError(
            f"{table.where}: column {name!r} has {pointed[0]!r} and {bare[0]!r}, where the point "
            "may separate thousands; write numbers without thousands separators."
        )
