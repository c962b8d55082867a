"""One row of the catalogue: where a file comes from, what it must be, and what its licence allows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataSet:
    """A file that the suite knows: its source at a fixed commit or version, its hash and its licence."""

    name: str
    title: str
    domain: str  # the folder of the file under LABFORMER_DATA and in the cache
    file: str  # its path in that folder, or in `data/` when embedded
    url: str  # the download at a fixed commit or version; for an embedded set the page that it came from
    sha256: str  # of the file used
    bytes: int  # of the file used
    licence: str  # "unknown" asks for the user's consent
    citation: str
    units: str
    columns: tuple[str, ...]
    sampling: str
    licence_note: str = ""
    note: str = ""
    member: str | None = None  # the path of the file in the downloaded zip archive
    download_sha256: str | None = None  # of the download, where that is not the file used itself
    recipe: str | None = None  # how the file was made, where it is an excerpt or a conversion
    embedded: bool = False  # ships with the suite

    @property
    def asks_consent(self) -> bool:
        """Whether nobody knows the licence, so that the user has to decide."""
        return self.licence == "unknown"

    @property
    def size(self) -> str:
        """The size of the file for people, as in `2.6 MB`."""
        return f"{self.bytes / 1e6:.1f} MB" if self.bytes >= 1e6 else f"{self.bytes / 1e3:.0f} kB"
