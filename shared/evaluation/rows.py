"""Rows of a benchmark as JSON lines: appended one by one, so that a benchmark that was stopped goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """Rows of an earlier, maybe interrupted, run; a last line that was cut short is left out of the file.

    Raises InputError where a line is no JSON.
    """
    path = Path(path)
    if not path.is_file():
        return []
    text = path.read_text("utf-8")
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines = lines[:-1]
        path.write_text("".join(line + "\n" for line in lines), "utf-8")
    try:
        return [json.loads(line) for line in lines]
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is no file of rows ({error}); choose another name or delete it.") from None


def append_row(path: str | Path, row: Mapping[str, Any]) -> None:
    """Write one more row."""
    with Path(path).open("a", encoding="utf-8") as sink:
        sink.write(json.dumps(row) + "\n")
