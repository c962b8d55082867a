"""Cells of a table as numbers; what is no number is refused with its row, its text and what to do."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...shared.errors import InputError
from .reading import Table, plural

# What stands for a missing value in the tables people export; compared without regard to case.
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?")

HINTS = (
    (r"[-+]?\d{1,3}(,\d{3}){2,}(\.\d*)?|[-+]?\d{1,3}(,\d{3})+\.\d*", "remove the thousands separators"),
    (r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+", "write a decimal point instead of the comma, and no thousands separators"),
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
        values = _parse(table, name, text_of(column))
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


def _parse(table: Table, name: str, text: pa.Array) -> np.ndarray:
    try:
        return np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowInvalid:
        pass
    truth = pc.index_in(pc.utf8_lower(text), pa.array(["false", "true"]))
    if truth.null_count == text.null_count:
        return np.asarray(truth.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    lenient = pd.to_numeric(pd.Series(text.to_pandas()), errors="coerce")
    values: np.ndarray = lenient.to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(values) & text.is_valid().to_numpy(zero_copy_only=False)
    if bad.any():
        first = int(bad.argmax())
        cell = text[first].as_py()
        hint = next((advice for form, advice in HINTS if re.fullmatch(form, cell)), "leave it empty if it is missing")
        raise InputError(
            f"{table.where}: {table.row(first)} of column {name!r} is {cell!r}, not a number "
            f"({plural(bad.sum(), 'such cell')}); {hint}."
        )
    return values
