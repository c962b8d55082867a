"""The catalogue: what it says of each set, and that nothing but the right bytes ever comes out of it."""

import hashlib
import io
import json
import os
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from labformer.shared.datasets import catalogue
from labformer.shared.datasets.entry import DataSet
from labformer.shared.errors import InputError

CONTENT = b"time,demand_mw\n2000-06-05 00:00,22262\n" * 500
OWN_DATA = os.environ.get("LABFORMER_DATA")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `pages`, on this machine alone; a page in `broken` ends half-way."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def offer(self, name: str, content: bytes, broken: bool = False) -> str:
        self.pages[f"/{name}"] = content
        self.broken |= {f"/{name}"} if broken else set()
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.pages.get(self.path)
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path in self.server.broken else content)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no local copies; -> where the file of the set `demand` would be kept."""
    monkeypatch.delenv("LABFORMER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return catalogue.cache_folder() / "forecasting" / "demand.csv"


def enter(monkeypatch: pytest.MonkeyPatch, **changes: object) -> DataSet:
    """Make a catalogue of one row, the set `demand`."""
    plain = DataSet(
        name="demand",
        title="Demand",
        domain="forecasting",
        file="demand.csv",
        url="https://example.org/1.0/demand.csv",
        sha256=sha256(CONTENT),
        bytes=len(CONTENT),
        licence="CC0-1.0",
        citation="Nobody (2000).",
        units="MW",
        columns=("time", "demand_mw"),
        sampling="30 minutes",
    )
    entered = replace(plain, **changes)
    monkeypatch.setattr(catalogue, "rows", lambda: (entered,))
    return entered


def left_behind(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.glob("*"))


# --- what the catalogue says


def test_every_set_says_all_that_a_user_must_know() -> None:
    assert len({data_set.name for data_set in catalogue.rows()}) == len(catalogue.rows()) >= 20
    for data_set in catalogue.rows():
        hashes = [data_set.sha256] + ([data_set.download_sha256] if data_set.download_sha256 else [])
        assert all(re.fullmatch("[0-9a-f]{64}", known) for known in hashes), data_set.name
        assert data_set.title and data_set.citation and data_set.units and data_set.columns and data_set.bytes > 0
        assert data_set.licence and (data_set.licence_note or not data_set.asks_consent), data_set.name
        assert (data_set.member is not None) == data_set.url.endswith(".zip"), data_set.name


def test_every_url_is_fixed_at_a_commit_or_a_version() -> None:
    for data_set in catalogue.rows():
        assert data_set.url.startswith("https://")
        assert re.search(r"/[0-9a-f]{40}/|/\d+(\.\d+)+/", data_set.url), data_set.url


def test_what_ships_is_small_and_its_licence_allows_it() -> None:
    embedded = [data_set for data_set in catalogue.rows() if data_set.embedded]
    assert [data_set.name for data_set in embedded] == ["england-wales-demand-2000", "ethanol-gfn2"]
    for data_set in embedded:
        assert data_set.bytes == catalogue.locate(data_set.name).stat().st_size <= 1_000_000
        assert not data_set.asks_consent
        assert "ND" not in data_set.licence


def test_the_embedded_demand_is_twelve_whole_weeks_of_half_hours() -> None:
    table = pd.read_csv(catalogue.locate("england-wales-demand-2000"), parse_dates=["time"])
    half_hours = pd.date_range("2000-06-05", "2000-08-27 23:30", freq="30min")
    assert list(table) == ["time", "demand_mw"]
    assert (table["time"] == half_hours).all()
    assert table["time"].iloc[0].day_name() == "Monday"
    # the documentation of the source shows these ten values first
    assert table["demand_mw"].head(10).tolist() == [
        22262,
        21756,
        22247,
        22759,
        22549,
        22313,
        22128,
        21860,
        21751,
        21336,
    ]
    weekday = table.groupby(table["time"].dt.dayofweek)["demand_mw"].mean()
    assert weekday[:5].min() > weekday[5:].max()


@pytest.mark.skipif(OWN_DATA is None, reason="no local copies: LABFORMER_DATA is not set")
def test_local_copies_are_what_the_catalogue_says() -> None:
    folder = Path(OWN_DATA or "") / "forecasting"
    present = [data_set for data_set in catalogue.rows() if (folder / data_set.file).is_file()]
    for data_set in present:
        assert catalogue.check(data_set.name) is not None
        assert catalogue.locate(data_set.name).stat().st_size == data_set.bytes
    described = json.loads((folder / "MANIFEST.json").read_text()) if (folder / "MANIFEST.json").exists() else []
    known = {data_set.file: data_set for data_set in catalogue.rows()}
    for entry in described:
        assert known[entry["file"]].sha256 == entry["sha256"]
        assert list(known[entry["file"]].columns) == entry["columns"]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean.*etth1"):
        catalogue.row("ETTh1")


# --- where a file is found


def test_a_local_copy_comes_before_the_cache(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_set = enter(monkeypatch)
    local = tmp_path / "mine" / "forecasting" / "demand.csv"
    for path in (cached, local):
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
    assert catalogue.find(data_set) == ("cached", cached)
    monkeypatch.setenv("LABFORMER_DATA", str(tmp_path / "mine"))
    assert catalogue.find(data_set) == ("local", local)
    assert catalogue.locate("demand") == local
    local.unlink()
    assert catalogue.locate("demand") == cached


def test_a_relative_folder_stays_the_same_when_the_process_moves(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch)
    local = tmp_path / "relative-copies" / "forecasting" / "demand.csv"
    local.parent.mkdir(parents=True)
    local.write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABFORMER_DATA", "relative-copies")
    assert catalogue.locate("demand") == local
    monkeypatch.chdir("/")
    assert catalogue.locate("demand") == local


def test_a_folder_that_is_none_is_said(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch)
    monkeypatch.setenv("LABFORMER_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="LABFORMER_DATA names .*nowhere"):
        catalogue.locate("demand")


def test_what_is_absent_is_named_with_its_source_and_both_ways_to_get_it(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_set = enter(monkeypatch)
    assert catalogue.check("demand") is None
    with pytest.raises(InputError) as caught:
        catalogue.locate("demand")
    message = str(caught.value)
    for part in ("demand.csv", data_set.url, "labformer data fetch demand", "LABFORMER_DATA", "forecasting/demand.csv"):
        assert part in message
    assert "\n" not in message


# --- downloads


def test_a_download_is_kept_and_not_repeated(cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT))
    assert catalogue.fetch("demand", progress=False) == cached
    assert cached.read_bytes() == CONTENT
    assert catalogue.fetch("demand", progress=False) == catalogue.locate("demand") == cached
    assert server.asked == ["/demand.csv"]
    assert left_behind(cached) == ["demand.csv"]


def test_the_bar_of_a_download_goes_to_standard_error(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT))
    catalogue.fetch("demand", progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "100%" in said.err


def test_a_file_in_a_folder_of_its_domain_is_fetched(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT), file="nab/demand.csv")
    assert catalogue.fetch("demand", progress=False) == cached.parent / "nab" / "demand.csv"


def zipped(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, CONTENT)
    return buffer.getvalue()


@pytest.mark.parametrize("hash_known", [True, False])
def test_the_member_of_an_archive_is_kept_and_the_archive_is_not(
    hash_known: bool, cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped("inner/raw.csv")
    known = sha256(archive) if hash_known else None
    enter(monkeypatch, url=server.offer("all.zip", archive), member="inner/raw.csv", download_sha256=known)
    assert catalogue.fetch("demand", progress=False) == cached
    assert cached.read_bytes() == CONTENT
    assert left_behind(cached) == ["demand.csv"]


def test_another_file_is_refused_and_kept_aside(cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    other = CONTENT.replace(b"22262", b"22263", 1)
    enter(monkeypatch, url=server.offer("demand.csv", other))
    with pytest.raises(InputError, match="refused demand.csv") as caught:
        catalogue.fetch("demand", progress=False)
    assert sha256(other) in str(caught.value)
    assert sha256(CONTENT) in str(caught.value)
    assert left_behind(cached) == ["demand.csv.refused"]
    assert cached.with_name("demand.csv.refused").read_bytes() == other
    assert catalogue.check("demand") is None


def test_another_archive_is_refused_and_kept_aside_unopened(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.offer("all.zip", zipped("raw.csv"))
    enter(monkeypatch, url=url, member="raw.csv", download_sha256="0" * 64)
    with pytest.raises(InputError, match="refused all.zip"):
        catalogue.fetch("demand", progress=False)
    assert left_behind(cached) == ["all.zip.refused"]


@pytest.mark.parametrize("archive", [zipped("other.csv"), b"not an archive", zipped("raw.csv")[:-50]])
def test_an_archive_without_the_member_leaves_nothing_behind(
    archive: bytes, cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, url=server.offer("all.zip", archive), member="raw.csv")
    with pytest.raises(InputError, match="holds no readable raw.csv"):
        catalogue.fetch("demand", progress=False)
    assert left_behind(cached) == []


def test_a_download_that_breaks_off_leaves_nothing_behind(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT, broken=True))
    with pytest.raises(InputError, match="cannot download demand.csv"):
        catalogue.fetch("demand", progress=False)
    assert left_behind(cached) == []


def test_a_page_that_is_gone_is_said(cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, url=f"http://127.0.0.1:{server.server_port}/gone.csv")
    with pytest.raises(InputError, match="HTTP 404"):
        catalogue.fetch("demand", progress=False)
    assert left_behind(cached) == []


def test_without_network_one_line_says_which_file_from_where_and_what_to_do(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/demand.csv"
    enter(monkeypatch, url=url)
    with pytest.raises(InputError) as caught:
        catalogue.fetch("demand", progress=False)
    for part in ("demand.csv", url, "LABFORMER_DATA", "forecasting/demand.csv"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left_behind(cached) == []


def test_an_unknown_licence_asks_for_consent_before_anything_is_downloaded(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT), licence="unknown", licence_note="Nobody says.")
    with pytest.raises(InputError, match="Nobody says.*--accept"):
        catalogue.fetch("demand", progress=False)
    assert server.asked == []
    assert catalogue.fetch("demand", accept=True, progress=False) == cached
    # whoever holds the file has decided already
    assert catalogue.fetch("demand", progress=False) == cached


def test_what_is_made_by_a_recipe_is_not_downloaded(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, recipe="convert the GRIB.")
    with pytest.raises(InputError, match="it is made: convert the GRIB"):
        catalogue.fetch("demand", accept=True, progress=False)


# --- files that changed


def test_a_changed_file_of_the_cache_is_kept_aside_and_fetched_anew(
    cached: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, url=server.offer("demand.csv", CONTENT))
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"changed")
    with pytest.raises(InputError, match="kept aside as .*demand.csv.refused.*data fetch demand"):
        catalogue.locate("demand")
    assert left_behind(cached) == ["demand.csv.refused"]
    assert catalogue.fetch("demand", progress=False).read_bytes() == CONTENT


def test_a_changed_local_copy_is_refused_and_not_touched(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch)
    local = tmp_path / "mine" / "forecasting" / "demand.csv"
    local.parent.mkdir(parents=True)
    local.write_bytes(b"changed")
    monkeypatch.setenv("LABFORMER_DATA", str(tmp_path / "mine"))
    for ask in (catalogue.check, catalogue.locate, catalogue.fetch):
        with pytest.raises(InputError, match=sha256(b"changed")):
            ask("demand")
    assert left_behind(local) == ["demand.csv"]
