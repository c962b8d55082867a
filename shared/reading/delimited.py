"""CSV in its dialects: where the header stands, what separates the cells, and which rows are none of the data."""

import csv
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError
from .table import Table, plural

SEPARATORS = ",;\t|"
WIDEST = 20_000  # columns; more of them is a table lying on its side
SAMPLE_ROWS, SAMPLE_CHARACTERS = 100, 200_000
OPEN = '{}: a quotation mark (") is opened and never closed; close it or export the file again.'
Rows = list[tuple[int, list[str]]]  # (number of the line it ends on, cells)


def read_delimited(path: Path, data: bytes | None = None) -> Table:
    """Read comma, semicolon, tab or bar separated UTF-8; lines above the header are left out and said.

    data  what the file holds, where that is not what it holds on the disk: once unpacked
    Raises InputError when the text is in another encoding, binary, ragged, cut short, or wider than 20,000 columns.
    """
    data = path.read_bytes() if data is None else data
    text = _decoded(data, path)
    head = _head(text)
    separator, rows = _split(head)
    at = _header(rows)
    if len(rows) < at + 2 < len(head) and any('"' in line for line in head):
        raise InputError(OPEN.format(path))
    if len(rows) < at + 2:
        raise InputError(f"{path} has no rows of data below its header; export or download it again.")
    line, names = rows[at]
    if len(names) > WIDEST:
        raise InputError(
            f"{path} has {len(names):,} columns in {plural(len(rows), 'row')}; does time run across instead of down? "
            f"Write a row for each time and a column for each series, up to {WIDEST:,} (pandas: frame.T)."
        )
    skipped, below = line - 1, rows[at + 1 :]
    trailing = all(len(row) == len(names) + 1 and not row[-1].strip() for _, row in below)
    skipped_bytes = _length_of(data, skipped + trailing)
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(skipped_bytes)),
            # One thread, so that errors carry the row; a block holds several rows of the widest file.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                block_size=max(1 << 20, 8 * max(map(len, head))),
                column_names=[*names, ""] if trailing else None,
            ),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys([*names, ""], pa.string())),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        fault = re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + skipped}", str(error).splitlines()[0])
        raise InputError(
            f"{path} is not a whole CSV table: {fault.rstrip('.')}. Each row needs as many cells as the header "
            "(a decimal comma needs another separator); if it is the last row, the file was cut short: export it again."
        ) from error
    if table.num_rows and any("\n" in (column[-1].as_py() or "") for column in table.columns):
        raise InputError(OPEN.format(path))
    notes = [f"{plural(skipped, 'line')} above the header left out"] if skipped else []
    return Table(table.to_pandas(types_mapper=pd.ArrowDtype), str(path), header=skipped + 1, repairs=notes)


def _decoded(data: bytes, path: Path) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} holds the byte 0x{data[error.start]:02x}, which is not UTF-8; save it as CSV UTF-8, "
            f"or convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name}."
        ) from None
    if "\0" in text[:4096]:
        raise InputError(f"{path} is a binary file, not CSV; give the file the suffix of what it holds.")
    return text


def _head(text: str) -> list[str]:
    """Take the first lines, their ends included: enough to know the dialect, at least three however long they are."""
    lines: list[str] = []
    for line in re.finditer(r"[^\r\n]*(\r\n?|\n)|[^\r\n]+$", text):
        lines.append(line[0])
        if len(lines) >= SAMPLE_ROWS or (len(lines) > 2 and line.end() > SAMPLE_CHARACTERS):
            break
    return lines


def _split(head: list[str]) -> tuple[str, Rows]:
    """Find the separator that cuts most lines, the header among them, into the same number of cells."""
    cut = {separator: _cells(head, separator) for separator in SEPARATORS}

    def agreement(separator: str) -> tuple[int, int]:
        widths = Counter(len(row) - (not row[-1]) for _, row in cut[separator] if len(row) > 1)
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
        return count, width

    best = max(SEPARATORS, key=agreement)
    return best, cut[best]


def _cells(head: list[str], separator: str) -> Rows:
    rows: Rows = []
    reader = csv.reader(head, delimiter=separator)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((reader.line_num, row))
    except csv.Error:  # a quotation mark left open: the reader of the whole file names the row
        pass
    return rows


def _header(rows: Rows) -> int:
    """Find the row of names: the first as wide as most rows, or the one above it when that is data already."""
    lasting = [index for index, (_, row) in enumerate(rows) if not row[0].lstrip().startswith("#")]
    widths = Counter(len(rows[index][1]) for index in lasting)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    first = next((index for index in lasting if len(rows[index][1]) == usual), 0)
    cells = [cell.strip() for cell in rows[first][1] if cell.strip()] if rows else []
    is_data = sum(cell[0].isdigit() or cell[0] in "+-." for cell in cells) * 2 > len(cells)
    above = [index for index in lasting if index < first]
    return above[-1] if is_data and above else first


def _length_of(data: bytes, lines: int) -> int:
    """Count the bytes of the first lines."""
    place = 0
    for _ in range(lines):
        place = re.compile(rb"\r\n?|\n").search(data, place).end()  # type: ignore[union-attr]
    return place
