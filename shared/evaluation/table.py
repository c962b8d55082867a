"""A table of words and numbers, and how it is written: aligned text, Markdown, safe HTML."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; a column of words stands to the left, a column of numbers to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: int | None = None  # the row that matters most
    caption: str = ""

    def words(self) -> list[bool]:
        """Which columns are words: the first, and those where some cell begins with a letter."""
        columns = zip(*self.rows, strict=True) if self.rows else [() for _ in self.header]
        return [i == 0 or any(cell[:1].isalpha() for cell in column) for i, column in enumerate(columns)]

    def to_text(self) -> str:
        """Aligned columns for a terminal; the marked row begins with a star when there is one."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [self._line(self.header, widths), "  " + "  ".join("-" * width for width in widths)]
        lines += [self._line(row, widths, "* " if i == self.marked else "  ") for i, row in enumerate(self.rows)]
        return "\n".join(([self.caption] if self.caption else []) + lines)

    def to_markdown(self) -> str:
        """A pipe table; the marked row is bold."""
        safe = [[_markdown_cell(cell) for cell in row] for row in (self.header, *self.rows)]
        if self.marked is not None:
            safe[self.marked + 1] = [f"**{cell}**" if cell else "" for cell in safe[self.marked + 1]]
        rule = ["---" if words else "---:" for words in self.words()]
        return "\n".join("| " + " | ".join(row) + " |" for row in (safe[0], rule, *safe[1:]))

    def to_html(self) -> str:
        """A <table> in which every cell is escaped."""
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        kind = [' class="words"' if words else "" for words in self.words()]
        head = "".join(
            f'<th scope="col"{c}>{html.escape(cell)}</th>' for c, cell in zip(kind, self.header, strict=True)
        )
        body = "".join(
            ('<tr class="marked">' if i == self.marked else "<tr>")
            + f'<th scope="row"{kind[0]}>{html.escape(row[0])}</th>'
            + "".join(f"<td{c}>{html.escape(cell)}</td>" for c, cell in zip(kind[1:], row[1:], strict=True))
            + "</tr>"
            for i, row in enumerate(self.rows)
        )
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _line(self, cells: Sequence[str], widths: Sequence[int], mark: str = "  ") -> str:
        placed = zip(cells, widths, self.words(), strict=True)
        return (mark + "  ".join(c.ljust(width) if words else c.rjust(width) for c, width, words in placed)).rstrip()


def figures(value: float | None) -> str:
    """Three significant figures as people write them: 12,345, 51.2, 0.370; nothing for what is not known."""
    if value is None or not math.isfinite(value):
        return ""
    decimals = 2 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 6)}f}"


def seconds(value: float | None) -> str:
    """A time as people say it: 35 ms, 4.2 s, 3 min 20 s."""
    if value is None or not math.isfinite(value):
        return ""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    return f"{round(value) // 60} min {round(value) % 60} s"


def _markdown_cell(text: str) -> str:
    """One line that neither ends the cell nor opens a tag."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
