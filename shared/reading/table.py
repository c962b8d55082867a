"""A user's table before anything is made of it, and the words that messages about it share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice

import pandas as pd

from ..errors import InputError


@dataclass(frozen=True)
class Table:
    """Columns by name, and what messages need to point into them."""

    frame: pd.DataFrame  # str names; text stays text; the index counts rows as the source has them
    where: str  # "load.csv", "the table"
    header: int = 0  # rows above the first data row, as a person counts them in the file
    index: str | None = None  # the column that was the time index, when the source had one
    units: dict[str, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)  # what was put right, a sentence each; grows while it is read

    def row(self, position: int) -> str:
        """Name a row as a person finds it: `row 18` of a file whose header is row 1, `row 16` of a DataFrame from 0."""
        return f"row {int(self.frame.index[position]) + self.header + (self.header > 0)}"

    def columns(self) -> str:
        """List the names of the columns, the first twenty of many."""
        count = self.frame.shape[1]
        listed = ", ".join(map(repr, islice(self.frame.columns, 20)))
        return f"{listed}, ... ({count:,} in all)" if count > 20 else listed


def require_columns(table: Table, wanted: Iterable[str]) -> None:
    """Raise InputError unless every wanted column is there; the message lists what is, and the nearest name."""
    found = list(table.frame.columns)
    for name in wanted:
        if found.count(name) == 1:
            continue
        fault = "stands more than once" if name in found else f"is missing{nearest(name, found)}"
        bare = all(not column or column[0].isdigit() for column in found)
        raise InputError(
            f"{table.where}: column {name!r} {fault}; the columns are {table.columns()}"
            f"{' (is the row of names missing at the top?)' if bare else ''}."
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'Demand'?)` or nothing."""
    folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), folded, n=1) if len(folded) < 10_000 else []
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def plural(count: int, noun: str) -> str:
    """Write `1 row`, `1,200 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
