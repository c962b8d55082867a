"""The report of a run: one HTML file that opens offline, prints, and reads well in light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation.table import Table
from ..writing import whole_file
from .style import to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with words, and a figure or a table or both under it."""

    title: str
    text: str = ""  # plain; a blank line begins a new paragraph
    figure: "Figure | None" = None
    table: Table | None = None
    points: Sequence[str] = ()  # plain too, as a list under the words
    alt: str = ""  # what the figure shows, for a reader who cannot see it; the title when nothing is given


@dataclass(frozen=True, slots=True)
class Report:
    """What a page says, from top to bottom. All words are plain text: whatever they hold is shown, never obeyed."""

    title: str
    summary: str
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = ()  # the few numbers to see first: ("MAE", "512 MW")
    footer: str = ""  # where it comes from and how to repeat it

    def to_html(self) -> str:
        """The whole page; no script, and nothing loaded from elsewhere."""
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup

        # the only markup that is let through unescaped is made here, by functions that escape every word themselves
        drawings = [
            None
            if section.figure is None
            else Markup(to_svg(section.figure, section.alt or section.title, f"figure-{i}"))
            for i, section in enumerate(self.sections, 1)
        ]
        tables = [None if section.table is None else Markup(section.table.to_html()) for section in self.sections]
        template = (files(__package__) / "templates" / "report.html").read_text(encoding="utf-8")
        page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        page.filters["paragraphs"] = _paragraphs
        return page.from_string(template).render(
            report=self, parts=list(zip(self.sections, drawings, tables, strict=True))
        )

    def write(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the page, whole or not at all.

        Raises InputError when the file exists and `overwrite` is false.
        """
        page = self.to_html()
        with whole_file(path, overwrite) as partial:
            partial.write_text(page, encoding="utf-8")


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n\n") if part.strip()]
