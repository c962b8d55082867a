"""Download one file of the catalogue, whole and verified or not at all."""

import shutil
import zipfile
from pathlib import Path

from ..errors import InputError
from ..writing import whole_file
from .entry import DataSet
from .verification import refuse_changed

SOURCE_CHANGED = "try again, and if it stays so the source has changed or something altered it on the way"


def download(data_set: DataSet, folder: Path, progress: bool = True) -> Path:
    """Bring the file to `folder`; -> its path there.

    Archive and file are each checked against the catalogue; one that differs is kept aside as NAME.refused. A
    download that breaks off leaves nothing behind. Raises InputError, which says which file from where.
    """
    target = folder / data_set.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, overwrite=True) as partial:
            if data_set.member is None:
                _receive(data_set.url, partial, progress)
            else:
                _receive_member(data_set, data_set.member, partial, progress)
            refuse_changed(partial, data_set.sha256, SOURCE_CHANGED, aside=_aside(partial))
    except OSError as error:  # what requests raises is an OSError too
        response = getattr(error, "response", None)
        reason = error.strerror or type(error).__name__ if response is None else f"HTTP {response.status_code}"
        raise InputError(
            f"cannot download {data_set.file} from {data_set.url} ({reason}); try again later, or set LABFORMER_DATA "
            f"to a folder that holds a copy as {data_set.domain}/{data_set.file}."
        ) from error
    return target


def _receive(url: str, target: Path, progress: bool) -> None:
    from pooch import HTTPDownloader

    HTTPDownloader(progressbar=progress, chunk_size=2**16, timeout=30)(url, str(target), None)


def _receive_member(data_set: DataSet, member: str, target: Path, progress: bool) -> None:
    """Write one member of a zip archive to `target`; the archive itself is not kept."""
    archive = target.with_name(data_set.url.rpartition("/")[2] + ".partial")
    try:
        _receive(data_set.url, archive, progress)
        if data_set.download_sha256 is not None:
            refuse_changed(archive, data_set.download_sha256, SOURCE_CHANGED, aside=_aside(archive))
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{data_set.url} holds no readable {member}; {SOURCE_CHANGED}.") from error
    finally:
        archive.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".partial") + ".refused")
