"""Gzipped CSV is read as the CSV inside, within a limit, and refused in one line when it is cut short or disguised."""

import gzip
import pickle
from pathlib import Path

import pytest

from labformer.shared.errors import InputError
from labformer.shared.reading import files
from labformer.shared.reading.files import read_table

CSV = b"time,load\n" + b"".join(b"2024-01-01 %02d:00,%d\n" % (hour, 900 + 37 * hour) for hour in range(24))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["load.csv.gz", "load.gz", "LOAD.GZIP", "load.tsv.gzip"])
def test_the_table_inside_is_the_table(tmp_path: Path, name: str) -> None:
    plain = read_table(written(tmp_path / "load.csv", CSV))
    packed = read_table(written(tmp_path / name, gzip.compress(CSV)))
    assert packed.frame.equals(plain.frame) and packed.row(0) == plain.row(0) == "row 2"


def test_several_members_are_one_table(tmp_path: Path) -> None:
    path = written(tmp_path / "load.csv.gz", gzip.compress(CSV[:100]) + gzip.compress(CSV[100:]))
    assert len(read_table(path).frame) == 24


@pytest.mark.parametrize("kept", [3, 12, 60, -4])
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, kept: int) -> None:
    with pytest.raises(InputError, match="cannot be unpacked as gzip .* cut short") as caught:
        read_table(written(tmp_path / "load.csv.gz", gzip.compress(CSV)[:kept]))
    assert "\n" not in str(caught.value)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(CSV))
    content[-6] ^= 1  # of the checksum
    with pytest.raises(InputError, match="cannot be unpacked as gzip"):
        read_table(written(tmp_path / "load.csv.gz", bytes(content)))


def test_what_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "load.csv.gz", gzip.compress(CSV))
    monkeypatch.setattr(files, "MOST", len(CSV))
    assert len(read_table(path).frame) == 24
    monkeypatch.setattr(files, "MOST", len(CSV) - 1)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CSV, "is not gzip-compressed inside; give it the suffix of what it holds"),
        (gzip.compress(b""), "is empty inside"),
        (gzip.compress(pickle.dumps({})), "pickles are never opened"),
        (gzip.compress(b"PAR1" + bytes(40)), "is Parquet inside"),
        (gzip.compress(gzip.compress(CSV)), "is gzip-compressed inside"),
    ],
    ids=["plain", "empty", "pickle", "parquet", "gzip"],  # gzip writes the time, and ids must not change with it
)
def test_what_is_no_csv_inside_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(written(tmp_path / "load.csv.gz", content))
