"""What a column of times says: spellings of dates, numbers that count from an epoch, 24:00, letters of a zone."""

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from .cells import is_text, numbers, text_of
from .table import Table

OFFSET = r":\d{2}([.,]\d+)?\s*(Z|z|[+-]\d{2}(:?\d{2})?)$"
MIDNIGHT, ZERO = r"([ T])24(:00(:00([.,]0*)?)?)$", r"\100\2"
LETTERS = r"\s([A-Za-z]{3,5})$"
FORMATS = [
    f"{date}{clock}"
    for date, clock in product(
        ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y"),
        ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"),
    )
]
# Hours ahead of UTC; letters that mean several zones (CST, IST) are left out.
ZONE_LETTERS = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "MEZ": 1,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AEST": 10,
    "AEDT": 11,
    "AWST": 8,
    "NZST": 12,
    "NZDT": 13,
    "JST": 9,
}
# Numbers that mean times: (from, to, unit or format, words); the year stands between 1900 and 2100.
COUNTS = (
    (19_000_101, 21_001_231, "%Y%m%d", "dates such as 20240131"),
    (1_900_010_100, 2_100_123_123, "%Y%m%d%H", "times such as 2024013123"),
    (190_001_010_000, 210_012_312_359, "%Y%m%d%H%M", "times such as 202401312330"),
    (20_000, 75_000, "D", "days of a spreadsheet"),  # since 1899-12-30: 1954 to 2105
    (1.6e8, 4.1e9, "s", "seconds since 1970, in UTC"),
    (1.6e11, 4.1e12, "ms", "milliseconds since 1970, in UTC"),
    (1.6e14, 4.1e15, "us", "microseconds since 1970, in UTC"),
    (1.6e17, 4.1e18, "ns", "nanoseconds since 1970, in UTC"),
)


def read_stamps(table: Table, name: str) -> pd.DatetimeIndex:
    """Read a column of times: in UTC when it carries offsets, else naive as written, NaT where unreadable; (row,).

    Raises InputError when dates can be read in two ways, offsets stand at some only, or numbers are no times.
    """
    column = table.frame[name]
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.DatetimeIndex(column.dt.to_timestamp())
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.DatetimeIndex(column)
    if not is_text(column):
        return _count(table, name)
    text = text_of(column)
    if _all_numbers(text):
        return _count(table, name)
    offset = pc.fill_null(pc.match_substring_regex(text, OFFSET), False).to_numpy(zero_copy_only=False)
    if offset.any() and not offset[given := np.flatnonzero(text.is_valid())].all():
        zero, first = given[0], given[(offset[given] != offset[given[0]]).argmax()]
        raise InputError(
            f"{table.where}: {table.row(first)} has the time {text[first].as_py()!r} and {table.row(zero)} "
            f"{text[zero].as_py()!r}: some carry an offset from UTC and some do not; write all of them alike."
        )
    try:
        stamps, note = parse(text, utc=bool(offset.any()))
        if (odd := stamps.isna() & text.is_valid().to_numpy(zero_copy_only=False)).any() and not offset.any():
            stamps, note = _respelled(table, name, text, stamps, odd) or (stamps, note)
    except Ambiguous as error:
        raise InputError(f"{table.where}: column {name!r} {error}; write dates as 2014-03-30.") from None
    if note:
        table.repairs.append(f"{name!r}: {note}")
    return stamps


def _count(table: Table, name: str) -> pd.DatetimeIndex:
    read = _counted(numbers(table, name))
    if read is None:
        raise InputError(
            f"{table.where}: column {name!r} holds numbers that are no times (neither seconds since 1970 nor days of a "
            "spreadsheet); name another column with time=."
        )
    table.repairs.append(f"{name!r}: numbers read as {read[1]}")
    return read[0]


def reads_as_time(column: pd.Series, familiar: bool) -> bool:
    """Do nine in ten of the first cells read as times (one that does not is named later)?

    Numbers count only under a `familiar` name.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    head = column.head(200)
    if is_text(column):
        if not familiar and str(column.iloc[0]).replace(".", "", 1).isdigit():  # soon done where columns are many
            return False
        text = text_of(head).drop_null()
        head = pd.Series(text.to_pandas(), dtype=object)
    counts = pd.to_numeric(head, errors="coerce")
    if counts.notna().any() or head.isna().all():
        return familiar and _counted(counts.to_numpy(np.float64, na_value=np.nan)) is not None
    for form, plain in ((LETTERS, ""), (OFFSET, ":00"), (MIDNIGHT, ZERO)):
        text = pc.replace_substring_regex(text, form, plain)
    try:
        return bool(parse(text)[0].notna().mean() > 0.9)
    except Ambiguous:
        return True


class Ambiguous(ValueError):
    """Dates that read both as day/month and as month/day."""


def parse(text: pa.Array, utc: bool = False) -> tuple[pd.DatetimeIndex, str]:
    """Read ISO 8601, else the format that fits most cells, NaT where it does not fit: -> (stamps (row,), what to say).

    Where day/month and month/day both fit, the one that leaves the steps equal is taken, and said.
    """
    cells = pd.Series(text.to_pandas(), dtype=object)
    present = cells.dropna()
    sample = present.iloc[np.linspace(0, len(present) - 1, min(len(present), 500)).astype(int)]
    fits = {"ISO8601": _in_format(sample, "ISO8601", utc).count()}
    if fits["ISO8601"] < len(sample) and not utc:
        fits |= {form: _in_format(sample, form).count() for form in FORMATS}
    best = [form for form, count in fits.items() if count == max(fits.values())]
    if "ISO8601" in best:
        return pd.DatetimeIndex(_in_format(cells, "ISO8601", utc)), ""
    read = sorted(((_in_format(cells, form), form) for form in best), key=lambda pair: -pair[0].count())
    (first, form), (second, _) = read[0], read[min(1, len(read) - 1)]
    if first.count() == second.count() and not first.equals(second):
        uneven = [_uneven(column) for column, _ in read[:2]]
        if max(uneven) < 3 or 4 * min(uneven) > max(uneven):
            raise Ambiguous(f"reads both as day/month and as month/day ({sample.iloc[0]!r})")
        first, form = read[int(np.argmin(uneven))]
        order = "day/month" if form.index("%d") < form.index("%m") else "month/day"
        return pd.DatetimeIndex(first), f"dates read as {order}, the only order in which the steps are equal"
    return pd.DatetimeIndex(first), ""


def _in_format(cells: pd.Series, form: str, utc: bool = False) -> pd.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # said by pandas of offsets at some stamps only, handled below
        read = pd.to_datetime(cells, format=form, errors="coerce", utc=utc)
    if read.dtype != object:
        return read
    return pd.to_datetime(read.map(lambda stamp: pd.NaT if pd.isna(stamp) or stamp.tzinfo else stamp))


def _uneven(stamps: pd.Series) -> int:
    """Count the steps that are not the usual one."""
    steps = stamps.dropna().diff().dropna()
    return int(len(steps) - steps.value_counts().max()) if len(steps) else 0


def _respelled(
    table: Table, name: str, text: pa.Array, stamps: pd.DatetimeIndex, odd: np.ndarray
) -> tuple[pd.DatetimeIndex, str] | None:
    """Read again with the letters of zones made offsets and 24:00 made midnight; None when neither is there."""
    letters = pd.Series(pc.extract_regex(text, LETTERS.replace("(", "(?P<zone>")).to_pandas(), dtype=object).map(
        lambda found: found["zone"].upper() if found and found["zone"] not in ("AM", "PM", "am", "pm") else None,
        na_action="ignore",
    )
    known, given = letters.isin(ZONE_LETTERS).to_numpy(), text.is_valid().to_numpy(zero_copy_only=False)
    if (strange := odd & letters.notna().to_numpy() & ~known).any() or (known.any() and not known[given].all()):
        first = int((strange if strange.any() else given & ~known).argmax())
        raise InputError(
            f"{table.where}: {table.row(first)} has the time {text[first].as_py()!r}, whose zone is not clear; write "
            "the offset from UTC instead, as in 2014-03-30T01:30+01:00."
        )
    late = pc.fill_null(pc.match_substring_regex(pc.replace_substring_regex(text, LETTERS, ""), MIDNIGHT), False)
    if not known.any() and not late.true_count:
        return None
    notes = []
    if known.any():
        text = pc.replace_substring_regex(text, LETTERS, "")
    if late.true_count:
        text = pc.replace_substring_regex(text, MIDNIGHT, ZERO)
        notes.append(
            "24:00 read as midnight at the end of the day: the times stand at the end of a period, not shifted"
        )
    stamps, note = parse(text)
    stamps = stamps + pd.to_timedelta(late.to_numpy(zero_copy_only=False).astype(int), unit="D")
    if known.any():
        ahead = letters.map(ZONE_LETTERS, na_action="ignore").to_numpy(np.float64, na_value=np.nan)
        stamps = (stamps - pd.to_timedelta(ahead, unit="h")).tz_localize("UTC")
        used = dict.fromkeys(letters[known])
        notes.append("zones " + ", ".join(f"{word} read as UTC{ZONE_LETTERS[word]:+d}" for word in used))
    return stamps, "; ".join([*notes, note] if note else notes)


def _all_numbers(text: pa.Array) -> bool:
    start = text.slice(0, 20).drop_null().to_pylist()
    return bool(start) and all(cell.replace(".", "", 1).isdigit() for cell in start)


def _counted(values: np.ndarray) -> tuple[pd.DatetimeIndex, str] | None:
    """Read numbers as the times they count, NaN as NaT: -> (stamps, words); None when they mean no times."""
    given = values[~np.isnan(values)]
    for least, most, unit, words in COUNTS:
        if not len(given) or given.min() < least or given.max() > most:
            continue
        if unit == "D":
            days = pd.to_datetime(values, unit="D", origin="1899-12-30", errors="coerce")
            return days.round("s"), words
        if not unit.startswith("%"):
            return pd.to_datetime(values, unit=unit, utc=True, errors="coerce").round("ms"), words
        digits = pd.Series(values).map("{:.0f}".format).where(~np.isnan(values), None)
        read = pd.DatetimeIndex(_in_format(digits, unit))
        if read.notna().sum() == len(given) and (given == np.round(given)).all():
            return read, words
    return None
