"""The section of a report that says which laws hold."""

from collections.abc import Sequence

from ..evaluation.check import Check
from ..evaluation.table import Table
from .page import Section


def laws(checks: Sequence[Check], subject: str) -> Section:
    """Every law with its verdict and number; `subject` is what must obey them, as "a forecast"."""
    rows = [(check.law, "holds" if check.holds else "BROKEN", check.detail) for check in checks]
    table = Table(("law", "verdict", "measured"), rows)
    return Section("Checks", f"Laws {subject} must obey, tried on this data.", table=table)
