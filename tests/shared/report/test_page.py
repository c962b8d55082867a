import re
from html.parser import HTMLParser

import numpy as np
import pytest

from labformer.shared.errors import InputError
from labformer.shared.evaluation.table import Table
from labformer.shared.report.page import Report, Section
from labformer.shared.report.plots import error_by_step

EVIL = '<script>alert("1")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """Collects what a browser would see: tags with attributes, words, and tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def make(word: str = "model") -> Report:
    figure = error_by_step({word: np.arange(1.0, 5), "other": np.ones(4)}, chosen=word, unit=word, step_name=word)
    table = Table((word, "MAE"), ((word, "1.0"),), marked=0, caption=word)
    section = Section(word, word, figure, table, alt=word, points=(word,))
    return Report(word, word, [section, section], facts=[(word, word)], footer=word)


def test_no_name_from_a_file_can_inject_anything_into_the_page() -> None:
    page = Page(make(EVIL).to_html())
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert sum(EVIL in words for words in page.words) >= 10  # and every place shows the name as it is
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in Page(make().to_html()).tags}


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    text = make().to_html()
    page = Page(text)
    assert page.open == []
    links = [value for _, a in page.tags for name, value in a.items() if name in ("src", "href", "xlink:href")]
    assert links
    assert all(str(link).startswith(("#", "data:")) for link in links)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_figures_say_in_words_what_they_show_and_share_no_id() -> None:
    page = Page(make().to_html())
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert [(one["role"], one["aria-label"]) for one in drawings] == [("img", "model")] * 2
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 2
    used = {str(a[name])[1:] for _, a in page.tags for name in ("href", "xlink:href") if name in a}
    assert used <= set(ids)


def test_a_blank_line_begins_a_paragraph_and_empty_parts_leave_no_trace() -> None:
    bare = Report("Title", "One.\n\nTwo.", [Section("Only words", "Three.")]).to_html()
    assert [w for w in Page(bare).words if w in ("One.", "Two.", "Three.")] == ["One.", "Two.", "Three."]
    assert not {"svg", "table", "dl", "footer"} & {tag for tag, _ in Page(bare).tags}


def test_a_long_page_begins_with_its_contents() -> None:
    sections = [Section(f"Part {i}", "Words.", points=("first", "second")) for i in range(4)]
    page = Page(Report("Title", "Sum.", sections).to_html())
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{one}" for one in ids]
    assert page.words.count("Part 2") == 2
    assert page.words.count("second") == 4
    assert "nav" not in {tag for tag, _ in Page(Report("Title", "Sum.", sections[:3]).to_html()).tags}


def test_the_same_report_is_the_same_file(tmp_path) -> None:
    make().write(tmp_path / "a.html")
    make().write(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_an_existing_page_is_kept_unless_told_otherwise(tmp_path) -> None:
    target = tmp_path / "report.html"
    target.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        make().write(target)
    assert target.read_text() == "mine"
    make().write(target, overwrite=True)
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
