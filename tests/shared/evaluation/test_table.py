import math

import pytest

from labformer.shared.evaluation.table import Table, figures, seconds

TABLE = Table(("model", "MAE", "note"), (("a|b", "1.00", ""), ("<script>alert(1)</script>", "12,345", "R&D")), 1, "C<")


def test_columns_of_numbers_line_up_on_the_right() -> None:
    lines = TABLE.to_text().splitlines()
    assert lines[0] == "C<"
    ends = [line.index(word) + len(word) for line, word in zip(lines[3:], ("1.00", "12,345"), strict=True)]
    assert ends[0] == ends[1] == lines[1].index("MAE") + 3
    assert [line[:2] for line in lines[3:]] == ["  ", "* "]


def test_no_cell_can_inject_into_html_or_break_out_of_markdown() -> None:
    page = TABLE.to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "R&amp;D" in page
    assert "C&lt;" in page
    assert page.count('<tr class="marked">') == 1
    markdown = TABLE.to_markdown().splitlines()
    assert markdown[2].startswith("| a\\|b |")
    assert "<script>" not in markdown[3]
    assert markdown[3].startswith("| **&lt;script&gt;")


def test_a_table_without_rows_is_a_header() -> None:
    assert Table(("model", "MAE"), ()).to_text().splitlines()[0].split() == ["model", "MAE"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (512.3, "512"), (51.23, "51.2"), (0.36987, "0.370"), (-0.5, "-0.500"), (0, "0.00"),
     (0.00012345, "0.000123"), (999.7, "1,000"), (None, ""), (math.nan, ""), (math.inf, "")],
)  # fmt: skip
def test_figures_are_three_significant_and_unknown_ones_are_blank(value: float | None, text: str) -> None:
    assert figures(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0351, "35 ms"), (0.9999, "1.0 s"), (4.21, "4.2 s"), (119.9, "2 min 0 s"), (200, "3 min 20 s"), (None, ""),
     (math.nan, "")],
)  # fmt: skip
def test_times_are_said_as_people_say_them(value: float | None, text: str) -> None:
    assert seconds(value) == text
