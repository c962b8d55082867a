"""The errors that a user can cause and mend; the command line prints them as one line and exits with 1."""

from importlib import import_module
from types import ModuleType


class InputError(ValueError):
    """What was given cannot be used; the message says what is wrong, where, and what to do."""


class MissingExtra(ImportError):
    """A package is missing that an extra of the suite installs; the message names the extra."""


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, or raise `MissingExtra` with the one command that installs it.

    `require("openpyxl", "forecasting")` fails with a line that ends in `pip install "labformer[forecasting]"`.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed: "
            f'pip install "labformer[{extra}]".'
        ) from error
