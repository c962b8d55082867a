"""A file is what its SHA-256 says; any other is refused."""

import hashlib
from pathlib import Path

from ..errors import InputError


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits; about a second a gigabyte."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_changed(path: Path, sha256: str, advice: str, aside: Path | None = None) -> None:
    """Raise InputError with both hashes and the advice, unless the file has this SHA-256.

    When `aside` is given the refused file is moved there, so that it can be looked at and is never taken for the
    real one; without it the file stays where it is (a user's own folder is not ours to change).
    """
    found = sha256_of(path)
    if found == sha256:
        return
    kept = ""
    if aside is not None:
        path.replace(aside)
        kept = f", kept aside as {aside}"
    name = path.name.removesuffix(".partial")
    raise InputError(f"refused {name}{kept}: its SHA-256 is {found}, the catalogue says {sha256}; {advice}.")
