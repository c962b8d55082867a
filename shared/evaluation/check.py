"""A law that a prediction must obey, and whether it did."""

from typing import NamedTuple


class Check(NamedTuple):
    """One law, whether it held, and by what number."""

    law: str
    holds: bool
    detail: str
